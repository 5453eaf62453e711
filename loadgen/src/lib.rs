//! Bursts of traffic with goose, and the spans of the client that sent them.
//!
//! A [`Plan`] says where the requests go, how many, how fast, and in which trace-context formats.
//! [`attack`] carries it out and returns an [`AttackOutcome`]. Each request begins a trace. Its
//! body is a name and a superpower, and its headers carry the client's span. That span is written
//! to a file with the request id from the endpoint's answer. That id later leads to the receiver's
//! span, even if the trace context was lost.
//!
//! ```no_run
//! use baton_loadgen::{Plan, Settings, Stop, attack};
//! use baton_propagators::Mode;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = Plan::new(Settings {
//!     stop: Stop::Requests(1_000),
//!     spans: Some("client.jsonl".into()),
//!     ..Settings::new("http://127.0.0.1:3000/dev/producer", "tracecontext,b3".parse::<Mode>()?)
//! })?;
//! let outcome = attack(&plan, |_progress| {}, std::future::pending()).await?;
//! assert_eq!(outcome.requests.sent, 1_000);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Scenario`] says what the client sends: formats that agree or disagree, malformed headers, a
//! sampling decision, baggage, `tracestate`. A plan can have several scenarios. The requests take
//! them in turn, and each client span names its scenario.
//!
//! goose keeps state for the whole process, so a process makes one attack. A plan and its outcome
//! can be JSON, so another process can make the attack.
//!
//! # What is where
//!
//! - `plan`: the settings, their limits, and what is wrong with them.
//! - `attack`: goose. `request`: the headers of one request, how it fails, and its span.
//! - `outcome`: counts and latencies, and the sum of several attacks.

mod attack;
mod outcome;
mod plan;
mod request;
#[cfg(test)]
mod schemas;

pub use attack::attack;
pub use attack::error::AttackError;
pub use outcome::latency::{Buckets, Latency};
pub use outcome::merge::Unmerged;
pub use outcome::progress::{Progress, Recent, Requests};
pub use outcome::rounds::Round;
pub use outcome::{AttackOutcome, Bodies, FailureCount};
pub use plan::extra_header::Header;
pub use plan::invalid_settings::{InvalidSetting, InvalidSettings};
pub use plan::limits::{
    MAX_DURATION, MAX_PAYLOAD, MAX_RATE, MAX_TIMEOUT, MAX_USERS, MIN_RATE, MIN_TIMEOUT,
};
pub use plan::method::Method;
pub use plan::payload::Payload;
pub use plan::scenario::{Conflict, Malformed, Parent, Scenario, Side};
pub use plan::{Plan, Settings, Stop};
pub use request::failure::{ConnectStep, RequestFailure};
pub use request::sent::SentRequest;
