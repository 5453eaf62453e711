//! `baton up`: starts the lab and stays.

use std::path::PathBuf;
use std::process::ExitCode;

use baton_lab::registry::{self, Note};
use baton_lab::{Ending, FunctionOptions, Lab, LabOptions, LabStatus, Ports};
use baton_propagators::mode::{Mode, Pairing};
use baton_propagators::propagation::Propagation;
use baton_traces::run::{Manifest, RunDirectory};
use baton_traces::summary::Summary;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{Format, FunctionName, UpArguments};
use crate::failure::Failure;
use crate::lab_options::{foreign_function_options, function_options, lab_options};
use crate::output::Output;
use crate::run::{self, versions};

/// Starts the lab, says where it is, stays until a signal, then delivers what was accepted.
pub(crate) fn up(arguments: UpArguments, output: &Output) -> Result<ExitCode, Failure> {
    let temporary;
    let directory = match &arguments.save {
        Some(directory) => directory.clone(),
        None => {
            temporary = tempfile::Builder::new()
                .prefix("baton-lab-")
                .tempdir()
                .map_err(Failure::check)?;
            temporary.path().to_owned()
        }
    };
    let runtime = run::runtime()?;
    runtime.block_on(stay(&arguments, directory, output))
}

async fn stay(
    arguments: &UpArguments,
    directory: PathBuf,
    output: &Output,
) -> Result<ExitCode, Failure> {
    // before anything is started, so that no signal comes too early
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::check)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::check)?;
    let directory = RunDirectory::create(directory).map_err(Failure::usage)?;
    let directory_path = std::path::absolute(directory.path()).map_err(Failure::usage)?;
    let mut manifest = manifest(arguments)?;
    directory
        .write_manifest(&manifest)
        .map_err(Failure::usage)?;

    let options = options(arguments, directory.clone())?;
    let started = tokio::select! {
        started = Lab::start(options) => started,
        _ = interrupt.recv() => return Err(Failure::interrupted()),
        _ = terminate.recv() => return Err(Failure::interrupted()),
    };
    let lab = started.map_err(Failure::usage)?;
    let registration = registry::register(&Note {
        pid: std::process::id(),
        addresses: lab.addresses().clone(),
        directory: directory_path,
    });
    if let Err(error) = &registration {
        output.note(&format!("other commands will not find this lab: {error}"));
    }
    announce(&lab, output);

    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    output.note("delivering what was accepted; a second Ctrl-C ends at once");
    let ending = tokio::select! {
        ending = lab.stop() => ending,
        _ = interrupt.recv() => return Err(Failure::interrupted()),
        _ = terminate.recv() => return Err(Failure::interrupted()),
    };
    drop(registration);
    if arguments.save.is_some() {
        manifest.end = Some(Timestamp::now());
        directory
            .write_manifest(&manifest)
            .map_err(Failure::check)?;
        let summary = Summary::of_run(&directory).map_err(Failure::check)?;
        summary.write(&directory).map_err(Failure::check)?;
        output.note(&format!("saved to {}", directory.path().display()));
    }
    report(&ending, output)
}

fn options(arguments: &UpArguments, directory: RunDirectory) -> Result<LabOptions, Failure> {
    let function = |name: FunctionName, mode: Option<&Mode>| -> Result<FunctionOptions, Failure> {
        let mut foreign = arguments
            .functions
            .iter()
            .filter(|foreign| foreign.function == name);
        match (foreign.next(), foreign.next()) {
            (Some(foreign), None) => foreign_function_options(foreign, mode),
            (None, _) => function_options(name, mode),
            (Some(_), Some(_)) => Err(Failure::usage(
                "--function names the same function twice; name it once",
            )),
        }
    };
    let producer = function(FunctionName::Producer, arguments.producer.as_ref())?;
    let consumer = function(FunctionName::Consumer, arguments.consumer.as_ref())?;
    Ok(LabOptions {
        ports: Ports {
            endpoint: arguments.port,
            page: arguments.page_port,
            kinesis: arguments.kinesis_port,
            otlp: arguments.otlp_port,
        },
        ..lab_options(&arguments.lab, producer, consumer, directory)
    })
}

/// What was asked for, as a run's manifest says it. Modes can be switched later.
fn manifest(arguments: &UpArguments) -> Result<Manifest, Failure> {
    let environment =
        Propagation::from_environment(|name| std::env::var(name).ok()).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Failure::usage(problems.join("; "))
        })?;
    Ok(Manifest {
        pairing: Pairing {
            producer: arguments
                .producer
                .clone()
                .unwrap_or_else(|| environment.inject.clone()),
            consumer: arguments.consumer.clone().unwrap_or(environment.extract),
        },
        engine: environment.engine,
        settings: run::lab_settings(&arguments.lab),
        versions: versions(),
        start: Timestamp::now(),
        end: None,
    })
}

fn announce(lab: &Lab, output: &Output) {
    let addresses = lab.addresses();
    if output.format == Format::Json {
        output.print_json(addresses);
        return;
    }
    let LabStatus {
        producer, consumer, ..
    } = lab.status();
    let mode = |function: &baton_lab::FunctionStatus| {
        let variables: Vec<_> = function
            .propagation
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if variables.is_empty() {
            "OTEL_PROPAGATORS=tracecontext,baggage (the default)".to_owned()
        } else {
            variables.join(" ")
        }
    };
    output.print(&format!(
        "endpoint   {}\n\
         page       {}\n\
         Kinesis    {}, stream {}\n\
         collector  {}\n\
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
        mode(&producer),
        mode(&consumer),
        addresses.endpoint,
    ));
}

/// Says how it ended; a lab that could not deliver everything has failed.
fn report(ending: &Ending, output: &Output) -> Result<ExitCode, Failure> {
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
        problems.push(format!("{records_undeliverable} records could not be delivered; they are kept in undeliverable.jsonl"));
    }
    if !ending.drained {
        problems.push("not every accepted record was delivered in time".to_owned());
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
