//! Writes a run of any size, as `baton run` would leave it, to measure the cost of reading and
//! judging.
//!
//! `cargo run --release -p baton-traces --example generate_run -- --messages 1000000 --out DIR
//! [--pairing P] [--broken PERCENT] [--seed N]`
//!
//! Every message has five spans: the client's, the producer's server and send spans, the consumer's
//! record span, and the span of its invocation. `--broken` is the share of records that lose their
//! headers on the stream, so that the consumer starts a new trace. The same arguments give the same
//! run. The example does not write `summary.json`.

mod generate;
mod lines;

use std::process::ExitCode;

use generate::Plan;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match plan(&arguments).and_then(|plan| generate::run(&plan).map_err(|error| error.to_string()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

fn plan(arguments: &[String]) -> Result<Plan, String> {
    let mut plan = Plan {
        messages: 0,
        out: Default::default(),
        pairing: "tracecontext".parse().map_err(problem)?,
        broken_percent: 0.0,
        seed: 1,
    };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else {
            return Err(format!("{} needs a value", pair[0]));
        };
        match name.as_str() {
            "--messages" => plan.messages = value.parse().map_err(problem)?,
            "--out" => plan.out = value.into(),
            "--pairing" => plan.pairing = value.parse().map_err(problem)?,
            "--broken" => {
                let percent = value.trim_end_matches('%');
                plan.broken_percent = percent.parse().map_err(problem)?;
            }
            "--seed" => plan.seed = value.parse().map_err(problem)?,
            _ => return Err(format!("{name} is not an option of generate_run")),
        }
    }
    if plan.messages == 0 || plan.out.as_os_str().is_empty() {
        return Err("--messages N and --out DIR are needed".to_owned());
    }
    if !(0.0..=100.0).contains(&plan.broken_percent) {
        return Err("--broken is a percentage, 0 to 100".to_owned());
    }
    Ok(plan)
}

fn problem(error: impl std::fmt::Display) -> String {
    error.to_string()
}
