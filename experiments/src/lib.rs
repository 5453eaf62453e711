//! Experiments: start a lab, send a load, and judge what became of the traces.
//!
//! - [`run`]: one lab for each pairing of modes, with bursts of requests in rounds, saved as run
//!   directories.
//! - [`burst`]: bursts to endpoints outside a lab.
//! - [`matrix`]: every pairing and every client against every producer, counted into two grids.
//!
//! All three use the functions ([`Functions`]), the lab ([`LabSettings`]) and the load ([`Load`]).
//! The functions and the load generator are processes of the calling program ([`Program`]). Nothing
//! here prints: an [`Observer`] receives the progress of an experiment.

pub mod burst;
mod error;
mod functions;
mod lab;
mod load;
mod load_generator;
pub mod manifest;
pub mod matrix;
mod observer;
pub mod run;
#[cfg(test)]
mod schemas;
mod turns;

pub use error::ExperimentError;
pub use functions::{ForeignFunction, Functions, Program, kept_out};
pub use lab::LabSettings;
pub use load::merged::{MergedLoad, merged};
pub use load::{Load, add_client_spans, client_spans, load_json, requests, write_load};
pub use load_generator::Message;
pub use observer::Observer;
pub use turns::{DEFAULT_ROUNDS, interleaving_id};
