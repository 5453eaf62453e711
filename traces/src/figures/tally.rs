//! Counts spans and log lines for a summary.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hand_off::{Flag, Hop, Verdict};
use crate::matching::by_id::{Assembly, HandOff};
pub use crate::matching::by_id::{ClientCounts, RecordCounts};
use crate::percentiles::Durations;
use crate::readers::collect::{Collect, Part, own};
use crate::readers::log::{Event, LogLine};
use crate::source::extent::Extent;
use crate::span::{Key, Span, UnixTime};

/// How many hand-offs of a hop have each flag; `None` if the source cannot show the flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct FlagCounts {
    /// Those with the flag `sampled_changed`.
    pub sampled_changed: Option<u64>,
    /// Those with the flag `tracestate_lost`.
    pub tracestate_lost: Option<u64>,
    /// Those with the flag `baggage_lost`.
    pub baggage_lost: Option<u64>,
    /// Those with the flag `debug_lost`.
    pub debug_lost: Option<u64>,
}

impl Default for FlagCounts {
    fn default() -> FlagCounts {
        FlagCounts {
            sampled_changed: Some(0),
            tracestate_lost: Some(0),
            baggage_lost: Some(0),
            debug_lost: Some(0),
        }
    }
}

impl FlagCounts {
    /// How many hand-offs have `flag`; `None` if the source cannot show it.
    pub fn get(&self, flag: Flag) -> Option<u64> {
        match flag {
            Flag::SampledChanged => self.sampled_changed,
            Flag::TracestateLost => self.tracestate_lost,
            Flag::BaggageLost => self.baggage_lost,
            Flag::DebugLost => self.debug_lost,
        }
    }

    /// The count of `flag`, to change it.
    pub fn get_mut(&mut self, flag: Flag) -> &mut Option<u64> {
        match flag {
            Flag::SampledChanged => &mut self.sampled_changed,
            Flag::TracestateLost => &mut self.tracestate_lost,
            Flag::BaggageLost => &mut self.baggage_lost,
            Flag::DebugLost => &mut self.debug_lost,
        }
    }

    fn add(&mut self, flag: Flag, hand_offs: u64) {
        if let Some(count) = self.get_mut(flag) {
            *count += hand_offs;
        }
    }
}

/// The hand-offs of one hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HopCounts {
    /// How many have each verdict. A verdict without hand-offs is absent.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// How many have each flag.
    pub flags: FlagCounts,
    /// How many could not be judged, because neither end has a span.
    pub unjudged: u64,
}

impl HopCounts {
    fn add(&mut self, hand_off: &HandOff<'_>) {
        match hand_off.verdict {
            Some(verdict) => *self.verdicts.entry(verdict).or_default() += 1,
            None => self.unjudged += 1,
        }
        for flag in Flag::ALL {
            let count = u64::from(flag.is_in(hand_off.flags));
            self.flags.add(flag, count);
        }
    }

    fn merge(&mut self, other: &HopCounts) {
        for (verdict, count) in &other.verdicts {
            *self.verdicts.entry(*verdict).or_default() += count;
        }
        for flag in Flag::ALL {
            self.flags.add(flag, other.flags.get(flag).unwrap_or(0));
        }
        self.unjudged += other.unjudged;
    }
}

/// The log events that report a problem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct TroubleCounts {
    /// Spans that never reached the backend of an exporter.
    pub spans_dropped: u64,
    /// How often the consumer could not read a record and asked for it again.
    pub records_failed: u64,
    /// Records that Kinesis refused.
    pub records_refused: u64,
}

impl TroubleCounts {
    fn add(&mut self, other: TroubleCounts) {
        self.spans_dropped = self.spans_dropped.saturating_add(other.spans_dropped);
        self.records_failed += other.records_failed;
        self.records_refused += other.records_refused;
    }
}

/// Spans from other forms than OTLP, and how many of them have optional attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForeignCounts {
    /// How many spans arrived in another form than OTLP.
    pub spans: u64,
    /// How many of them have a count of baggage entries.
    pub baggage_counts: u64,
    /// How many of them say whether they had the debug flag.
    pub debug_marks: u64,
}

impl ForeignCounts {
    fn add(&mut self, other: ForeignCounts) {
        self.spans += other.spans;
        self.baggage_counts += other.baggage_counts;
        self.debug_marks += other.debug_marks;
    }
}

/// Counts spans and log lines, in any order.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    assembly: Assembly,
    links: u64,
    trace_states: u64,
    foreign: ForeignCounts,
    troubles: TroubleCounts,
}

impl Part for Tally {
    fn add(&mut self, span: &Span<'_>) {
        self.add_span(span);
    }

    fn another(&self) -> Box<dyn Part> {
        Box::new(self.part())
    }
}

