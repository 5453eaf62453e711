//! Tests of the whole program: the command with real processes, on loopback. One file or folder per
//! subject.
//!
//! All of it is one program, so that it is linked once: `cargo test --test whole run::` runs one
//! file of it.

mod action;
mod audit;
mod backends;
mod bad_input;
mod burst;
mod circles;
mod collector;
mod compare;
mod decisions;
mod deploy;
mod documents;
mod ending;
mod event_source;
mod exit_codes;
mod explain;
mod faults;
mod foreign_consumers;
mod freeze;
mod load_job;
mod matrix;
mod merge;
mod mixed_headers;
mod nodejs;
mod packaging;
mod page;
mod page_in_browser;
mod reference;
mod refusals;
mod report_in_browser;
mod run;
mod schemas;
mod settings;
mod splunk;
mod support;
mod switches;
mod telemetry;
mod traces;
mod unrecorded;
mod up;
mod w3c_test_service;
mod your_functions;
mod zipkin;
