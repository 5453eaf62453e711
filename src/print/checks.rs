//! Checks: their lines in a text, and their effect on the exit code.

use std::process::ExitCode;

use baton_traces::compare::Checked;
use baton_traces::shown::visible;

use crate::arguments::Format;
use crate::failure::Failure;
use crate::print::github::{Level, annotation};
use crate::print::output::Output;

/// The line of a check in a text.
pub(crate) fn line(sentence: &str, passed: bool) -> String {
    match passed {
        true => format!("ok     {sentence}"),
        false => format!("FAILED {sentence}"),
    }
}

/// Fails the command if any of `all` checks failed. `failed` holds the sentences of the failed
/// checks. A text has already shown them, so there the failure only counts them.
pub(crate) fn exit(failed: &[String], all: usize, output: &Output) -> Result<ExitCode, Failure> {
    let count = format!("{} of {all} checks failed", failed.len());
    match failed {
        [] => Ok(ExitCode::SUCCESS),
        _ if output.format == Format::Text => Err(Failure::check(count)),
        sentences => Err(Failure::check(format!("{count}: {}", sentences.join("; ")))),
    }
}

/// Fails the command if a check of a source failed.
pub(crate) fn verdict(all: &[Checked], output: &Output) -> Result<ExitCode, Failure> {
    let failed: Vec<String> = all
        .iter()
        .filter(|checked| !checked.check.passed)
        .map(|checked| visible(&checked.sentence()))
        .collect();
    exit(&failed, all.len(), output)
}

/// Failed checks of sources, as annotations of a workflow.
pub(crate) fn annotations(all: &[Checked]) -> impl Iterator<Item = String> {
    let failed = all.iter().filter(|checked| !checked.check.passed);
    failed.map(|checked| annotation(Level::Error, &checked.limit, &checked.sentence()))
}
