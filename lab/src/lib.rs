//! The parts of AWS that a producer and a consumer Lambda joined by a Kinesis stream need, on a
//! laptop: an HTTP endpoint, the Lambda Runtime API with its instances, Kinesis, the event source
//! mapping, and a collector for OTLP and Zipkin. Everything listens on loopback. The functions are
//! real processes and run as they do on AWS.
//!
//! [`Lab::start`] starts all parts. [`Lab::stop`] finishes the accepted work and ends them. A
//! running lab leaves a note where [`registry`] finds it, so that other commands can change its
//! modes or read its logs.

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
