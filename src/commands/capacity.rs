//! `baton plan-capacity`: what a rate takes of Kinesis and Lambda under each format, and what that costs.

mod arithmetic;
mod number;
mod quotas;
mod record;
mod text;

use std::process::ExitCode;

use baton_propagators::format::formats;
use baton_propagators::mode::Mode;
use serde::Serialize;
use serde_json::json;

use self::arithmetic::{Plan, Setup};
use self::quotas::Quota;
use self::record::{Luggage, RecordSize};
use crate::arguments::{CapacityArguments, Format};
use crate::failure::Failure;
use crate::print::output::Output;

/// The modes of a list beside every format alone.
const MIXED_MODES: [&str; 2] = ["tracecontext,b3", "tracecontext,baggage"];

/// One mode's answer.
#[derive(Debug, Serialize)]
struct Answer {
    /// The formats that the producer writes; none for `none`.
    mode: Mode,
    record: RecordSize,
    #[serde(flatten)]
    plan: Plan,
    /// The one that bites first is at the head.
    quotas: Vec<Quota>,
}

/// Prints shards, concurrency and cost of every mode.
pub(crate) fn plan_capacity(
    arguments: &CapacityArguments,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let setup = setup(arguments);
    let luggage = Luggage::parse(&arguments.baggage, arguments.tracestate.as_deref())?;
    let mut answers = Vec::new();
    for mode in modes(arguments)? {
        let record = RecordSize::of(&mode, arguments.engine, &luggage, arguments.payload)?;
        let plan = arithmetic::plan(&record, &setup);
        let quotas = quotas::quotas(&record, &plan, &setup, &arguments.quotas);
        answers.push(Answer {
            mode,
            record,
            plan,
            quotas,
        });
    }
    match output.format {
        Format::Json => output.print_json(&json!({
            "rate": arguments.rate,
            "engine": arguments.engine,
            "modes": answers,
            "assumptions": text::assumptions(arguments),
        }))?,
        Format::Markdown => output.print(&text::markdown(&answers, arguments))?,
        _ => output.print(&text::plain(&answers, arguments, output))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn setup(arguments: &CapacityArguments) -> Setup {
    let milliseconds = |duration: std::time::Duration| duration.as_secs_f64() * 1000.0;
    Setup {
        rate: arguments.rate,
        skew: arguments.skew,
        consumers: arguments.consumers,
        batch_size: arguments.batch_size,
        batch_window_s: arguments.batch_window.as_secs_f64(),
        parallelization: arguments.parallelization,
        producer_ms: milliseconds(arguments.producer_duration),
        batch_ms: milliseconds(arguments.batch_duration),
        record_ms: milliseconds(arguments.record_duration),
        memory_mb: arguments.memory,
        prices: arguments.prices,
    }
}

/// The modes to compare, each once.
fn modes(arguments: &CapacityArguments) -> Result<Vec<Mode>, Failure> {
    let mut modes: Vec<Mode> = Vec::new();
    if arguments.modes.is_empty() {
        let alone = formats().filter(|name| *name != "baggage");
        for name in ["none"].into_iter().chain(alone).chain(MIXED_MODES) {
            modes.push(name.parse().map_err(Failure::usage)?);
        }
        // upstream has no propagator for some
        modes.retain(|mode| {
            let record = RecordSize::of(mode, arguments.engine, &Luggage::default(), 2);
            record.is_ok()
        });
    }
    for mode in &arguments.modes {
        if !modes.contains(mode) {
            modes.push(mode.clone());
        }
    }
    Ok(modes)
}
