//! `baton run`: sends a burst under each pairing, judges it, and compares the runs.

use std::path::Path;
use std::process::ExitCode;

use baton_experiments::run::{self, RunSettings, losses, new_directory};
use baton_loadgen::AttackOutcome;
use baton_traces::compare::Comparison;
use baton_traces::measure::Measured;
use baton_traces::summary::Summary;
use baton_views::narrative::narrate;
use serde_json::json;

use crate::arguments::{Format, RunArguments};
use crate::failure::Failure;
use crate::print::brief::brief;
use crate::print::output::Output;
use crate::print::progress::{Progress, Total};
use crate::print::table::{burst_table, pairing, table};
use crate::{report, runtime, signals};

/// Runs every pairing and prints the table.
pub(crate) fn run(arguments: RunArguments, output: &Output) -> Result<ExitCode, Failure> {
    let settings = RunSettings {
        pairings: run::pairings(&arguments.pairings)?,
        client: arguments.client.clone(),
        load: arguments.load.load(),
        lab: arguments.lab.settings(),
        functions: arguments.functions.functions()?,
    };
    settings.check()?;
    let out = match &arguments.out {
        Some(out) => {
            let unwritable = Failure::writing(out);
            std::fs::create_dir_all(out).map_err(|error| unwritable(error).of("--out"))?;
            out.clone()
        }
        None => new_directory(Path::new("runs")).map_err(|error| {
            Failure::not_carried_out(format!("{error}; name a directory with --out"))
        })?,
    };
    let mut runs = Vec::new();
    let mut bursts = Vec::new();
    let mut problems = Vec::new();
    let experiment = async {
        let unfinished = settings.unfinished(&out);
        let signals = signals::interrupted_and_hurried(move || {
            for file in unfinished {
                let _ = std::fs::remove_file(file);
            }
        })?;
        let total = Total::of(&settings.load, settings.pairings.len());
        let progress = Progress::new(output, total);
        let ended = |ran: run::Ran| {
            // first what was lost: the report may not find room on the disk
            problems.extend(ran.problems);
            if !ran.unkept.is_empty() {
                output.warn(ran.unkept.trim_end());
            }
            runs.push(report::of_run(&ran.directory)?);
            bursts.push(ran.bursts);
            Ok::<_, Failure>(())
        };
        let was_interrupted = settings.execute(&out, &progress, signals, ended).await?;
        progress.finish();
        Ok::<_, Failure>(was_interrupted)
    };
    let was_interrupted = match runtime::for_lab()?.block_on(experiment) {
        Err(failure) if !problems.is_empty() => {
            problems.push(failure.to_string());
            return Err(Failure::check(problems.join("; ")));
        }
        ended => ended?,
    };
    if runs.is_empty() {
        return Err(Failure::interrupted());
    }
    let report = report::of_all(&runs, &out)?;
    let measured: Vec<Measured> = runs.iter().map(|run| run.measured().clone()).collect();
    let comparison = Comparison::of(&measured, 0);
    let summaries: Vec<_> = measured.into_iter().map(|run| run.summary).collect();
    problems.extend(losses(&summaries));
    // what was lost is said before the figures
    let failure = (!problems.is_empty()).then(|| Failure::check(problems.join("; ")));
    if let Some(failure) = &failure {
        output.error(failure);
    }
    let saved = (&*out, &*report);
    print(&summaries, &bursts, &comparison, saved, &problems, output)?;
    match failure {
        _ if was_interrupted => Err(Failure::interrupted()),
        Some(failure) => Ok(failure.exit_code()),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn print(
    summaries: &[Summary],
    bursts: &[Vec<AttackOutcome>],
    comparison: &Comparison,
    (out, report): (&Path, &Path),
    problems: &[String],
    output: &Output,
) -> Result<(), Failure> {
    let mut sentences = narrate(summaries);
    if output.format == Format::Json {
        return output.print_json(&json!({
            "runs": summaries,
            "baseline": comparison.baseline,
            "differences": comparison.differences,
            "checks": [],
            "problems": problems,
            "answer": sentences.join(" "),
            "report": report,
        }));
    }
    let names: Vec<String> = summaries.iter().map(pairing).collect();
    sentences.extend(brief(comparison, summaries, &names));
    let sentences: Vec<String> = sentences
        .iter()
        .map(|sentence| output.folded(sentence))
        .collect();
    let bursts = names
        .iter()
        .zip(bursts)
        .filter(|(_, bursts)| bursts.len() > 1);
    let bursts: String = bursts
        .map(|(name, bursts)| format!("\n\n{name}\n{}", burst_table(bursts, output)))
        .collect();
    output.print(&format!(
        "{}{bursts}\n\n{}\n\nSaved in {}; see {}.",
        table("pairing", names, summaries, output),
        sentences.join("\n"),
        out.display(),
        report.display()
    ))
}
