//! What a loader hands over to the modules that judge: spans and log lines.

use crate::audit::Audit;
use crate::readers::log::LogLine;
use crate::span::Span;
use crate::tally::Tally;

/// Takes the spans and log lines of a source, in any order.
///
/// Spans come in parts. Several threads fill parts at the same time, and then the parts are added
/// one after the other, in the order of the input. So every result is the same for any number of
/// threads.
pub trait Collect: Send {
    /// A part of this collector, still empty. The default takes no spans.
    fn part(&self) -> Part {
        Part::default()
    }

    /// Adds a part that has taken spans. A span that occurs twice is in parts twice: what takes
    /// parts counts it once. The default does nothing.
    fn add_part(&mut self, _part: Part) {}

    /// Whether [`Collect::add_span`] does anything. If not, it is not called. The default is false.
    fn takes_spans(&self) -> bool {
        false
    }

    /// Takes a span after those before it in the input. No two threads do this at the same time, so
    /// it should only do what parts cannot do. A span that occurs twice is taken twice. The default
    /// does nothing.
    fn add_span(&mut self, _span: &Span<'_>) {}

    /// Takes a line of a function's log. The default ignores it.
    fn add_log_line(&mut self, _line: &LogLine<'_>) {}
}

/// A part of a collector, with some of the spans.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The part of an audit, if the collector has one.
    pub(crate) audit: Option<Audit>,
    /// The part of a tally, if the collector has one.
    pub(crate) tally: Option<Tally>,
}

impl Part {
    /// Takes a span.
    pub fn add(&mut self, span: &Span<'_>) {
        if let Some(audit) = &mut self.audit {
            audit.add(span);
        }
        if let Some(tally) = &mut self.tally {
            tally.add_span(span);
        }
    }
}
