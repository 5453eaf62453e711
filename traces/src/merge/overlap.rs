//! Finds spans that are in two sources.

use std::collections::HashMap;

use crate::span::{Kind, SpanReference};

/// The spans of all sources so far. Within one source a span may stand twice, as where it was exported again.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    /// Each span with the number of the source it is in. The kind belongs to it, since under Zipkin's model client and server
    /// may share their ids.
    seen: HashMap<(SpanReference, Kind), u32>,
    parts: u32,
}

impl Overlap {
    /// From here on, spans are of the next source.
    pub(super) fn next_part(&mut self) {
        self.parts += 1;
    }

    /// Adds a span. Gives the place, from 0, of a source before this one that has it too.
    pub(super) fn add(&mut self, span: SpanReference, kind: Kind) -> Option<usize> {
        let part = *self.seen.entry((span, kind)).or_insert(self.parts);
        (part != self.parts).then(|| part.saturating_sub(1) as usize)
    }
}
