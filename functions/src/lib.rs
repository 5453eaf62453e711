//! The two Lambda functions of baton: a producer for `POST /producer` that puts records on a
//! Kinesis stream, and a consumer that reads them.
//!
//! Both use the real Lambda Runtime API and the types of `lambda_runtime`, and read all their
//! settings from the environment ([`Configuration`]), so the same code runs on AWS and in baton's
//! lab. [`baton_propagators`] decides which formats carry the trace context; this crate makes the
//! spans.
//!
//! # What is where
//!
//! - `producer` and `consumer`: what each function does with an event.
//! - `http_event`, `kinesis_event` and `record`: the events and the record's body.
//! - `configuration`: every environment variable. `run` and `runtime_api`: the start, and the loop.
//! - `telemetry`: spans, exporters, and the flush before each answer. `sampler`: which spans are
//!   recorded. `log`: the lines of the log.
//! - `stream`: puts records on Kinesis.

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

pub use baton_propagators::lambda::Function;
pub use configuration::settings::{Exporter, Relation, Sampler};
pub use configuration::{Configuration, Topic, VARIABLES, Variable};
pub use run::{StartError, run};
pub use runtime_api::RuntimeApiError;
