//! `baton burst`: bursts at any endpoint, each measured and reported on its own.

mod request;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use baton_loadgen::{Failure as RequestFailure, Outcome, Payload, Plan, Scenario, Settings};
use baton_traces::run::{Manifest, RunDirectory};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::request::{headers, scenario};
use crate::arguments::{BurstArguments, Format};
use crate::bursts;
use crate::commands::run::runtime;
use crate::failure::Failure;
use crate::limits::{self, Check, Metric, Unit};
use crate::manifest::{load_settings, versions};
use crate::print::output::Output;
use crate::print::progress::Progress;
use crate::print::table::burst_table;
use crate::report;
use crate::signals;

/// The figures of a burst that can have a limit.
const METRICS: [Metric; 8] = [
    metric("ok", Unit::Share),
    metric("failed", Unit::Number),
    metric("rps", Unit::Number),
    metric("p50", Unit::Milliseconds),
    metric("p90", Unit::Milliseconds),
    metric("p99", Unit::Milliseconds),
    metric("p999", Unit::Milliseconds),
    metric("max", Unit::Milliseconds),
];
const fn metric(name: &'static str, unit: Unit) -> Metric {
    Metric { name, unit }
}

/// A machine that sends more requests may not have the memory to judge them all.
const MOST_SUMMED_UP: u64 = 250_000;

/// Sends the bursts and prints a table of them.
pub(crate) fn burst(arguments: &BurstArguments, output: &Output) -> Result<ExitCode, Failure> {
    let limits = arguments.fail_under.iter().chain(&arguments.fail_over);
    limits::check_names(limits, &METRICS).map_err(Failure::usage)?;
    let mut settings = settings(arguments)?;
    // a fault in the plan is found before anything is made
    Plan::new(settings.clone()).map_err(Failure::usage)?;
    for number in 1..=arguments.load.bursts {
        if let Some(report) = goose_report(arguments, number) {
            File::create(&report).map_err(|error| unusable(&report, &error))?;
        }
    }
    let directory = match &arguments.out {
        Some(out) => {
            let directory = RunDirectory::create(out).map_err(Failure::usage)?;
            let earlier = directory.set_aside().map_err(Failure::usage)?;
            Some((directory, earlier))
        }
        None => None,
    };
    let (directory, earlier) = directory.unzip();
    settings.spans = directory.as_ref().map(RunDirectory::client_spans_path);
    let plan = Plan::new(settings.clone()).map_err(Failure::usage)?;
    let mut manifest = manifest(arguments, &plan);

    if let Some(directory) = &directory {
        // whoever is killed leaves a run that has not ended
        directory
            .write_manifest(&manifest)
            .map_err(Failure::usage)?;
    }
    let (outcomes, interrupted) =
        runtime()?.block_on(send_all(arguments, &settings, directory.as_ref(), output))?;
    if let Some(reason) = unreachable(&outcomes) {
        if let Some(directory) = directory {
            directory.discard().map_err(Failure::check)?;
        }
        // what `earlier` holds is put back
        return Err(match interrupted {
            true => Failure::interrupted(),
            false => Failure::usage(reason),
        });
    }
    if let Some(earlier) = earlier {
        earlier.remove().map_err(Failure::check)?;
    }
    if let Some(directory) = &directory {
        bursts::write_load(directory, &outcomes)?;
        manifest.end = Some(Timestamp::now());
        directory
            .write_manifest(&manifest)
            .map_err(Failure::check)?;
        if bursts::requests(&outcomes).sent <= MOST_SUMMED_UP {
            report::of_run(directory)?;
        } else {
            output.note("so many requests are not summed up here; `baton compare` and `baton merge` do that");
        }
    }
    let checks = checks(arguments, &outcomes);
    print(arguments, &manifest, &outcomes, &checks, output)?;
    if interrupted {
        return Err(Failure::interrupted());
    }
    judge(arguments, &outcomes, &checks)
}

async fn send_all(
    arguments: &BurstArguments,
    settings: &Settings,
    directory: Option<&RunDirectory>,
    output: &Output,
) -> Result<(Vec<Outcome>, bool), Failure> {
    let left_over = settings.spans.clone();
    let interrupted = signals::interrupted(move || {
        // spans that were not folded into a run yet belong to none
        let _ = left_over.map(fs::remove_file);
    })?;
    let progress = Progress::new(output, arguments.load.total(1));
    let plan = |number: u32| {
        Plan::new(Settings {
            // the same seed again would be the same traces again
            seed: settings
                .seed
                .map(|seed| seed.wrapping_add(u64::from(number - 1))),
            goose_report: goose_report(arguments, number),
            ..settings.clone()
        })
        .map_err(Failure::usage)
    };
    let fold = || directory.map_or(Ok(()), bursts::fold_client_spans);
    let load = &arguments.load;
    let outcomes = bursts::send(load, plan, "burst", &progress, interrupted.clone(), fold).await?;
    progress.finish();
    let interrupted = *interrupted.borrow();
    Ok((outcomes, interrupted))
}

fn settings(arguments: &BurstArguments) -> Result<Settings, Failure> {
    let endpoint = arguments.endpoint.as_deref().ok_or_else(|| {
        Failure::usage("the plan has no endpoint; give one there or with --endpoint URL")
    })?;
    let load = &arguments.load;
    let template = match &arguments.payload {
        Some(path) => Some(fs::read_to_string(path).map_err(|error| unusable(path, &error))?),
        None => None,
    };
    Ok(Settings {
        users: load.users,
        stop: load.stop(),
        rate: load.rate,
        ramp: load.ramp,
        engine: load.engine,
        payload: Payload {
            template,
            size: arguments.payload_size,
        },
        headers: headers(&arguments.headers)?,
        seed: arguments.seed,
        timeout: arguments.timeout,
        goose_report: arguments.goose_report.clone(),
        ..Settings::new(endpoint, scenario(arguments)?)
    })
}

