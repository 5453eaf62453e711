//! `baton audit`: judges every hand-off between the services of an export, and says which break and why.

mod checks;
mod markdown;
mod sources;
mod text;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use baton_traces::audit::{Audit, Edge, HandOff, Judged, Options};
use baton_traces::span::Want;
use serde_json::json;

use self::checks::Checked;
use crate::arguments::{AuditArguments, Format};
use crate::failure::Failure;
use crate::print::junit;
use crate::print::output::Output;

/// What there is to print.
struct Outcome {
    judged: Judged,
    checks: Vec<Checked>,
}

/// Reads the sources as one, judges their hand-offs and checks the limits.
pub(crate) fn audit(arguments: &AuditArguments, output: &Output) -> Result<ExitCode, Failure> {
    if output.format == Format::Junit && arguments.fail_under.is_empty() {
        return Err(Failure::usage(
            "--format junit prints checks, and there are none; add --fail-under",
        ));
    }
    let mut audit = Audit::new(Options {
        keys: arguments.key.clone(),
        since: arguments.since,
        until: arguments.until,
    });
    // a key of one's own may have any name
    let want = if arguments.key.is_empty() {
        Want::HandOffs
    } else {
        Want::Everything
    };
    sources::read(&arguments.sources, want, &mut audit, output)?;
    let mut writer = match &arguments.hand_offs {
        Some(path) => Some(HandOffFile::create(path)?),
        None => None,
    };
    let mut judged = audit.judge(&mut |hand_off| {
        if let Some(writer) = writer
            .as_mut()
            .filter(|_| is_wanted(arguments, &hand_off.from, &hand_off.to))
        {
            writer.write(hand_off);
        }
    });
    if let Some(writer) = writer {
        writer.finish()?;
    }
    let is_blind = judged.services.len() > 1 && judged.hand_offs() == 0;
    judged
        .edges
        .retain(|edge| is_wanted(arguments, &edge.from, &edge.to));
    judged
        .unjudged
        .retain(|unjudged| is_wanted(arguments, &unjudged.service, &unjudged.service));
    let outcome = Outcome {
        checks: checks::check(&arguments.fail_under, &judged),
        judged,
    };
    print(&outcome, output)?;
    verdict(&outcome, is_blind, output)
}

/// Whether an edge between these services is asked for.
fn is_wanted(arguments: &AuditArguments, from: &str, to: &str) -> bool {
    let names = |wanted: &[String], name: &str| wanted.iter().any(|wanted| wanted == name);
    let is_open = |wanted: &[String], name: &str| wanted.is_empty() || names(wanted, name);
    let service = &arguments.service;
    is_open(&arguments.from, from)
        && is_open(&arguments.to, to)
        && (is_open(service, from) || names(service, to))
}

fn print(outcome: &Outcome, output: &Output) -> Result<(), Failure> {
    let Outcome { judged, checks } = outcome;
    match output.format {
        Format::Json => output.print_json(&json!({
            "version": 1,
            "spans": judged.spans,
            "services": judged.services,
            "edges": judged.edges,
            "unjudged": judged.unjudged,
            "checks": checks,
            "answer": answer(judged).join(" "),
        })),
        Format::Markdown => output.print(&markdown::render(outcome)),
        Format::Junit => {
            let cases: Vec<_> = checks.iter().map(Checked::case).collect();
            output.print(&junit::render("baton audit", &cases))
        }
        _ => output.print(&text::render(outcome, output)),
    }
}

/// The answer, and a sentence for each broken edge.
fn answer(judged: &Judged) -> Vec<String> {
    let edges = judged.edges.iter().filter_map(Edge::sentence);
    judged.answer().into_iter().chain(edges).collect()
}

fn verdict(outcome: &Outcome, is_blind: bool, output: &Output) -> Result<ExitCode, Failure> {
    let failed = outcome
        .checks
        .iter()
        .filter(|checked| !checked.check.passed);
    let failed: Vec<String> = failed.map(Checked::sentence).collect();
    let count = format!("{} of {} checks failed", failed.len(), outcome.checks.len());
    match failed.as_slice() {
        [] if is_blind => Err(Failure::check(
            "the source has spans of several services, and none of their hand-offs could be judged",
        )),
        [] => Ok(ExitCode::SUCCESS),
        _ if output.format == Format::Text => Err(Failure::check(count)),
        sentences => Err(Failure::check(format!("{count}: {}", sentences.join("; ")))),
    }
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
