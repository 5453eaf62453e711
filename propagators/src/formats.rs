//! The formats, one to a file.

pub mod b3;
pub mod b3multi;
pub mod baggage;
pub mod datadog;
pub mod jaeger;
pub mod ottrace;
mod prefixed;
pub mod tracecontext;
pub mod xray;
