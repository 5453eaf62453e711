//! One lab of the matrix: a pairing of modes, the clients that send to it, and their verdicts.

use baton_lab::{FunctionOptions, Lab, LabOptions};
use baton_loadgen::{Plan, Scenario, Settings, Stop};
use baton_propagators::propagation::{BATON_ENGINE, BATON_EXTRACT_SELECT, BATON_XRAY_SOURCE};
use baton_propagators::{Engine, Pairing, Problem, Propagation, Select, XraySource};
use baton_traces::hand_off::Hop;
use baton_traces::run::{Function, Manifest, RunDirectory};
use baton_traces::version::Version;
use jiff::Timestamp;
use serde_json::{Map, json};
use tokio::sync::watch;

use super::requests::{self, Journey};
use crate::error::ExperimentError;
use crate::functions::Functions;
use crate::load::missing_client_spans;
use crate::load_generator::attack;
use crate::manifest::versions;

/// How many clients send at the same time. Two labs run at once, so this keeps two cores busy.
const USERS: usize = 4;
/// The most processes of each function.
const MAX_INSTANCES: usize = 2;
/// Variables of this process that would change the functions' settings of a cell.
const LEFT_OUT_PREFIXES: [&str; 2] = ["BATON_", "OTEL_"];

/// A lab to run.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// The hop that its cells show.
    pub(super) hop: Hop,
    pub(super) engine: Engine,
    pub(super) pairing: Pairing,
    pub(super) select: Select,
    /// Where the producer reads X-Ray's header.
    pub(super) xray_source: XraySource,
    /// The clients. All send the same number of requests.
    pub(super) scenarios: Vec<Scenario>,
    /// How many requests each client sends.
    pub(super) requests: u64,
    pub(super) functions: Functions,
}

/// A lab that has ended, and its files.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) stage: Stage,
    pub(super) journeys: Vec<Journey>,
    /// The settings of the two functions.
    pub(super) producer: Propagation,
    pub(super) consumer: Propagation,
    /// Other problems: failed requests, records that were not delivered.
    pub(super) problems: Vec<String>,
}

impl Stage {
    /// Its name in messages.
    pub(super) fn name(&self) -> String {
        match self.hop {
            Hop::Ingress => format!("{}, clients to {}", self.engine, self.pairing.producer),
            Hop::Record => format!("{}, {}", self.engine, self.pairing),
        }
    }

    /// The part of the matrix that it belongs to, for progress.
    pub(super) fn part(&self) -> String {
        let from = match self.hop {
            Hop::Ingress => "clients to",
            Hop::Record => "records of",
        };
        format!("{}, {from} {}", self.engine, self.pairing.producer)
    }

    /// The ends of its hand-off that are not baton's own functions.
    pub(super) fn foreign(&self, hop: Hop) -> Vec<Function> {
        let mut foreign = self.functions.foreign();
        foreign.retain(|name| hop == Hop::Record || *name == Function::Producer);
        foreign
    }

    /// How many requests it makes.
    pub(super) fn total(&self) -> u64 {
        self.requests.saturating_mul(self.scenarios.len() as u64)
    }

    /// The load generator's plan.
    pub(super) fn plan(
        &self,
        endpoint: &str,
        spans: &std::path::Path,
    ) -> Result<Plan, ExperimentError> {
        Plan::new(Settings {
            users: USERS,
            stop: Stop::Requests(self.total()),
            scenarios: self.scenarios.clone(),
            spans: Some(spans.to_owned()),
            spans_list_headers: true,
            ..Settings::new(endpoint, Scenario::from(self.pairing.producer.clone()))
        })
        .map_err(ExperimentError::from)
    }

    /// Starts the lab, sends the load, waits until everything is delivered, and reads the lab's
    /// files. Returns `None` if a signal ended it early.
    pub(super) async fn run(
        self,
        directory: RunDirectory,
        mut interrupted: watch::Receiver<bool>,
    ) -> Result<Option<Staged>, ExperimentError> {
        let producer = self.function(Function::Producer);
        let consumer = self.function(Function::Consumer);
        let propagations = (propagation(&producer)?, propagation(&consumer)?);
        let options = LabOptions {
            instances: MAX_INSTANCES,
            ..LabOptions::new(producer, consumer, directory.clone())
        };
        let start = Timestamp::now();
        let lab = Lab::start(options).await?;
        let spans = directory.client_spans_path();
        let plan = self.plan(&lab.addresses().endpoint, &spans)?;
        let cancelled = async {
            let _ = interrupted.wait_for(|interrupted| *interrupted).await;
        };
        let outcome = attack(self.functions.program(), &plan, |_| {}, cancelled).await?;
        let ending = lab.stop(std::future::pending()).await;
        if outcome.interrupted {
            return Ok(None);
        }
        // with a manifest, the files of a cell are loaded as those of any other run
        directory.write_manifest(&self.manifest(start))?;
        let mut problems = Vec::new();
        if outcome.requests.failed > 0 {
            problems.push(outcome.summary.clone());
        }
        problems.extend(ending.problems(&directory));
        problems.extend(outcome.span_file_error.map(missing_client_spans));
        let journeys = requests::read(&directory)?;
        let unseen = outcome.requests.ok.saturating_sub(journeys.len() as u64);
        if unseen > 0 {
            problems.push(format!(
                "requests that left neither a span nor a log line: {unseen}"
            ));
        }
        let with_record = journeys.iter().filter(|journey| journey.record.is_some());
        let with_record = with_record.count() as u64;
        let without_record = (outcome.requests.ok - unseen).saturating_sub(with_record);
        if without_record > 0 {
            problems.push(format!(
                "accepted requests without a record in the producer's log, whose hand-offs are not judged: {without_record}"
            ));
        }
        let name = self.name();
        Ok(Some(Staged {
            journeys,
            producer: propagations.0,
            consumer: propagations.1,
            problems: problems
                .into_iter()
                .map(|problem| format!("{name}: {problem}"))
                .collect(),
            stage: self,
        }))
    }

    fn manifest(&self, start: Timestamp) -> Manifest {
        let foreign = json!(self.functions.foreign());
        Manifest {
            version: Version::default(),
            pairing: Some(self.pairing.clone()),
            engine: self.engine,
            settings: Map::from_iter([("foreign".to_owned(), foreign)]),
            versions: versions(),
            start,
            end: Some(Timestamp::now()),
            records: None,
        }
    }

    fn function(&self, name: Function) -> FunctionOptions {
        let (mode, xray_source) = match name {
            Function::Producer => (&self.pairing.producer, self.xray_source),
            Function::Consumer => (&self.pairing.consumer, XraySource::default()),
        };
        let mut options = self.functions.options(name, None);
        options.environment.retain(|name, _| {
            !LEFT_OUT_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        let settings = [
            (BATON_ENGINE, self.engine.to_string()),
            (BATON_EXTRACT_SELECT, self.select.to_string()),
            (BATON_XRAY_SOURCE, xray_source.to_string()),
        ];
        options
            .environment
            .extend(settings.map(|(name, value)| (name.to_owned(), value)));
        options.with_mode(mode)
    }
}

/// The settings that a function reads from its environment.
fn propagation(function: &FunctionOptions) -> Result<Propagation, ExperimentError> {
    let lookup = |name: &str| function.environment.get(name).cloned();
    Propagation::from_environment(lookup).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(Problem::to_string).collect();
        ExperimentError::Setting(problems.join("; "))
    })
}
