//! How completely a source shows what happened.

use std::collections::BTreeSet;

use crate::hand_off::Hop;
use crate::run::Undelivered;
use crate::span::UnixTime;

/// How completely a source shows what happened. This decides whether a message without a receiver
/// is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The hops whose receiver has a log. A message that is not in such a log did not arrive.
    pub logged: BTreeSet<Hop>,
    /// Set while a run is in progress: records sent after this time may still arrive.
    pub under_way_since: Option<UnixTime>,
    /// Whether the source is a run, or has one among its parts. Its ids, logs and lab records show
    /// more than spans.
    pub is_run: bool,
    /// Whether the source is an export. Its receivers may be recorded elsewhere, so nothing in it
    /// is lost.
    pub is_export: bool,
    /// Whether spans are missing at the end. A receiver may be among them.
    pub is_cut_short: bool,
    /// What a lab accepted and did not deliver. It delivered every other record, whether or not the
    /// consumer left a span or a log line of it. `None` if no lab recorded it.
    pub undelivered: Option<Undelivered>,
}

impl Extent {
    /// The extent of several sources that are judged together.
    pub fn together(extents: &[Extent]) -> Extent {
        let Some((first, others)) = extents.split_first() else {
            return Extent::default();
        };
        let mut all = first.clone();
        for other in others {
            all.add(other);
        }
        all
    }

    fn add(&mut self, other: &Extent) {
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
