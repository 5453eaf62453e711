//! The flags of the commands that send requests.

use std::path::PathBuf;
use std::time::Duration;

use baton_propagators::{Engine, Mode};
use clap::{Args, ValueEnum};

use super::duration::{duration, positive_duration};
use super::number::{number, share, whole_number};
use baton_experiments::Load;
use baton_loadgen::{Conflict, Method, Stop};
use baton_traces::compare::limits::{Limit, fail_over, fail_under};

/// The requests of a burst without a given number or duration.
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
    /// How long the users take to start, one after the other; the rate rises with them
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = duration)]
    pub(crate) ramp: Duration,
    /// How many bursts to send, each with its own figures
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) bursts: u32,
    /// The pause between two bursts
    #[arg(long, default_value = "5s", value_name = "TIME", value_parser = duration)]
    pub(crate) gap: Duration,
    /// In how many rounds to send each burst; in each, the pairings or the endpoints take turns,
    /// and latencies are compared round by round [default: 16, or 1 where a round would have fewer
    /// than 50 requests or take less than 100ms]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: Option<u32>,
    /// The smallest difference of a latency that counts
    #[arg(long, default_value = "3%", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub(crate) smallest_difference: f64,
    /// The code that reads and writes the headers: native or otel
    #[arg(long, default_value_t = Engine::Native, value_name = "ENGINE")]
    pub(crate) engine: Engine,
    /// Read settings from a TOML file whose keys are the names of flags; a flag wins over the file
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
    /// The address to send to, as in http://127.0.0.1:3000/dev/producer; several take turns and are
    /// compared with the first, and may have names, as in old=http://127.0.0.1:3000/dev/producer
    #[arg(
        long = "endpoint",
        value_name = "[NAME=]URL",
        required_unless_present = "plan"
    )]
    pub(crate) endpoints: Vec<String>,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// The method of the requests: POST, GET, HEAD, PUT, PATCH or DELETE [default: POST]
    #[arg(
        long,
        default_value = "POST",
        hide_default_value = true,
        value_name = "METHOD"
    )]
    pub(crate) method: Method,
    /// Accept any certificate of the endpoint, even an invalid one
    #[arg(long)]
    pub(crate) insecure: bool,
    /// A PEM file with additional certificate authorities
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
    /// The formats the client sends; the first carries its own span [default: tracecontext, or
    /// tracecontext,b3 with --conflict]
    #[arg(long, value_name = "MODE")]
    pub(crate) client: Option<Mode>,
    /// Send contexts that disagree: how the other formats differ from the first
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) conflict: Option<ConflictName>,
    /// The percentage of requests whose last format has a malformed header
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true, value_parser = number)]
    pub(crate) malformed: Option<f64>,
    /// Send baggage [default entries: client=baton]
    #[arg(long, value_name = "ENTRIES", num_args = 0..=1, default_missing_value = "client=baton")]
    pub(crate) baggage: Option<String>,
    /// Send tracestate [default members: baton=client]
    #[arg(long, value_name = "MEMBERS", num_args = 0..=1, default_missing_value = "baton=client")]
    pub(crate) tracestate: Option<String>,
    /// The file with the body; {{name}} and {{superpower}} vary, and {{padding}} fills it up to
    /// --payload-size [default: the workshop's form, a JSON object with both]
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: Option<PathBuf>,
    /// The size of the body in bytes, up to Kinesis' limit of 1048576
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = whole_number::<usize>)]
    pub(crate) payload_size: Option<usize>,
    /// Send this header too, as in 'x-api-key: VALUE', or the headers in the lines of @FILE, where
    /// # begins a comment; values are neither printed nor saved
    #[arg(long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// How long to wait for an answer
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = positive_duration)]
    pub(crate) timeout: Duration,
    /// The seed of ids and bodies: the same seed sends the same requests [default: a new one each
    /// time; --format json and load.json show it]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole_number::<u64>)]
    pub(crate) seed: Option<u64>,
    /// Fail if a figure of a burst is below its limit: ok, rps, failed, p50, p90, p99, p999, max
    #[arg(long, value_name = "FIGURE=LIMIT", value_parser = fail_under)]
    pub(crate) fail_under: Vec<Limit>,
    /// Fail if a figure of a burst is above its limit, as in p99=50ms
    #[arg(long, value_name = "FIGURE=LIMIT", value_parser = fail_over)]
    pub(crate) fail_over: Vec<Limit>,
    /// Save the client's spans and the figures as a run; replaces an earlier run there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write goose's own report; several bursts write one each, with -1, -2, … in its name. A
    /// script from the internet draws its charts, so they stay empty without a connection
    #[arg(long, value_name = "FILE.html")]
    pub(crate) goose_report: Option<PathBuf>,
}

impl ConflictName {
    /// The conflict of this name.
    pub(crate) fn conflict(self) -> Conflict {
        match self {
            ConflictName::Agree => Conflict::Agree,
            ConflictName::Trace => Conflict::Trace,
            ConflictName::Span => Conflict::Span,
            ConflictName::Sampled => Conflict::Sampled,
        }
    }
}

/// How the formats of a request disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConflictName {
    /// Not at all
    Agree,
    /// In the trace id
    Trace,
    /// In the span id
    Span,
    /// In the sampling decision
    Sampled,
}
