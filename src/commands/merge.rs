//! `baton merge`: joins the runs of several load generators into one.

use std::path::Path;
use std::process::ExitCode;

use baton_experiments::merged;
use baton_traces::merge::Merge;
use baton_traces::run::UNDELIVERABLE_FILE;
use baton_traces::source::Source;
use baton_traces::summary::Summary;
use baton_traces::version::Version;
use baton_views::narrative::narrate;
use serde::Serialize;

use crate::arguments::{Format, MergeArguments};
use crate::failure::Failure;
use crate::print::output::Output;
use crate::print::table::runs::{pairing, table};
use crate::report;

/// What `baton merge --format json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MergeJson<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    /// Only the merged run.
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Summary>"))]
    runs: &'a [Summary],
    /// The runs that were merged.
    merged: &'a [String],
    notes: &'a [String],
    answer: String,
    /// The folder of the merged run.
    saved: &'a Path,
}

/// Merges the runs, judges the result as one run, and prints it.
pub(crate) fn merge(arguments: &MergeArguments, output: &Output) -> Result<ExitCode, Failure> {
    let (sources, killed) = with_leftovers(&arguments.runs)?;
    let merge = Merge::of(&sources)?;
    let runs: Vec<_> = merge.runs().collect();
    let load = merged(&runs)?;
    let run = merge
        .write(&arguments.out, &[UNDELIVERABLE_FILE])
        .map_err(|error| Failure::from(error).of("--out"))?;
    if let Some(text) = &load.text {
        let path = run.load_path();
        std::fs::write(&path, text).map_err(Failure::writing(&path))?;
    }
    let summary = report::of_run(&run)?.measured().summary.clone();

    let notes = [killed, merge.notes(), load.notes].concat();
    let sources: Vec<_> = arguments.runs.iter().map(ToString::to_string).collect();
    let summaries = [summary];
    let sentences = narrate(&summaries);
    if output.format == Format::Json {
        output.print_json(&MergeJson {
            version: Version::default(),
            runs: &summaries,
            merged: &sources,
            notes: &notes,
            answer: sentences.join(" "),
            saved: &arguments.out,
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let names = summaries.iter().map(pairing).collect();
    let mut text = table("run", names, &summaries, output);
    text.push_str("\n\n");
    for sentence in sentences.iter().chain(&notes) {
        text.push_str(sentence);
        text.push('\n');
    }
    output.print(&format!(
        "{text}\n{} runs merged; saved in {}.",
        sources.len(),
        arguments.out.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The runs, with the spans that a killed load generator left outside its run, and a sentence about
/// each of these files.
fn with_leftovers(runs: &[Source]) -> Result<(Vec<Source>, Vec<String>), Failure> {
    let (mut sources, mut notes) = (Vec::new(), Vec::new());
    for source in runs {
        sources.push(source.clone());
        let Some(run) = source.run()? else {
            continue;
        };
        let has_ended = run.manifest().is_ok_and(|manifest| manifest.end.is_some());
        if has_ended || !run.client_spans_path().is_file() {
            continue;
        }
        if run.is_being_written() {
            return Err(Failure::usage(format!(
                "{source}: its burst has not ended; merge it after that"
            )));
        }
        notes.push(format!(
            "{source} was cut off; the spans that its load generator had written are counted"
        ));
        sources.push(Source::from(&*run.client_spans_path()));
    }
    Ok((sources, notes))
}
