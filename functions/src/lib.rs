//! The two Lambda functions of baton: a producer for `POST /producer` that puts records on a
//! Kinesis stream, and a consumer that reads them.
//!
//! Both speak the real Lambda Runtime API (`lambda_runtime`) and read everything they need from the
//! environment ([`Configuration`]), so the same code runs on AWS and in baton's lab. Which formats
//! carry the trace context is decided by [`baton_propagators`]; this crate only makes the spans
//! around it.

mod configuration;
mod consumer;
mod http_event;
mod invocation;
mod kinesis_event;
mod log;
mod producer;
mod record;
mod run;
mod sampler;
mod settings;
mod splunk;
mod stream;
mod telemetry;

pub use baton_propagators::function::Function;
pub use configuration::{Configuration, Topic, VARIABLES, Variable};
pub use run::{StartError, run};
pub use settings::{Exporter, Relation, Sampler};
