//! What an earlier lab left in the directory of `--save`.

use std::path::Path;

use baton_lab::waiting_records;
use baton_traces::measure::Measured;
use baton_traces::run::span_file::cut_off;
use baton_traces::run::{Manifest, RunDirectory};
use baton_traces::shown::counted;
use baton_traces::source::Source;
use serde_json::json;

use crate::failure::Failure;
use crate::print::output::Output;

/// Says what becomes of an earlier run in the directory. With `resume`, the new lab goes on with
/// it: `manifest` gets its start.
///
/// # Errors
/// If records wait for a lab that is resumed and `resume` is not set, or if it is set and there is
/// nothing to resume.
pub(super) fn look_at(
    directory: &Path,
    resume: bool,
    manifest: &mut Manifest,
    output: &Output,
) -> Result<(), Failure> {
    let place = directory.display();
    let earlier = RunDirectory::open(directory).ok();
    if earlier.as_ref().is_some_and(RunDirectory::is_being_written) {
        // a lab is up there; this one reports that when it opens the directory
        return Ok(());
    }
    let waiting = waiting_records(directory)?;
    let spans = earlier.as_ref().map(RunDirectory::spans_path);
    let earlier = earlier.and_then(|run| run.manifest().ok());
    match (waiting, resume) {
        (Some(waiting), true) => {
            output.note(&format!(
                "resuming: {} accepted and not delivered",
                counted(waiting as u64, "record")
            ));
            if let Some(spans) = spans {
                say_cut_off(&spans, output)?;
            }
            if let Some(earlier) = earlier {
                manifest.start = earlier.start;
            }
            let settings = &mut manifest.settings;
            settings.insert("resumed".to_owned(), json!(waiting));
            Ok(())
        }
        (Some(waiting), false) if waiting > 0 => Err(Failure::usage(format!(
            "--save: the lab that saved to {place} was killed, and {} wait there; \
             deliver them with --resume, or name another directory",
            counted(waiting as u64, "record")
        ))),
        (None, true) => Err(Failure::usage(format!(
            "--resume: {place} holds no stream; only a lab with --durable keeps one"
        ))),
        (_, false) => {
            if let Some(earlier) = earlier {
                output.note(&replaced(directory, &earlier, waiting.is_some()));
            }
            Ok(())
        }
    }
}

/// Says if the killed lab was writing spans: the new lab removes what it had written of them.
fn say_cut_off(spans: &Path, output: &Output) -> Result<(), Failure> {
    let bytes = cut_off(spans).map_err(Failure::reading(spans))?;
    if bytes > 0 {
        output.warn(&format!(
            "{} ends in the middle of a write; removing its last {}, whose spans are lost",
            spans.display(),
            counted(bytes, "byte")
        ));
    }
    Ok(())
}

/// What the new run replaces, and what is gone with a lab that was killed. `is_durable` is whether
/// its stream was on disk, and then nothing is left of it.
fn replaced(directory: &Path, earlier: &Manifest, is_durable: bool) -> String {
    let place = directory.display();
    if earlier.end.is_some() {
        return format!("replacing the run of {} in {place}", earlier.start);
    }
    if is_durable {
        return format!(
            "replacing the run of {} in {place}: its lab was killed, and no record was left on its stream",
            earlier.start
        );
    }
    let lost = Measured::of(&Source::from(directory))
        .map(|measured| measured.summary.undelivered_or_lost());
    let lost = match lost {
        Ok(lost) => counted(lost, "record"),
        Err(_) => "an unknown number of records".to_owned(),
    };
    format!(
        "replacing the run of {} in {place}: its lab was killed with {lost} accepted and not delivered, \
         which were in memory only; --durable would have kept them",
        earlier.start
    )
}
