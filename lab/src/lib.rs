//! A small AWS on a laptop, for a producer and a consumer Lambda that are joined by a Kinesis
//! stream. It has an HTTP endpoint, the Lambda Runtime API with its instances, Kinesis, the event
//! source mapping, and a collector for OTLP and Zipkin. Everything listens on loopback. The
//! functions are real processes and run as they do on AWS.
//!
//! [`Lab::start`] starts all parts. [`Lab::stop`] finishes the accepted work and ends them. A
//! running lab leaves a note where [`registry`] finds it, so that other commands can change its
//! modes or read its logs.
//!
//! # What is where
//!
//! - `lab`: starts and stops all parts. `options`: their settings.
//! - `gateway`: the HTTP endpoint. `function`: a function's queue, its instances, and their Runtime
//!   API.
//! - `kinesis`: the stream, and its file. `event_source`: batches, retries, and records that are set
//!   aside.
//! - `collector`: spans as OTLP and Zipkin, and their file. `disk`: what cannot be written.
//! - `controls` and `control_api`: the lab's status and the switch of modes, for commands and the
//!   page. `token`: who may change the lab.
//! - [`registry`]: how commands find a running lab.

mod change;
mod collector;
mod control_api;
mod controls;
mod disk;
mod error;
mod event_source;
mod function;
mod function_environment;
mod gateway;
mod invocation;
mod kinesis;
mod lab;
mod options;
mod page;
pub mod registry;
#[cfg(test)]
mod schemas;
mod server;
mod status;
mod token;
mod watcher;

pub use change::SwitchRequest;
pub use controls::Controls;
pub use error::LabError;
pub use event_source::EventSourceOptions;
pub use kinesis::journal::waiting_records;
pub use lab::{Ending, Lab};
pub use options::{FunctionOptions, LabOptions, Ports, StreamState};
pub use page::{Page, Routes};
pub use status::{Addresses, FunctionStatus, LabStatus};
pub use token::Token;
pub use watcher::{DeliveredRecord, Watcher};
