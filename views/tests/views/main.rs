//! Pictures, text and the report, as a user sees them, of whole runs written as files.

/// The language of runs that the tests of `baton-traces` are written in.
#[path = "../../../traces/tests/runs/case.rs"]
#[allow(
    dead_code,
    reason = "the tests of two crates use it, and neither uses all of it"
)]
mod case;
mod drawings;
mod report;
