//! The formats, one to a file.

pub mod b3;
pub mod b3multi;
pub mod baggage;
pub mod tracecontext;
