//! What a loader hands over to the modules that judge: spans and log lines.

use crate::audit::Audit;
use crate::readers::log::LogLine;
use crate::span::Span;

/// Takes the spans and log lines of a source, in any order.
///
/// The spans of an audit come in parts. Several threads fill parts at the same time, and then the
/// parts are added one after the other, in the order of the input. So every result is the same for
/// any number of threads.
pub trait Collect: Send {
    /// The audit that gets every span; `None`, the default, for a collector without one. A span
    /// that occurs twice is added twice: an audit counts it once.
    fn audit(&mut self) -> Option<&mut Audit> {
        None
    }

    /// Whether [`Collect::add_span`] does anything. If not, it is not called. The default is true.
    fn takes_spans(&self) -> bool {
        true
    }

    /// Takes a span after those before it in the input. No two threads do this at the same time, so
    /// it should only do what an audit does not. A span that occurs twice is taken once.
    fn add_span(&mut self, span: &Span<'_>);

    /// Takes a line of a function's log. The default ignores it.
    fn add_log_line(&mut self, _line: &LogLine<'_>) {}
}
