//! The run: bursts of requests under each pairing of modes, each saved as a run directory.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use baton_lab::{Lab, LabOptions, LabStatus};
use baton_loadgen::{AttackOutcome, Plan, Settings};
use baton_propagators::propagation::BATON_ENGINE;
use baton_propagators::{Mode, ModeError, Pairing};
use baton_traces::run::{Function, Manifest, RunDirectory};
use baton_traces::statistics::milliseconds;
use baton_traces::summary::Summary;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::error::ExperimentError;
use crate::functions::Functions;
use crate::lab::LabSettings;
use crate::load::{Load, add_client_spans, client_spans, missing_client_spans, write_load};
use crate::manifest::{lab_settings, load_settings, versions};
use crate::observer::Observer;

/// No format, each format alone, and the mixes that occur in a migration from B3 to W3C.
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

/// The settings of a run over several pairings.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The pairings.
    pub pairings: Vec<Pairing>,
    /// The client's mode; `None` for the producer's mode.
    pub client: Option<Mode>,
    /// The load.
    pub load: Load,
    /// The lab.
    pub lab: LabSettings,
    /// The functions that take part.
    pub functions: Functions,
}

/// A pairing whose run has ended and was saved.
#[derive(Debug)]
pub struct Ran {
    /// The directory of the run.
    pub directory: RunDirectory,
    /// The outcome of each burst.
    pub bursts: Vec<AttackOutcome>,
    /// What was not delivered or not saved, a sentence each.
    pub problems: Vec<String>,
    /// Records that were not delivered and could not be written to a file: one line of JSON each.
    pub unkept: String,
}

/// The pairings to run: the ones in `asked`, each once, or the default ones.
///
/// # Errors
/// None in practice: the default pairings are valid.
pub fn pairings(asked: &[Pairing]) -> Result<Vec<Pairing>, ModeError> {
    if asked.is_empty() {
        let usual = DEFAULT_PAIRINGS.iter();
        return usual.map(|pairing| pairing.parse()).collect();
    }
    let mut pairings = Vec::new();
    for pairing in asked {
        if !pairings.contains(pairing) {
            pairings.push(pairing.clone());
        }
    }
    Ok(pairings)
}

/// Makes a directory in `parent` that is named after the time. Two commands never get the same
/// directory, even if both start at the same moment.
///
/// # Errors
/// If it cannot be made.
pub fn new_directory(parent: &Path) -> Result<PathBuf, ExperimentError> {
    std::fs::create_dir_all(parent).map_err(ExperimentError::file("make", parent))?;
    loop {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S.%3fZ");
        let directory = parent.join(now.to_string());
        match std::fs::create_dir(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(ExperimentError::file("make", &directory)(error)),
        }
    }
}

/// What fails a run: records that were not delivered, requests that failed, and records of which
/// none could be judged. One sentence for each.
pub fn losses(summaries: &[Summary]) -> Vec<String> {
    let lost: u64 = summaries.iter().map(Summary::undelivered_or_lost).sum();
    let requests = summaries.iter().filter_map(|summary| summary.requests);
    let failed: u64 = requests.map(|requests| requests.failed).sum();
    let mut losses = Vec::new();
    if lost > 0 {
        losses.push(format!("records accepted and never delivered: {lost}"));
    }
    if failed > 0 {
        losses.push(format!(
            "requests failed: {failed}; the load.json of each run says why"
        ));
    }
    for summary in summaries {
        if let Some(unseen) = summary.nothing_judged_of_records() {
            losses.push(format!(
                "{}: no record could be judged: {}",
                summary.name,
                unseen.sentence()
            ));
        } else if summary.has_nothing_judged() {
            losses.push(format!("{}: no hand-off could be judged", summary.name));
        }
    }
    losses
}

impl RunSettings {
    /// Checks all settings before the first lab starts.
    ///
    /// # Errors
    /// If a load cannot be planned.
    pub fn check(&self) -> Result<(), ExperimentError> {
        for pairing in &self.pairings {
            self.plan(pairing, "http://127.0.0.1:3000/", Path::new(""))?;
        }
        Ok(())
    }

    /// The files that a burst in progress leaves outside its run: the client spans of every pairing
    /// in `out`.
    pub fn unfinished(&self, out: &Path) -> Vec<PathBuf> {
        let pairings = self.pairings.iter();
        pairings
            .map(|pairing| client_spans(&out.join(pairing.name())))
            .collect()
    }

