//! The run: bursts of requests under each pairing of modes, in rounds, each pairing saved as a run
//! directory.

mod under_way;

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_loadgen::{AttackOutcome, Conflict, Plan, Scenario, Settings};
use baton_propagators::{Mode, ModeError, Pairing};
use baton_traces::run::RunDirectory;
use baton_traces::summary::Summary;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use self::under_way::UnderWay;
use crate::error::ExperimentError;
use crate::functions::Functions;
use crate::lab::LabSettings;
use crate::load::{Load, client_spans};
use crate::observer::Observer;
use crate::turns::interleaving_id;

/// The most labs that are up at the same time. Their pairings take turns. Each lab has up to eight
/// processes by default.
const MAX_LABS: usize = 16;

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
    /// The pairings. The same pairing may be there several times.
    pub pairings: Vec<NumberedPairing>,
    /// The client's mode; `None` for the producer's mode.
    pub client: Option<Mode>,
    /// How the client's formats disagree.
    pub conflict: Option<Conflict>,
    /// The load.
    pub load: Load,
    /// In how many rounds each burst is sent; `None` for the default.
    pub rounds: Option<u32>,
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

/// A pairing, and which run of it this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedPairing {
    /// The pairing.
    pub pairing: Pairing,
    /// 1 for its first run, 2 for its second, …
    pub number: u32,
}

impl NumberedPairing {
    /// The name of the run's directory: `b3` and `b3_2`.
    pub fn directory(&self) -> String {
        match self.number {
            1 => self.pairing.name(),
            number => format!("{}_{number}", self.pairing.name()),
        }
    }
}

impl fmt::Display for NumberedPairing {
    /// Writes `b3:b3`, and `b3:b3#2` for the second run.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            1 => self.pairing.fmt(formatter),
            number => write!(formatter, "{}#{number}", self.pairing),
        }
    }
}

/// The pairings to run: those in `asked`, or the default ones, all of them `repeat` times.
///
/// # Errors
/// None in practice: the default pairings are valid.
pub fn pairings(asked: &[Pairing], repeat: u32) -> Result<Vec<NumberedPairing>, ModeError> {
    let once: Vec<Pairing> = match asked {
        [] => {
            let usual = DEFAULT_PAIRINGS.iter();
            usual
                .map(|pairing| pairing.parse())
                .collect::<Result<_, _>>()?
        }
        asked => asked.to_vec(),
    };
    let mut pairings: Vec<NumberedPairing> = Vec::new();
    for pairing in (0..repeat).flat_map(|_| &once) {
        let same = pairings.iter().filter(|other| other.pairing == *pairing);
        pairings.push(NumberedPairing {
            pairing: pairing.clone(),
            number: 1 + u32::try_from(same.count()).unwrap_or(u32::MAX - 1),
        });
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

/// Why a run fails: records were not delivered, requests failed, or nothing could be judged. One
/// sentence for each reason.
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
        self.rounds()?;
        for pairing in &self.pairings {
            self.plan(&pairing.pairing, "http://127.0.0.1:3000/", Path::new(""))?;
        }
        Ok(())
    }

    /// The files that a burst in progress leaves outside its run: the client spans of every pairing
    /// in `out`.
    pub fn unfinished(&self, out: &Path) -> Vec<PathBuf> {
        let pairings = self.pairings.iter();
        pairings
            .map(|pairing| client_spans(&out.join(pairing.directory())))
            .collect()
    }

    /// Runs all pairings, each in its own directory in `out`, and hands each to `ended` when it has
    /// ended. With rounds, the pairings take turns and their labs are up at the same time. When
    /// `interrupted` becomes true, the load ends. When `hurried` does, the labs stop delivering.
    /// Returns whether a signal ended the run early.
    ///
    /// # Errors
    /// If a lab or the load generator cannot be run, or a file cannot be written; also the errors
    /// of `ended`.
    pub async fn execute<E: From<ExperimentError>>(
        &self,
        out: &Path,
        observer: &dyn Observer,
        (interrupted, hurried): (watch::Receiver<bool>, watch::Receiver<bool>),
        mut ended: impl FnMut(Ran) -> Result<(), E>,
    ) -> Result<bool, E> {
        let rounds = self.rounds()?;
        let together = match rounds {
            1 => 1,
            _ => MAX_LABS,
        };
        for pairings in self.pairings.chunks(together) {
            let signals = (interrupted.clone(), hurried.clone());
            let all = self.together(pairings, rounds, out, observer, signals);
            for ran in all.await? {
                ended(ran)?;
            }
            if *interrupted.borrow() {
                break;
            }
        }
        Ok(*interrupted.borrow())
    }

    fn rounds(&self) -> Result<u32, ExperimentError> {
        self.load.rounds(self.pairings.len(), self.rounds)
    }

    /// Starts a lab for each pairing, sends the load in rounds, waits until everything is
    /// delivered, and saves the runs.
    fn together<'a>(
        &'a self,
        pairings: &'a [NumberedPairing],
        rounds: u32,
        out: &'a Path,
        observer: &'a dyn Observer,
        signals: (watch::Receiver<bool>, watch::Receiver<bool>),
    ) -> BoxFuture<'a, Result<Vec<Ran>, ExperimentError>> {
        // boxed, so that it is compiled here and not again in every program
        Box::pin(self.run_together(pairings, rounds, out, observer, signals))
    }

    async fn run_together(
        &self,
        pairings: &[NumberedPairing],
        rounds: u32,
        out: &Path,
        observer: &dyn Observer,
        (interrupted, hurried): (watch::Receiver<bool>, watch::Receiver<bool>),
    ) -> Result<Vec<Ran>, ExperimentError> {
        let id = (rounds > 1).then(interleaving_id);
        let mut runs = Vec::new();
        for pairing in pairings {
            let mut run = UnderWay::start(self, pairing, out, observer).await?;
            run.write_manifest(id.as_deref(), rounds)?;
            runs.push(run);
        }
        let (load, program) = (&self.load, self.functions.program());
        let bursts = load
            .take_turns(&runs, rounds, program, observer, interrupted)
            .await?;
        let mut ran = Vec::new();
        for (run, bursts) in runs.into_iter().zip(bursts) {
            ran.push(run.finish(bursts, hurried.clone(), observer).await);
        }
        Ok(ran)
    }

    fn plan(
        &self,
        pairing: &Pairing,
        endpoint: &str,
        directory: &Path,
    ) -> Result<Plan, ExperimentError> {
        self.plan_of(&self.load, pairing, endpoint, directory)
    }

    /// The plan of a part of the load.
    fn plan_of(
        &self,
        load: &Load,
        pairing: &Pairing,
        endpoint: &str,
        directory: &Path,
    ) -> Result<Plan, ExperimentError> {
        let client = self.client.as_ref().unwrap_or(&pairing.producer);
        let scenario = Scenario {
            conflict: self.conflict,
            ..Scenario::from(client.clone())
        };
        Ok(Plan::new(Settings {
            spans: Some(client_spans(directory)),
            ..load.settings(endpoint, scenario)
        })?)
    }
}
