//! How a figure differs between two runs whose rounds took turns, judged against the variation
//! between rounds.
//!
//! Rounds of the same number ran at nearly the same time, so what the machine did then touches
//! both. Each round gives one number: the logarithm of the ratio of the two figures. The
//! signed-rank test says whether these numbers lie around zero.

use super::metrics::{Metric, RoundFigure};
use super::signed_rank::{self, MIN_PAIRS};
use crate::figures::summary::Summary;

/// The result of the test, relative to the baseline's figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paired {
    /// The two-sided probability of rounds that differ at least this evenly by chance.
    pub(super) p_value: f64,
    /// The typical change over the rounds: 0.1 for 10 % more.
    pub(super) change: f64,
    /// The 95 % confidence interval of the change.
    pub(super) interval: [f64; 2],
    /// How many rounds were compared.
    pub(super) rounds: usize,
}

/// Whether the rounds of both runs took turns.
pub(super) fn took_turns(baseline: &Summary, run: &Summary) -> bool {
    baseline.interleaved.is_some() && baseline.interleaved == run.interleaved
}

/// Compares the rounds of the same number.
///
/// # Errors
/// Why they cannot be compared, in a few words.
pub(super) fn test(
    metric: &Metric,
    baseline: &Summary,
    run: &Summary,
) -> Result<Paired, &'static str> {
    if !took_turns(baseline, run) {
        return Err("not in the same rounds");
    }
    let mut ratios = Vec::new();
    let mut has_too_few = false;
    for before in &baseline.rounds {
        let after = run
            .rounds
            .iter()
            .find(|round| round.number == before.number);
        let Some(after) = after else { continue };
        match (metric.in_round(before), metric.in_round(after)) {
            (RoundFigure::Of(before), RoundFigure::Of(after)) if before > 0.0 && after > 0.0 => {
                ratios.push((after / before).ln());
            }
            (RoundFigure::TooFew, _) | (_, RoundFigure::TooFew) => has_too_few = true,
            _ => {}
        }
    }
    let tested = signed_rank::test(&ratios).ok_or(match has_too_few {
        true => "fewer than 5 beyond it in a round",
        false => TOO_FEW_ROUNDS,
    })?;
    Ok(Paired {
        p_value: tested.p_value,
        change: tested.estimate.exp_m1(),
        interval: tested.interval.map(f64::exp_m1),
        rounds: ratios.len(),
    })
}

/// Says that there are fewer rounds than [`MIN_PAIRS`].
const TOO_FEW_ROUNDS: &str = "fewer than 6 rounds";
const _: () = assert!(MIN_PAIRS == 6);
