//! `report.html`: what a comparison shows, for people. One file, self-contained: light and dark, on a phone and in
//! print, without a script and without the network.
//!
//! Every figure stands there as text too. What the page says comes from the same values as `summary.json`.

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
use crate::compare::Comparison;
use crate::drawing::{Drawing, Page, STYLE};
use crate::hand_off::Verdict;
use crate::measure::Measured;
use crate::narrative::narrate;
use crate::run::Manifest;
use crate::service_map::ServiceMap;
use crate::shown::visible;
use crate::source::{Source, SourceError};
use crate::span::Want;
use crate::summary::Summary;
use crate::trace::{Gathering, Trace};
use crate::trace_index::Journey;
use crate::waterfall::Waterfall;

/// How many spans of a trace an example shows, and how many traces belong to one.
const EXAMPLE_SPANS: usize = 24;
const EXAMPLE_TRACES: usize = 4;

/// What a report is about.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The sources, in the order in which they are shown.
    pub runs: Vec<Run>,
    /// How the others differ from one of them, told apart by the names of their summaries; `None` where there is
    /// only one.
    pub comparison: Option<Comparison>,
    /// The limits that were checked.
    pub checks: Vec<Check>,
}

/// A limit, and whether it was kept.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was checked and what was found, as a sentence.
    pub sentence: String,
    /// Whether the limit was kept.
    pub passed: bool,
}

/// One source, with what a report shows of it besides its figures.
#[derive(Clone, Debug)]
pub struct Run {
    measured: Measured,
    manifest: Option<Manifest>,
    map: ServiceMap,
    /// A trace that is whole, and one that broke, if there are such.
    joined: Option<Waterfall>,
    broken: Option<Waterfall>,
}

impl Run {
    /// Reads `source`: once for its figures and to find examples, and again for these.
    ///
    /// # Errors
    /// As [`Source::measure`].
    pub fn read(source: &Source) -> Result<Run, SourceError> {
        let (measured, index) = Measured::with_index(source)?;
        let example = |wanted: fn(Verdict) -> bool| {
            let trace_id = index.example(wanted)?;
            Some(index.journey(trace_id, EXAMPLE_TRACES))
        };
        let joined = example(Verdict::is_whole);
        let broken = example(|verdict| !verdict.is_whole());
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

    /// Its figures.
    pub fn measured(&self) -> &Measured {
        &self.measured
    }

    /// The same under another name.
    pub fn named(mut self, name: String) -> Run {
        self.measured.summary.name = name;
        self
    }

    fn summary(&self) -> &Summary {
        &self.measured.summary
    }
}

impl Report {
    /// The page, whole.
    pub fn render(&self) -> String {
        Html::of(self)
            .render()
            .expect("a template that writes to memory and calls nothing that fails")
    }
}

/// A picture for a wide page and one for a phone; the style sheet shows one of them.
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

/// The page, ready for the template.
#[derive(Template)]
#[template(path = "report.html")]
struct Html {
    style: &'static str,
    drawing_style: &'static str,
    title: String,
    runs: usize,
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
        Html {
            style: include_str!("../templates/report.css"),
            drawing_style: STYLE,
            title: title(&summaries),
            runs: summaries.len(),
            answer: narrate(&summaries)
                .iter()
                .map(|sentence| visible(sentence))
                .collect(),
            checks: report.checks.clone(),
            verdicts: summaries.iter().map(VerdictRow::of).collect(),
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
        [only] => format!("Trace context under {}", visible(&only.name)),
        [first, second] => format!("{} and {}", visible(&first.name), visible(&second.name)),
        [..] => format!("Trace context in {} runs", summaries.len()),
    }
}

/// The parts of a run's name, between which a line may end.
fn name_parts(name: &str) -> impl Iterator<Item = &str> {
    name.split_inclusive([',', ':', '_', '+', '/', '-'])
}

/// What no source could tell, and what was wrong with their files.
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
        let counts = [
            (
                summary.unjudged,
                "hand-offs could not be judged, because neither end was traced",
            ),
            (
                summary.requests_without_id,
                "requests have no request id, so that their ingress could not be judged",
            ),
            (
                summary.records_without_sender,
                "deliveries are of records whose sender left no trace",
            ),
            (
                summary.troubles.spans_dropped,
                "spans never reached the collector",
            ),
            (summary.log_problems, "log lines could not be read"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        unknown.extend(counts.map(|(count, what)| {
            format!("{}: {} {what}", summary.name, crate::shown::count(*count))
        }));
    }
    unknown.iter().map(|sentence| visible(sentence)).collect()
}
