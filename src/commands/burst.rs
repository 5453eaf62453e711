//! `baton burst`: bursts at any endpoint, each with its own figures, or at several endpoints that
//! take turns and are compared.

mod address;
mod histogram;
mod inherited;
mod measured;
pub(crate) mod print;
mod request;
pub(crate) mod several;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use baton_experiments::burst::{Endpoint, FIGURES, checks, problems, send, unreachable};
use baton_experiments::manifest::{load_settings, versions};
use baton_experiments::{Program, requests, write_load};
use baton_loadgen::{AttackOutcome, Payload, Plan, Settings};
use baton_propagators::Mode;
use baton_traces::compare::limits::{self, Limit};
use baton_traces::run::{EarlierRun, Manifest, RunDirectory};
use baton_traces::version::Version;
use jiff::Timestamp;
use serde_json::json;

use self::address::{Address, addresses};
use self::inherited::Inherited;
pub(crate) use self::request::DEFAULT_CONFLICT;
use self::request::{headers, scenario};
use crate::arguments::BurstArguments;
use crate::failure::Failure;
use crate::print::output::Output;
use crate::print::progress::{Progress, Total};
use crate::{report, runtime, signals};

/// A run with more requests gets no summary here, because this machine may lack the memory.
const MAX_SUMMARIZED: u64 = 250_000;

/// Sends the bursts and prints a table of them.
pub(crate) fn burst(arguments: &BurstArguments, output: &Output) -> Result<ExitCode, Failure> {
    let limits = limits::of_flags(&arguments.fail_under, &arguments.fail_over, &FIGURES)
        .map_err(Failure::usage)?;
    let inherited = Inherited::read()?;
    for note in inherited.notes() {
        output.note(&note);
    }
    match &addresses(&arguments.endpoints)?[..] {
        [] => Err(Failure::usage(
            "the plan has no endpoint; give one there or with --endpoint URL",
        )),
        [only] => one(arguments, &inherited, only, &limits, output),
        several => several::burst(arguments, &inherited, several, &limits, output),
    }
}

/// Sends the bursts to one endpoint.
fn one(
    arguments: &BurstArguments,
    inherited: &Inherited,
    address: &Address,
    limits: &[Limit],
    output: &Output,
) -> Result<ExitCode, Failure> {
    if arguments.load.rounds.is_some_and(|rounds| rounds > 1) {
        return Err(Failure::usage(
            "--rounds needs two endpoints or more, which take turns; name another with --endpoint",
        ));
    }
    let settings = settings(arguments, inherited, &address.url)?;
    // check the plan before anything is created
    Plan::new(settings.clone())?;
    let goose_reports: Vec<PathBuf> = (1..=arguments.load.bursts)
        .filter_map(|number| goose_report(arguments, number))
        .collect();
    for report in &goose_reports {
        let unwritable = Failure::writing(report);
        File::create(report).map_err(|error| unwritable(error).of("--goose-report"))?;
    }
    let save = match &arguments.out {
        Some(out) => Some(Save::begin(arguments, &settings, out)?),
        None => None,
    };
    let endpoints = [Endpoint {
        // a single endpoint needs no name
        name: String::new(),
        settings: Settings {
            spans: save.as_ref().map(|save| save.directory.client_spans_path()),
            ..settings.clone()
        },
        directory: save.as_ref().map(|save| save.directory.clone()),
        goose_reports,
    }];
    let (outcomes, interrupted) =
        runtime::for_lab()?.block_on(send_all(arguments, &endpoints, 1, output))?;
    let outcomes = outcomes.into_iter().next().unwrap_or_default();
    if let Some(reason) = unreachable(&outcomes) {
        let reason = reason.to_owned();
        save.map_or(Ok(()), Save::discard)?;
        return Err(match interrupted {
            true => Failure::interrupted(),
            false => Failure::not_carried_out(reason).of("--endpoint"),
        });
    }
    save.map_or(Ok(()), |save| save.finish(&outcomes, output))?;
    let checks = checks(limits, &outcomes);
    let plan = Plan::new(settings)?;
    print::print(
        arguments,
        &manifest(arguments, &plan),
        &outcomes,
        &checks,
        output,
    )?;
    if interrupted {
        return Err(Failure::interrupted());
    }
    let problems = problems(&outcomes, limits, &checks);
    match problems.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(Failure::check(problems.join("\n"))),
    }
}

/// The run of a burst that is being saved.
struct Save {
    directory: RunDirectory,
    earlier: EarlierRun,
    manifest: Manifest,
}

