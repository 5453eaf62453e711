//! Finds spans that are in two sources.

use std::collections::HashMap;

use crate::span::{Kind, SpanReference};

/// The spans of all sources so far. One source may hold a span twice, for example after a second
/// export.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    /// Each span with the number of its source. The kind is part of the key, because in Zipkin's
    /// model client and server may share ids.
    seen: HashMap<(SpanReference, Kind), u32>,
    parts: u32,
}

impl Overlap {
    /// Starts the next source.
    pub(super) fn next_part(&mut self) {
        self.parts += 1;
    }

    /// Adds a span. If an earlier source has it too, gives the index of that source, from 0.
    pub(super) fn add(&mut self, span: SpanReference, kind: Kind) -> Option<usize> {
        let part = *self.seen.entry((span, kind)).or_insert(self.parts);
        (part != self.parts).then(|| part.saturating_sub(1) as usize)
    }
}
