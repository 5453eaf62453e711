//! The sentences below a table of runs: which latencies differ by more than noise.

use std::collections::HashMap;

use baton_traces::compare::{Comparison, Difference};
use baton_traces::summary::Summary;

use baton_views::difference as cells;

/// The latencies in the table.
const LATENCIES: [&str; 4] = [
    "request.p50",
    "request.p99",
    "end_to_end.p50",
    "end_to_end.p99",
];
/// Up to this many runs are named one by one.
const MAX_NAMED: usize = 3;

/// The sentences. `names` holds the names of the runs.
pub(crate) fn latency_sentences(
    comparison: &Comparison,
    summaries: &[Summary],
    names: &[String],
) -> Vec<String> {
    let names: HashMap<&str, &str> = summaries
        .iter()
        .zip(names)
        .map(|(summary, name)| (&*summary.name, &**name))
        .collect();
    let name = |run: &str| names.get(run).copied().unwrap_or_default();
    let told = |is_told: fn(&Difference) -> bool| {
        let parts = LATENCIES.into_iter().filter_map(|metric| {
            let all = comparison.differences.iter();
            let runs: Vec<_> = all
                .filter(|difference| difference.metric == metric && is_told(difference))
                .collect();
            said(metric, runs, name)
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    };
    let baseline = name(&comparison.baseline);
    let differs = told(Difference::is_significant).map(|parts| {
        format!("Latency differs from that under {baseline} by more than noise: {parts}.")
    });
    let is_alike = |difference: &Difference| difference.significant == Some(false);
    let alike = told(is_alike)
        .map(|parts| format!("No difference in latency from {baseline} was found here: {parts}."));
    let sentences = [differs, alike, comparison.untested.clone()];
    sentences.into_iter().flatten().collect()
}

/// How a latency changed in `runs`.
fn said<'a>(
    metric: &str,
    mut runs: Vec<&Difference>,
    name: impl Fn(&str) -> &'a str,
) -> Option<String> {
    if runs.len() > MAX_NAMED {
        runs.sort_by(|a, b| f64::total_cmp(&change(a), &change(b)));
        let (least, most) = (runs.first()?, runs.last()?);
        let (least, most) = (cells::change(least), cells::change(most));
        return Some(format!("{metric} {least} to {most} in {} runs", runs.len()));
    }
    let each = runs.iter().map(|difference| {
        format!(
            "{} under {}",
            cells::change_with_interval(difference),
            name(&difference.run)
        )
    });
    let each: Vec<_> = each.collect();
    (!each.is_empty()).then(|| format!("{metric} {}", each.join(", ")))
}

fn change(difference: &Difference) -> f64 {
    difference.change.unwrap_or(f64::INFINITY)
}
