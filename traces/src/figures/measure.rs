//! Measures a source: reads all of it and computes its figures.

mod load_figures;

use self::load_figures::LoadFigures;
use crate::audit::{Audit, Judged};
use crate::figures::known::{Known, Unknown};
use crate::figures::summary::round::Round;
use crate::figures::summary::{Requests, SeenSpans, Summary};
use crate::figures::tally::{HopCounts, Tally};
use crate::hand_off::Hop;
use crate::percentiles::Durations;
use crate::readers::collect::{Collect, Part, own};
use crate::readers::log::LogLine;
use crate::run::RunDirectory;
use crate::source::load::{Loaded, load};
use crate::source::{Source, SourceError};
use crate::span::{Span, UnixTime, Want};
use crate::threads::together;
use crate::trace::index::{Table, TraceIndex, audited};

/// The figures of a source, and what a comparison also needs.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The figures.
    pub summary: Summary,
    /// The durations of the successful requests, as the client measured them.
    pub request: Durations,
    /// The durations of the records, from the client's start to the end of their first handling.
    pub end_to_end: Durations,
    /// Whether `end_to_end` starts at the producer, because the source has no client spans.
    pub end_to_end_from_producer: bool,
    /// What the source cannot show, and why.
    pub unknown: Vec<Unknown>,
}

impl Measured {
    /// Reads all of `source`, judges every hand-off and computes the figures.
    ///
    /// The hops of a run are judged by ids, logs and lab records. The hops of an export are the
    /// requests and the messages of its audit. If a run lacks a file, the figures from that file
    /// are unknown. [`Measured::unknown`] or the summary's `problems` says so, and also whether the
    /// source is cut short.
    ///
    /// # Errors
    /// If the source cannot be read, is not an export of spans, or is a directory without a valid
    /// manifest.
    pub fn of(source: &Source) -> Result<Measured, SourceError> {
        // figures do not need the text of ids
        let mut all = Collected {
            tally: Tally::without_texts(),
            ..Collected::default()
        };
        let loaded = load(source, Want::HandOffs, &mut all)?;
        all.tally.finish(&loaded.extent);
        let is_run = loaded.extent.is_run;
        let Collected { tally, audit, .. } = all;
        let of_run = is_run.then(|| tally.assembly());
        let (end_to_end, judged) =
            together(|| tally.end_to_end(), || audit.judge_run(of_run, None));
        Measured::of_loaded(source, &loaded, &tally, judged, end_to_end)
    }

    /// The same as [`Measured::of`], for a run in a directory.
    ///
    /// # Errors
    /// As [`Measured::of`].
    pub fn of_run(run: &RunDirectory) -> Result<Measured, SourceError> {
        Measured::of(&Source::from(run.path()))
    }

    /// Reads `source` once, for both its figures and an index of its traces.
    ///
    /// # Errors
    /// As [`Measured::of`].
    pub fn with_index(source: &Source) -> Result<(Measured, TraceIndex), SourceError> {
        let mut all = Collected {
            table: Some(Table::default()),
            ..Collected::default()
        };
        let loaded = load(source, Want::HandOffs, &mut all)?;
        all.tally.finish(&loaded.extent);
        let is_run = loaded.extent.is_run;
        let of_run = is_run.then(|| all.tally.assembly());
        let table = all.table.unwrap_or_default();
        let (judged, passages) = audited(all.audit, of_run);
        let end_to_end = all.tally.end_to_end();
        let (tally, judged_again) = (&all.tally, judged.clone());
        let measured = Measured::of_loaded(source, &loaded, tally, judged_again, end_to_end)?;
        let index = TraceIndex::of(table, all.tally.into_assembly(), judged, passages, is_run);
        Ok((measured, index))
    }

