//! What broke an edge, as far as its spans tell. Nothing is said that they do not show.

use crate::edges::Edge;
use crate::ends::tree::{Parent, Tree};
use crate::evidence::Pair;
use crate::hand_off::Verdict;

/// What the broken hand-offs of one edge show.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    truncated: u64,
    new_trace: u64,
    absent_parent: u64,
    other_parent: u64,
    absent_context: u64,
    other_context: u64,
    headers: Vec<String>,
}

impl Signs {
    /// Takes what a broken hand-off shows.
    pub(crate) fn add(&mut self, tree: &Tree, pair: &Pair, verdict: Verdict) {
        let parent = tree.parent(tree.entry(pair.receiver));
        let is_absent = parent == Parent::Missing;
        match verdict {
            Verdict::IdTruncated => self.truncated += 1,
            Verdict::NewTrace => self.new_trace += 1,
            Verdict::WrongParent if is_absent => self.absent_parent += 1,
            Verdict::WrongParent => self.other_parent += 1,
            Verdict::WrongTrace if is_absent => self.absent_context += 1,
            Verdict::WrongTrace => self.other_context += 1,
            _ => {}
        }
        let captured = tree.headers(pair.receiver).iter();
        for header in captured.map(|header| header.header.to_owned()) {
            if !self.headers.contains(&header) {
                self.headers.push(header);
            }
        }
    }

    /// The cause of the verdict that occurs most.
    pub(crate) fn cause(&self, edge: &Edge) -> Option<String> {
        let (to, from) = (&edge.to, &edge.from);
        let signs = [
            (
                self.truncated,
                format!(
                    "{to} continues the trace id's low 64 bits: something between {from} and {to} writes ids of 64 bits, as B3 allows"
                ),
            ),
            (
                self.new_trace,
                format!(
                    "{to} starts a trace of its own: what {from} sends does not reach it, or it does not read the format"
                ),
            ),
            (
                self.absent_parent,
                format!(
                    "{to} is in the trace of {from}, but its parent is a span that this source does not have: something between them puts a span of its own in its place and does not export it"
                ),
            ),
            (
                self.other_parent,
                format!(
                    "{to} is in the trace of {from}, but its parent is another span than the call: it got the context of an earlier hand-off"
                ),
            ),
            (
                self.absent_context,
                format!(
                    "{to} continues a trace that is not that of {from}, with a parent that this source does not have: other context headers came with the request and won"
                ),
            ),
            (
                self.other_context,
                format!(
                    "{to} continues the context of another span of this source: other context headers came with the request and won"
                ),
            ),
        ];
        let worst = signs.into_iter().max_by_key(|(count, _)| *count)?;
        (worst.0 > 0).then_some(worst.1)
    }
}
