//! `baton audit`: judges every hand-off between the services of an export, and says which break and
//! why.

mod checks;
mod markdown;
mod text;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use baton_traces::audit::patterns::Pattern;
use baton_traces::audit::services::Services;
use baton_traces::audit::{Edge, HandOff, Judged, Options, SourceAudit, Unjudged};
use baton_traces::compare::{EdgeDifference, edge_differences};
use baton_traces::shown::visible;
use baton_traces::source::Source;
use baton_traces::source::extent::Extent;
use baton_traces::source::load::{has_run, load};
use baton_traces::span::Want;
use baton_traces::version::Version;
use serde::Serialize;

use self::checks::Checked;
use crate::arguments::{AuditArguments, Format};
use crate::failure::Failure;
use crate::lab_client;
use crate::print::checks::exit;
use crate::print::github::{Level, annotation};
use crate::print::junit;
use crate::print::output::Output;
use crate::sources::no_such_service;

/// The results to print.
struct Outcome {
    judged: Judged,
    /// How the edges differ from the baseline's, if there is one.
    differences: Vec<EdgeDifference>,
    checks: Vec<Checked>,
    /// What could not be read: one sentence for each problem.
    problems: Vec<String>,
    /// Whether the user wants only the edges of some services.
    is_filtered: bool,
}

impl Outcome {
    /// The answer in a few sentences. It never calls a part, or a filtered result, the whole.
    fn answer(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if !self.problems.is_empty() {
            sentences.push(
                "Only a part of the source could be read, and what follows is about that part only."
                    .to_owned(),
            );
        }
        let services = self.judged.services.len();
        if self.is_filtered && services > 1 && self.judged.hand_offs() == 0 {
            sentences
                .push("No hand-off between the services that you chose was judged.".to_owned());
            sentences.extend(self.judged.answer().into_iter().skip(1));
        } else {
            sentences.extend(self.judged.answer());
        }
        sentences
    }
}

/// Reads the sources as one, judges their hand-offs and checks the limits.
pub(crate) fn audit(arguments: &AuditArguments, output: &Output) -> Result<ExitCode, Failure> {
    if output.format == Format::Junit && arguments.fail_under.is_empty() {
        return Err(Failure::usage(
            "--format junit prints checks, and there are none; add --fail-under",
        ));
    }
    if let (Some(since), Some(until)) = (arguments.since, arguments.until)
        && since >= until
    {
        return Err(Failure::usage("--until must be later than --since"));
    }
    let mut read_sources = read(arguments, &arguments.sources, output)?;
    let mut problems = std::mem::take(&mut read_sources.problems);
    let baseline = match &arguments.baseline {
        Some(source) => {
            let of_baseline = read(arguments, std::slice::from_ref(source), output);
            let mut of_baseline = of_baseline.map_err(|failure| failure.of("--baseline"))?;
            problems.append(&mut of_baseline.problems);
            Some(of_baseline.judge(None))
        }
        None => None,
    };
    let mut judged = judge(arguments, read_sources)?;
    if let Some(path) = &arguments.services {
        predict(path, &mut judged, output)?;
    }
    check_names(arguments, [Some(&judged), baseline.as_ref()])?;
    let is_blind = judged.hand_offs() == 0 && (judged.services.len() != 1 || judged.is_nameless());
    let mut differences = match &baseline {
        Some(baseline) => edge_differences(baseline, &judged),
        None => Vec::new(),
    };
    let wanted = |from: &str, to: &str| is_wanted(arguments, from, to);
    differences.retain(|difference| {
        let from = difference.from.as_ref().unwrap_or(&difference.to);
        wanted(from, &difference.to)
    });
    judged.edges.retain(|edge| wanted(&edge.from, &edge.to));
    judged
        .unjudged
        .retain(|unjudged| unjudged.may_be(&judged.services, wanted));
    let outcome = Outcome {
        checks: checks::check(&arguments.fail_under, &judged),
        differences,
        judged,
        problems,
        is_filtered: asked_for(arguments).next().is_some(),
    };
    print(&outcome, output)?;
    verdict(&outcome, is_blind, output)
}

