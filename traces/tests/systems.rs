//! Tests of audits on systems whose hand-offs are known.

mod batches;
mod cases;
mod generated;
mod half_migrated;
mod instrumentations;
mod recorded;
mod xray;

// the tests use less of this module than the example
#[allow(dead_code)]
#[path = "../examples/generate_system/system.rs"]
mod system;
