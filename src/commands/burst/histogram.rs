//! The distribution of latencies, drawn with characters.

use baton_loadgen::AttackOutcome;

/// How many bars there are up to the 99th percentile. One more has the rest.
const BARS: u64 = 10;
/// The length of the longest bar.
const MAX_BAR: u64 = 40;
/// Fewer requests make no distribution.
const MIN_REQUESTS: u64 = 20;

/// Draws the latencies of all bursts together, with a line for each bar and an empty line at the
/// end. Empty if there are too few requests. With a rate, latencies count from when requests were
/// due.
pub(super) fn drawn(outcomes: &[AttackOutcome]) -> String {
    let durations = durations(outcomes);
    let all: u64 = durations.iter().map(|(_, count)| count).sum();
    let (Some((first, _)), true) = (durations.first(), all >= MIN_REQUESTS) else {
        return String::new();
    };
    let upper = percentile_99(&durations, all).max(first + BARS);
    let step = (upper - first).div_ceil(BARS);
    let mut bars = vec![0; BARS as usize + 1];
    for (micros, count) in &durations {
        let bar = ((micros - first) / step).min(BARS);
        bars[bar as usize] += count;
    }
    let most = bars.iter().copied().max().unwrap_or(1);
    let lines = (0..)
        .zip(&bars)
        .filter(|(bar, count)| *bar < BARS || **count > 0);
    let lines = lines.map(|(bar, count): (u64, &u64)| {
        let from = milliseconds(first + bar * step);
        let until = match bar {
            BARS => "and more".to_owned(),
            _ => format!("to {:>8} ms", milliseconds(first + (bar + 1) * step)),
        };
        // a bar with requests is never empty
        let length = (count * MAX_BAR).div_ceil(most);
        let bar = "#".repeat(usize::try_from(length).unwrap_or_default());
        format!("{from:>10} {until:<14}{count:>9}  {bar}")
            .trim_end()
            .to_owned()
    });
    let lines: Vec<String> = lines.collect();
    format!("latency of {all} requests\n{}\n\n", lines.join("\n"))
}

/// Each latency in microseconds with its count, in ascending order.
fn durations(outcomes: &[AttackOutcome]) -> Vec<(u64, u64)> {
    let histograms = outcomes.iter().filter_map(|outcome| {
        let corrected = outcome.latency_corrected_histogram_us.as_ref();
        corrected.or(outcome.latency_histogram_us.as_ref())
    });
    let mut durations: Vec<_> = histograms.flat_map(|histogram| histogram.iter()).collect();
    durations.sort_unstable();
    durations
}

fn percentile_99(durations: &[(u64, u64)], all: u64) -> u64 {
    let mut left = (all * 99).div_ceil(100);
    for (micros, count) in durations {
        left = left.saturating_sub(*count);
        if left == 0 {
            return *micros;
        }
    }
    durations.last().map_or(0, |(micros, _)| *micros)
}

/// Milliseconds with two decimals.
fn milliseconds(micros: u64) -> String {
    format!("{}.{:02}", micros / 1000, micros % 1000 / 10)
}
