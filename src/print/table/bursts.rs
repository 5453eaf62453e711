//! The tables of bursts and of their endpoints, with one row each.

use std::iter;

use baton_loadgen::AttackOutcome;
use baton_traces::shown::visible;
use comfy_table::Cell;

use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::table::{figures_table, fitted, folded_name, unknown};

const HEADINGS: [&str; 13] = [
    "requests",
    "ok",
    "failed",
    "ok\nper s",
    "mean\nms",
    "min\nms",
    "p50\nms",
    "p75\nms",
    "p90\nms",
    "p95\nms",
    "p99\nms",
    "p99.9\nms",
    "max\nms",
];

/// Draws the bursts as an aligned table. With a rate, latencies count from when requests were due.
pub(crate) fn burst_table(bursts: &[AttackOutcome], output: &Output) -> String {
    let numbered = (1..).map(|number: u32| number.to_string());
    outcome_table("burst", numbered.zip(bursts), &[], output)
}

/// Draws the endpoints of a burst as an aligned table, like [`burst_table`].
pub(crate) fn endpoint_table(endpoints: &[(&str, AttackOutcome)], output: &Output) -> String {
    let named = endpoints.iter();
    let named = named.map(|(name, outcome)| (folded_name(&visible(name)), outcome));
    outcome_table("endpoint", named, &[0], output)
}

fn outcome_table<'a>(
    heading: &'a str,
    outcomes: impl Iterator<Item = (String, &'a AttackOutcome)>,
    words: &[usize],
    output: &Output,
) -> String {
    let rows = outcomes.map(|(name, outcome)| {
        let latency = outcome.latency_corrected_ms.or(outcome.latency_ms);
        let times = match latency {
            Some(latency) => [
                latency.mean,
                latency.min,
                Some(latency.p50),
                latency.p75,
                Some(latency.p90),
                latency.p95,
                Some(latency.p99),
                Some(latency.p999),
                Some(latency.max),
            ]
            .map(|time| time.map_or_else(unknown, |time| format!("{time:.1}"))),
            None => std::array::from_fn(|_| unknown()),
        };
        let mut row = vec![
            Cell::new(name),
            Cell::new(outcome.requests.sent),
            Cell::new(outcome.requests.ok),
            Tone::of(outcome.requests.failed == 0).cell(outcome.requests.failed, output),
            Cell::new(format!("{:.0}", outcome.throughput_rps)),
        ];
        row.extend(times.map(Cell::new));
        row
    });
    let headings = iter::once(heading).chain(HEADINGS);
    fitted(&figures_table(headings, words, rows, output), &[])
}
