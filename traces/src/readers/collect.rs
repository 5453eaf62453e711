//! What a reader fills: a [`Collect`] takes the spans and log lines of a source.

use std::any::Any;

use super::log::LogLine;
use crate::span::Span;

/// Takes the spans and log lines of a source, in any order.
///
/// Spans come in parts. Several threads fill parts at the same time, and then the parts are added
/// one after the other, in the order of the input. So every result is the same for any number of
/// threads.
pub trait Collect: Send {
    /// A part of this collector, still empty.
    fn part(&self) -> Box<dyn Part>;

    /// Adds a part that has taken spans. It is one that [`Collect::part`] made. A span that occurs
    /// twice is in parts twice, and has to count once.
    fn add_part(&mut self, part: Box<dyn Part>);

    /// Whether [`Collect::add_span`] does anything. If not, it is not called. The default is false.
    fn takes_spans(&self) -> bool {
        false
    }

    /// Takes a span after those before it in the input. No two threads do this at the same time, so
    /// it should only do what parts cannot do. A span that occurs twice is taken twice. The default
    /// does nothing.
    fn add_span(&mut self, _span: &Span<'_>) {}

    /// Takes a line of a function's log.
    fn add_log_line(&mut self, line: &LogLine<'_>);
}

/// A part of a collector: takes some of the spans.
pub trait Part: Any + Send + Sync {
    /// Takes a span.
    fn add(&mut self, span: &Span<'_>);

    /// Another part of the same collector, still empty.
    fn another(&self) -> Box<dyn Part>;
}

/// A part as the type that its collector made; `None` if another collector made it.
pub(crate) fn own<P: Part>(part: Box<dyn Part>) -> Option<P> {
    let part: Box<dyn Any> = part;
    Some(*part.downcast().ok()?)
}