    /// Runs one pairing after the other, each in its own directory in `out`, and hands each to
    /// `ended` when it has ended. When `interrupted` becomes true, the load ends; when `hurried`
    /// does, the lab delivers no more. Gives whether a signal ended the run early.
    ///
    /// # Errors
    /// If a lab or the load generator cannot be run, or a file cannot be written; also the errors
    /// of `ended`.
    pub async fn execute<E: From<ExperimentError>>(
        &self,
        out: &Path,
        observer: &impl Observer,
        (interrupted, hurried): (watch::Receiver<bool>, watch::Receiver<bool>),
        mut ended: impl FnMut(Ran) -> Result<(), E>,
    ) -> Result<bool, E> {
        for (index, pairing) in self.pairings.iter().enumerate() {
            let name = format!("{}/{} {pairing}", index + 1, self.pairings.len());
            observer.stage(&name);
            let directory = out.join(pairing.name());
            let ran = self
                .pairing(
                    pairing,
                    &directory,
                    &name,
                    observer,
                    (interrupted.clone(), hurried.clone()),
                )
                .await?;
            ended(ran)?;
            if *interrupted.borrow() {
                break;
            }
        }
        Ok(*interrupted.borrow())
    }

    fn plan(
        &self,
        pairing: &Pairing,
        endpoint: &str,
        directory: &Path,
    ) -> Result<Plan, ExperimentError> {
        let client = self.client.as_ref().unwrap_or(&pairing.producer);
        Ok(Plan::new(Settings {
            spans: Some(client_spans(directory)),
            ..self.load.settings(endpoint, client.clone())
        })?)
    }

    /// Starts a lab, sends the load, waits until everything is delivered, and saves the run.
    async fn pairing(
        &self,
        pairing: &Pairing,
        directory: &Path,
        name: &str,
        observer: &impl Observer,
        (interrupted, mut hurried): (watch::Receiver<bool>, watch::Receiver<bool>),
    ) -> Result<Ran, ExperimentError> {
        let directory = RunDirectory::create(directory)?;
        let starting = Instant::now();
        let lab = Lab::start(self.lab_options(pairing, directory.clone())).await?;
        let LabStatus {
            producer, consumer, ..
        } = lab.status();
        observer.detail(&format!(
            "{pairing}: the lab was ready after {:.0} ms; cold starts: producer {:.0} ms, consumer {:.0} ms",
            milliseconds(starting.elapsed()),
            producer.cold_start_ms.unwrap_or_default(),
            consumer.cold_start_ms.unwrap_or_default(),
        ));
        let plan = self.plan(pairing, &lab.addresses().endpoint, directory.path())?;
        let mut manifest = self.manifest(pairing, &plan);
        directory.write_manifest(&manifest)?;

        let program = self.functions.program();
        let add_spans = || add_client_spans(&directory);
        let plan_of = |_| Ok(plan.clone());
        let sent = self
            .load
            .send(program, plan_of, name, observer, interrupted, add_spans);
        let bursts = sent.await?;
        let hurry = async {
            // without a sender there is no signal
            if hurried.wait_for(|hurried| *hurried).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let ending = lab.stop(hurry).await;
        let mut problems = ending.problems(&directory);
        let errors = bursts
            .iter()
            .filter_map(|burst| burst.span_file_error.as_ref());
        problems.extend(errors.map(missing_client_spans));
        manifest.end = Some(Timestamp::now());
        manifest.records = Some(ending.records());
        // a file that cannot be written must not hide what was lost
        let load = write_load(&directory, &bursts);
        let written = load.and_then(|()| Ok(directory.write_manifest(&manifest)?));
        problems.extend(written.err().map(|error| error.to_string()));
        let problems = problems.into_iter();
        let problems: Vec<String> = problems.map(|text| format!("{pairing}: {text}")).collect();
        let failed = bursts.iter().filter(|burst| burst.requests.failed > 0);
        for burst in failed {
            observer.note(&format!("{pairing}: {}", burst.summary));
        }
        for problem in &problems {
            observer.note(problem);
        }
        Ok(Ran {
            directory,
            bursts,
            problems,
            unkept: ending.unkept,
        })
    }

    fn lab_options(&self, pairing: &Pairing, directory: RunDirectory) -> LabOptions {
        let function = |name, mode| {
            let mut options = self.functions.options(name, Some(mode));
            let engine = (BATON_ENGINE.to_owned(), self.load.engine.to_string());
            options.environment.extend([engine]);
            options
        };
        let producer = function(Function::Producer, &pairing.producer);
        let consumer = function(Function::Consumer, &pairing.consumer);
        self.lab.options(producer, consumer, directory)
    }

    fn manifest(&self, pairing: &Pairing, plan: &Plan) -> Manifest {
        let mut settings = lab_settings(&self.lab, &self.functions);
        settings.extend(load_settings(&self.load, plan));
        Manifest {
            pairing: Some(pairing.clone()),
            engine: self.load.engine,
            settings,
            versions: versions(),
            records: None,
            start: Timestamp::now(),
            end: None,
        }
    }
}