    fn of_loaded(
        source: &Source,
        loaded: &Loaded,
        tally: &Tally,
        judged: Judged,
        end_to_end: Durations,
    ) -> Result<Measured, SourceError> {
        let mut problems = problems(loaded, tally);
        let load = match source.run()? {
            Some(run) => LoadFigures::read(&run, &mut problems),
            None => None,
        };
        let has_requests =
            tally.clients().sent > 0 || load.as_ref().is_some_and(|load| load.requests.is_some());
        let known = Known::of(tally, loaded, &judged, has_requests);
        let end_to_end = match known.records {
            true => end_to_end,
            false => Durations::default(),
        };
        let verdicts = match loaded.extent.is_run {
            true => tally.verdicts(),
            // the audit has them
            false => Hop::BOTH.map(|hop| (hop, HopCounts::default())).into(),
        };
        let seen = SeenSpans::of(&judged);
        let mut summary = Summary::of(source.name(), tally, seen, verdicts, &known, &end_to_end);
        summary.edges.clone_from(&judged.edges);
        if loaded.manifest.is_none() {
            summary = summary.audited(judged);
        }
        if let Some(manifest) = &loaded.manifest {
            summary = summary.described_by(manifest);
            // the bursts of several machines overlap
            let load_rps = load.as_ref().filter(|_| !manifest.is_merged());
            let load_rps = load_rps.and_then(LoadFigures::throughput_rps);
            summary.throughput_rps = load_rps.or(summary.throughput_rps);
        }
        if loaded.missing_spans.is_some() {
            summary.spans = None;
            summary.traces = None;
        }
        if summary.interleaved.is_some() {
            let rounds = load.as_ref().map_or_else(Vec::new, LoadFigures::rounds);
            summary.rounds = with_records(rounds, tally, &known);
        }
        summary.requests = requests(load, summary.requests, &mut problems);
        summary.log_problems = loaded.log_problem_lines;
        summary.problems = problems;
        Ok(Measured {
            summary,
            request: match known.requests {
                true => tally.clients().durations.clone(),
                false => Durations::default(),
            },
            end_to_end,
            end_to_end_from_producer: tally.clients().sent == 0,
            unknown: known.unknown().to_vec(),
        })
    }
}

/// Counts, indexes and audits spans in one pass.
#[derive(Default)]
struct Collected {
    tally: Tally,
    table: Option<Table>,
    audit: Audit,
}

impl Part for Collected {
    fn add(&mut self, span: &Span<'_>) {
        self.audit.add(span);
        self.tally.add_span(span);
    }

    fn another(&self) -> Box<dyn Part> {
        Box::new(Collected {
            audit: self.audit.part(),
            tally: self.tally.part(),
            table: None,
        })
    }
}

impl Collect for Collected {
    fn part(&self) -> Box<dyn Part> {
        self.another()
    }

    fn add_part(&mut self, part: Box<dyn Part>) {
        if let Some(part) = own::<Collected>(part) {
            self.audit.add_part(part.audit);
            self.tally.append(part.tally);
        }
    }

    fn takes_spans(&self) -> bool {
        self.table.is_some()
    }

    fn add_span(&mut self, span: &Span<'_>) {
        if let Some(table) = &mut self.table {
            table.add_span(span, 0);
        }
    }

    fn add_log_line(&mut self, line: &LogLine<'_>) {
        self.tally.add_log_line(line);
    }
}

/// What is wrong with the files of a source: one sentence for each problem.
fn problems(loaded: &Loaded, tally: &Tally) -> Vec<String> {
    let manifest = loaded.manifest.as_ref();
    let mut problems = manifest.map_or_else(Vec::new, |manifest| manifest.problems_of_parts());
    problems.extend(loaded.missing_spans.as_ref().map(|path| {
        let path = path.display();
        format!("{path} is missing: there are no spans")
    }));
    problems.extend(loaded.span_problems.iter().cloned());
    problems.extend(loaded.log_problems.iter().cloned());
    for (function, path) in &loaded.missing_logs {
        // a burst at a foreign endpoint has no logs
        let is_foreign = manifest.is_some_and(|manifest| manifest.pairing.is_none())
            && !tally.assembly().has_receivers(Hop::into(*function));
        if !is_foreign {
            problems.push(format!(
                "{} is missing: without it, what was not sampled counts as lost",
                path.display()
            ));
        }
    }
    problems
}

/// Adds the end-to-end times of the records, each to the round in which its request began.
fn with_records(mut rounds: Vec<Round>, tally: &Tally, known: &Known) -> Vec<Round> {
    let starts = rounds.iter().map(|round| UnixTime::of(round.started));
    let starts: Option<Vec<UnixTime>> = starts.collect();
    let Some(starts) = starts.filter(|starts| known.records && starts.is_sorted()) else {
        return rounds;
    };
    for (round, durations) in rounds.iter_mut().zip(tally.end_to_end_since(&starts)) {
        round.records = durations.count();
        round.latency_ms.end_to_end = durations.percentiles();
    }
    rounds
}

/// The requests in the load figures, or else in the clients' spans.
fn requests(
    load: Option<LoadFigures>,
    by_spans: Option<Requests>,
    problems: &mut Vec<String>,
) -> Option<Requests> {
    match (load.and_then(|load| load.requests), by_spans) {
        // other clients may have sent requests too
        (Some(load), Some(by_spans)) if by_spans.sent > load.sent => {
            problems.push(format!(
                "load.json has {} requests, but there are {} client spans, so the spans count",
                load.sent, by_spans.sent
            ));
            Some(by_spans)
        }
        (load, by_spans) => load.or(by_spans),
    }
}
