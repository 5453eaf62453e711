//! The flags of a lab, and of the commands that start one or change it.

use std::path::PathBuf;
use std::time::Duration;

use baton_experiments::LabSettings;
use baton_propagators::{Engine, Mode};
use baton_traces::run::Function;
use clap::Args;

use super::FunctionArguments;
use super::duration::{duration, positive_duration};
use super::functions::{function_name, function_parser};
use super::number::whole_number;

/// `baton up`.
#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// The producer's mode, as in tracecontext,b3 [default: OTEL_PROPAGATORS, or
    /// tracecontext,baggage]
    #[arg(long, value_name = "MODE")]
    pub(crate) producer: Option<Mode>,
    /// The consumer's mode [default: OTEL_PROPAGATORS, or tracecontext,baggage]
    #[arg(long, value_name = "MODE")]
    pub(crate) consumer: Option<Mode>,
    /// The code that reads and writes the headers: native or otel [default: BATON_ENGINE, or
    /// native]
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<Engine>,
    /// The port of the endpoint. 0 lets the system choose; each of the other port options takes 0
    /// too
    #[arg(long, default_value_t = 3000, value_name = "PORT")]
    pub(crate) port: u16,
    /// The port of the lab's page
    #[arg(long, default_value_t = 3001, value_name = "PORT")]
    pub(crate) page_port: u16,
    /// The port of the Kinesis API
    #[arg(long, default_value_t = 4567, value_name = "PORT")]
    pub(crate) kinesis_port: u16,
    /// The port of the OTLP/HTTP collector
    #[arg(long, default_value_t = 4318, value_name = "PORT")]
    pub(crate) otlp_port: u16,
    /// The port of the collector's Zipkin API
    #[arg(long, default_value_t = 9411, value_name = "PORT")]
    pub(crate) zipkin_port: u16,
    /// On exit, save everything that the lab received as a run; replaces an earlier run there
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// Keep every accepted record on disk until it is delivered, so that a lab that was killed can
    /// be resumed; each request waits for the disk
    #[arg(long, requires = "save")]
    pub(crate) durable: bool,
    /// Continue after a lab with --durable was killed: deliver the records that it had accepted
    #[arg(long, requires = "save")]
    pub(crate) resume: bool,
    /// The directory for the runs that are kept from the page
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub(crate) runs: PathBuf,
    /// The most traces that the page holds in memory; the newest stay
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) page_traces: u32,
    #[command(flatten)]
    pub(crate) functions: FunctionArguments,
    #[command(flatten)]
    pub(crate) lab: LabArguments,
}

/// Flags of the commands that start a lab.
#[derive(Debug, Args)]
pub(crate) struct LabArguments {
    /// The most processes for each function; they start on demand
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) instances: u16,
    /// The number of shards of the stream; each shard keeps its order
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) shards: u16,
    /// Stop the processes between invocations, as Lambda does
    #[arg(long)]
    pub(crate) freeze: bool,
    /// The most records in a batch for the consumer
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) batch_size: u16,
    /// How long to gather records for a batch, as in 500ms
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = duration)]
    pub(crate) batch_window: Duration,
    /// How often to retry a failed batch before its records are set aside
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = whole_number::<u32>)]
    pub(crate) retries: u32,
    /// Retry a failed batch as a whole, instead of splitting it in two
    #[arg(long)]
    pub(crate) no_bisect: bool,
    /// How long an invocation may take before its process is killed
    #[arg(long, default_value = "29s", value_name = "TIME", value_parser = positive_duration)]
    pub(crate) timeout: Duration,
}

impl LabArguments {
    /// The lab with these flags.
    pub(crate) fn settings(&self) -> LabSettings {
        LabSettings {
            instances: self.instances,
            shards: self.shards,
            freeze: self.freeze,
            batch_size: self.batch_size,
            batch_window: self.batch_window,
            retries: self.retries,
            bisect: !self.no_bisect,
            timeout: self.timeout,
        }
    }
}

/// `baton switch`.
#[derive(Debug, Args)]
pub(crate) struct SwitchArguments {
    /// The new modes, as in producer=b3 consumer=tracecontext,b3
    #[arg(required = true, value_name = "FUNCTION=MODE", value_parser = new_mode)]
    pub(crate) modes: Vec<(Function, Mode)>,
    #[command(flatten)]
    pub(crate) lab: LabChoice,
}

/// `baton logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// The function
    #[arg(value_parser = function_parser())]
    pub(crate) function: Function,
    /// Keep printing new lines until the lab ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Print all fields of each line, as in a pipe or a file; on a terminal, lines are short: time,
    /// service, message, trace id, and request or record
    #[arg(long)]
    pub(crate) long: bool,
    #[command(flatten)]
    pub(crate) lab: LabChoice,
}

/// Which lab, when several are up.
#[derive(Debug, Args)]
pub(crate) struct LabChoice {
    /// Which lab, if several are up: the port of its endpoint. Labs are found by their notes in the
    /// folder BATON_RUNTIME_DIR [default: the only lab, or the only one that was started in this
    /// folder]
    #[arg(long = "lab", value_name = "PORT")]
    pub(crate) port: Option<u16>,
}

fn new_mode(text: &str) -> Result<(Function, Mode), String> {
    let (name, mode) = text
        .split_once('=')
        .ok_or("expected producer=MODE or consumer=MODE, as in producer=b3")?;
    let mode = mode
        .parse()
        .map_err(|error: baton_propagators::ModeError| error.to_string())?;
    Ok((function_name(name)?, mode))
}
