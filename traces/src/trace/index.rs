//! An index of the traces in a source, and of the hand-offs between them.
//!
//! The index keeps a few words for each trace and the two ends of each hand-off. Whole traces are
//! read in a second pass ([`crate::trace::Gathering`]).

mod filter;
mod journey;
mod table;
mod wanted;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use baton_propagators::TraceId;

use crate::audit::{Audit, Judged, SourceAudit};
use crate::hand_off::{Hop, Verdict};
use crate::matching::by_id::{Assembly, HandOff};
use crate::readers::collect::{Collect, Part};
use crate::readers::log::LogLine;
use crate::source::extent::Extent;
use crate::span::{Span, SpanReference, UnixTime};

pub use self::filter::Filter;
pub use self::journey::{Journey, Passage};
use self::table::Entry;
pub(crate) use self::table::Table;
pub use self::wanted::Wanted;

/// The traces of one source, or of several.
#[derive(Debug)]
pub struct TraceIndex {
    filter: Filter,
    pub(crate) table: Table,
    /// Takes the spans until the source is read completely.
    audit: SourceAudit,
    /// The hand-offs of a run. Empty until the source is read completely.
    of_run: Assembly,
    audited: Option<Audited>,
    /// Whether it is only for a map, and so keeps no traces.
    is_of_map: bool,
}

/// What an audit found.
#[derive(Debug)]
struct Audited {
    judged: Judged,
    /// The hand-offs that the ids, logs and lab records of a run do not show.
    passages: Vec<Passage>,
    /// Whether the source is a run, whose own hand-offs are in the assembly.
    is_run: bool,
}

/// A hand-off by the traces that it begins and ends in.
#[derive(Clone, Copy, Debug)]
struct Crossing {
    hop: Hop,
    verdict: Option<Verdict>,
    sender: Option<SpanReference>,
    receiver: Option<SpanReference>,
    start: Option<UnixTime>,
}

/// One trace in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceLine {
    /// Its id.
    pub trace_id: TraceId,
    /// The name of its root, or of its earliest span if the root was not seen.
    pub name: String,
    /// The service of that span.
    pub service: String,
    /// All services in it, by name.
    pub services: Vec<String>,
    /// How many spans it has.
    pub spans: u64,
    /// When its first span starts.
    pub start: Option<UnixTime>,
    /// From the first span's start to the last one's end.
    pub duration: Option<Duration>,
    /// The verdicts on the hand-offs that begin or end in it.
    pub verdicts: BTreeMap<Hop, BTreeMap<Verdict, u64>>,
}

/// Why no trace could be found by an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No trace id starts with it.
    #[error("no trace id starts with {0}")]
    None(String),
    /// Several trace ids start with it.
    #[error(
        "{prefix} is the start of {count} trace ids, among them {first} and {second}; write more digits"
    )]
    Several {
        /// The start of an id.
        prefix: String,
        /// How many ids start with it.
        count: usize,
        /// One of them.
        first: TraceId,
        /// Another.
        second: TraceId,
    },
}

impl Default for TraceIndex {
    fn default() -> TraceIndex {
        TraceIndex {
            filter: Filter::default(),
            table: Table::default(),
            audit: SourceAudit::with_texts(),
            of_run: Assembly::default(),
            audited: None,
            is_of_map: false,
        }
    }
}

impl Collect for TraceIndex {
    fn part(&self) -> Box<dyn Part> {
        self.audit.part()
    }

    fn add_part(&mut self, part: Box<dyn Part>) {
        self.audit.add_part(part);
    }

    fn takes_spans(&self) -> bool {
        !self.is_of_map
    }

    fn add_span(&mut self, span: &Span<'_>) {
        self.table.add_span(span, self.filter.met_by(span));
    }

    fn add_log_line(&mut self, line: &LogLine<'_>) {
        self.audit.add_log_line(line);
    }
}

impl TraceIndex {
    /// An index that lists the traces which match `filter`.
    pub fn new(filter: Filter) -> TraceIndex {
        TraceIndex {
            filter,
            ..TraceIndex::default()
        }
    }

    /// The same index without traces, for a map.
    pub fn of_map(self) -> TraceIndex {
        TraceIndex {
            is_of_map: true,
            ..self
        }
    }

    /// The same index, if no source is a run.
    pub fn of_exports(self) -> TraceIndex {
        TraceIndex {
            audit: self.audit.without_run(),
            ..self
        }
    }

    /// Every edge, as an audit finds it; `None` until the source is read completely.
    pub fn judged(&self) -> Option<&Judged> {
        self.audited.as_ref().map(|audited| &audited.judged)
    }

    /// Whether the source is a run.
    pub(crate) fn is_run(&self) -> bool {
        self.audited.as_ref().is_some_and(|audited| audited.is_run)
    }

    /// The index of a source that was read completely, without a filter. `passages` are the
    /// hand-offs that the ids, logs and lab records of a run do not show.
    pub(crate) fn of(
        table: Table,
        of_run: Assembly,
        judged: Judged,
        passages: Vec<Passage>,
        is_run: bool,
    ) -> TraceIndex {
        TraceIndex {
            of_run,
            table,
            audited: Some(Audited {
                judged,
                passages,
                is_run,
            }),
            ..TraceIndex::default()
        }
    }

    /// Says that the source was read completely: see [`Assembly::finish`].
    pub fn finish(&mut self, extent: &Extent) {
        let reading = std::mem::replace(&mut self.audit, SourceAudit::with_texts());
        let (audit, of_run) = reading.finish(extent);
        self.of_run = of_run.unwrap_or_default();
        let is_run = extent.is_run;
        let of_run = is_run.then_some(&self.of_run);
        let (judged, passages) = match self.is_of_map {
            true => (audit.judge_run(of_run, None), Vec::new()),
            false => audited(audit, of_run),
        };
        self.audited = Some(Audited {
            judged,
            passages,
            is_run,
        });
    }

