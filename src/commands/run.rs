//! `baton run`: sends bursts under each pairing, judges them, compares the runs, and checks limits.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use baton_experiments::run::{self, RunSettings, losses, new_directory};
use baton_loadgen::AttackOutcome;
use baton_propagators::Mode;
use baton_traces::compare::limits;
use baton_traces::compare::{Checked, Comparison, FIGURES, check};
use baton_traces::measure::Measured;
use baton_traces::summary::Summary;
use baton_views::narrative::narrate;
use baton_views::report::Run;
use serde::Serialize;

use crate::arguments::{ConflictName, Format, RunArguments};
use crate::commands::burst::DEFAULT_CONFLICT;
use crate::failure::Failure;
use crate::print::checks;
use crate::print::comparison::ComparisonJson;
use crate::print::github::{Level, annotation};
use crate::print::latencies::latency_sentences;
use crate::print::output::Output;
use crate::print::progress::{Progress, Total};
use crate::print::table::bursts::burst_table;
use crate::print::table::runs::{pairing, table};
use crate::{report, runtime, signals};

/// What the runs gave.
#[derive(Default)]
struct Outcome {
    runs: Vec<Run>,
    bursts: Vec<Vec<AttackOutcome>>,
    /// What was not delivered or not saved, a sentence each.
    problems: Vec<String>,
}

/// Runs every pairing and prints the table.
pub(crate) fn run(arguments: RunArguments, output: &Output) -> Result<ExitCode, Failure> {
    let limits = limits::of_flags(&arguments.fail_under, &arguments.fail_over, &FIGURES)
        .map_err(Failure::usage)?;
    let settings = settings(&arguments)?;
    settings.check()?;
    let out = directory(&arguments)?;
    let mut outcome = Outcome::default();
    let carried_out = carry_out(&settings, &out, &mut outcome, output);
    let carried_out = runtime::for_lab()?.block_on(carried_out);
    let Outcome {
        runs,
        bursts,
        mut problems,
    } = outcome;
    let was_interrupted = match carried_out {
        Err(failure) if !problems.is_empty() => {
            problems.push(failure.to_string());
            return Err(Failure::check(problems.join("; ")));
        }
        ended => ended?,
    };
    if runs.is_empty() {
        return Err(Failure::interrupted());
    }
    let smallest = arguments.load.smallest_difference;
    let report = report::of_all(&runs, &out, smallest)?;
    let measured: Vec<Measured> = runs.iter().map(|run| run.measured().clone()).collect();
    let comparison = Comparison::with_smallest(&measured, 0, smallest);
    let checks = check(&limits, &measured);
    let summaries: Vec<_> = measured.into_iter().map(|run| run.summary).collect();
    problems.extend(losses(&summaries));
    // what was lost is said before the figures
    let failure = (!problems.is_empty()).then(|| Failure::check(problems.join("; ")));
    if let Some(failure) = &failure {
        output.error(failure);
    }
    let printed = Printed {
        summaries,
        bursts,
        comparison,
        checks,
        out,
        report,
        problems,
    };
    printed.print(output)?;
    match failure {
        _ if was_interrupted => Err(Failure::interrupted()),
        Some(failure) => Ok(failure.exit_code()),
        None => checks::verdict(&printed.checks, output),
    }
}

fn settings(arguments: &RunArguments) -> Result<RunSettings, Failure> {
    let client: Option<Mode> = match (&arguments.client, arguments.conflict) {
        (None, Some(_)) => Some(DEFAULT_CONFLICT.parse()?),
        (client, _) => client.clone(),
    };
    Ok(RunSettings {
        pairings: run::pairings(&arguments.pairings, arguments.repeat)?,
        client,
        conflict: arguments.conflict.map(ConflictName::conflict),
        load: arguments.load.load(),
        rounds: arguments.load.rounds,
        lab: arguments.lab.settings(),
        functions: arguments.functions.functions()?,
    })
}

