//! The figures of a difference as text, for tables and the report.

use baton_traces::compare::{Difference, Figure};

/// The baseline's figure.
pub fn baseline(difference: &Difference) -> String {
    figure(difference.baseline, difference.baseline_of, difference.unit)
}

/// The run's figure.
pub fn value(difference: &Difference) -> String {
    figure(difference.value, difference.value_of, difference.unit)
}

/// `3 of 1000`, `480 per s`, or `2.4 ms`.
fn figure(figure: Figure, of: Option<u64>, unit: &str) -> String {
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
pub fn change(difference: &Difference) -> String {
    let unit = match difference.value_of {
        Some(_) => "points",
        None => "%",
    };
    match difference.change {
        None => "from 0".to_owned(),
        Some(0.0) if difference.rounds.is_none() => "same".to_owned(),
        Some(change) => signed(change, unit),
    }
}

/// `+1.8 % (-3.1 % to +6.9 %)`: the change over rounds with its interval. Without rounds, the
/// change alone.
pub fn change_with_interval(difference: &Difference) -> String {
    match difference.interval.filter(|_| difference.rounds.is_some()) {
        Some(interval) => {
            let [low, high] = interval.map(|end| signed(end, "%"));
            format!("{} ({low} to {high})", change(difference))
        }
        None => change(difference),
    }
}

fn signed(change: f64, unit: &str) -> String {
    let percent = change * 100.0;
    let sign = if percent < 0.0 { "-" } else { "+" };
    format!("{sign}{} {unit}", rounded(percent.abs()))
}

/// Whether the difference is better, worse or noise.
pub fn mark(difference: &Difference) -> &'static str {
    match (difference.significant, difference.better) {
        (Some(true), Some(true)) => "better",
        (Some(true), Some(false)) => "worse",
        (Some(true), None) => "differs",
        (None, _) => "not tested",
        (Some(false), _) if difference.note.is_some() => "small",
        (Some(false), _) => "no difference found",
    }
}

/// The test and its p value, or why there is none.
pub fn test(difference: &Difference) -> String {
    let p_value = difference.p.map(|p_value| match p_value {
        ..0.001 => "p < 0.001".to_owned(),
        _ => format!("p = {p_value:.3}"),
    });
    let test = difference.test.map(|test| {
        let short = test.strip_suffix(" test over rounds");
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
