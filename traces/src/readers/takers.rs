//! Where the spans of an input go: to a closure, one at a time, or into parts.

use super::input::Input;
use super::{ReadError, Reading, otlp_json};
use crate::collect::{Collect, Part};
use crate::span::{Span, Want};

/// Takes the spans of an input.
pub(crate) trait Take {
    /// Lets `read` hand over spans one at a time.
    fn one_by_one<R>(&mut self, read: impl FnOnce(&mut (dyn FnMut(&Span<'_>) + Send)) -> R) -> R;

    /// Reads OTLP/JSON lines, which several threads decode.
    fn lines(&mut self, input: Input<'_>, file: &str, want: Want) -> Result<Reading, ReadError>;
}

/// Takes each span in the order of the input.
pub(crate) struct Each<'a>(pub(crate) &'a mut (dyn FnMut(&Span<'_>) + Send));

impl Take for Each<'_> {
    fn one_by_one<R>(&mut self, read: impl FnOnce(&mut (dyn FnMut(&Span<'_>) + Send)) -> R) -> R {
        read(self.0)
    }

    fn lines(&mut self, input: Input<'_>, file: &str, want: Want) -> Result<Reading, ReadError> {
        otlp_json::read_lines(input, file, want, self.0)
    }
}

/// Takes spans in parts, and one by one if the collector needs it.
pub(crate) struct InParts<'a> {
    pub(crate) collect: &'a mut dyn Collect,
}

/// How many spans of a form that is read on one thread go into a part.
const MAX_SPANS: usize = 4096;

impl InParts<'_> {
    /// A part of the collector, still empty.
    pub(super) fn part(&self) -> Part {
        self.collect.part()
    }

    pub(super) fn add_part(&mut self, part: Part) {
        self.collect.add_part(part);
    }

    /// Takes one span, if the collector wants it.
    pub(super) fn add_span(&mut self, span: &Span<'_>) {
        if self.collect.takes_spans() {
            self.collect.add_span(span);
        }
    }
}

impl Take for InParts<'_> {
    fn one_by_one<R>(&mut self, read: impl FnOnce(&mut (dyn FnMut(&Span<'_>) + Send)) -> R) -> R {
        let empty = self.part();
        let (mut part, mut spans) = (empty.clone(), 0);
        let result = read(&mut |span| {
            part.add(span);
            self.add_span(span);
            spans += 1;
            if spans % MAX_SPANS == 0 {
                let full = std::mem::replace(&mut part, empty.clone());
                self.add_part(full);
            }
        });
        self.add_part(part);
        result
    }

    fn lines(&mut self, input: Input<'_>, file: &str, want: Want) -> Result<Reading, ReadError> {
        otlp_json::collect_lines(input, file, want, self)
    }
}
