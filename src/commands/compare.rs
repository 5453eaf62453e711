//! `baton compare`: how runs or exports differ, which differences are significant, and whether
//! figures are within limits.

pub(crate) mod diff;
mod find;
mod markdown;
mod text;

use std::process::ExitCode;

use baton_traces::compare::limits;
use baton_traces::compare::{
    Checked, Comparison, EdgeDifference, FIGURES, check, edge_differences,
};
use baton_traces::measure::Measured;
use baton_traces::shown::visible;
use baton_traces::source::Source;
use baton_traces::summary::Summary;
use baton_views::narrative::narrate;
use baton_views::report::{self, Report};
use serde::Serialize;

use crate::arguments::{CompareArguments, Format};
use crate::failure::Failure;
use crate::lab_client;
use crate::print::comparison::ComparisonJson;
use crate::print::github::{Level, annotation};
use crate::print::output::Output;
use crate::print::{checks, junit};

/// The results to print.
struct Outcome {
    summaries: Vec<Summary>,
    comparison: Comparison,
    checks: Vec<Checked>,
    /// How the edges of exports differ from the baseline's, by the export's name.
    edges: Vec<(String, EdgeDifference)>,
    /// The runs for a page. Empty for any other format.
    runs: Vec<report::Run>,
}

impl Outcome {
    /// The result, one sentence each: where the trace broke, and which edges differ.
    fn sentences(&self) -> Vec<String> {
        let notable = self.edges.iter().filter(|(_, edge)| edge.is_notable());
        let edges = notable.map(|(run, edge)| format!("{run}: {}", edge.sentence()));
        narrate(&self.summaries).into_iter().chain(edges).collect()
    }
}

/// Reads the sources, compares them, checks the limits.
pub(crate) fn compare(arguments: CompareArguments, output: &Output) -> Result<ExitCode, Failure> {
    lab_client::flush_named(&arguments.sources)?;
    if let Some(traces) = &arguments.diff {
        return diff::diff(traces, &arguments.sources, output);
    }
    let limits = limits::of_flags(&arguments.fail_under, &arguments.fail_over, &FIGURES)
        .map_err(Failure::usage)?;
    if let [only] = &arguments.sources[..]
        && limits.is_empty()
    {
        // a missing source must be reported first
        if only.path().is_some_and(|path| !path.exists()) {
            Measured::of(only)?;
        }
        return Err(Failure::usage(
            "compare takes two sources or more; a single one can be checked with --fail-under or --fail-over",
        ));
    }
    if output.format == Format::Junit && limits.is_empty() {
        return Err(Failure::usage(
            "--format junit prints checks, and there are none; add --fail-under or --fail-over",
        ));
    }
    let (measured, runs) = read(&arguments.sources, output)?;
    let baseline = match &arguments.baseline {
        Some(name) => baseline(name, &arguments.sources, &measured)?,
        None => 0,
    };
    let outcome = Outcome {
        edges: edges(&measured, baseline),
        comparison: Comparison::with_smallest(&measured, baseline, arguments.smallest_difference),
        checks: check(&limits, &measured),
        summaries: measured
            .iter()
            .map(|source| source.summary.clone())
            .collect(),
        runs,
    };
    print(&outcome, output)?;
    checks::verdict(&outcome.checks, output)
}

/// How the edges of each export differ from the baseline's, if the baseline is an export too.
fn edges(measured: &[Measured], baseline: usize) -> Vec<(String, EdgeDifference)> {
    let Some(before) = &measured[baseline].summary.audit else {
        return Vec::new();
    };
    let others = measured
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != baseline);
    let audited = others.filter_map(|(_, source)| {
        let after = source.summary.audit.as_ref()?;
        Some((&source.summary.name, edge_differences(before, after)))
    });
    let named = audited.flat_map(|(name, differences)| {
        let name = name.clone();
        differences
            .into_iter()
            .map(move |difference| (name.clone(), difference))
    });
    named.collect()
}

