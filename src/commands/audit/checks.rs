//! The limits of an audit: the share of whole hand-offs, of all edges or of one.

use baton_traces::audit::{Edge, Judged};
use baton_traces::compare::limits::{ALL_HAND_OFFS, Check, Limit};
use baton_traces::shown::visible;
use serde::Serialize;

use crate::print::junit::Case;

/// A limit and its result.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    #[serde(flatten)]
    pub(super) check: Check,
    /// Why the share is unknown, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The flag and its value, as the user wrote them.
    #[serde(skip)]
    limit: String,
}

impl Checked {
    /// The result as a test case.
    pub(super) fn case(&self) -> Case {
        Case {
            suite: "hand-offs".to_owned(),
            limit: self.limit.clone(),
            sentence: self.sentence(),
            passed: self.check.passed,
        }
    }

    /// The result in one sentence.
    pub(super) fn sentence(&self) -> String {
        let sentence = match self.reason {
            Some(reason) => format!("{}: {reason}", self.check),
            None => self.check.to_string(),
        };
        visible(&sentence)
    }
}

/// Checks every limit.
pub(super) fn check(limits: &[Limit], judged: &Judged) -> Vec<Checked> {
    let checked = |limit: &Limit| {
        let check = limit.evaluate(|name| share(&edges(judged, name)));
        Checked {
            reason: match check.value {
                Some(_) => None,
                None if edges(judged, &limit.name).is_empty() => {
                    Some("the source shows no hand-off there")
                }
                None => Some("no hand-off there could be judged"),
            },
            check,
            limit: limit.to_string(),
        }
    };
    limits.iter().map(checked).collect()
}

/// The edges to which a limit applies.
fn edges<'a>(judged: &'a Judged, name: &str) -> Vec<&'a Edge> {
    let is_meant = |edge: &&Edge| {
        name == ALL_HAND_OFFS || name.split_once("->") == Some((&*edge.from, &*edge.to))
    };
    judged.edges.iter().filter(is_meant).collect()
}

/// The share of whole hand-offs. Broken ones also count if it is only known how many broke and not
/// which.
fn share(edges: &[&Edge]) -> Option<f64> {
    let whole: u64 = edges.iter().map(|edge| edge.whole()).sum();
    let all = edges
        .iter()
        .map(|edge| edge.handoffs + edge.ambiguous.at_least);
    let all: u64 = all.sum();
    let judged: u64 = edges.iter().map(|edge| edge.handoffs).sum();
    (judged > 0).then(|| whole as f64 / all as f64)
}
