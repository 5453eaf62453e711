//! `baton matrix`: every pairing of modes and every client against every producer, through real labs.

mod answer;
mod cells;
mod count;
mod evidence;
mod grid;
mod markdown;
mod prediction;
mod reason;
mod report;
mod saved;
mod scenarios;
mod stage;
mod text;

use std::process::ExitCode;
use std::time::Instant;

use baton_propagators::mode::{Engine, Mode, Pairing, Select, XraySource};
use baton_propagators::propagation::Propagation;
use baton_traces::hand_off::Hop;
use baton_traces::run::RunDirectory;
use jiff::Timestamp;
use tokio::task::JoinSet;

use self::cells::Matrix;
use self::count::{Counted, count};
use self::stage::Stage;
use crate::arguments::{Format, FunctionArguments, MatrixArguments};
use crate::commands::run::runtime;
use crate::failure::Failure;
use crate::manifest::versions;
use crate::print::output::Output;
use crate::print::progress::{Progress, Total};
use crate::signals;

/// Nothing, each format alone, and both orders of the mix that people meet on the way from B3 to W3C.
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
const DEFAULT_REQUESTS: u64 = 20;
/// Labs that run at the same time: one alone waits for its processes, its stream and its load generator half the time.
const LABS: usize = 2;
/// How wide to draw where there is no terminal.
const WIDTH: u16 = 100;

/// Measures a matrix, or reads a saved one, and prints it.
pub(crate) fn matrix(arguments: &MatrixArguments, output: &Output) -> Result<ExitCode, Failure> {
    let matrix = match &arguments.from {
        Some(path) => saved::read(path)?,
        None => {
            let measured = measure(arguments, output)?;
            if let Some(path) = &arguments.save {
                saved::write(&measured, path)?;
            }
            measured
        }
    };
    match output.format {
        Format::Json => output.print_json(&matrix)?,
        Format::Markdown => output.print(&markdown::render(&matrix))?,
        _ => {
            let terminal = comfy_table::Table::new().width();
            // some terminals do not know
            let width = terminal.filter(|width| *width > 0).unwrap_or(WIDTH);
            let width = usize::from(width);
            output.print(&text::render(&matrix, width, output.colour))?;
        }
    }
    check(&matrix)
}

/// A cell that baton itself cannot explain fails the command, and so does a request that failed. What functions of
/// others do is theirs.
fn check(matrix: &Matrix) -> Result<ExitCode, Failure> {
    let mut failures = Vec::new();
    let defects = matrix.defects.iter();
    let own = defects.filter(|defect| defect.foreign.is_empty()).count();
    if own > 0 {
        failures.push(format!(
            "cells of which the formats alone say otherwise than the spans: {own}; that is a defect of baton"
        ));
    }
    failures.extend(
        matrix
            .problems
            .iter()
            .map(|problem| report::visible(problem)),
    );
    match failures.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(Failure::check(failures.join("\n"))),
    }
}

fn measure(arguments: &MatrixArguments, output: &Output) -> Result<Matrix, Failure> {
    let started = (Timestamp::now(), Instant::now());
    let modes = modes(&arguments.modes)?;
    let engines = distinct(arguments.engines.iter().copied());
    let requests = arguments.requests.unwrap_or(DEFAULT_REQUESTS);
    let select = arguments.select.unwrap_or_default();
    let mut stages = Vec::new();
    let mut left_out = Vec::new();
    for engine in &engines {
        let (able, sentence) = able(*engine, &modes);
        left_out.extend(sentence);
        stages.extend(plan(
            *engine,
            &able,
            select,
            requests,
            &arguments.functions,
        )?);
    }
    if stages.is_empty() {
        return Err(Failure::usage(left_out.join(" ")));
    }
    // a fault in a plan is found before the first lab starts
    for stage in &stages {
        stage.plan("http://127.0.0.1:3000/", "spans".as_ref())?;
    }
    let (counted, problems) = runtime()?.block_on(run_all(stages, output))?;
    let mut matrix = Matrix {
        requests,
        modes,
        select,
        foreign: arguments.functions.foreign(),
        started: started.0,
        duration_s: (started.1.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        versions: versions(),
        record: Vec::new(),
        ingress: Vec::new(),
        left_out,
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

/// The modes that were asked for, each once. A mode has commas of its own, so modes are apart by spaces, semicolons or
/// arguments.
fn modes(asked: &[String]) -> Result<Vec<Mode>, Failure> {
    let mut words: Vec<&str> = asked
        .iter()
        .flat_map(|argument| argument.split([' ', ';']))
        .filter(|word| !word.is_empty())
        .collect();
    if asked.is_empty() {
        words.extend(DEFAULT_MODES);
    } else if words.is_empty() {
        return Err(Failure::usage(
            "--modes names no mode; give at least one, as in --modes none tracecontext,b3",
        ));
    }
    let modes: Result<Vec<Mode>, _> = words.into_iter().map(str::parse).collect();
    Ok(distinct(modes.map_err(Failure::usage)?))
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

/// The modes that an engine can do, and a sentence about those that it cannot.
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
            "Engine {engine} leaves out {}: upstream has no propagators for them on OpenTelemetry 0.33; engine native does.",
            reason::list(&names)
        )
    });
    (able, sentence)
}

/// The labs that make an engine's two grids.
fn plan(
    engine: Engine,
    modes: &[Mode],
    select: Select,
    requests: u64,
    functions: &FunctionArguments,
) -> Result<Vec<Stage>, Failure> {
    let clients = scenarios::clients().map_err(Failure::usage)?;
    let mut stages = Vec::new();
    let stage = |hop, pairing, xray_source, scenarios| Stage {
        hop,
        engine,
        pairing,
        select,
        xray_source,
        scenarios,
        requests,
        functions: functions.clone(),
    };
    for producer in modes {
        for consumer in modes {
            let pairing = Pairing {
                producer: producer.clone(),
                consumer: consumer.clone(),
            };
            let scenarios = vec![scenarios::for_producer(producer)];
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

/// Runs all labs, a few at a time. Gives what each adds to the matrix, in their order, and what went wrong.
async fn run_all(
    stages: Vec<Stage>,
    output: &Output,
) -> Result<(Vec<Counted>, Vec<String>), Failure> {
    let interrupted = signals::interrupted(|| {})?;
    let folder = tempfile::tempdir().map_err(Failure::check)?;
    let progress = Progress::new(
        output,
        Total::Requests(stages.iter().map(Stage::total).sum()),
    );
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
                progress.stage(&part);
            }
            let directory = RunDirectory::create(folder.path().join(place.to_string()))
                .map_err(Failure::check)?;
            let interrupted = interrupted.clone();
            running.spawn(async move { (place, stage.run(directory, interrupted).await) });
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        let (place, staged) = ended.map_err(Failure::check)?;
        let Some(staged) = staged? else { continue };
        progress.add(staged.stage.total());
        results[place] = Some(count(&staged));
        problems.extend(staged.problems);
        // thousands of files would be left for the end otherwise
        let _ = std::fs::remove_dir_all(folder.path().join(place.to_string()));
    }
    progress.finish();
    if *interrupted.borrow() {
        return Err(Failure::interrupted());
    }
    Ok((results.into_iter().flatten().collect(), problems))
}
