//! Bursts of traffic with goose, and the spans of the client that sent them.
//!
//! A [`Plan`] says where the requests go, how many, how fast, and in which trace-context formats.
//! [`attack`] carries it out and returns an [`AttackOutcome`]. Each request begins a trace. Its
//! body is a name and a superpower, and its headers carry the client's span. That span is written
//! to a file with the request id from the endpoint's answer. By that id the receiver's span is
//! found later, even if the trace context was lost.
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

mod attack;
mod attack_error;
mod attack_outcome;
mod client;
mod header;
mod headers;
mod invalid_settings;
mod latency;
mod limits;
mod merge;
mod method;
mod pace;
mod payload;
mod plan;
mod progress;
mod request_failure;
mod rounds;
mod scenario;
#[cfg(test)]
mod schemas;
mod seconds;
mod sent;
mod spans;
mod tally;

pub use attack::attack;
pub use attack_error::AttackError;
pub use attack_outcome::{AttackOutcome, Bodies, FailureCount};
pub use header::Header;
pub use invalid_settings::{InvalidSetting, InvalidSettings};
pub use latency::{Buckets, Latency};
pub use limits::{
    MAX_DURATION, MAX_PAYLOAD, MAX_RATE, MAX_TIMEOUT, MAX_USERS, MIN_RATE, MIN_TIMEOUT,
};
pub use merge::Unmerged;
pub use method::Method;
pub use payload::Payload;
pub use plan::{Plan, Settings, Stop};
pub use progress::{Progress, Recent, Requests};
pub use request_failure::{ConnectStep, RequestFailure};
pub use rounds::Round;
pub use scenario::{Conflict, Malformed, Parent, Scenario, Side};
pub use sent::SentRequest;
pub use spans::SPANS_PER_LINE;
