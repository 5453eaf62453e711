//! Finds the spans of a trace without searching all of them.

use std::ops::Range;

use baton_propagators::TraceId;

use super::{At, End};

/// How many bits of a trace id are used at most. The index then takes 8 MiB.
const MAX_BITS: u32 = 21;

/// Where the traces with each beginning are among the sorted spans. Ids of most SDKs begin with
/// random bits, so few traces share a beginning. Of other ids, many spans may be left to search.
#[derive(Debug)]
pub(super) struct ByTrace {
    bits: u32,
    /// For each beginning, the first span with this or a later one; then the number of spans.
    starts: Vec<At>,
}

impl ByTrace {
    /// The index of `spans`, which are sorted by trace.
    pub(super) fn of(spans: &[End]) -> ByTrace {
        // about eight spans for each beginning
        let bits = (spans.len() / 8).max(2).ilog2().min(MAX_BITS);
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for (at, end) in (0..).zip(spans) {
            while starts.len() <= beginning(end.trace, bits) {
                starts.push(at);
            }
        }
        starts.resize((1 << bits) + 1, spans.len() as At);
        ByTrace { bits, starts }
    }

    /// The numbers of the spans that may be in `trace`.
    pub(super) fn near(&self, trace: TraceId) -> Range<usize> {
        let place = beginning(trace, self.bits);
        self.starts[place] as usize..self.starts[place + 1] as usize
    }
}

/// The first `bits` bits of `trace`.
fn beginning(trace: TraceId, bits: u32) -> usize {
    (u128::from_be_bytes(trace.to_bytes()) >> (128 - bits)) as usize
}
