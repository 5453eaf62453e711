//! The members of a comparison in JSON, which several commands print beside their own.

use baton_traces::compare::Comparison;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A comparison of `runs` (their summaries) with its checks, and the command's `own` members.
pub(crate) fn with_comparison(
    comparison: &Comparison,
    runs: impl Serialize,
    checks: impl Serialize,
    own: Value,
) -> Value {
    let shared = json!({
        "version": 1,
        "runs": runs,
        "baseline": comparison.baseline,
        "differences": comparison.differences,
        "checks": checks,
        "unknown": comparison.unknown,
        "untested": comparison.untested,
        "smallest_difference": comparison.smallest_difference,
        "method": comparison.method(),
    });
    let members = [shared, own]
        .into_iter()
        .filter_map(|members| match members {
            Value::Object(members) => Some(members),
            _ => None,
        });
    Value::Object(members.flatten().collect::<Map<_, _>>())
}
