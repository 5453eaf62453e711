//! What AWS Lambda adds to propagation: the two functions, the records between them, and the header
//! that Lambda itself gives a function.

pub mod envelope;
mod function;
pub mod xray_header;

pub use function::Function;
