//! The flags of the commands that send requests.

use std::path::PathBuf;
use std::time::Duration;

use baton_propagators::mode::{Engine, Mode};
use clap::{Args, ValueEnum};

use super::duration::{duration, positive_duration};
use super::number::{number, whole_number};
use baton_experiments::Load;
use baton_loadgen::Stop;
use baton_traces::compare::limits::{Limit, fail_over, fail_under};

/// Requests in a burst that has neither a number nor a duration.
const DEFAULT_REQUESTS: u64 = 2000;

/// How many requests, how fast, in how many bursts.
#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    /// How many users send at the same time
    #[arg(
        long,
        default_value_t = 8,
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = whole_number::<usize>
    )]
    pub(crate) users: usize,
    /// How many requests to send in each burst [default: 2000]
    #[arg(long, value_name = "N", conflicts_with = "duration", allow_negative_numbers = true, value_parser = whole_number::<u64>)]
    pub(crate) requests: Option<u64>,
    /// How long each burst lasts, as in 10s, instead of a number of requests
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// How many requests per second, over all users [default: as fast as the answers come]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = number)]
    pub(crate) rate: Option<f64>,
    /// How long the users take to begin, evenly one after the other; the rate rises with them
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = duration)]
    pub(crate) ramp: Duration,
    /// How many bursts, each from zero
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) bursts: u32,
    /// How long nothing is sent between two bursts
    #[arg(long, default_value = "5s", value_name = "TIME", value_parser = duration)]
    pub(crate) gap: Duration,
    /// Whose code reads and writes the headers: native or otel
    #[arg(long, default_value_t = Engine::Native, value_name = "ENGINE")]
    pub(crate) engine: Engine,
    /// Read settings from a TOML file: keys are the names of flags, which win over the file
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
}

impl LoadArguments {
    /// The load with these flags.
    pub(crate) fn load(&self) -> Load {
        Load {
            users: self.users,
            stop: match self.duration {
                Some(duration) => Stop::Duration(duration),
                None => Stop::Requests(self.requests.unwrap_or(DEFAULT_REQUESTS)),
            },
            rate: self.rate,
            ramp: self.ramp,
            bursts: self.bursts,
            gap: self.gap,
            engine: self.engine,
        }
    }
}

/// `baton burst`.
#[derive(Debug, Args)]
pub(crate) struct BurstArguments {
    /// Where the requests go, as in http://127.0.0.1:3000/dev/producer
    #[arg(long, value_name = "URL", required_unless_present = "plan")]
    pub(crate) endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// The formats the client sends; the first carries its own span [default: tracecontext, or tracecontext,b3 with
    /// --conflict]
    #[arg(long, value_name = "MODE")]
    pub(crate) client: Option<Mode>,
    /// What the formats behind the first differ in
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) conflict: Option<ConflictName>,
    /// In how many of a hundred requests the last format's header is broken
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true, value_parser = number)]
    pub(crate) malformed: Option<f64>,
    /// Send baggage [default entries: client=baton]
    #[arg(long, value_name = "ENTRIES", num_args = 0..=1, default_missing_value = "client=baton")]
    pub(crate) baggage: Option<String>,
    /// Send tracestate [default members: baton=client]
    #[arg(long, value_name = "MEMBERS", num_args = 0..=1, default_missing_value = "baton=client")]
    pub(crate) tracestate: Option<String>,
    /// The file with the body, in which {{name}} and {{superpower}} vary, and {{padding}} is filled up to
    /// --payload-size [default: the workshop's form, both in a JSON object]
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: Option<PathBuf>,
    /// How many bytes the body has, up to Kinesis' limit of 1048576
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = whole_number::<usize>)]
    pub(crate) payload_size: Option<usize>,
    /// Send a header too, as in 'x-api-key: VALUE', or those of the lines of @FILE; values are shown and saved nowhere
    #[arg(long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// How long to wait for an answer
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = positive_duration)]
    pub(crate) timeout: Duration,
    /// What ids and bodies are drawn from: the same seed sends the same requests [default: another one each time, which --format json and
    /// load.json show]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole_number::<u64>)]
    pub(crate) seed: Option<u64>,
    /// Fail if a figure of a burst is less: ok, rps, failed, p50, p90, p99, p999, max
    #[arg(long, value_name = "FIGURE=LIMIT", value_parser = fail_under)]
    pub(crate) fail_under: Vec<Limit>,
    /// Fail if a figure of a burst is more, as in p99=50ms
    #[arg(long, value_name = "FIGURE=LIMIT", value_parser = fail_over)]
    pub(crate) fail_over: Vec<Limit>,
    /// Save the client's spans and the figures as a run; an earlier run there is replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write goose's own report; with several bursts one each, with -1, -2, … in its name
    #[arg(long, value_name = "FILE.html")]
    pub(crate) goose_report: Option<PathBuf>,
}

/// What the formats of a request disagree in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConflictName {
    /// Nothing
    Agree,
    /// The trace id
    Trace,
    /// The span id
    Span,
    /// The sampling decision
    Sampled,
}
