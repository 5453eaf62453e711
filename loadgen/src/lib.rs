//! Bursts of traffic with goose, and the spans of the client that sent them.
//!
//! A [`Plan`] says where the requests go, how many, how fast, and in which trace-context formats; [`attack`] carries it
//! out and returns an [`Outcome`]. Each request begins a trace: its body is a name and a superpower, its headers carry
//! the client's span, and that span is written to a file, with the request id the endpoint answered. The id tells later
//! which of the receiver's spans belongs to it, whatever became of the trace context.
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
//! What the client sends can be more than its span in one mode: a [`Scenario`] has formats that disagree, headers that are
//! broken, a decision, baggage, `tracestate`; a plan may have several, which the requests take in turn, and each client
//! span names the scenario it belongs to.
//!
//! goose keeps state for the whole process, so a process makes one attack; a plan can be written as JSON and handed to
//! another, and an outcome back.

mod attack;
mod client;
mod defect;
mod error;
mod failure;
mod fault;
mod header;
mod headers;
mod latency;
mod merge;
mod outcome;
mod pace;
mod payload;
mod plan;
mod scenario;
mod sent;
mod spans;
mod tally;

pub use attack::attack;
pub use defect::Defect;
pub use error::Error;
pub use failure::Failure;
pub use fault::{Fault, Faults};
pub use header::Header;
pub use latency::{Buckets, Latency};
pub use merge::Unmerged;
pub use outcome::{FailureCount, Outcome, Progress, Recent, Requests};
pub use payload::{MAX_PAYLOAD, Payload};
pub use plan::{
    MAX_DURATION, MAX_RATE, MAX_TIMEOUT, MAX_USERS, MIN_RATE, MIN_TIMEOUT, Plan, Settings, Stop,
};
pub use scenario::{Conflict, Malformed, Scenario, Side};
pub use sent::SentRequest;
pub use spans::SPANS_PER_LINE;
