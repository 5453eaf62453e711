//! `baton up`: starts the lab and waits.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use baton_experiments::kept_out;
use baton_experiments::manifest::{lab_settings, versions};
use baton_lab::registry::{self, Note};
use baton_lab::{Ending, Lab, LabOptions, LabStatus, Ports};
use baton_propagators::mode::Pairing;
use baton_propagators::propagation::{BATON_ENGINE, Propagation};
use baton_traces::run::{Function, Manifest, RunDirectory, UNDELIVERABLE_FILE};
use jiff::Timestamp;
use serde_json::json;

use crate::arguments::{Format, UpArguments};
use crate::failure::Failure;
use crate::print::modes::modes;
use crate::print::output::Output;
use crate::signals::Signals;
use crate::{report, runtime};

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
    let ending = runtime::for_lab()?.block_on(stay(&arguments, directory.clone(), output))?;
    if let Some(temporary) = temporary
        && (ending.status.records_undeliverable > 0 || !ending.drained)
    {
        // it contains the undelivered records
        let _ = temporary.keep();
    }
    report(&ending, &directory, output)
}

async fn stay(
    arguments: &UpArguments,
    directory: PathBuf,
    output: &Output,
) -> Result<Ending, Failure> {
    // before anything starts, so that no signal is missed
    let mut signals = Signals::new()?;
    let mut manifest = manifest(arguments)?;
    let of_save = |error| Failure::from(error).of("--save");
    let directory = RunDirectory::create(directory).map_err(of_save)?;
    let directory_path =
        std::path::absolute(directory.path()).map_err(Failure::writing(directory.path()))?;
    let options = options(arguments, directory.clone())?;
    let started = tokio::select! {
        started = Lab::start(options) => started,
        () = signals.next() => return Err(Failure::interrupted()),
    };
    let lab = started?;
    directory.write_manifest(&manifest).map_err(of_save)?;
    let registration = registry::register(&Note {
        pid: std::process::id(),
        addresses: lab.addresses().clone(),
        directory: directory_path,
        folder: std::env::current_dir().ok(),
    });
    if let Err(error) = &registration {
        output.note(&format!("other commands cannot find this lab: {error}"));
    }
    let kept_out = kept_out();
    if !kept_out.is_empty() {
        output.note(&format!(
            "the functions send their spans to the lab and do not get {} (docs/backends.md)",
            kept_out.join(", ")
        ));
    }
    announce(&lab, output)?;

    signals.next().await;
    output.note("delivering what was accepted; a second Ctrl-C ends at once");
    let ending = tokio::select! {
        ending = lab.stop() => ending,
        () = signals.next() => {
            return Err(Failure::interrupted());
        }
    };
    drop(registration);
    if arguments.save.is_some() {
        manifest.end = Some(Timestamp::now());
        manifest.records = Some(ending.records());
        if ending.status.switches > 0 {
            let LabStatus {
                producer,
                consumer,
                switches,
                ..
            } = &ending.status;
            let modes =
                json!({ "producer": producer.propagation, "consumer": consumer.propagation });
            manifest
                .settings
                .insert("switches".to_owned(), json!(switches));
            manifest
                .settings
                .insert("modes_at_the_end".to_owned(), modes);
        }
        directory.write_manifest(&manifest).map_err(of_save)?;
        report::of_run(&directory)?;
        output.note(&format!("saved to {}", directory.path().display()));
    }
    Ok(ending)
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

fn announce(lab: &Lab, output: &Output) -> Result<(), Failure> {
    let addresses = lab.addresses();
    if output.format == Format::Json {
        return output.print_json(addresses);
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
         curl -d '{{ \"name\": \"Kate\", \"superpower\": \"Distributed Tracing\" }}' {}\n  \
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

/// Reports how the lab ended. The command fails if something was not delivered.
fn report(ending: &Ending, directory: &Path, output: &Output) -> Result<ExitCode, Failure> {
    let LabStatus {
        producer,
        records_delivered,
        records_undeliverable,
        spans,
        ..
    } = &ending.status;
    output.note(&format!(
        "{} requests, {records_delivered} records delivered, {spans} spans",
        producer.invocations
    ));
    let mut problems = Vec::new();
    if *records_undeliverable > 0 {
        problems.push(format!(
            "{records_undeliverable} records could not be delivered; they are kept in {}",
            directory.join(UNDELIVERABLE_FILE).display()
        ));
    }
    if !ending.drained {
        problems.push(format!(
            "not every accepted record was delivered in time; the lab's logs are in {}",
            directory.display()
        ));
    }
    if let Some(error) = &ending.span_error {
        problems.push(format!("spans are missing: {error}"));
    }
    if problems.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::check(problems.join("; ")))
    }
}
