//! Systems whose hand-offs are known, and what an audit says of them.

mod generated;
mod recorded;

#[path = "../../examples/generate_system/system.rs"]
mod system;
