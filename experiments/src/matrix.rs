//! The matrix: every pairing of modes, and every client against every producer, through real labs.

mod answer;
mod cells;
mod clients;
mod count;
mod one_lab;
mod predicted_verdicts;
mod reason;
mod requests;
mod saved;

use std::time::Instant;

use baton_propagators::explanation::list;
use baton_propagators::{Engine, Mode, ModeError, Pairing, Propagation, Select, XraySource};
use baton_traces::hand_off::Hop;
use baton_traces::run::RunDirectory;
use baton_traces::version::Version;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use self::cells::{Counts, Defect, IngressCell, Matrix, Outcome, RecordCell};
pub use self::clients::in_words;
use self::count::{Counted, count};
use self::one_lab::Stage;
pub use self::saved::{read, write};
use crate::error::ExperimentError;
use crate::functions::Functions;
use crate::manifest::versions;
use crate::observer::Observer;

/// No format, each format alone, and both orders of the mixes that occur in a migration from B3 to
/// W3C.
const DEFAULT_MODES: [&str; 9] = [
    "none",
    "tracecontext",
    "b3",
    "b3multi",
    "jaeger",
    "xray",
    "datadog",
    "tracecontext,b3",
    "b3,tracecontext",
];
/// How many labs run at the same time. A single lab spends half of its time waiting for processes,
/// the stream and the load generator.
const LABS: usize = 2;

/// The matrix to measure.
#[derive(Clone, Debug)]
pub struct MatrixSettings {
    /// The modes of rows and columns, each once.
    pub modes: Vec<Mode>,
    /// The engines that read and write the headers. Each has its own grids.
    pub engines: Vec<Engine>,
    /// Requests for each cell.
    pub requests: u64,
    /// Which of several valid contexts the functions continue.
    pub select: Select,
    /// The functions that take part.
    pub functions: Functions,
}

/// A matrix that is ready to be measured.
#[derive(Debug)]
pub struct Preparation {
    settings: MatrixSettings,
    stages: Vec<Stage>,
    left_out: Vec<String>,
}

/// The modes in `words`, each once; the default modes if `words` is empty.
///
/// # Errors
/// If a word is not a mode.
pub fn modes<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Vec<Mode>, ModeError> {
    let mut words: Vec<&str> = words.into_iter().collect();
    if words.is_empty() {
        words.extend(DEFAULT_MODES);
    }
    let modes: Result<Vec<Mode>, _> = words.into_iter().map(str::parse).collect();
    modes.map(distinct)
}

fn distinct<T: PartialEq>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for item in all {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}

impl Preparation {
    /// Plans the labs, and finds every fault in the settings before the first lab starts.
    ///
    /// # Errors
    /// If an engine supports none of the modes, or a load cannot be planned.
    pub fn of(settings: MatrixSettings) -> Result<Preparation, ExperimentError> {
        let settings = MatrixSettings {
            engines: distinct(settings.engines.iter().copied()),
            ..settings
        };
        let (mut stages, mut left_out) = (Vec::new(), Vec::new());
        for engine in &settings.engines {
            let (able, sentence) = able(*engine, &settings.modes);
            left_out.extend(sentence);
            stages.extend(plan(*engine, &able, &settings)?);
        }
        if stages.is_empty() {
            return Err(ExperimentError::Setting(left_out.join(" ")));
        }
        for stage in &stages {
            stage.plan("http://127.0.0.1:3000/", "spans".as_ref())?;
        }
        Ok(Preparation {
            settings,
            stages,
            left_out,
        })
    }

    /// The number of requests of all labs together.
    pub fn total(&self) -> u64 {
        self.stages.iter().map(Stage::total).sum()
    }

    /// Runs the labs, a few at a time, counts the verdicts, and finds the answer.
    ///
    /// # Errors
    /// If a lab cannot be run, its files cannot be read, or a signal arrived.
    pub fn measure(
        self,
        observer: &dyn Observer,
        interrupted: watch::Receiver<bool>,
    ) -> BoxFuture<'_, Result<Matrix, ExperimentError>> {
        // boxed, so that it is compiled here and not again in every program
        Box::pin(self.measured(observer, interrupted))
    }

    async fn measured(
        self,
        observer: &dyn Observer,
        interrupted: watch::Receiver<bool>,
    ) -> Result<Matrix, ExperimentError> {
        let (started, start) = (Timestamp::now(), Instant::now());
        let (counted, problems) = run_all(self.stages, observer, interrupted).await?;
        let mut matrix = Matrix {
            version: Version::default(),
            requests: self.settings.requests,
            modes: self.settings.modes,
            select: self.settings.select,
            foreign: self.settings.functions.foreign(),
            started,
            duration_s: (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            versions: versions(),
            record: Vec::new(),
            ingress: Vec::new(),
            left_out: self.left_out,
            defects: Vec::new(),
            problems,
            answer: String::new(),
        };
        for stage in counted {
            matrix.record.extend(stage.record);
            matrix.ingress.extend(stage.ingress);
            matrix.defects.extend(stage.defects);
        }
        matrix.answer = answer::answer(&matrix);
        Ok(matrix)
    }
}

