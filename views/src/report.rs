//! `report.html`: a comparison as one self-contained page. It works in light and dark mode, on a
//! phone and in print, without scripts and without network access.
//!
//! Every picture's content is also there as text. The page shows the values of `summary.json`.

mod bytes;
mod changes;
mod latency;
mod maps;
mod setup;
mod verdicts;

use askama::Template;

use self::bytes::Bytes;
use self::changes::Changes;
use self::latency::LatencyFigure;
use self::maps::{MapFigure, WaterfallFigure};
use self::setup::Setup;
use self::verdicts::{LegendEntry, VerdictRow};
use crate::drawing::{Drawing, Page, STYLE};
use crate::narrative::narrate;
use crate::waterfall::Waterfall;
use baton_traces::compare::Comparison;
use baton_traces::hand_off::Verdict;
use baton_traces::measure::Measured;
use baton_traces::run::Manifest;
use baton_traces::service_map::ServiceMap;
use baton_traces::shown::{count, visible};
use baton_traces::source::{Source, SourceError};
use baton_traces::span::Want;
use baton_traces::summary::Summary;
use baton_traces::trace::index::Journey;
use baton_traces::trace::{Gathering, Trace};

/// How many spans of a trace an example shows, and how many traces one example may have.
const EXAMPLE_SPANS: usize = 24;
const EXAMPLE_TRACES: usize = 4;

/// The content of a report.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The sources, in the order of display.
    pub runs: Vec<Run>,
    /// The comparison with one of the runs, by the names of their summaries; `None` for a single
    /// run.
    pub comparison: Option<Comparison>,
    /// The limits that were checked.
    pub checks: Vec<Check>,
}

/// A limit, and whether the figures are within it.
#[derive(Clone, Debug)]
pub struct Check {
    /// The limit and the measured value, as a sentence.
    pub sentence: String,
    /// Whether the check passed.
    pub passed: bool,
}

/// A source's figures, map and example traces.
#[derive(Clone, Debug)]
pub struct Run {
    measured: Measured,
    manifest: Option<Manifest>,
    map: ServiceMap,
    /// An example of a whole trace, if there is one.
    joined: Option<Waterfall>,
    /// An example of a broken trace, if there is one.
    broken: Option<Waterfall>,
}

impl Run {
    /// Reads `source` twice: for its figures, and for the spans of the example traces.
    ///
    /// # Errors
    /// As [`Measured::of`].
    pub fn read(source: &Source) -> Result<Run, SourceError> {
        let (measured, index) = Measured::with_index(source)?;
        let example = |wanted: fn(Verdict) -> bool| {
            let trace_id = index.example(wanted)?;
            Some(index.journey(trace_id, EXAMPLE_TRACES))
        };
        // one whole hand-off does not make a whole trace
        let is_whole = |journey: &Journey| {
            let mut passages = journey.passages.iter();
            passages.all(|passage| passage.verdict.is_some_and(Verdict::holds))
        };
        let joined = example(Verdict::holds).filter(is_whole);
        let broken = example(|verdict| !verdict.holds());
        let journeys = joined.iter().chain(&broken);
        let mut gathering = Gathering::new(journeys.flat_map(|journey| journey.traces.clone()));
        source.read(Want::Judging, &mut |span| gathering.add_span(span))?;
        let waterfall = |journey: Journey| {
            let traces = journey.traces.iter();
            let traces: Vec<Trace> = traces.filter_map(|id| gathering.get(*id)).collect();
            Waterfall::new(&traces, &journey.passages, EXAMPLE_SPANS)
        };
        Ok(Run {
            joined: joined.map(&waterfall),
            broken: broken.map(&waterfall),
            manifest: source.manifest()?,
            map: ServiceMap::of(&index),
            measured,
        })
    }

    /// The source's figures.
    pub fn measured(&self) -> &Measured {
        &self.measured
    }

    /// The same run under another name.
    pub fn named(mut self, name: String) -> Run {
        self.measured.summary.name = name;
        self
    }

    fn summary(&self) -> &Summary {
        &self.measured.summary
    }
}

impl Report {
    /// The complete page as HTML.
    pub fn render(&self) -> String {
        Html::of(self)
            .render()
            .expect("a template that writes to memory and calls nothing that fails")
    }
}

/// A picture for a wide page and one for a phone. The style sheet shows one of them.
struct Picture {
    wide: String,
    narrow: String,
}

