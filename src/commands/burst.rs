//! `baton burst`: bursts at any endpoint, each with its own figures.

mod request;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitCode;

use baton_experiments::burst::{FIGURES, checks, problems, unreachable};
use baton_experiments::manifest::{load_settings, versions};
use baton_experiments::{ExperimentError, Program, add_client_spans, requests, write_load};
use baton_loadgen::{AttackOutcome, Payload, Plan, Scenario, Settings};
use baton_propagators::Mode;
use baton_traces::compare::limits::{Check, check_names};
use baton_traces::run::{Manifest, RunDirectory};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::request::{headers, scenario};
use crate::arguments::{BurstArguments, Format};
use crate::failure::Failure;
use crate::print::output::Output;
use crate::print::progress::{Progress, Total};
use crate::print::table::burst_table;
use crate::{report, runtime, signals};

/// A run with more requests gets no summary here, because this machine may lack the memory.
const MAX_SUMMARIZED: u64 = 250_000;

/// Sends the bursts and prints a table of them.
pub(crate) fn burst(arguments: &BurstArguments, output: &Output) -> Result<ExitCode, Failure> {
    let limits: Vec<_> = arguments
        .fail_under
        .iter()
        .chain(&arguments.fail_over)
        .cloned()
        .collect();
    check_names(&limits, &FIGURES).map_err(Failure::usage)?;
    let mut settings = settings(arguments)?;
    // check the plan before anything is created
    Plan::new(settings.clone())?;
    for number in 1..=arguments.load.bursts {
        if let Some(report) = goose_report(arguments, number) {
            let unwritable = Failure::writing(&report);
            File::create(&report).map_err(|error| unwritable(error).of("--goose-report"))?;
        }
    }
    let of_out = |error| Failure::from(error).of("--out");
    let directory = match &arguments.out {
        Some(out) => {
            let directory = RunDirectory::create(out).map_err(of_out)?;
            let earlier = directory.set_aside().map_err(of_out)?;
            Some((directory, earlier))
        }
        None => None,
    };
    let (directory, earlier) = directory.unzip();
    settings.spans = directory.as_ref().map(RunDirectory::client_spans_path);
    let plan = Plan::new(settings.clone())?;
    let mut manifest = manifest(arguments, &plan);

    if let Some(directory) = &directory {
        // if the burst is killed, the run has not ended
        directory.write_manifest(&manifest).map_err(of_out)?;
    }
    let (outcomes, interrupted) =
        runtime::for_lab()?.block_on(send_all(arguments, &settings, directory.as_ref(), output))?;
    if let Some(reason) = unreachable(&outcomes) {
        if let Some(directory) = directory {
            directory.discard().map_err(of_out)?;
        }
        // dropping `earlier` restores its files
        return Err(match interrupted {
            true => Failure::interrupted(),
            false => Failure::not_carried_out(reason).of("--endpoint"),
        });
    }
    if let Some(earlier) = earlier {
        earlier.remove().map_err(of_out)?;
    }
    if let Some(directory) = &directory {
        write_load(directory, &outcomes)?;
        manifest.end = Some(Timestamp::now());
        directory.write_manifest(&manifest).map_err(of_out)?;
        if requests(&outcomes).sent <= MAX_SUMMARIZED {
            report::of_run(directory)?;
        } else {
            output.note(&format!(
                "more than {MAX_SUMMARIZED} requests get no summary here; `baton compare` and `baton merge` make one"
            ));
        }
    }
    let checks = checks(&limits, &outcomes);
    print(arguments, &manifest, &outcomes, &checks, output)?;
    if interrupted {
        return Err(Failure::interrupted());
    }
    let problems = problems(&outcomes, &limits, &checks);
    match problems.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(Failure::check(problems.join("\n"))),
    }
}

async fn send_all(
    arguments: &BurstArguments,
    settings: &Settings,
    directory: Option<&RunDirectory>,
    output: &Output,
) -> Result<(Vec<AttackOutcome>, bool), Failure> {
    let left_over = settings.spans.clone();
    let interrupted = signals::interrupted(move || {
        // these spans were not added to the run
        let _ = left_over.map(fs::remove_file);
    })?;
    let load = arguments.load.load();
    let progress = Progress::new(output, Total::of(&load, 1));
    let plan = |number: u32| {
        Plan::new(Settings {
            // the same seed would send the same trace ids again
            seed: settings
                .seed
                .map(|seed| seed.wrapping_add(u64::from(number - 1))),
            goose_report: goose_report(arguments, number),
            ..settings.clone()
        })
        .map_err(ExperimentError::from)
    };
    let ended = || directory.map_or(Ok(()), add_client_spans);
    let program = Program::this()?;
    let sent = load.send(
        &program,
        plan,
        "burst",
        &progress,
        interrupted.clone(),
        ended,
    );
    let outcomes = sent.await?;
    progress.finish();
    let interrupted = *interrupted.borrow();
    Ok((outcomes, interrupted))
}

