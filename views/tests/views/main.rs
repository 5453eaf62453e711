//! Pictures, text and the report, as a user sees them, of whole runs written as files.

/// The language of runs that the tests of `baton-traces` are written in.
#[path = "../../../traces/tests/runs/case.rs"]
mod case;
mod drawings;
mod report;