/// The directory for all runs.
fn directory(arguments: &RunArguments) -> Result<PathBuf, Failure> {
    match &arguments.out {
        Some(out) => {
            let unwritable = Failure::writing(out);
            std::fs::create_dir_all(out).map_err(|error| unwritable(error).of("--out"))?;
            report::check_place(out).map_err(|failure| failure.of("--out"))?;
            Ok(out.clone())
        }
        None => new_directory(Path::new("runs")).map_err(|error| {
            Failure::not_carried_out(format!("{error}; name a directory with --out"))
        }),
    }
}

/// Runs everything, and adds what it gives to `outcome`. Returns whether a signal ended it early.
async fn carry_out(
    settings: &RunSettings,
    out: &Path,
    outcome: &mut Outcome,
    output: &Output,
) -> Result<bool, Failure> {
    let unfinished = settings.unfinished(out);
    let signals = signals::interrupted_and_hurried(move || {
        for file in unfinished {
            let _ = std::fs::remove_file(file);
        }
    })?;
    let total = Total::of(&settings.load, settings.pairings.len());
    let progress = Progress::new(output, total);
    let ended = |ran: run::Ran| {
        // first what was lost: the report may not find room on the disk
        outcome.problems.extend(ran.problems);
        if !ran.unkept.is_empty() {
            output.warn(ran.unkept.trim_end());
        }
        outcome.runs.push(report::of_run(&ran.directory)?);
        outcome.bursts.push(ran.bursts);
        Ok::<_, Failure>(())
    };
    let was_interrupted = settings.execute(out, &progress, signals, ended).await?;
    progress.finish();
    Ok(was_interrupted)
}

/// What `baton run --format json` prints in addition to the comparison.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Own<'a> {
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Checked>"))]
    checks: &'a [Checked],
    problems: &'a [String],
    answer: String,
    report: &'a Path,
}

/// What is printed.
struct Printed {
    summaries: Vec<Summary>,
    bursts: Vec<Vec<AttackOutcome>>,
    comparison: Comparison,
    checks: Vec<Checked>,
    out: PathBuf,
    report: PathBuf,
    problems: Vec<String>,
}

impl Printed {
    fn print(&self, output: &Output) -> Result<(), Failure> {
        match output.format {
            Format::Json => self.print_json(output),
            Format::Github => output.print(&self.annotations()),
            _ => output.print(&self.text(output)),
        }
    }

    fn print_json(&self, output: &Output) -> Result<(), Failure> {
        let own = Own {
            checks: &self.checks,
            problems: &self.problems,
            answer: narrate(&self.summaries).join(" "),
            report: &self.report,
        };
        output.print_json(&ComparisonJson::new(&self.comparison, &self.summaries, own))
    }

    fn annotations(&self) -> String {
        let problems = self.problems.iter();
        let problems = problems.map(|text| annotation(Level::Error, "baton run", text));
        let answer = narrate(&self.summaries).into_iter();
        let answer = answer.map(|text| annotation(Level::Notice, "baton run", &text));
        let all = problems.chain(checks::annotations(&self.checks));
        all.chain(answer).collect::<Vec<_>>().join("\n")
    }

    fn text(&self, output: &Output) -> String {
        let names: Vec<String> = self.summaries.iter().map(pairing).collect();
        let mut sentences = narrate(&self.summaries);
        sentences.extend(latency_sentences(&self.comparison, &self.summaries, &names));
        let checks = self.checks.iter();
        let checks = checks.map(|checked| checks::line(&checked.sentence(), checked.check.passed));
        let lines = output.lines(sentences.into_iter().chain(checks));
        let bursts = names
            .iter()
            .zip(&self.bursts)
            .filter(|(_, bursts)| bursts.len() > 1);
        let bursts: String = bursts
            .map(|(name, bursts)| format!("\n\n{name}\n{}", burst_table(bursts, output)))
            .collect();
        format!(
            "{}{bursts}\n\n{lines}\n\nSaved in {}; see {}.",
            table("pairing", names, &self.summaries, output),
            self.out.display(),
            self.report.display()
        )
    }
}
