//! The two Lambda functions of baton: a producer for `POST /producer` that puts records on a
//! Kinesis stream, and a consumer that reads them.
//!
//! Both use the real Lambda Runtime API and the types of `lambda_runtime`, and read all their
//! settings from the environment ([`Configuration`]), so the same code runs on AWS and in baton's
//! lab. [`baton_propagators`] decides which formats carry the trace context; this crate makes the
//! spans.

mod configuration;
mod consumer;
mod http_client;
mod http_event;
mod invocation;
mod kinesis_event;
mod log;
mod producer;
mod record;
mod run;
mod runtime_api;
mod sampler;
#[cfg(test)]
mod schemas;
mod splunk;
mod stream;
mod telemetry;

pub use baton_propagators::function::Function;
pub use configuration::settings::{Exporter, Relation, Sampler};
pub use configuration::{Configuration, Topic, VARIABLES, Variable};
pub use run::{StartError, run};
pub use runtime_api::RuntimeApiError;