    /// The hops without receivers in the source. Their hand-offs are not judged.
    pub fn senders_alone(&self) -> &BTreeSet<Hop> {
        self.of_run.senders_alone()
    }

    /// How many traces there are.
    pub fn len(&self) -> usize {
        self.table.traces.len()
    }

    /// Whether no trace was seen.
    pub fn is_empty(&self) -> bool {
        self.table.traces.is_empty()
    }

    /// The hand-offs that the ids, logs and lab records of a run show; none of an export.
    fn hand_offs_of_run(&self) -> impl Iterator<Item = HandOff<'_>> {
        let is_run = self.audited.as_ref().is_some_and(|audited| audited.is_run);
        let assembly = is_run.then_some(&self.of_run);
        assembly.into_iter().flat_map(Assembly::hand_offs)
    }

    /// The newest `limit` traces that match the filter, and how many match it in all.
    pub fn list(&self, limit: usize) -> (Vec<TraceLine>, usize) {
        let by_verdict = self.traces_with_verdicts();
        let mut found: Vec<(&TraceId, &Entry)> = self
            .table
            .traces
            .iter()
            .filter(|(id, entry)| {
                let has_verdict = by_verdict.as_ref().is_none_or(|traces| traces.contains(id));
                has_verdict && self.filter.is_met(entry.met)
            })
            .collect();
        found.sort_by_key(|(id, entry)| (std::cmp::Reverse(entry.start), **id));
        let count = found.len();
        let mut lines: Vec<TraceLine> = found
            .into_iter()
            .take(limit)
            .map(|(id, entry)| self.table.line(*id, entry))
            .collect();
        self.add_verdicts(&mut lines);
        (lines, count)
    }

    /// Every hand-off by its traces.
    fn crossings(&self) -> impl Iterator<Item = Crossing> + '_ {
        let others = self.audited.iter().flat_map(|audited| &audited.passages);
        let others = others.map(|passage| Crossing {
            hop: passage.hop,
            verdict: passage.verdict,
            sender: passage.sender,
            receiver: passage.receiver,
            start: None,
        });
        let of_run = self.hand_offs_of_run().map(|hand_off| Crossing {
            hop: hand_off.hop,
            verdict: hand_off.verdict,
            sender: hand_off.sender.reference,
            receiver: hand_off.receiver.and_then(|receiver| receiver.reference),
            start: hand_off.sender.start,
        });
        of_run.chain(others)
    }

    /// The traces with a hand-off that has one of the filter's verdicts; `None` if the filter names
    /// no verdict.
    fn traces_with_verdicts(&self) -> Option<HashSet<TraceId>> {
        let wanted = &self.filter.verdicts;
        let is_wanted = |crossing: &Crossing| {
            crossing
                .verdict
                .is_some_and(|verdict| wanted.contains(&verdict))
        };
        (!wanted.is_empty()).then(|| {
            let found = self.crossings().filter(is_wanted);
            found.flat_map(Crossing::trace_ids).collect()
        })
    }

    fn add_verdicts(&self, lines: &mut [TraceLine]) {
        let places: HashMap<TraceId, usize> = lines
            .iter()
            .enumerate()
            .map(|(place, line)| (line.trace_id, place))
            .collect();
        for crossing in self.crossings() {
            let Some(verdict) = crossing.verdict else {
                continue;
            };
            for trace_id in crossing.trace_ids() {
                if let Some(place) = places.get(&trace_id) {
                    let verdicts = lines[*place].verdicts.entry(crossing.hop).or_default();
                    *verdicts.entry(verdict).or_default() += 1;
                }
            }
        }
    }

    /// The one trace that an id means, as any backend writes it, or its first digits ([`Wanted`]).
    /// A trace with exactly that id takes precedence over traces whose ids only begin with it.
    ///
    /// # Errors
    /// If there is none, or more than one, or if the text is not an id.
    pub fn find(&self, prefix: &str) -> Result<TraceId, FindError> {
        let Some(wanted) = Wanted::parse(prefix) else {
            return Err(FindError::None(prefix.to_owned()));
        };
        let traces = self.table.traces.keys().copied();
        let mut found: Vec<TraceId> = traces.clone().filter(|id| wanted.is(*id)).collect();
        if found.is_empty() {
            found = traces.filter(|id| wanted.begins(*id)).collect();
        }
        found.sort();
        match *found.as_slice() {
            [] => Err(FindError::None(prefix.to_owned())),
            [only] => Ok(only),
            [first, second, ..] => Err(FindError::Several {
                prefix: prefix.to_owned(),
                count: found.len(),
                first,
                second,
            }),
        }
    }
}

/// What an audit finds, and the hand-offs that `of_run`, the ids, logs and lab records of a run, do
/// not show.
pub(crate) fn audited(audit: Audit, of_run: Option<&Assembly>) -> (Judged, Vec<Passage>) {
    let mut passages = Vec::new();
    let judged = audit.judge_others(of_run, &mut |hand_off| {
        passages.push(Passage::from(hand_off));
    });
    (judged, passages)
}

impl Crossing {
    /// The traces that a hand-off begins and ends in, without duplicates.
    fn trace_ids(self) -> impl Iterator<Item = TraceId> {
        let from = self.sender.map(|sender| sender.trace_id);
        let to = self.receiver.map(|receiver| receiver.trace_id);
        from.into_iter().chain(to.filter(|to| Some(*to) != from))
    }
}