impl Picture {
    fn of(draw: impl Fn(Page) -> Drawing) -> Picture {
        Picture {
            wide: draw(Page::Wide).inline(),
            narrow: draw(Page::Narrow).inline(),
        }
    }
}

/// The values that the template shows.
#[derive(Template)]
#[template(path = "report.html")]
struct Html {
    style: &'static str,
    drawing_style: &'static str,
    title: String,
    runs: usize,
    /// Whether one of the sources is not a run.
    has_export: bool,
    /// The headings of the two hops.
    headings: [&'static str; 2],
    answer: Vec<String>,
    checks: Vec<Check>,
    verdicts: Vec<VerdictRow>,
    legend: Vec<LegendEntry>,
    changes: Option<Changes>,
    latencies: Vec<LatencyFigure>,
    bytes: Vec<Bytes>,
    maps: Vec<MapFigure>,
    waterfalls: Vec<WaterfallFigure>,
    setup: Setup,
    unknown: Vec<String>,
}

impl Html {
    fn of(report: &Report) -> Html {
        let summaries: Vec<Summary> = report
            .runs
            .iter()
            .map(|run| run.summary().clone())
            .collect();
        let comparison = report.comparison.as_ref();
        let has_export = summaries.iter().any(Summary::is_of_export);
        let headings = match has_export {
            true => ["requests", "messages"],
            false => ["into the producer", "through the stream"],
        };
        let row = |summary| VerdictRow::of(summary, headings);
        Html {
            style: include_str!("../templates/report.css"),
            drawing_style: STYLE,
            title: title(&summaries),
            runs: summaries.len(),
            has_export,
            headings,
            answer: narrate(&summaries)
                .iter()
                .map(|sentence| visible(sentence))
                .collect(),
            checks: report.checks.clone(),
            verdicts: summaries.iter().map(row).collect(),
            legend: verdicts::legend(&summaries),
            changes: comparison.map(|comparison| Changes::of(comparison, &report.runs)),
            latencies: latency::figures(&report.runs),
            bytes: bytes::bytes(&summaries),
            maps: maps::maps(&report.runs),
            waterfalls: maps::waterfalls(&report.runs),
            setup: Setup::of(&report.runs),
            unknown: unknown(report),
        }
    }
}

fn title(summaries: &[Summary]) -> String {
    match summaries {
        [] => "No run".to_owned(),
        [only] if only.switched => format!("Trace context in {}", visible(&only.name)),
        [only] => format!("Trace context under {}", visible(&only.name)),
        [first, second] => format!("{} and {}", visible(&first.name), visible(&second.name)),
        [..] => format!("Trace context in {} runs", summaries.len()),
    }
}

/// Splits a run's name where a line may break.
fn name_parts(name: &str) -> impl Iterator<Item = &str> {
    name.split_inclusive([',', ':', '_', '+', '/', '-'])
}

/// What the sources do not show, and what was wrong with their files.
fn unknown(report: &Report) -> Vec<String> {
    let mut unknown: Vec<String> = match &report.comparison {
        Some(comparison) => comparison.unknown.clone(),
        None => report
            .runs
            .iter()
            .flat_map(|run| &run.measured.unknown)
            .map(|unknown| unknown.sentence.clone())
            .collect(),
    };
    for run in &report.runs {
        let summary = run.summary();
        let problems = summary.problems.iter();
        unknown.extend(problems.map(|problem| format!("{}: {problem}", summary.name)));
        let unseen = summary.records_without_span.as_ref();
        // the audit of an export says what it could not judge
        let unjudged = match summary.is_of_export() {
            true => 0,
            false => summary.unjudged,
        };
        let counts = [
            (
                unjudged.saturating_sub(unseen.map_or(0, |unseen| unseen.count)),
                "hand-offs could not be judged, because neither end was traced",
            ),
            (
                summary.requests_without_id,
                "requests have no request id, so their ingress could not be judged",
            ),
            (
                summary.records_without_sender,
                "deliveries are of records whose sender left neither a span nor a log line",
            ),
            (
                summary.troubles.spans_dropped,
                "spans never reached the collector",
            ),
            (summary.log_problems, "log lines could not be read"),
        ];
        let counts = counts.iter().filter(|(number, _)| *number > 0);
        unknown.extend(
            counts.map(|(number, what)| format!("{}: {} {what}", summary.name, count(*number))),
        );
    }
    unknown.iter().map(|sentence| visible(sentence)).collect()
}
