//! Why an edge broke, and what would fix it. It only says what the spans show.

use std::collections::BTreeSet;

use crate::edges::Edge;
use crate::ends::tree::{Parent, Tree};
use crate::evidence::Pair;
use crate::hand_off::Verdict;

/// A symptom of a broken hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// The trace id only has its low 64 bits.
    Truncated,
    /// The receiver started a new trace.
    NewTrace,
    /// The receiver is in the trace, and its parent is missing in the source.
    AbsentParent,
    /// The receiver is in the trace, and its parent is another span than the call.
    OtherParent,
    /// The receiver continues a trace whose beginning is missing in the source.
    AbsentContext,
    /// The receiver continues the context of another span in the source.
    OtherContext,
}

impl Sign {
    const ALL: [Sign; 6] = [
        Sign::Truncated,
        Sign::NewTrace,
        Sign::AbsentParent,
        Sign::OtherParent,
        Sign::AbsentContext,
        Sign::OtherContext,
    ];

    fn of(tree: &Tree, pair: &Pair, verdict: Verdict) -> Option<Sign> {
        let is_absent = tree.parent(tree.entry(pair.receiver)) == Parent::Missing;
        Some(match verdict {
            Verdict::IdTruncated => Sign::Truncated,
            Verdict::NewTrace => Sign::NewTrace,
            Verdict::WrongParent if is_absent => Sign::AbsentParent,
            Verdict::WrongParent => Sign::OtherParent,
            Verdict::WrongTrace if is_absent => Sign::AbsentContext,
            Verdict::WrongTrace => Sign::OtherContext,
            _ => return None,
        })
    }

    fn cause(self, from: &str, to: &str) -> String {
        match self {
            Sign::Truncated => format!(
                "{to} continues the low 64 bits of the trace id: something between {from} and {to} writes ids of 64 bits, as B3 allows"
            ),
            Sign::NewTrace => format!(
                "{to} starts a trace of its own: the context that {from} sends does not reach it, or it does not read the format"
            ),
            Sign::AbsentParent => format!(
                "{to} is in the trace of {from}, but its parent is a span that this source does not have: something between them puts a span of its own in the sender's place"
            ),
            Sign::OtherParent => format!(
                "{to} is in the trace of {from}, but its parent is another span than the sender's: it got the context of another hand-off"
            ),
            Sign::AbsentContext => format!(
                "{to} continues another trace than that of {from}, below a span that this source does not have: another context came along and won"
            ),
            Sign::OtherContext => format!(
                "{to} continues the context of another span of this source: another context came along and won"
            ),
        }
    }

    fn change(self, from: &str, to: &str) -> String {
        match self {
            Sign::Truncated => format!(
                "Make what lies between {from} and {to} keep all 128 bits of the trace id, or pass on the headers of {from} as they are."
            ),
            Sign::NewTrace => format!(
                "Make {to} extract a format that {from} injects, and check that everything between them passes on its headers or attributes."
            ),
            Sign::AbsentParent => format!(
                "Send the spans of what lies between {from} and {to} to the same backend, or stop it from changing the context."
            ),
            Sign::OtherParent => format!(
                "Make {from} inject the context of its own call, and not pass on the headers that it got."
            ),
            Sign::AbsentContext | Sign::OtherContext => format!(
                "Make {from} and what lies between it and {to} send one context: remove the headers of other formats, or make {to} extract only the one that {from} injects."
            ),
        }
    }
}

/// The symptoms of the broken hand-offs of one edge.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    counts: [u64; Sign::ALL.len()],
    /// Captured headers with the sender's trace id.
    with_trace: BTreeSet<&'static str>,
    /// Captured headers with another trace id.
    without_trace: BTreeSet<&'static str>,
}

impl Signs {
    /// Adds the symptoms of a broken hand-off.
    pub(crate) fn add(&mut self, tree: &Tree, pair: &Pair, verdict: Verdict) {
        let Some(sign) = Sign::of(tree, pair, verdict) else {
            return;
        };
        self.counts[sign as usize] += 1;
        let trace = tree.span(pair.sender).trace.to_string();
        for captured in tree.headers(pair.receiver) {
            const WITHOUT_ID: [&str; 6] = [
                "tracestate",
                "x-b3-spanid",
                "x-b3-parentspanid",
                "x-b3-sampled",
                "x-b3-flags",
                "x-datadog-parent-id",
            ];
            // Datadog writes ids in decimal
            let is_comparable =
                !WITHOUT_ID.contains(&captured.header) && captured.header != "x-datadog-trace-id";
            let digits = tree.names().text(captured.value).replace('-', "");
            let digits = digits.to_ascii_lowercase();
            if digits.contains(&trace[16..]) {
                self.with_trace.insert(captured.header);
            } else if is_comparable {
                self.without_trace.insert(captured.header);
            }
        }
    }

    /// The cause of most broken hand-offs of `edge`, and what would fix it.
    pub(crate) fn cause(&self, edge: &Edge) -> Option<(String, String)> {
        let signs = Sign::ALL.into_iter();
        let worst = signs.max_by_key(|sign| self.counts[*sign as usize])?;
        if self.counts[worst as usize] == 0 {
            return None;
        }
        let (from, to) = (&*edge.from, &*edge.to);
        let mut cause = worst.cause(from, to);
        let list =
            |headers: &BTreeSet<&str>| headers.iter().copied().collect::<Vec<_>>().join(" and ");
        if !self.with_trace.is_empty() {
            let headers = list(&self.with_trace);
            cause += &format!("; {to} received the sender's trace id in {headers}");
        }
        if !self.without_trace.is_empty() {
            let headers = list(&self.without_trace);
            cause += &format!("; {to} received another trace id in {headers}");
        }
        Some((cause, worst.change(from, to)))
    }
}