fn settings(arguments: &BurstArguments) -> Result<Settings, Failure> {
    let endpoint = arguments.endpoint.as_deref().ok_or_else(|| {
        Failure::usage("the plan has no endpoint; give one there or with --endpoint URL")
    })?;
    let template = match &arguments.payload {
        Some(path) => {
            let text = fs::read_to_string(path);
            Some(text.map_err(|error| Failure::reading(path)(error).of("--payload"))?)
        }
        None => None,
    };
    Ok(Settings {
        payload: Payload {
            template,
            size: arguments.payload_size,
        },
        headers: headers(&arguments.headers)?,
        seed: arguments.seed,
        timeout: arguments.timeout,
        goose_report: arguments.goose_report.clone(),
        scenarios: vec![scenario(arguments)?],
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
    if let Some(Scenario {
        conflict,
        malformed,
        baggage,
        tracestate,
        ..
    }) = plan.scenarios().first()
    {
        settings.insert("conflict".to_owned(), json!(conflict));
        let percent = malformed.map(|malformed| malformed.percent);
        settings.insert("malformed".to_owned(), json!(percent));
        settings.insert("baggage".to_owned(), json!(baggage));
        settings.insert("tracestate".to_owned(), json!(tracestate));
    }
    Manifest {
        pairing: None,
        engine: arguments.load.engine,
        settings,
        versions: versions(),
        records: None,
        start: Timestamp::now(),
        end: None,
    }
}

fn print(
    arguments: &BurstArguments,
    manifest: &Manifest,
    outcomes: &[AttackOutcome],
    checks: &[Check],
    output: &Output,
) -> Result<(), Failure> {
    if output.format == Format::Json {
        let bursts: Result<Vec<_>, _> = outcomes.iter().map(figures).collect();
        let reports = (1..=outcomes.len() as u32).filter_map(|n| goose_report(arguments, n));
        return output.print_json(&json!({
            "settings": manifest.settings,
            "engine": manifest.engine,
            "requests": requests(outcomes),
            "latency": if arguments.load.rate.is_some() { "intended_start" } else { "closed_loop" },
            "bursts": bursts.map_err(Failure::not_carried_out)?,
            "checks": checks,
            "saved": arguments.out,
            "goose_reports": reports.collect::<Vec<_>>(),
        }));
    }
    let mut text = burst_table(outcomes, output);
    text.push_str("\n\n");
    for (index, outcome) in outcomes.iter().enumerate() {
        for failures in &outcome.failures {
            let (count, what) = (failures.count, &failures.description);
            text.push_str(&format!("burst {}: {count} × {what}\n", index + 1));
        }
        if outcome.unsent > 0 {
            text.push_str(&format!(
                "burst {}: {} requests were due and never sent, because all users were waiting; use more users or a lower \
                 rate\n",
                index + 1,
                outcome.unsent
            ));
        }
    }
    text.push_str(match arguments.load.rate {
        Some(_) => {
            "Latencies count from the intended start, so a stall counts for every request that it delayed."
        }
        None => {
            "Latencies are those that each user saw, so a stall counts once for each user. With --rate it counts for \
             every request that it delays."
        }
    });
    for check in checks.iter().filter(|check| check.passed) {
        text.push_str(&format!("\n{check}"));
    }
    if let Some(out) = &arguments.out {
        text.push_str(&format!("\nSaved in {}.", out.display()));
    }
    output.print(&text)
}

/// An outcome without goose's own figures and the histograms, which `load.json` has.
fn figures(outcome: &AttackOutcome) -> serde_json::Result<Map<String, Value>> {
    let mut fields: Map<String, Value> = serde_json::from_value(serde_json::to_value(outcome)?)?;
    for name in [
        "goose",
        "latency_histogram_us",
        "latency_corrected_histogram_us",
    ] {
        fields.remove(name);
    }
    Ok(fields)
}
