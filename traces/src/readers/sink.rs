//! Where the spans of an input go: to a closure, one at a time, or into parts.

use super::collect::Collect;
use crate::span::Span;

/// Takes the spans of an input.
pub(crate) trait Sink {
    /// Lets `read` pass on spans one at a time.
    fn one_by_one<R>(&mut self, read: impl FnOnce(&mut (dyn FnMut(&Span<'_>) + Send)) -> R) -> R;

    /// The collector, if several threads may fill parts of it. The default is `None`.
    fn in_parts(&mut self) -> Option<&mut dyn Collect> {
        None
    }
}

/// Takes each span in the order of the input.
pub(crate) struct Each<'a>(pub(crate) &'a mut (dyn FnMut(&Span<'_>) + Send));

impl Sink for Each<'_> {
    fn one_by_one<R>(&mut self, read: impl FnOnce(&mut (dyn FnMut(&Span<'_>) + Send)) -> R) -> R {
        read(self.0)
    }
}

/// Takes spans in parts, and one by one if the collector needs it.
pub(crate) struct InParts<'a>(pub(crate) &'a mut dyn Collect);

/// How many spans of a form that is read on one thread go into a part.
const MAX_SPANS: usize = 4096;

impl Sink for InParts<'_> {
    fn one_by_one<R>(&mut self, read: impl FnOnce(&mut (dyn FnMut(&Span<'_>) + Send)) -> R) -> R {
        let (mut part, mut spans) = (self.0.part(), 0);
        let takes_spans = self.0.takes_spans();
        let result = read(&mut |span| {
            part.add(span);
            if takes_spans {
                self.0.add_span(span);
            }
            spans += 1;
            if spans % MAX_SPANS == 0 {
                let next = part.another();
                self.0.add_part(std::mem::replace(&mut part, next));
            }
        });
        self.0.add_part(part);
        result
    }

    fn in_parts(&mut self) -> Option<&mut dyn Collect> {
        Some(self.0)
    }
}
