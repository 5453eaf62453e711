//! Counts spans and log lines for a summary.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::time::Duration;

use foldhash::HashSet;
use foldhash::quality::RandomState;
use serde::{Deserialize, Serialize};

use crate::assemble::{Assembly, RecordCounts, succeeded};
use crate::collect::{Collect, Extent};
use crate::hand_off::{Flag, Flags, Hop, Role, Verdict};
use crate::readers::log::{Event, LogLine};
use crate::span::{Key, Span, UnixTime};
use crate::statistics::Durations;

/// How many hand-offs of a hop have each flag; `None` if the source cannot show the flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlagCounts {
    /// See [`Flags::sampled_changed`].
    pub sampled_changed: Option<u64>,
    /// See [`Flags::tracestate_lost`].
    pub tracestate_lost: Option<u64>,
    /// See [`Flags::baggage_lost`].
    pub baggage_lost: Option<u64>,
    /// See [`Flags::debug_lost`].
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

    fn add(&mut self, flags: Flags) {
        for flag in Flag::ALL {
            if let Some(count) = self.get_mut(flag) {
                *count += u64::from(flag.is_in(flags));
            }
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

/// The requests in the clients' spans.
#[derive(Clone, Debug, Default)]
pub struct ClientCounts {
    /// How many were sent.
    pub sent: u64,
    /// How many succeeded.
    pub ok: u64,
    /// How many of the successful ones have no request id, so that baton cannot find their
    /// receiver.
    pub ok_without_request_id: u64,
    /// The durations of the successful ones.
    pub durations: Durations,
    first_start: Option<UnixTime>,
    last_end: Option<UnixTime>,
}

impl ClientCounts {
    /// The duration of the burst, from the start of the first request to the end of the last.
    pub fn burst(&self) -> Option<Duration> {
        self.last_end?.since(self.first_start?)
    }

    fn add(&mut self, span: &Span<'_>, request_id: Option<&str>) {
        self.sent += 1;
        if succeeded(span) {
            self.ok += 1;
            self.ok_without_request_id += u64::from(request_id.is_none());
            if let Some(duration) = span.duration() {
                self.durations.add(duration);
            }
        }
        let starts = self.first_start.into_iter().chain(span.start);
        self.first_start = starts.min();
        self.last_end = self.last_end.max(span.end);
    }
}

/// The log events that report a problem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TroubleCounts {
    /// Spans that never reached the backend of an exporter.
    pub spans_dropped: u64,
    /// How often the consumer could not read a record and asked for it again.
    pub records_failed: u64,
    /// Records that Kinesis refused.
    pub records_refused: u64,
}

/// Spans from other forms than OTLP, and how many of them have optional attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForeignCounts {
    /// How many spans came in another form than OTLP.
    pub spans: u64,
    /// How many of them have a count of baggage entries.
    pub baggage_counts: u64,
    /// How many of them say whether they had the debug flag.
    pub debug_marks: u64,
}

/// Counts spans and log lines, in any order.
#[derive(Debug, Default)]
pub struct Tally {
    assembly: Assembly,
    spans: u64,
    hasher: RandomState,
    /// The traces, as hashes.
    traces: HashSet<u64>,
    links: u64,
    trace_states: u64,
    baggage_counts: u64,
    debug_marks: u64,
    foreign: ForeignCounts,
    clients: ClientCounts,
    troubles: TroubleCounts,
}

impl Collect for Tally {
    type Part = ();

    fn part(&self) {}

    fn prepare((): &mut (), _span: &Span<'_>) {}

    fn add_part(&mut self, (): ()) {}

    fn takes_spans(&self) -> bool {
        true
    }

    fn add_span(&mut self, span: &Span<'_>) {
        self.add_span(span);
    }

    fn add_log_line(&mut self, line: &LogLine<'_>) {
        self.add_log_line(line);
    }
}

impl Tally {
    /// Counts a span.
    pub fn add_span(&mut self, span: &Span<'_>) {
        self.spans += 1;
        let trace = self.hasher.hash_one(span.reference.trace_id);
        self.traces.insert(trace);
        self.links += span.links.len() as u64;
        self.trace_states += u64::from(!span.trace_state.is_empty());
        let says = |key| u64::from(span.attributes.get(key).is_some());
        self.baggage_counts += says(Key::BaggageEntries);
        self.debug_marks += says(Key::ContextDebug);
        if span.format().is_some() {
            self.foreign.spans += 1;
            self.foreign.baggage_counts += says(Key::BaggageEntries);
            self.foreign.debug_marks += says(Key::ContextDebug);
        }
        if let Role::ClientRequest { request_id } = Role::of(span)
            // a span that was exported twice is one request
            && !request_id.is_some_and(|id| self.assembly.has_client(id))
        {
            self.clients.add(span, request_id);
        }
        self.assembly.add_span(span);
    }

    /// Counts a line of a function's log.
    pub fn add_log_line(&mut self, line: &LogLine<'_>) {
        match line.event {
            Event::RecordFailed => self.troubles.records_failed += 1,
            Event::RecordRefused => self.troubles.records_refused += 1,
            Event::SpansDropped { dropped } => {
                self.troubles.spans_dropped = self.troubles.spans_dropped.saturating_add(dropped);
            }
            _ => self.assembly.add_log_line(line),
        }
    }

    /// How many spans were seen.
    pub fn spans(&self) -> u64 {
        self.spans
    }

    /// How many traces the spans belong to.
    pub fn traces(&self) -> u64 {
        self.traces.len() as u64
    }

    /// How many links the spans have.
    pub fn links(&self) -> u64 {
        self.links
    }

    /// How many spans have a `tracestate`.
    pub fn trace_states(&self) -> u64 {
        self.trace_states
    }

    /// The spans that came in another form than OTLP.
    pub fn foreign(&self) -> ForeignCounts {
        self.foreign
    }

    /// How many spans have a count of baggage entries.
    pub fn baggage_counts(&self) -> u64 {
        self.baggage_counts
    }

    /// How many spans say whether they had the debug flag.
    pub fn debug_marks(&self) -> u64 {
        self.debug_marks
    }

    /// Call this after the whole source has been read: see [`Assembly::finish`].
    pub fn finish(&mut self, extent: &Extent) {
        self.assembly.finish(extent);
    }

    /// Drops the ids of requests and records, if they are not needed to see what the forms of spans
    /// cannot show. Hand-offs cannot be iterated any more.
    pub(crate) fn forget_keys(&mut self) {
        if self.foreign.spans == 0 {
            self.assembly.forget_keys();
        }
    }

    /// The clients' requests.
    pub fn clients(&self) -> &ClientCounts {
        &self.clients
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

    /// The assembly. All counts are dropped.
    pub(crate) fn into_assembly(self) -> Assembly {
        self.assembly
    }

    /// The verdicts and flags of each hop, from the spans and lines added so far.
    pub fn verdicts(&self) -> BTreeMap<Hop, HopCounts> {
        let mut hops = BTreeMap::from([
            (Hop::Ingress, HopCounts::default()),
            (Hop::Record, HopCounts::default()),
        ]);
        for hand_off in self.assembly.hand_offs() {
            let counts = hops.entry(hand_off.hop).or_default();
            match hand_off.verdict {
                Some(verdict) => *counts.verdicts.entry(verdict).or_default() += 1,
                None => counts.unjudged += 1,
            }
            counts.flags.add(hand_off.flags);
        }
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

    /// The same durations, apart for each period that begins at one of `starts`, which must ascend.
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