/// Judges every hand-off. Writes the wanted ones to a file if the user named one.
fn judge(arguments: &AuditArguments, read: Read) -> Result<Judged, Failure> {
    let Some(path) = &arguments.hand_offs else {
        return Ok(read.judge(None));
    };
    let mut file = HandOffFile::create(path)?;
    let judged = read.judge(Some(&mut |hand_off: &HandOff| {
        if is_wanted(arguments, &hand_off.from, &hand_off.to) {
            file.write(hand_off);
        }
    }));
    file.finish()?;
    Ok(judged)
}

/// Adds what the formats in the user's file predict.
fn predict(path: &Path, judged: &mut Judged, output: &Output) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(Failure::reading(path))
        .map_err(|failure| failure.of("--services"))?;
    let services: Services = toml::from_str(&text)
        .map_err(Failure::toml(path, &text))
        .map_err(|failure| failure.of("--services"))?;
    for name in services.unseen(|name| judged.services.contains(name)) {
        output.warn(&format!(
            "{} names {}, but no span is from this service",
            path.display(),
            visible(name)
        ));
    }
    services.apply(judged);
    Ok(())
}

/// Whether the user wants the edges between these services.
fn is_wanted(arguments: &AuditArguments, from: &str, to: &str) -> bool {
    let names = |wanted: &[String], name: &str| wanted.iter().any(|wanted| wanted == name);
    let is_open = |wanted: &[String], name: &str| wanted.is_empty() || names(wanted, name);
    let service = &arguments.service;
    is_open(&arguments.from, from)
        && is_open(&arguments.to, to)
        && (is_open(service, from) || names(service, to))
}

/// The services in the flags.
fn asked_for(arguments: &AuditArguments) -> impl Iterator<Item = (&'static str, &String)> {
    let of = |flag, names| std::iter::repeat(flag).zip(names);
    of("--from", &arguments.from)
        .chain(of("--to", &arguments.to))
        .chain(of("--service", &arguments.service))
}

/// Refuses a service name that no span has, because it is probably misspelt. Otherwise the empty
/// answer would look as if nothing broke.
fn check_names(arguments: &AuditArguments, sources: [Option<&Judged>; 2]) -> Result<(), Failure> {
    let services = sources.into_iter().flatten();
    let services: BTreeSet<&str> = services
        .flat_map(|judged| judged.services.iter().map(String::as_str))
        .collect();
    for (flag, name) in asked_for(arguments) {
        if !services.contains(name.as_str()) {
            return Err(no_such_service(flag, name, services));
        }
    }
    Ok(())
}

/// What `baton audit --format json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AuditJson<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    spans: u64,
    services: &'a BTreeSet<String>,
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Edge>"))]
    edges: &'a [Edge],
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Unjudged>"))]
    unjudged: &'a [Unjudged],
    /// What the broken edges have in common.
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Pattern>"))]
    patterns: &'a [Pattern],
    /// How the edges differ from those of `--baseline`.
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::EdgeDifference>"))]
    differences: &'a [EdgeDifference],
    checks: &'a [Checked],
    /// What could not be read: one sentence each.
    problems: &'a [String],
    answer: String,
}

fn print(outcome: &Outcome, output: &Output) -> Result<(), Failure> {
    let Outcome {
        judged,
        differences,
        checks,
        problems,
        ..
    } = outcome;
    match output.format {
        Format::Json => output.print_json(&AuditJson {
            version: Version::default(),
            spans: judged.spans,
            services: &judged.services,
            edges: &judged.edges,
            unjudged: &judged.unjudged,
            patterns: &judged.patterns(),
            differences,
            checks,
            problems,
            answer: answer(outcome, output.verbose).join(" "),
        }),
        Format::Markdown => output.print(&markdown::render(outcome, output.verbose)),
        Format::Junit => {
            let cases: Vec<_> = checks.iter().map(Checked::case).collect();
            output.print(&junit::render("baton audit", &cases))
        }
        Format::Github => {
            let failed = checks.iter().map(Checked::case).filter(|case| !case.passed);
            let failed = failed.map(|case| annotation(Level::Error, &case.limit, &case.sentence));
            let broken = outcome.judged.edges.iter().filter_map(Edge::sentence);
            let broken = broken.map(|text| annotation(Level::Warning, "baton audit", &text));
            let all: Vec<String> = failed.chain(broken).collect();
            output.print(&match all.is_empty() {
                true => annotation(
                    Level::Notice,
                    "baton audit",
                    &answer(outcome, output.verbose).join(" "),
                ),
                false => all.join("\n"),
            })
        }
        _ => output.print(&text::render(outcome, output)),
    }
}

