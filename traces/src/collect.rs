//! What a loader hands over to the modules that judge: spans, log lines, and the extent of the
//! source.

use std::collections::BTreeSet;

use crate::hand_off::Hop;
use crate::readers::log::LogLine;
use crate::run::Undelivered;
use crate::span::{Span, UnixTime};

/// Takes the spans and log lines of a source, in any order.
///
/// Spans come in parts. Several threads prepare parts at the same time, and then the parts are
/// added one after the other, in the order of the input. So every result is the same for any number
/// of threads.
pub trait Collect: Send {
    /// What some spans show.
    type Part: Clone + Send + Sync;

    /// A part without spans.
    fn part(&self) -> Self::Part;

    /// Adds a span to a part. A span that occurs twice is prepared twice.
    fn prepare(part: &mut Self::Part, span: &Span<'_>);

    /// Takes a part.
    fn add_part(&mut self, part: Self::Part);

    /// Whether [`Collect::add_span`] does anything. If not, it is not called.
    fn takes_spans(&self) -> bool;

    /// Takes a span after those before it in the input. No two threads do this at the same time, so
    /// it should only do what a part cannot prepare. A span that occurs twice is taken once.
    fn add_span(&mut self, span: &Span<'_>);

    /// Takes a line of a function's log. The default ignores it.
    fn add_log_line(&mut self, _line: &LogLine<'_>) {}
}

/// How completely a source shows what happened. This decides whether a message without a receiver
/// is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The hops whose receiver has a log. A message that is not in such a log did not arrive.
    pub logged: BTreeSet<Hop>,
    /// Set while a run goes on: records sent after this time may still arrive.
    pub under_way_since: Option<UnixTime>,
    /// Whether the source is a run, or has one among its parts. Its ids, logs and lab records tell
    /// more than spans.
    pub is_run: bool,
    /// Whether the source is an export. Its receivers may be recorded elsewhere, so nothing in it
    /// is lost.
    pub is_export: bool,
    /// Whether spans are missing at the end. A receiver may be among them.
    pub is_cut_short: bool,
    /// What a lab accepted and did not deliver. It delivered every other record, whether or not the
    /// consumer left a span or a log line of it. `None` if no lab tells.
    pub undelivered: Option<Undelivered>,
}

impl Extent {
    /// Adds the extent of another source that is judged together with this one.
    pub fn add(&mut self, other: &Extent) {
        self.undelivered =
            self.undelivered
                .take()
                .zip(other.undelivered.clone())
                .map(|(mut all, other)| {
                    all.keys.extend(other.keys);
                    all
                });
        self.logged.extend(&other.logged);
        self.under_way_since = self.under_way_since.or(other.under_way_since);
        self.is_run |= other.is_run;
        self.is_export |= other.is_export;
        self.is_cut_short |= other.is_cut_short;
    }
}