/// Why a file that was named cannot be used.
fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}

/// The file for goose's report of a burst.
fn goose_report(arguments: &BurstArguments, number: u32) -> Option<PathBuf> {
    let report = arguments.goose_report.as_ref()?;
    if arguments.load.bursts == 1 {
        return Some(report.clone());
    }
    let stem = report.file_stem().unwrap_or_default().to_string_lossy();
    Some(report.with_file_name(format!("{stem}-{number}.html")))
}

/// Nothing is known of who receives, so the run has no pairing.
fn manifest(arguments: &BurstArguments, plan: &Plan) -> Manifest {
    let mut settings = load_settings(&arguments.load, plan);
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
        start: Timestamp::now(),
        end: None,
    }
}

/// Why there was nobody to talk to, if no request of any burst came as far as a connection.
fn unreachable(outcomes: &[Outcome]) -> Option<&str> {
    let failures = || outcomes.iter().flat_map(|outcome| &outcome.failures);
    let is_refused = |failure: &RequestFailure| {
        matches!(
            failure,
            RequestFailure::ConnectionRefused | RequestFailure::NotConnected { .. }
        )
    };
    let is_unreachable = outcomes.iter().all(|outcome| outcome.requests.ok == 0)
        && failures().any(|failures| is_refused(&failures.failure))
        && failures().all(|failures| {
            is_refused(&failures.failure) || failures.failure == RequestFailure::Interrupted
        });
    let last = outcomes.last().filter(|_| is_unreachable)?;
    Some(&last.summary)
}

/// Every limit, for every burst.
fn checks(arguments: &BurstArguments, outcomes: &[Outcome]) -> Vec<Check> {
    let limits: Vec<_> = arguments
        .fail_under
        .iter()
        .chain(&arguments.fail_over)
        .collect();
    let of_burst = |(index, outcome): (usize, &Outcome)| {
        let checks = limits
            .iter()
            .map(|limit| limit.evaluate(|name| figure(outcome, name)));
        checks
            .map(|check| match outcomes {
                [_] => check,
                _ => check.of(format!("burst {}", index + 1)),
            })
            .collect::<Vec<_>>()
    };
    outcomes.iter().enumerate().flat_map(of_burst).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the number of requests is far below 2^52"
)]
fn figure(outcome: &Outcome, name: &str) -> Option<f64> {
    let requests = outcome.requests;
    let latency = outcome.latency_corrected_ms.or(outcome.latency_ms);
    match name {
        "ok" => (requests.sent > 0).then(|| requests.ok as f64 / requests.sent as f64),
        "failed" => Some(requests.failed as f64),
        "rps" => Some(outcome.throughput_rps),
        "p50" => latency.map(|latency| latency.p50),
        "p90" => latency.map(|latency| latency.p90),
        "p99" => latency.map(|latency| latency.p99),
        "p999" => latency.map(|latency| latency.p999),
        "max" => latency.map(|latency| latency.max),
        _ => None,
    }
}

fn print(
    arguments: &BurstArguments,
    manifest: &Manifest,
    outcomes: &[Outcome],
    checks: &[Check],
    output: &Output,
) -> Result<(), Failure> {
    if output.format == Format::Json {
        let bursts: Result<Vec<_>, _> = outcomes.iter().map(figures).collect();
        let reports = (1..=outcomes.len() as u32).filter_map(|n| goose_report(arguments, n));
        return output.print_json(&json!({
            "settings": manifest.settings,
            "engine": manifest.engine,
            "requests": bursts::requests(outcomes),
            "latency": if arguments.load.rate.is_some() { "intended_start" } else { "closed_loop" },
            "bursts": bursts.map_err(Failure::check)?,
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
                "burst {}: {} requests were due and never sent, as all users were waiting; use more users or a lower \
                 rate\n",
                index + 1,
                outcome.unsent
            ));
        }
    }
    text.push_str(match arguments.load.rate {
        Some(_) => {
            "Latencies from the intended start, so a stall counts for every request it delayed."
        }
        None => {
            "Closed loop: latencies as each user saw them; a stall counts once for each user. --rate counts it for \
             every request it delays."
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
fn figures(outcome: &Outcome) -> serde_json::Result<Map<String, Value>> {
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

/// Whether the command has failed. Failed requests fail it, unless there are limits on how many may.
fn judge(
    arguments: &BurstArguments,
    outcomes: &[Outcome],
    checks: &[Check],
) -> Result<ExitCode, Failure> {
    let limits = arguments.fail_under.iter().chain(&arguments.fail_over);
    let are_failures_limited = limits
        .into_iter()
        .any(|limit| ["ok", "failed"].contains(&&*limit.name));
    let failed = outcomes.iter().enumerate().filter(|(_, outcome)| {
        outcome.gave_up || outcome.requests.failed > 0 && !are_failures_limited
    });
    let mut problems: Vec<String> = failed
        .map(|(index, outcome)| match outcomes {
            [_] => outcome.summary.clone(),
            _ => format!("burst {}: {}", index + 1, outcome.summary),
        })
        .collect();
    let spans = outcomes
        .iter()
        .filter_map(|outcome| outcome.span_file_error.as_ref());
    problems.extend(spans.map(|error| format!("spans are missing: {error}")));
    let broken = checks.iter().filter(|check| !check.passed);
    problems.extend(broken.map(ToString::to_string));
    if problems.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::check(problems.join("\n")))
    }
}