/// The answer, a sentence for each broken edge and for each notable difference. Those of the first
/// few edges if `all` is false.
fn answer(outcome: &Outcome, all: bool) -> Vec<String> {
    let predictions = outcome.judged.edges.iter();
    let predictions = predictions.filter_map(Edge::prediction_sentence);
    let notable = outcome.differences.iter().any(EdgeDifference::is_notable);
    let differences = text::differences(outcome, all).filter(|_| notable);
    let answer = outcome.answer().into_iter();
    answer
        .chain(text::broken(&outcome.judged.edges, all))
        .chain(predictions)
        .chain(differences.into_iter().flatten())
        .collect()
}

/// What was read from the sources.
struct Read {
    audit: SourceAudit,
    extent: Extent,
    /// What could not be read: one sentence for each problem.
    problems: Vec<String>,
}

impl Read {
    fn judge(self, each: Option<&mut dyn FnMut(&HandOff)>) -> Judged {
        self.audit.judge(&self.extent, each)
    }
}

/// Reads the sources as one.
fn read(arguments: &AuditArguments, sources: &[Source], output: &Output) -> Result<Read, Failure> {
    lab_client::flush_named(sources)?;
    let options = Options {
        keys: arguments.key.clone(),
        since: arguments.since,
        until: arguments.until,
    };
    let mut audit = SourceAudit::new(options, has_run(sources)?);
    // the user's key may have any name
    let want = match arguments.key.is_empty() {
        true => Want::HandOffs,
        false => Want::Everything,
    };
    let mut problems = Vec::new();
    let mut extents = Vec::new();
    for source in sources {
        output.detail(&format!("reading {source}"));
        let loaded = load(source, want, &mut audit)?;
        let missing = loaded
            .missing_spans
            .map(|spans| format!("{} is missing: there are no spans", spans.display()));
        let of_source = missing.into_iter().chain(loaded.span_problems);
        for problem in of_source.chain(loaded.log_problems) {
            output.warn(&problem);
            problems.push(problem);
        }
        extents.push(loaded.extent);
    }
    Ok(Read {
        audit,
        extent: Extent::together(&extents),
        problems,
    })
}

fn verdict(outcome: &Outcome, is_blind: bool, output: &Output) -> Result<ExitCode, Failure> {
    let failed = outcome
        .checks
        .iter()
        .filter(|checked| !checked.check.passed);
    let failed: Vec<String> = failed.map(Checked::sentence).collect();
    if failed.is_empty() && is_blind {
        return Err(Failure::check(match outcome.judged.services.is_empty() {
            true if outcome.judged.outside.is_some() => {
                "the source has no span in this period, so nothing could be judged"
            }
            true => "the source has no span, so nothing could be judged",
            false if outcome.judged.is_nameless() => {
                "no span of the source names its service, so nothing could be judged"
            }
            false => {
                "the source has spans of several services, and none of their hand-offs could be judged"
            }
        }));
    }
    exit(&failed, outcome.checks.len(), output)
}

/// A file with a line for each judged hand-off.
struct HandOffFile<'a> {
    path: &'a Path,
    writer: BufWriter<File>,
    result: std::io::Result<()>,
}

impl HandOffFile<'_> {
    fn create(path: &Path) -> Result<HandOffFile<'_>, Failure> {
        let file = File::create(path).map_err(|error| failed(path, error))?;
        Ok(HandOffFile {
            path,
            writer: BufWriter::new(file),
            result: Ok(()),
        })
    }

    fn write(&mut self, hand_off: &HandOff) {
        if self.result.is_ok() {
            let line = serde_json::to_writer(&mut self.writer, hand_off).map_err(Into::into);
            self.result = line.and_then(|()| self.writer.write_all(b"\n"));
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        let result = std::mem::replace(&mut self.result, Ok(()));
        result
            .and_then(|()| self.writer.flush())
            .map_err(|error| failed(self.path, error))
    }
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure::writing(path)(error).of("--hand-offs")
}
