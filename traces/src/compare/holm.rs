//! Holm's correction. Without it, one of a hundred tests at a level of 1 % is significant by
//! chance.

/// The p values after Holm's step-down correction. If there is no true difference, the probability
/// of any p value at or below `level` is at most `level`, even if the tests depend on each other
/// (Holm 1979).
pub(super) fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let tests_left = (p_values.len() - rank) as f64;
        largest = largest.max((p_values[index] * tests_left).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_are_those_of_statsmodels() {
        // statsmodels 0.15: `multipletests(p_values, method='holm')`
        for (p_values, expected) in [
            (vec![0.01, 0.04, 0.03, 0.005], vec![0.03, 0.06, 0.06, 0.02]),
            (vec![0.5, 0.6], vec![1.0, 1.0]),
            (vec![0.001], vec![0.001]),
            (vec![0.02, 0.02, 0.02], vec![0.06, 0.06, 0.06]),
            (vec![], vec![]),
        ] {
            let adjusted = adjusted(&p_values);
            assert_eq!(adjusted.len(), expected.len());
            for (adjusted, expected) in adjusted.iter().zip(&expected) {
                assert!((adjusted - expected).abs() < 1e-12, "{p_values:?}");
            }
        }
    }
}
