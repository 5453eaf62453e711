//! `baton run`: a burst under each pairing, measured, saved and compared.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use baton_lab::{Ending, Lab, LabOptions, LabStatus, UNDELIVERABLE_FILE};
use baton_loadgen::{Outcome, Plan, Settings};
use baton_propagators::mode::{ModeError, Pairing};
use baton_traces::compare::Comparison;
use baton_traces::measure::Measured;
use baton_traces::run::{Manifest, RunDirectory};
use baton_traces::summary::Summary;
use baton_views::narrative::narrate;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use crate::arguments::{Format, FunctionName, RunArguments};
use crate::bursts;
use crate::commands::compare::brief;
use crate::failure::Failure;
use crate::lab_options::{function_options, lab_options};
use crate::manifest::{lab_settings, load_settings, milliseconds, versions};
use crate::print::output::Output;
use crate::print::progress::{Progress, Total};
use crate::print::table::{burst_table, pairing, table};
use crate::report;
use crate::signals;

/// What a run without pairings runs: nothing, each format alone, and the mixes that people meet on the way from
/// B3 to W3C.
const DEFAULT_PAIRINGS: [&str; 8] = [
    "none",
    "tracecontext",
    "b3",
    "b3multi",
    "tracecontext:b3",
    "b3:tracecontext",
    "tracecontext,b3:b3",
    "tracecontext:tracecontext,b3",
];
/// Runs every pairing and prints the table.
pub(crate) fn run(arguments: RunArguments, output: &Output) -> Result<ExitCode, Failure> {
    let pairings = pairings(&arguments).map_err(Failure::usage)?;
    let mut runs = pairings
        .into_iter()
        .map(|pairing| Run {
            directory: PathBuf::new(),
            arguments: &arguments,
            pairing,
        })
        .collect::<Vec<_>>();
    // a fault in the plan is found before the first lab starts
    for run in &runs {
        run.plan("http://127.0.0.1:3000/", &run.directory)?;
    }
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => new_directory(Path::new("runs")).map_err(|error| {
            Failure::usage(format!("runs: {error}; name a directory with --out"))
        })?,
    };
    for run in &mut runs {
        run.directory = out.join(run.pairing.name());
    }
    let (ran, interrupted) = runtime()?.block_on(run_all(&runs, output))?;
    if ran.is_empty() {
        return Err(Failure::interrupted());
    }
    let (runs, bursts): (Vec<_>, Vec<_>) = ran.into_iter().map(|ran| (ran.run, ran.bursts)).unzip();
    let report = report::of_all(&runs, &out)?;
    let measured: Vec<Measured> = runs.iter().map(|run| run.measured().clone()).collect();
    let comparison = Comparison::of(&measured, 0);
    let summaries: Vec<_> = measured.into_iter().map(|run| run.summary).collect();
    print(&summaries, &bursts, &comparison, (&out, &report), output)?;
    if interrupted {
        return Err(Failure::interrupted());
    }
    check(&summaries)
}

/// A record that was lost or a request that failed fails the command.
fn check(summaries: &[Summary]) -> Result<ExitCode, Failure> {
    let lost: u64 = summaries
        .iter()
        .filter_map(|summary| summary.records)
        .map(|records| records.lost)
        .sum();
    let failed: u64 = summaries
        .iter()
        .filter_map(|summary| summary.requests)
        .map(|requests| requests.failed)
        .sum();
    let mut problems = Vec::new();
    if lost > 0 {
        problems.push(format!("records accepted and never delivered: {lost}"));
    }
    if failed > 0 {
        problems.push(format!(
            "requests failed: {failed}; the load.json of each run says why"
        ));
    }
    if problems.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::check(problems.join("; ")))
    }
}

fn pairings(arguments: &RunArguments) -> Result<Vec<Pairing>, ModeError> {
    if arguments.pairings.is_empty() {
        return DEFAULT_PAIRINGS
            .iter()
            .map(|pairing| pairing.parse())
            .collect();
    }
    let mut pairings = Vec::new();
    for pairing in &arguments.pairings {
        if !pairings.contains(pairing) {
            pairings.push(pairing.clone());
        }
    }
    Ok(pairings)
}

/// Makes a directory in `parent` that is named after the time, and that no other command gets, even one started
/// at the same moment.
fn new_directory(parent: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(parent)?;
    loop {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S.%3fZ");
        let directory = parent.join(now.to_string());
        match std::fs::create_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                std::thread::sleep(Duration::from_millis(1));
            }
            made => return made.map(|()| directory),
        }
    }
}

/// The lab serves thousands of small requests a second; two threads leave the cores to the functions.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::check)
}

/// Runs one pairing after the other. Gives what was measured, and whether a signal ended it early.
async fn run_all(runs: &[Run<'_>], output: &Output) -> Result<(Vec<Ran>, bool), Failure> {
    let folders: Vec<_> = runs.iter().map(|run| run.directory.clone()).collect();
    let interrupted = signals::interrupted(move || {
        for folder in folders {
            // spans that were not folded into a run yet belong to none
            let _ = std::fs::remove_file(bursts::client_spans(&folder));
        }
    })?;
    let total = runs.first().map(|run| run.arguments.load.total(runs.len()));
    let progress = Progress::new(output, total.unwrap_or(Total::Requests(0)));
    let mut ran = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let name = format!("{}/{} {}", index + 1, runs.len(), run.pairing);
        progress.stage(&name);
        ran.push(run.execute(&name, &progress, interrupted.clone()).await?);
        if *interrupted.borrow() {
            break;
        }
    }
    progress.finish();
    let interrupted = *interrupted.borrow();
    Ok((ran, interrupted))
}

