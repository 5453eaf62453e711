//! The flags of `baton plan-capacity`.

use std::ops::RangeInclusive;
use std::time::Duration;

use baton_propagators::mode::{Engine, Mode};
use clap::Args;

use super::number::number;
use super::{duration, positive_duration};

/// `baton plan-capacity`.
#[derive(Debug, Args)]
pub(crate) struct CapacityArguments {
    /// How many messages per second
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(crate) rate: f64,
    /// How many bytes the body of a request has
    #[arg(long, default_value_t = 1024, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(2..=10_485_760))]
    pub(crate) payload: u64,
    /// What the producer writes, as in tracecontext,b3; may be repeated [default: none, every format alone, tracecontext,b3
    /// and tracecontext,baggage]
    #[arg(long = "mode", value_name = "MODE")]
    pub(crate) modes: Vec<Mode>,
    /// Whose code writes the headers: native or otel
    #[arg(long, default_value_t = Engine::Native, value_name = "ENGINE")]
    pub(crate) engine: Engine,
    /// The baggage that modes which list baggage carry
    #[arg(long, default_value = "client=baton", value_name = "ENTRIES")]
    pub(crate) baggage: String,
    /// The tracestate that tracecontext carries [default: none]
    #[arg(long, value_name = "MEMBERS")]
    pub(crate) tracestate: Option<String>,
    /// How much more than the average the busiest shard gets; 1 is an even spread of partition keys
    #[arg(long, default_value_t = 1.25, value_name = "FACTOR", value_parser = at_least_one)]
    pub(crate) skew: f64,
    /// How many consumers read the stream and share what a shard gives out: at most five reads a second; those of Lambda
    /// are counted for one of them
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5))]
    pub(crate) consumers: u32,
    /// The most records in a batch for the consumer
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch_size: u32,
    /// How long records are gathered for a batch, as in 5s
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = window)]
    pub(crate) batch_window: Duration,
    /// How many batches of a shard are handled at once
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) parallelization: u32,
    /// How long the producer takes for a message [default: the request p50 of docs/performance.md]
    #[arg(long, default_value = "2.8ms", value_name = "TIME", value_parser = answer)]
    pub(crate) producer_duration: Duration,
    /// How long the consumer takes for a batch, whatever is in it [default: what Lambda bills at least]
    #[arg(long, default_value = "1ms", value_name = "TIME", value_parser = invocation)]
    pub(crate) batch_duration: Duration,
    /// How long the consumer takes for each record [default: its CPU time in docs/performance.md]
    #[arg(long, default_value = "0.018ms", value_name = "TIME", value_parser = invocation)]
    pub(crate) record_duration: Duration,
    /// Memory of the functions in MB; with 1769 they have one whole core, on which the defaults of the durations were measured
    #[arg(long, default_value_t = 1769, value_name = "MB", value_parser = clap::value_parser!(u32).range(128..=10_240))]
    pub(crate) memory: u32,
    #[command(flatten)]
    pub(crate) prices: PriceArguments,
    #[command(flatten)]
    pub(crate) quotas: QuotaArguments,
}

/// What things cost, in US dollars. The defaults are list prices of us-east-1.
#[derive(Clone, Copy, Debug, Args)]
#[command(
    next_help_heading = "Prices in US dollars (defaults: us-east-1, November 2025, without discounts)"
)]
pub(crate) struct PriceArguments {
    /// A shard for an hour
    #[arg(long, default_value_t = 0.015, value_name = "PRICE", value_parser = price)]
    pub(crate) price_shard_hour: f64,
    /// A million PUT payload units of 25 KB
    #[arg(long, default_value_t = 0.014, value_name = "PRICE", value_parser = price)]
    pub(crate) price_put_units: f64,
    /// An on-demand stream for an hour
    #[arg(long, default_value_t = 0.04, value_name = "PRICE", value_parser = price)]
    pub(crate) price_stream_hour: f64,
    /// A GB into an on-demand stream
    #[arg(long, default_value_t = 0.08, value_name = "PRICE", value_parser = price)]
    pub(crate) price_gb_in: f64,
    /// A GB out of an on-demand stream
    #[arg(long, default_value_t = 0.04, value_name = "PRICE", value_parser = price)]
    pub(crate) price_gb_out: f64,
    /// A million invocations
    #[arg(long, default_value_t = 0.20, value_name = "PRICE", value_parser = price)]
    pub(crate) price_invocations: f64,
    /// A GB of a function's memory for a second, on arm64
    #[arg(long, default_value_t = 0.000_013_333_4, value_name = "PRICE", value_parser = price)]
    pub(crate) price_gb_second: f64,
    /// A million requests of the REST API before the functions; 0 without one
    #[arg(long, default_value_t = 3.50, value_name = "PRICE", value_parser = price)]
    pub(crate) price_api_requests: f64,
}

/// What an account may use. The defaults are those of a new limit-free account in us-east-1.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Quotas of the account (defaults: us-east-1)")]
pub(crate) struct QuotaArguments {
    /// Functions that run at once; Lambda takes ten requests per second for each
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) quota_concurrency: u64,
    /// Requests per second at API Gateway
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) quota_api_requests: u64,
    /// Provisioned shards; 1,000 or 6,000 in most regions
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) quota_shards: u64,
    /// MB per second into an on-demand stream; 200 in most regions
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) quota_on_demand: u64,
}

/// The messages per second that are planned for: beyond, no figure would mean anything.
const RATES: RangeInclusive<f64> = 1e-6..=1e9;

fn rate(text: &str) -> Result<f64, String> {
    match number(text)? {
        number if RATES.contains(&number) => Ok(number),
        _ => Err(format!(
            "{text} is not from {} to {}",
            RATES.start(),
            RATES.end()
        )),
    }
}

fn window(text: &str) -> Result<Duration, String> {
    at_most(duration(text)?, 300, "Lambda gathers records")
}

fn answer(text: &str) -> Result<Duration, String> {
    at_most(positive_duration(text)?, 29, "API Gateway waits")
}

fn invocation(text: &str) -> Result<Duration, String> {
    at_most(duration(text)?, 900, "an invocation of Lambda lasts")
}

fn at_most(duration: Duration, seconds: u64, what: &str) -> Result<Duration, String> {
    if duration <= Duration::from_secs(seconds) {
        Ok(duration)
    } else {
        Err(format!("{what} for at most {seconds} s"))
    }
}

fn at_least_one(text: &str) -> Result<f64, String> {
    match number(text)? {
        number if (1.0..=1000.0).contains(&number) => Ok(number),
        _ => Err(format!("{text} is not from 1 to 1000")),
    }
}

fn price(text: &str) -> Result<f64, String> {
    match number(text)? {
        number if (0.0..=1e6).contains(&number) => Ok(number),
        _ => Err(format!("{text} is not from 0 to 1000000")),
    }
}
