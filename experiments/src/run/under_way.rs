//! A run that is under way: its lab, its directory, and its turns.

use std::path::Path;
use std::time::Instant;

use baton_lab::{Lab, LabOptions, LabStatus};
use baton_loadgen::{AttackOutcome, Plan};
use baton_propagators::propagation::BATON_ENGINE;
use baton_traces::percentiles::rounded_milliseconds;
use baton_traces::run::{Function, Manifest, NUMBER, RunDirectory};
use baton_traces::version::Version;
use jiff::Timestamp;
use tokio::sync::watch;

use super::{NumberedPairing, Ran, RunSettings};
use crate::error::ExperimentError;
use crate::load::{Load, add_client_spans, missing_client_spans, write_load};
use crate::manifest::{lab_settings, load_settings, versions};
use crate::observer::Observer;
use crate::turns::Member;

/// A run that is under way.
pub(super) struct UnderWay<'a> {
    settings: &'a RunSettings,
    pairing: &'a NumberedPairing,
    directory: RunDirectory,
    lab: Lab,
    manifest: Manifest,
}

impl<'a> UnderWay<'a> {
    /// Starts the lab of `pairing`, in a directory in `out`.
    pub(super) async fn start(
        settings: &'a RunSettings,
        pairing: &'a NumberedPairing,
        out: &Path,
        observer: &dyn Observer,
    ) -> Result<UnderWay<'a>, ExperimentError> {
        let directory = RunDirectory::create(out.join(pairing.directory()))?;
        let starting = Instant::now();
        let lab = Lab::start(lab_options(settings, pairing, directory.clone())).await?;
        let LabStatus {
            producer, consumer, ..
        } = lab.status();
        observer.detail(&format!(
            "{pairing}: the lab was ready after {:.0} ms; cold starts: producer {:.0} ms, consumer {:.0} ms",
            rounded_milliseconds(starting.elapsed()),
            producer.cold_start_ms.unwrap_or_default(),
            consumer.cold_start_ms.unwrap_or_default(),
        ));
        let endpoint = &lab.addresses().endpoint;
        let plan = settings.plan(&pairing.pairing, endpoint, directory.path())?;
        Ok(UnderWay {
            manifest: manifest(settings, pairing, &plan),
            settings,
            pairing,
            directory,
            lab,
        })
    }

    /// Writes `run.json` before the first request. `id` is shared by all runs whose rounds take
    /// turns.
    pub(super) fn write_manifest(
        &mut self,
        id: Option<&str>,
        rounds: u32,
    ) -> Result<(), ExperimentError> {
        self.manifest.set_rounds(rounds, id);
        Ok(self.directory.write_manifest(&self.manifest)?)
    }

    /// Stops the lab when everything is delivered, or when `hurried` becomes true, and saves the
    /// run.
    pub(super) async fn finish(
        self,
        bursts: Vec<AttackOutcome>,
        mut hurried: watch::Receiver<bool>,
        observer: &dyn Observer,
    ) -> Ran {
        let UnderWay {
            pairing,
            directory,
            lab,
            mut manifest,
            ..
        } = self;
        let hurry = async {
            // if the sender is gone, no signal will come
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
        Ran {
            directory,
            bursts,
            problems,
            unkept: ending.unkept,
        }
    }
}

impl Member for UnderWay<'_> {
    fn name(&self) -> String {
        self.pairing.to_string()
    }

    fn plan(&self, load: &Load, _part: u32) -> Result<Plan, ExperimentError> {
        let (pairing, directory) = (&self.pairing.pairing, self.directory.path());
        let endpoint = &self.lab.addresses().endpoint;
        self.settings.plan_of(load, pairing, endpoint, directory)
    }

    async fn part_ended(&self) -> Result<(), ExperimentError> {
        add_client_spans(&self.directory)?;
        // what is not delivered by then is delivered during the next turn
        self.lab.settle().await;
        Ok(())
    }
}

fn lab_options(
    settings: &RunSettings,
    NumberedPairing { pairing, .. }: &NumberedPairing,
    directory: RunDirectory,
) -> LabOptions {
    let function = |name, mode| {
        let mut options = settings.functions.options(name, Some(mode));
        let engine = (BATON_ENGINE.to_owned(), settings.load.engine.to_string());
        options.environment.extend([engine]);
        options
    };
    let producer = function(Function::Producer, &pairing.producer);
    let consumer = function(Function::Consumer, &pairing.consumer);
    settings.lab.options(producer, consumer, directory)
}

fn manifest(settings: &RunSettings, pairing: &NumberedPairing, plan: &Plan) -> Manifest {
    let mut all = lab_settings(&settings.lab, &settings.functions);
    all.extend(load_settings(&settings.load, plan));
    if let Some(conflict) = settings.conflict {
        all.insert("conflict".to_owned(), serde_json::json!(conflict));
    }
    if pairing.number > 1 {
        all.insert(NUMBER.to_owned(), pairing.number.into());
    }
    Manifest {
        version: Version::default(),
        pairing: Some(pairing.pairing.clone()),
        engine: settings.load.engine,
        settings: all,
        versions: versions(),
        records: None,
        start: Timestamp::now(),
        end: None,
    }
}
