//! Pictures, text and the report of whole runs written as files, as a user sees them.

/// The language in which the tests of `baton-traces` describe runs.
#[path = "../../../traces/tests/runs/case.rs"]
#[allow(
    dead_code,
    reason = "the tests of two crates use it, and neither uses all of it"
)]
mod case;
mod drawings;
mod maps;
mod report;
