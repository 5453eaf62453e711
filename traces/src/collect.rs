//! What a loader gives to those who judge: spans, log lines, and how far the source shows what
//! happened.

use std::collections::BTreeSet;

use crate::hand_off::Hop;
use crate::readers::log::LogLine;
use crate::span::{Span, UnixTime};

/// Takes the spans and log lines of a source, in any order.
pub trait Collect: Send {
    /// Takes a span.
    fn add_span(&mut self, span: &Span<'_>);

    /// Takes a line of a function's log. The default is for those who need no logs.
    fn add_log_line(&mut self, _line: &LogLine<'_>) {}
}

/// How far a source shows what happened. It decides whether a message without a receiver is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The hops whose receivers' log is there. What is not in such a log did not arrive.
    pub logged: BTreeSet<Hop>,
    /// Set while a run goes on: a record that was sent later may still arrive.
    pub under_way_since: Option<UnixTime>,
    /// Whether it is an export: a receiver that it does not show may be elsewhere, so nothing is lost.
    pub is_export: bool,
    /// Whether spans are missing at the end, so that a receiver may be among these.
    pub is_cut_short: bool,
}

impl Extent {
    /// Adds another source, which is judged together with this one.
    pub fn add(&mut self, other: &Extent) {
        self.logged.extend(&other.logged);
        self.under_way_since = self.under_way_since.or(other.under_way_since);
        self.is_export |= other.is_export;
        self.is_cut_short |= other.is_cut_short;
    }
}
