//! `baton up`: starts the lab and waits.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use baton_experiments::manifest::{lab_settings, versions};
use baton_experiments::{Program, kept_out};
use baton_lab::registry::{self, Note};
use baton_lab::{Addresses, Ending, Lab, LabOptions, LabStatus, Ports, StreamState};
use baton_page::{LabPage, PageOptions};
use baton_propagators::propagation::BATON_ENGINE;
use baton_propagators::{Pairing, Propagation};
use baton_traces::run::{Function, Manifest, RunDirectory, SWITCHES};
use baton_traces::shown::counted;
use baton_traces::version::Version;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::arguments::{Format, UpArguments};
use crate::failure::Failure;
use crate::print::modes::modes;
use crate::print::output::Output;
use crate::signals::Signals;
use crate::{report, runtime};

mod resumed;

/// Starts the lab, prints its addresses, waits for a signal, then delivers what was accepted.
pub(crate) fn up(arguments: UpArguments, output: &Output) -> Result<ExitCode, Failure> {
    let (directory, temporary) = match &arguments.save {
        Some(directory) => (directory.clone(), None),
        None => {
            let folder = tempfile::Builder::new()
                .prefix("baton-lab-")
                .tempdir()
                .map_err(|error| {
                    Failure::not_carried_out(format!(
                        "cannot make a temporary directory in {}: {error}; set TMPDIR to a directory that can be written",
                        std::env::temp_dir().display()
                    ))
                })?;
            (folder.path().to_owned(), Some(folder))
        }
    };
    let ended = runtime::for_lab()?.block_on(stay(&arguments, directory, output))?;
    if let Some(temporary) = temporary
        && ended.ending.status.records_undeliverable > 0
    {
        // it contains the undelivered records
        let _ = temporary.keep();
    }
    // what was lost is said before anything is written, because that may fail too
    let lost = report(&ended, output);
    let saved = match &arguments.save {
        Some(_) => save(ended, output),
        None => Ok(()),
    };
    match (lost, saved) {
        (None, saved) => saved.map(|()| ExitCode::SUCCESS),
        (Some(lost), saved) => {
            output.error(&lost);
            if let Err(unsaved) = saved {
                output.error(&unsaved);
            }
            Ok(lost.exit_code())
        }
    }
}

/// A lab that has ended, and where it wrote.
struct Ended {
    ending: Ending,
    directory: RunDirectory,
    manifest: Manifest,
}

async fn stay(
    arguments: &UpArguments,
    directory: PathBuf,
    output: &Output,
) -> Result<Ended, Failure> {
    // before anything starts, so that no signal is missed
    let mut signals = Signals::new()?;
    let mut manifest = manifest(arguments)?;
    let of_save = |error| Failure::from(error).of("--save");
    if arguments.save.is_some() {
        resumed::look_at(&directory, arguments.resume, &mut manifest, output)?;
    }
    let directory = RunDirectory::create(directory).map_err(of_save)?;
    let directory_path =
        std::path::absolute(directory.path()).map_err(Failure::writing(directory.path()))?;
    let options = options(arguments, directory.clone())?;
    let page = Arc::new(LabPage::new(PageOptions {
        max_traces: arguments.page_traces as usize,
        runs: arguments.runs.clone(),
        program: Program::this()?,
        functions: arguments.functions.functions()?,
    }));
    let started = tokio::select! {
        started = Lab::start_with_page(options, page) => started,
        () = signals.next() => return Err(Failure::interrupted()),
    };
    let lab = started?;
    directory.write_manifest(&manifest).map_err(of_save)?;
    let registration = registry::register(&Note {
        version: Version::default(),
        pid: std::process::id(),
        addresses: lab.addresses().clone(),
        directory: directory_path,
        token: lab.token().clone(),
        folder: std::env::current_dir().ok(),
    });
    if let Err(error) = &registration {
        output.note(&format!("other commands cannot find this lab: {error}"));
    }
    let kept_out = kept_out();
    if !kept_out.is_empty() {
        output.note(&format!(
            "the functions send their spans to the lab, so they do not get {}; see docs/backends.md",
            kept_out.join(", ")
        ));
    }
    announce(&lab, output)?;

    let mut said = Vec::new();
    loop {
        tokio::select! {
            () = signals.next() => break,
            problems = lab.disk_problems_changed() => {
                for problem in problems.iter().filter(|problem| !said.contains(*problem)) {
                    output.warn(problem);
                }
                said = problems;
            }
        }
    }
    output.note("delivering what was accepted; a second Ctrl-C only writes down what is left");
    let ending = lab.stop(signals.next()).await;
    drop(registration);
    manifest.end = Some(Timestamp::now());
    manifest.records = Some(ending.records());
    Ok(Ended {
        ending,
        directory,
        manifest,
    })
}

