//! Measures a source: reads all of it and computes its figures.

mod load_figures;

use self::load_figures::LoadFigures;
use crate::audit::{Audit, Judged};
use crate::collect::Collect;
use crate::hand_off::{Hop, Verdict};
use crate::known::{Known, Unknown};
use crate::load::{Loaded, load};
use crate::readers::log::LogLine;
use crate::rounds::Round;
use crate::run::RunDirectory;
use crate::source::{Source, SourceError};
use crate::span::{Span, UnixTime, Want};
use crate::statistics::Durations;
use crate::summary::{Requests, Summary};
use crate::tally::Tally;
use crate::trace_index::{Table, TraceIndex};

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
    /// In an export, a hop whose ends have no ids in common is judged by parents and links. If a
    /// run lacks a file, the figures from that file are unknown. Both are reported in
    /// [`Measured::unknown`] or in the summary's `problems`, and so is a source that is cut short.
    ///
    /// # Errors
    /// If the source cannot be read, is not an export of spans, or is a directory without a valid
    /// manifest.
    pub fn of(source: &Source) -> Result<Measured, SourceError> {
        let mut all = Collected::of(source, None)?;
        let loaded = load(source, all.want(), &mut all)?;
        let measured = Measured::of_loaded(source, &loaded, &mut all.tally)?;
        Ok(measured.with_audit(all.audit.map(Audit::judge)))
    }

    /// The same as [`Measured::of`], for a run in a directory.
    ///
    /// # Errors
    /// As [`Measured::of`].
    pub fn of_run(run: &RunDirectory) -> Result<Measured, SourceError> {
        Measured::of(&Source::from(run.path()))
    }

    /// Reads `source` once, for its figures and for an index of its traces.
    ///
    /// # Errors
    /// As [`Measured::of`].
    pub fn with_index(source: &Source) -> Result<(Measured, TraceIndex), SourceError> {
        let mut all = Collected::of(source, Some(Table::default()))?;
        let loaded = load(source, all.want(), &mut all)?;
        let measured = Measured::of_loaded(source, &loaded, &mut all.tally)?;
        let table = all.table.unwrap_or_default();
        let mut index = TraceIndex::of(table, all.tally.into_assembly());
        let judged = all.audit.map(|audit| index.take_audit(audit));
        Ok((measured.with_audit(judged), index))
    }

    /// Adds the result of the audit of an export.
    fn with_audit(mut self, judged: Option<Judged>) -> Measured {
        if let Some(judged) = judged {
            for (hop, verdicts) in judged.hops() {
                // parents and links alone show what held, but not what broke
                let connected = format!("{hop}.{}", Verdict::Connected);
                let is_half = self.summary.unknown.contains(&connected);
                let count: u64 = verdicts.values().sum();
                if is_half && count > self.summary.judged(hop) {
                    self.summary.hops.insert(hop, verdicts);
                }
            }
            self.summary.edges = judged.edges.clone();
            self.summary.audit = Some(judged);
        }
        self
    }

    fn of_loaded(
        source: &Source,
        loaded: &Loaded,
        tally: &mut Tally,
    ) -> Result<Measured, SourceError> {
        tally.finish(&loaded.extent);
        let mut problems = problems(loaded, tally);
        let load = match source.run()? {
            Some(run) => LoadFigures::read(&run, &mut problems),
            None => None,
        };
        let has_requests =
            tally.clients().sent > 0 || load.as_ref().is_some_and(|load| load.requests.is_some());
        let known = Known::of(tally, loaded, has_requests);
        let end_to_end = match known.records {
            true => tally.end_to_end(),
            false => Durations::default(),
        };
        let mut summary = Summary::of(source.name(), tally, &known, &end_to_end);
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
struct Collected {
    tally: Tally,
    table: Option<Table>,
    /// For an export, in which any two services may hand over to each other. A run has two hops.
    audit: Option<Audit>,
}

impl Collected {
    fn of(source: &Source, table: Option<Table>) -> Result<Collected, SourceError> {
        Ok(Collected {
            tally: Tally::default(),
            table,
            audit: source.run()?.is_none().then(Audit::default),
        })
    }

    fn want(&self) -> Want {
        match self.audit {
            Some(_) => Want::HandOffs,
            None => Want::Judging,
        }
    }
}

impl Collect for Collected {
    fn add_span(&mut self, span: &Span<'_>) {
        self.tally.add_span(span);
        if let Some(table) = &mut self.table {
            table.add_span(span, 0);
        }
        if let Some(audit) = &mut self.audit {
            audit.add(span);
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
    let starts = rounds.iter().map(|round| {
        let nanoseconds = u64::try_from(round.started.as_nanosecond()).ok();
        nanoseconds.and_then(UnixTime::from_nanoseconds)
    });
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
                "load.json tells of {} requests and the clients' spans of {}, which is what counts",
                load.sent, by_spans.sent
            ));
            Some(by_spans)
        }
        (load, by_spans) => load.or(by_spans),
    }
}