impl Save {
    /// Begins a run in the directory `out`. An earlier run there comes back if nothing is saved.
    fn begin(arguments: &BurstArguments, settings: &Settings, out: &Path) -> Result<Save, Failure> {
        let directory = RunDirectory::create(out).map_err(of_out)?;
        let earlier = directory.set_aside().map_err(of_out)?;
        let manifest = manifest(arguments, &Plan::new(settings.clone())?);
        let save = Save {
            directory,
            earlier,
            manifest,
        };
        // if the burst is killed, the run has not ended
        save.directory
            .write_manifest(&save.manifest)
            .map_err(of_out)?;
        Ok(save)
    }

    /// Removes the files again, because there is nothing to save.
    fn discard(self) -> Result<(), Failure> {
        self.directory.discard().map_err(of_out)
    }

    /// Saves the figures, and a summary and a report unless the run is too large.
    fn finish(mut self, outcomes: &[AttackOutcome], output: &Output) -> Result<(), Failure> {
        self.earlier.remove().map_err(of_out)?;
        write_load(&self.directory, outcomes)?;
        self.manifest.end = Some(Timestamp::now());
        self.directory
            .write_manifest(&self.manifest)
            .map_err(of_out)?;
        if requests(outcomes).sent <= MAX_SUMMARIZED {
            report::of_run(&self.directory)?;
        } else {
            output.note(&format!(
                "more than {MAX_SUMMARIZED} requests get no summary here; `baton compare` and `baton merge` make one"
            ));
        }
        Ok(())
    }
}

fn of_out(error: baton_traces::run::RunError) -> Failure {
    Failure::from(error).of("--out")
}

/// Sends all bursts. Returns the outcomes of each endpoint, and whether a signal ended them early.
async fn send_all(
    arguments: &BurstArguments,
    endpoints: &[Endpoint],
    rounds: u32,
    output: &Output,
) -> Result<(Vec<Vec<AttackOutcome>>, bool), Failure> {
    let settings = endpoints.iter().map(|endpoint| &endpoint.settings);
    let left_over: Vec<PathBuf> = settings
        .filter_map(|settings| settings.spans.clone())
        .collect();
    let interrupted = signals::interrupted(move || {
        for file in left_over {
            // these spans were not added to the run
            let _ = fs::remove_file(file);
        }
    })?;
    let load = arguments.load.load();
    let progress = Progress::new(output, Total::of(&load, endpoints.len()));
    let program = Program::this()?;
    let sent = send(
        endpoints,
        &load,
        rounds,
        &program,
        &progress,
        interrupted.clone(),
    );
    let outcomes = sent.await?;
    progress.finish();
    let interrupted = *interrupted.borrow();
    Ok((outcomes, interrupted))
}

fn settings(
    arguments: &BurstArguments,
    inherited: &Inherited,
    endpoint: &str,
) -> Result<Settings, Failure> {
    let read = |path: &Option<PathBuf>, flag| match path {
        Some(path) => {
            let text = fs::read_to_string(path);
            Some(text.map_err(|error| Failure::reading(path)(error).of(flag))).transpose()
        }
        None => Ok(None),
    };
    Ok(Settings {
        method: arguments.method,
        insecure: arguments.insecure,
        certificates: read(&arguments.cacert, "--cacert")?,
        payload: Payload {
            template: read(&arguments.payload, "--payload")?,
            size: arguments.payload_size,
        },
        headers: headers(&arguments.headers)?,
        seed: arguments.seed,
        timeout: arguments.timeout,
        goose_report: arguments.goose_report.clone(),
        scenarios: vec![scenario(arguments, inherited)?],
        ..arguments.load.load().settings(endpoint, Mode::NONE)
    })
}

/// The file for goose's report of this burst.
fn goose_report(arguments: &BurstArguments, number: u32) -> Option<PathBuf> {
    let report = arguments.goose_report.as_ref()?;
    if arguments.load.bursts == 1 {
        return Some(report.clone());
    }
    let stem = report.file_stem().unwrap_or_default().to_string_lossy();
    Some(report.with_file_name(format!("{stem}-{number}.html")))
}

/// The run's manifest. It has no pairing, because the receiver's mode is unknown.
fn manifest(arguments: &BurstArguments, plan: &Plan) -> Manifest {
    let mut settings = load_settings(&arguments.load.load(), plan);
    settings.insert("endpoint".to_owned(), plan.endpoint().into());
    if let Some(scenario) = plan.scenarios().first() {
        let percent = scenario.malformed.map(|malformed| malformed.percent);
        let mut insert = |name: &str, value| settings.insert(name.to_owned(), value);
        insert("conflict", json!(scenario.conflict));
        insert("malformed", json!(percent));
        insert("parent", json!(scenario.parent));
        // only the flags: the variables of the environment may hold private values
        insert("baggage", json!(arguments.baggage));
        insert("tracestate", json!(arguments.tracestate));
    }
    Manifest {
        version: Version::default(),
        pairing: None,
        engine: arguments.load.engine,
        settings,
        versions: versions(),
        records: None,
        start: Timestamp::now(),
        end: None,
    }
}
