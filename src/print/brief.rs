//! The sentence below a table of runs: which latencies differ by more than noise.

use std::collections::HashMap;

use baton_traces::compare::{Comparison, Difference};
use baton_traces::summary::Summary;

use crate::print::cells;

/// The latencies in the table.
const LATENCIES: [&str; 4] = [
    "request.p50",
    "request.p99",
    "end_to_end.p50",
    "end_to_end.p99",
];
/// Up to this many runs are named one by one.
const NAMED: usize = 3;

/// The sentence; `None` if no latency differs. `names` holds the names of the runs.
pub(crate) fn brief(
    comparison: &Comparison,
    summaries: &[Summary],
    names: &[String],
) -> Option<String> {
    let names: HashMap<&str, &str> = summaries
        .iter()
        .zip(names)
        .map(|(summary, name)| (&*summary.name, &**name))
        .collect();
    let name = |run: &str| names.get(run).copied().unwrap_or_default();
    let parts: Vec<String> = LATENCIES
        .into_iter()
        .filter_map(|metric| {
            let differing = |difference: &&Difference| difference.metric == metric;
            let mut runs: Vec<_> = comparison.significant().filter(differing).collect();
            if runs.len() > NAMED {
                runs.sort_by(|a, b| f64::total_cmp(&change(a), &change(b)));
                let (least, most) = (runs.first()?, runs.last()?);
                let (least, most) = (cells::change(least), cells::change(most));
                return Some(format!("{metric} {least} to {most} in {} runs", runs.len()));
            }
            let each = runs.iter().map(|difference| {
                format!(
                    "{} under {}",
                    cells::change(difference),
                    name(&difference.run)
                )
            });
            let each: Vec<_> = each.collect();
            (!each.is_empty()).then(|| format!("{metric} {}", each.join(", ")))
        })
        .collect();
    (!parts.is_empty()).then(|| {
        format!(
            "Latency differs from that under {} by more than the noise within a run: {}.",
            name(&comparison.baseline),
            parts.join("; ")
        )
    })
}

fn change(difference: &Difference) -> f64 {
    difference.change.unwrap_or(f64::INFINITY)
}
