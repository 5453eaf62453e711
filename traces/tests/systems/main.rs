//! Systems whose hand-offs are known, and what an audit says of them.

mod generated;
mod recorded;

// the tests use less of it than the example that prints it
#[allow(dead_code)]
#[path = "../../examples/generate_system/system.rs"]
mod system;