/// Reads the sources, for a page too if one is wanted. Each gets a different name.
fn read(sources: &[Source], output: &Output) -> Result<(Vec<Measured>, Vec<report::Run>), Failure> {
    let mut measured: Vec<Measured> = Vec::with_capacity(sources.len());
    let mut runs = Vec::new();
    for source in sources {
        output.detail(&format!("reading {source}"));
        if output.format == Format::Html {
            let run = report::Run::read(source)?;
            measured.push(run.measured().clone());
            runs.push(run);
        } else {
            measured.push(Measured::of(source)?);
        }
    }
    let names: Vec<String> = measured
        .iter()
        .map(|measured| measured.summary.name.clone())
        .collect();
    for (place, measured) in measured.iter_mut().enumerate() {
        let same = |name: &&String| **name == names[place];
        if names.iter().filter(same).count() == 1 {
            continue;
        }
        let written = sources[place].to_string();
        let before = sources[..place]
            .iter()
            .filter(|source| source.to_string() == written)
            .count();
        measured.summary.name = match before {
            0 => written,
            _ => format!("{written} ({})", before + 1),
        };
    }
    let names = measured
        .iter()
        .map(|measured| measured.summary.name.clone());
    let runs = runs
        .into_iter()
        .zip(names)
        .map(|(run, name)| run.named(name));
    let runs = runs.collect();
    Ok((measured, runs))
}

/// The index of the source that `--baseline` names.
fn baseline(name: &str, sources: &[Source], measured: &[Measured]) -> Result<usize, Failure> {
    let by_name = measured
        .iter()
        .position(|measured| measured.summary.name == name);
    let as_written = || {
        let wanted: Source = name.parse().ok()?;
        sources.iter().position(|source| *source == wanted)
    };
    by_name.or_else(as_written).ok_or_else(|| {
        let names: Vec<_> = measured
            .iter()
            .map(|measured| &*measured.summary.name)
            .collect();
        Failure::usage(visible(&format!(
            "--baseline {name}: there is no such source; the sources are {}",
            names.join(", ")
        )))
    })
}

/// What `baton compare --format json` prints in addition to the comparison.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Own<'a> {
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Checked>"))]
    checks: &'a [Checked],
    edge_differences: Vec<OfRun<'a>>,
    answer: String,
}

/// How an edge of a run differs from the baseline's.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OfRun<'a> {
    run: &'a str,
    #[cfg_attr(test, schemars(with = "baton_schemas::EdgeDifference"))]
    difference: &'a EdgeDifference,
}

fn print(outcome: &Outcome, output: &Output) -> Result<(), Failure> {
    match output.format {
        Format::Json => {
            let edges = outcome.edges.iter();
            let own = Own {
                checks: &outcome.checks,
                edge_differences: edges
                    .map(|(run, difference)| OfRun { run, difference })
                    .collect(),
                answer: outcome.sentences().join(" "),
            };
            output.print_json(&ComparisonJson::new(
                &outcome.comparison,
                &outcome.summaries,
                own,
            ))
        }
        Format::Markdown => output.print(&markdown::render(outcome)),
        Format::Junit => {
            let cases: Vec<_> = outcome.checks.iter().map(case).collect();
            output.print(&junit::render("baton compare", &cases))
        }
        Format::Html => output.print(&page(outcome)),
        Format::Github => output.print(&annotations(outcome)),
        _ => output.print(&text::render(outcome, output)),
    }
}

/// A check as a test case.
fn case(checked: &Checked) -> junit::Case {
    junit::Case {
        suite: checked.run.clone(),
        limit: checked.limit.clone(),
        sentence: visible(&checked.sentence()),
        passed: checked.check.passed,
    }
}

/// The result as annotations of a workflow.
fn annotations(outcome: &Outcome) -> String {
    let differences = differences(&outcome.comparison);
    let answer = outcome.sentences().into_iter();
    let answer = answer.map(|text| annotation(Level::Notice, "baton compare", &text));
    let all = checks::annotations(&outcome.checks).chain(differences);
    all.chain(answer).collect::<Vec<_>>().join("\n")
}

/// Significant differences for the worse, as annotations.
pub(crate) fn differences(comparison: &Comparison) -> impl Iterator<Item = String> {
    let worse = comparison
        .significant()
        .filter(|difference| difference.better == Some(false));
    worse.map(|difference| {
        let title = format!("{}: {}", difference.run, difference.metric);
        annotation(Level::Warning, &title, &difference.words)
    })
}

/// The report as a page.
fn page(outcome: &Outcome) -> String {
    let checks = outcome.checks.iter().map(|checked| report::Check {
        sentence: visible(&checked.sentence()),
        passed: checked.check.passed,
    });
    let report = Report {
        runs: outcome.runs.clone(),
        comparison: (outcome.runs.len() > 1).then(|| outcome.comparison.clone()),
        checks: checks.collect(),
    };
    report.render()
}
