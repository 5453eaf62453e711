//! Pictures, text and the report of whole runs written as files, as a user sees them.

/// The language for runs from the tests of `baton-traces`.
#[path = "../../../traces/tests/runs/case.rs"]
#[allow(
    dead_code,
    reason = "the tests of two crates use it, and neither uses all of it"
)]
mod case;
mod drawings;
mod maps;
mod report;
