//! The text of a difference's figures in tables.

use baton_traces::compare::{Difference, Figure, Interval};

/// The baseline's figure.
pub(crate) fn baseline(difference: &Difference) -> String {
    figure(
        difference.baseline,
        difference.baseline_of,
        difference.baseline_interval,
        difference.unit,
    )
}

/// The run's figure.
pub(crate) fn value(difference: &Difference) -> String {
    figure(
        difference.value,
        difference.value_of,
        difference.value_interval,
        difference.unit,
    )
}

/// `3 of 1000`, `480 per s`, or `2.4 ms` with `2.3 to 2.5` below it.
fn figure(figure: Figure, of: Option<u64>, interval: Option<Interval>, unit: &str) -> String {
    let mut text = match figure {
        Figure::Count(count) => count.to_string(),
        Figure::Measure(measure) => rounded(measure),
    };
    if let Some(of) = of {
        text.push_str(&format!(" of {of}"));
    }
    if !unit.is_empty() {
        text.push_str(&format!(" {unit}"));
    }
    if let Some(Interval { low, high }) = interval {
        text.push_str(&format!("\n{} to {}", rounded(low), rounded(high)));
    }
    text
}

/// Three significant digits, and no fraction from 100 on.
fn rounded(value: f64) -> String {
    let decimals = match value.abs() {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// `+12 %` of the baseline's figure. For a share, `-100 points` of a hundred.
pub(crate) fn change(difference: &Difference) -> String {
    let unit = match difference.value_of {
        Some(_) => "points",
        None => "%",
    };
    match difference.change {
        None => "from 0".to_owned(),
        Some(0.0) => "same".to_owned(),
        Some(change) => {
            let percent = change * 100.0;
            let sign = if percent > 0.0 { "+" } else { "-" };
            format!("{sign}{} {unit}", rounded(percent.abs()))
        }
    }
}

/// Whether the difference is better, worse or noise.
pub(crate) fn mark(difference: &Difference) -> &'static str {
    match (difference.significant, difference.better) {
        (true, Some(true)) => "better",
        (true, Some(false)) => "worse",
        (true, None) => "differs",
        (false, _) if difference.test.is_none() => "not tested",
        (false, _) if difference.note.is_some() => "small",
        (false, _) => "noise",
    }
}

/// The test and its p value, or why there is none.
pub(crate) fn test(difference: &Difference) -> String {
    let p_value = difference.p_adjusted.map(|p_value| match p_value {
        ..0.001 => "p < 0.001".to_owned(),
        _ => format!("p = {p_value:.3}"),
    });
    let test = difference.test.map(|test| {
        let short = test.strip_suffix(" rank test");
        short.or(test.strip_suffix(" test")).unwrap_or(test)
    });
    let parts: Vec<_> = [p_value.as_deref(), test].into_iter().flatten().collect();
    match (parts.is_empty(), difference.note) {
        (true, Some(note)) => note.to_owned(),
        _ => parts.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.123_4, "0.12"),
            (2.4, "2.4"),
            (48.26, "48.3"),
            (480.4, "480"),
            (1000.0, "1000"),
        ] {
            assert_eq!(rounded(value), text);
        }
    }
}