/// Writes the manifest and the report of the run.
fn save(ended: Ended, output: &Output) -> Result<(), Failure> {
    let Ended {
        ending,
        directory,
        mut manifest,
    } = ended;
    if ending.status.switches > 0 {
        let LabStatus {
            producer,
            consumer,
            switches,
            ..
        } = &ending.status;
        let modes = json!({ "producer": producer.propagation, "consumer": consumer.propagation });
        manifest
            .settings
            .insert(SWITCHES.to_owned(), json!(switches));
        manifest
            .settings
            .insert("modes_at_the_end".to_owned(), modes);
    }
    let of_save = |error| Failure::from(error).of("--save");
    directory.write_manifest(&manifest).map_err(of_save)?;
    report::of_run(&directory)?;
    output.note(&format!("saved to {}", directory.path().display()));
    Ok(())
}

fn options(arguments: &UpArguments, directory: RunDirectory) -> Result<LabOptions, Failure> {
    let functions = arguments.functions.functions()?;
    let function = |name, mode| {
        let mut options = functions.options(name, mode);
        if let Some(engine) = arguments.engine {
            let engine = (BATON_ENGINE.to_owned(), engine.to_string());
            options.environment.extend([engine]);
        }
        options
    };
    let producer = function(Function::Producer, arguments.producer.as_ref());
    let consumer = function(Function::Consumer, arguments.consumer.as_ref());
    Ok(LabOptions {
        ports: Ports {
            endpoint: arguments.port,
            page: arguments.page_port,
            kinesis: arguments.kinesis_port,
            otlp: arguments.otlp_port,
            zipkin: arguments.zipkin_port,
        },
        stream_state: match (arguments.resume, arguments.durable) {
            (true, _) => StreamState::Resumed,
            (false, true) => StreamState::Disk,
            (false, false) => StreamState::Memory,
        },
        ..arguments
            .lab
            .settings()
            .options(producer, consumer, directory)
    })
}

/// The manifest of the run. Modes may still be switched later.
fn manifest(arguments: &UpArguments) -> Result<Manifest, Failure> {
    let is_overridden = arguments.producer.is_some() && arguments.consumer.is_some();
    let variable = |name: &str| {
        if let (BATON_ENGINE, Some(engine)) = (name, arguments.engine) {
            return Some(engine.to_string());
        }
        let is_list = ["OTEL_PROPAGATORS", "BATON_INJECT", "BATON_EXTRACT"].contains(&name);
        std::env::var(name)
            .ok()
            .filter(|_| !(is_list && is_overridden))
    };
    let environment = Propagation::from_environment(variable).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        Failure::usage(problems.join("; "))
    })?;
    Ok(Manifest {
        version: Version::default(),
        pairing: Some(Pairing {
            producer: arguments.producer.clone().unwrap_or(environment.inject),
            consumer: arguments.consumer.clone().unwrap_or(environment.extract),
        }),
        engine: environment.engine,
        settings: lab_settings(&arguments.lab.settings(), &arguments.functions.functions()?),
        versions: versions(),
        records: None,
        start: Timestamp::now(),
        end: None,
    })
}

/// What `baton up --format json` prints once all of it answers.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UpJson<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "baton_schemas::Addresses"))]
    addresses: &'a Addresses,
}

fn announce(lab: &Lab, output: &Output) -> Result<(), Failure> {
    let addresses = lab.addresses();
    if output.format == Format::Json {
        return output.print_json(&UpJson {
            version: Version::default(),
            addresses,
        });
    }
    let LabStatus {
        producer, consumer, ..
    } = lab.status();
    output.print(&format!(
        "endpoint   {}\n\
         page       {}\n\
         Kinesis    {}, stream {}\n\
         collector  {}\n\
         Zipkin     {}\n\
         producer   {}\n\
         consumer   {}\n\
         \n\
         Try, in another terminal:\n  \
         curl -w '\\n' -d '{{ \"name\": \"Kate\", \"superpower\": \"Distributed Tracing\" }}' {}\n  \
         baton logs -f consumer\n  \
         baton switch producer=b3 consumer=b3\n\
         Ctrl-C delivers what was accepted and ends the lab.",
        addresses.endpoint,
        addresses.page,
        addresses.kinesis,
        addresses.stream,
        addresses.otlp,
        addresses.zipkin,
        modes(&producer),
        modes(&consumer),
        addresses.endpoint,
    ))
}

/// Reports how the lab ended. Returns what was not delivered or not saved.
fn report(ended: &Ended, output: &Output) -> Option<Failure> {
    let Ended {
        ending, directory, ..
    } = ended;
    let LabStatus {
        producer,
        records_delivered,
        spans,
        ..
    } = &ending.status;
    output.note(&format!(
        "{}, {} delivered, {}",
        counted(producer.invocations, "request"),
        counted(*records_delivered, "record"),
        counted(*spans, "span")
    ));
    if !ending.unkept.is_empty() {
        // no file has them, so at least the terminal does
        output.warn(ending.unkept.trim_end());
    }
    let problems = ending.problems(directory);
    (!problems.is_empty()).then(|| Failure::check(problems.join("; ")))
}
