//! What captured trace-context headers say, read by the formats themselves.

use std::collections::BTreeMap;

use baton_propagators::explanation::list;
use baton_propagators::formats::header_group;
use baton_propagators::{Candidate, FORMATS, HeaderList};

use crate::matching::spans::At;
use crate::matching::spans::tree::Tree;

/// What the headers that `at` captured hold in each format; empty if it captured none.
fn candidates(tree: &Tree, at: At) -> Vec<Candidate> {
    let captured = tree.headers(at);
    if captured.is_empty() {
        return Vec::new();
    }
    let headers = captured.iter().map(|captured| {
        let value = tree.names().text(captured.value);
        (captured.header.to_owned(), value.to_owned())
    });
    let headers = HeaderList(headers.collect());
    let formats = FORMATS.iter().filter(|format| format.carries_context());
    formats.map(|format| format.extract(&headers)).collect()
}

/// Whether the headers that `at` captured say that its sender did not sample, and none of them says
/// that it did.
pub(crate) fn say_sender_unsampled(tree: &Tree, at: At) -> bool {
    let candidates = candidates(tree, at);
    let decisions: Vec<bool> = candidates.iter().filter_map(Candidate::sampled).collect();
    !decisions.is_empty() && !decisions.contains(&true)
}

/// What a header holds, compared with the sender's context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    /// The sender's trace and span.
    Whole,
    /// The sender's trace, and another span.
    OtherParent,
    /// The low 64 bits of the sender's trace id.
    LowHalf,
    /// Another trace.
    OtherTrace,
    /// Nothing that the format accepts.
    Malformed,
}

/// The captured headers of the broken hand-offs of one edge.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    /// How many hand-offs had such headers, by what a header held.
    held: BTreeMap<(Held, String), u64>,
    /// The headers whose trace the receiver is in, although it is not the sender's.
    continued: BTreeMap<String, u64>,
}

impl Arrived {
    /// Adds the headers that `receiver` captured.
    pub(super) fn add(&mut self, tree: &Tree, sender: At, receiver: At) {
        let (from, to) = (tree.span(sender), tree.span(receiver));
        for candidate in candidates(tree, receiver) {
            let header = header_group(candidate.header).into_owned();
            let held = match (candidate.context(), candidate.reject()) {
                (Some(context), _) => {
                    if context.trace_id == to.trace && to.trace != from.trace {
                        *self.continued.entry(header.clone()).or_default() += 1;
                    }
                    let span = u64::from_be_bytes(context.span_id.to_bytes());
                    let is_low = context.trace_id.is_64_bit()
                        && context.trace_id.low_64() == from.trace.low_64();
                    match context.trace_id == from.trace {
                        true if tree.is_part_of(sender, span) => Held::Whole,
                        true => Held::OtherParent,
                        false if is_low => Held::LowHalf,
                        false => Held::OtherTrace,
                    }
                }
                (None, Some(reject)) => {
                    let fault = reject.to_string();
                    *self.held.entry((Held::Malformed, fault)).or_default() += 1;
                    continue;
                }
                (None, None) => continue,
            };
            *self.held.entry((held, header)).or_default() += 1;
        }
    }

    /// Whether the sender's whole context arrived in a header.
    pub(super) fn has_whole(&self) -> bool {
        self.held.keys().any(|(held, _)| *held == Held::Whole)
    }

    /// The headers that arrived and what they say, as the end of a sentence about the service `to`;
    /// `None` if no header was captured.
    pub(super) fn words(&self, to: &str) -> Option<String> {
        if self.held.is_empty() {
            return None;
        }
        let mut parts: Vec<String> = Vec::new();
        for (held, what) in [
            (Held::Whole, "the sender's context"),
            (
                Held::OtherParent,
                "the sender's trace id with another parent",
            ),
            (Held::LowHalf, "the low 64 bits of the sender's trace id"),
            (Held::OtherTrace, "another trace id"),
        ] {
            let headers = self.held.keys().filter(|(kind, _)| *kind == held);
            let headers: Vec<&str> = headers.map(|(_, header)| &**header).collect();
            if !headers.is_empty() {
                parts.push(format!("{what} in {}", list(headers.into_iter())));
            }
        }
        let faults = self
            .held
            .keys()
            .filter(|(kind, _)| *kind == Held::Malformed);
        let fault = faults.map(|(_, fault)| format!("a header to refuse ({fault})"));
        parts.extend(fault.take(1));
        let mut words = format!("{to} received {}", list(parts.iter().map(String::as_str)));
        if !self.continued.is_empty() {
            let continued = list(self.continued.keys().map(String::as_str));
            words += &format!(", and continues {continued}");
        }
        Some(words)
    }
}
