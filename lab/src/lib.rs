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
//! - `lab`: starts and stops all parts. `lab/options`: their settings.
//! - `gateway`: the HTTP endpoint.
//! - `function`: a function's queue, its instances, and their Runtime API.
//! - `kinesis`: the stream, and its file. `event_source`: batches, retries, and records that are set
//!   aside.
//! - `collector`: spans as OTLP and Zipkin, and their file.
//! - `control`: the switch of modes for commands and the page, who may use it, and how commands find
//!   a running lab ([`registry`]).
//! - `monitoring`: the lab's status, what happens in it, and what cannot be written.
//! - `server`: HTTP on loopback, for all of these.

mod collector;
mod control;
mod error;
mod event_source;
mod function;
mod gateway;
mod kinesis;
mod lab;
mod monitoring;
#[cfg(test)]
mod schemas;
mod server;

pub use control::{Controls, Page, Routes, SwitchRequest, Token, registry};
pub use error::LabError;
pub use event_source::EventSourceOptions;
pub use kinesis::journal::waiting_records;
pub use lab::{Ending, FunctionOptions, Lab, LabOptions, Ports, StreamState};
pub use monitoring::{Addresses, DeliveredRecord, FunctionStatus, LabStatus, Watcher};