/// The modes that an engine supports, and a sentence about the others.
fn able(engine: Engine, modes: &[Mode]) -> (Vec<Mode>, Option<String>) {
    let (able, unable): (Vec<_>, Vec<_>) = modes.iter().cloned().partition(|mode| {
        let propagation = Propagation {
            engine,
            ..Propagation::from(mode.clone())
        };
        propagation.check().is_ok()
    });
    let names: Vec<_> = unable.iter().map(Mode::to_string).collect();
    let sentence = (!names.is_empty()).then(|| {
        format!(
            "Engine {engine} leaves out {}: upstream has no such propagator on OpenTelemetry 0.33; engine native has.",
            list(names.iter().map(String::as_str))
        )
    });
    (able, sentence)
}

/// The labs for an engine's two grids.
fn plan(
    engine: Engine,
    modes: &[Mode],
    settings: &MatrixSettings,
) -> Result<Vec<Stage>, ExperimentError> {
    let clients = clients::clients()?;
    let mut stages = Vec::new();
    let stage = |hop, pairing, xray_source, scenarios| Stage {
        hop,
        engine,
        pairing,
        select: settings.select,
        xray_source,
        scenarios,
        requests: settings.requests,
        functions: settings.functions.clone(),
    };
    for producer in modes {
        for consumer in modes {
            let pairing = Pairing {
                producer: producer.clone(),
                consumer: consumer.clone(),
            };
            let scenarios = vec![clients::for_producer(producer)];
            stages.push(stage(Hop::Record, pairing, XraySource::Header, scenarios));
        }
    }
    for producer in modes {
        for source in [XraySource::Header, XraySource::Environment] {
            let clients = clients.iter();
            let scenarios = clients
                .filter(|client| client.xray_source == source)
                .map(|client| client.scenario.clone())
                .collect();
            let pairing = Pairing::from(producer.clone());
            stages.push(stage(Hop::Ingress, pairing, source, scenarios));
        }
    }
    Ok(stages)
}

/// Runs all labs. Returns the cells of each in the order of the labs, and one sentence for each
/// problem.
async fn run_all(
    stages: Vec<Stage>,
    observer: &dyn Observer,
    interrupted: watch::Receiver<bool>,
) -> Result<(Vec<Counted>, Vec<String>), ExperimentError> {
    let folder = tempfile::tempdir().map_err(|error| {
        ExperimentError::Internal(format!(
            "cannot make a temporary directory in {}: {error}; set TMPDIR to a directory that can be written",
            std::env::temp_dir().display()
        ))
    })?;
    let mut results: Vec<Option<Counted>> = Vec::new();
    results.resize_with(stages.len(), || None);
    let mut problems = Vec::new();
    let mut waiting = stages.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut part = String::new();
    loop {
        while running.len() < LABS && !*interrupted.borrow() {
            let Some((place, stage)) = waiting.next() else {
                break;
            };
            if part != stage.part() {
                part = stage.part();
                observer.stage(&part);
            }
            let directory = RunDirectory::create(folder.path().join(place.to_string()))?;
            let interrupted = interrupted.clone();
            running.spawn(async move { (place, stage.run(directory, interrupted).await) });
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        let (place, staged) = ended
            .map_err(|error| ExperimentError::Internal(format!("a lab did not end: {error}")))?;
        let Some(staged) = staged? else { continue };
        observer.add(staged.stage.total());
        results[place] = Some(count(&staged));
        problems.extend(staged.problems);
        // removed here, because removing thousands of files at the end would take long
        let _ = std::fs::remove_dir_all(folder.path().join(place.to_string()));
    }
    if *interrupted.borrow() {
        return Err(ExperimentError::Interrupted);
    }
    Ok((results.into_iter().flatten().collect(), problems))
}