impl Collect for Tally {
    fn part(&self) -> Box<dyn Part> {
        self.another()
    }

    fn add_part(&mut self, part: Box<dyn Part>) {
        if let Some(part) = own(part) {
            self.append(part);
        }
    }

    fn add_log_line(&mut self, line: &LogLine<'_>) {
        self.add_log_line(line);
    }
}

impl Tally {
    /// A tally that does not keep the text of ids: see [`HandOffKey`].
    ///
    /// [`HandOffKey`]: crate::matching::by_id::HandOffKey
    pub(crate) fn without_texts() -> Tally {
        Tally {
            assembly: Assembly::without_texts(),
            ..Tally::default()
        }
    }

    /// A part of this tally, still empty.
    pub(crate) fn part(&self) -> Tally {
        Tally {
            assembly: self.assembly.part(),
            ..Tally::default()
        }
    }

    /// Adds what a part counted.
    pub(crate) fn append(&mut self, part: Tally) {
        self.assembly.append(part.assembly);
        self.links += part.links;
        self.trace_states += part.trace_states;
        self.foreign.add(part.foreign);
        self.troubles.add(part.troubles);
    }

    /// Counts a span. Its hand-off counts once if it is added twice.
    pub fn add_span(&mut self, span: &Span<'_>) {
        self.links += span.links.len() as u64;
        self.trace_states += u64::from(!span.trace_state.is_empty());
        if span.format().is_some() {
            let says = |key| u64::from(span.attributes.get(key).is_some());
            self.foreign.add(ForeignCounts {
                spans: 1,
                baggage_counts: says(Key::BaggageEntries),
                debug_marks: says(Key::ContextDebug),
            });
        }
        self.assembly.add_span(span);
    }

    /// Counts a line of a function's log.
    pub fn add_log_line(&mut self, line: &LogLine<'_>) {
        match line.event {
            Event::RecordFailed => self.troubles.records_failed += 1,
            Event::RecordRefused => self.troubles.records_refused += 1,
            Event::SpansDropped { dropped } => self.troubles.add(TroubleCounts {
                spans_dropped: dropped,
                ..TroubleCounts::default()
            }),
            _ => self.assembly.add_log_line(line),
        }
    }

    /// Whether a span has links.
    pub(crate) fn has_links(&self) -> bool {
        self.links > 0
    }

    /// Whether a span has a `tracestate`.
    pub(crate) fn has_trace_states(&self) -> bool {
        self.trace_states > 0
    }

    /// The spans that arrived in another form than OTLP.
    pub fn foreign(&self) -> ForeignCounts {
        self.foreign
    }

    /// Call this after the whole source has been read: see [`Assembly::finish`].
    pub fn finish(&mut self, extent: &Extent) {
        self.assembly.finish(extent);
    }

    /// The clients' requests.
    pub fn clients(&self) -> &ClientCounts {
        self.assembly.clients()
    }

    /// The counts of records.
    pub fn records(&self) -> RecordCounts {
        self.assembly.record_counts()
    }

    /// The problems that the logs report.
    pub fn troubles(&self) -> TroubleCounts {
        self.troubles
    }

    /// The two ends of all hand-offs.
    pub fn assembly(&self) -> &Assembly {
        &self.assembly
    }

    /// The two ends of all hand-offs, for an index of them.
    pub(crate) fn into_assembly(self) -> Assembly {
        self.assembly
    }

    /// The verdicts and flags of each hop.
    pub fn verdicts(&self) -> BTreeMap<Hop, HopCounts> {
        let counted = self.assembly.fold(
            |hand_off, hops: &mut BTreeMap<Hop, HopCounts>| {
                hops.entry(hand_off.hop).or_default().add(hand_off);
            },
            |all, some| {
                for (hop, counts) in some {
                    all.entry(hop).or_default().merge(&counts);
                }
            },
        );
        let mut hops = BTreeMap::from(Hop::BOTH.map(|hop| (hop, HopCounts::default())));
        hops.extend(counted);
        hops
    }

    /// The durations from the client's start to the end of the handling of each record.
    pub fn end_to_end(&self) -> Durations {
        let mut durations = Durations::default();
        for (_, duration) in self.assembly.end_to_end() {
            durations.add(duration);
        }
        durations
    }

    /// The same durations, separately for each period that begins at one of `starts`, which must
    /// ascend.
    pub(crate) fn end_to_end_since(&self, starts: &[UnixTime]) -> Vec<Durations> {
        let mut periods = vec![Durations::default(); starts.len()];
        for (start, duration) in self.assembly.end_to_end() {
            let begun = starts.partition_point(|period| *period <= start);
            if let Some(period) = begun.checked_sub(1) {
                periods[period].add(duration);
            }
        }
        periods
    }
}