/// What came of one pairing.
struct Ran {
    run: baton_views::report::Run,
    bursts: Vec<Outcome>,
}

/// One pairing to run.
struct Run<'a> {
    pairing: Pairing,
    arguments: &'a RunArguments,
    directory: PathBuf,
}

impl Run<'_> {
    fn plan(&self, endpoint: &str, directory: &Path) -> Result<Plan, Failure> {
        let client = self
            .arguments
            .client
            .clone()
            .unwrap_or_else(|| self.pairing.producer.clone());
        let load = &self.arguments.load;
        Plan::new(Settings {
            users: load.users,
            stop: load.stop(),
            rate: load.rate,
            ramp: load.ramp,
            engine: load.engine,
            spans: Some(bursts::client_spans(directory)),
            ..Settings::new(endpoint, client)
        })
        .map_err(Failure::usage)
    }

    /// Starts a lab, attacks it, lets it drain, sums up.
    async fn execute(
        &self,
        name: &str,
        progress: &Progress<'_>,
        interrupted: watch::Receiver<bool>,
    ) -> Result<Ran, Failure> {
        let directory = RunDirectory::create(&self.directory).map_err(Failure::usage)?;
        let starting = Instant::now();
        let lab = Lab::start(self.lab_options(directory.clone())?)
            .await
            .map_err(Failure::usage)?;
        let LabStatus {
            producer, consumer, ..
        } = lab.status();
        progress.detail(&format!(
            "{}: the lab was ready after {:.0} ms; cold starts: producer {:.0} ms, consumer {:.0} ms",
            self.pairing,
            milliseconds(starting.elapsed()),
            producer.cold_start_ms.unwrap_or_default(),
            consumer.cold_start_ms.unwrap_or_default(),
        ));
        let plan = self.plan(&lab.addresses().endpoint, directory.path())?;
        let mut manifest = self.manifest(&plan);
        directory
            .write_manifest(&manifest)
            .map_err(Failure::check)?;

        let bursts = bursts::send(
            &self.arguments.load,
            |_| Ok(plan.clone()),
            name,
            progress,
            interrupted,
            || bursts::fold_client_spans(&directory),
        )
        .await?;
        let Ending {
            status,
            drained,
            span_error,
        } = lab.stop().await;

        for outcome in &bursts {
            if outcome.requests.failed > 0 {
                progress.note(&format!("{}: {}", self.pairing, outcome.summary));
            }
        }
        if !drained {
            progress.note(&format!(
                "{}: not every accepted record was delivered in time",
                self.pairing
            ));
        }
        if status.records_undeliverable > 0 {
            progress.note(&format!(
                "{}: {} records could not be delivered; they are kept in {}",
                self.pairing,
                status.records_undeliverable,
                directory.path().join(UNDELIVERABLE_FILE).display()
            ));
        }
        if let Some(error) = span_error.map(|error| error.to_string()).or_else(|| {
            bursts
                .iter()
                .find_map(|outcome| outcome.span_file_error.clone())
        }) {
            progress.note(&format!("{}: spans are missing: {error}", self.pairing));
        }
        bursts::write_load(&directory, &bursts)?;
        manifest.end = Some(Timestamp::now());
        directory
            .write_manifest(&manifest)
            .map_err(Failure::check)?;
        let run = report::of_run(&directory)?;
        Ok(Ran { run, bursts })
    }

    fn lab_options(&self, directory: RunDirectory) -> Result<LabOptions, Failure> {
        let engine = self.arguments.load.engine;
        let function = |name, mode| {
            let mut options = function_options(name, &self.arguments.functions, Some(mode))?;
            options
                .environment
                .insert("BATON_ENGINE".to_owned(), engine.to_string());
            Ok(options)
        };
        let producer = function(FunctionName::Producer, &self.pairing.producer)?;
        let consumer = function(FunctionName::Consumer, &self.pairing.consumer)?;
        Ok(lab_options(
            &self.arguments.lab,
            producer,
            consumer,
            directory,
        ))
    }

    fn manifest(&self, plan: &Plan) -> Manifest {
        let arguments = self.arguments;
        let mut settings = lab_settings(&arguments.lab, &arguments.functions);
        settings.extend(load_settings(&arguments.load, plan));
        Manifest {
            pairing: Some(self.pairing.clone()),
            engine: arguments.load.engine,
            settings,
            versions: versions(),
            start: Timestamp::now(),
            end: None,
        }
    }
}

fn print(
    summaries: &[Summary],
    bursts: &[Vec<Outcome>],
    comparison: &Comparison,
    (out, report): (&Path, &Path),
    output: &Output,
) -> Result<(), Failure> {
    let sentences = narrate(summaries);
    if output.format == Format::Json {
        return output.print_json(&json!({
            "runs": summaries,
            "baseline": comparison.baseline,
            "differences": comparison.differences,
            "checks": [],
            "answer": sentences.join(" "),
            "report": report,
        }));
    }
    let names: Vec<String> = summaries.iter().map(pairing).collect();
    let mut sentences = sentences;
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
