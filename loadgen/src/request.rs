//! One request: the headers that it carries, how it is sent, why it fails, and its span.
//!
//! A [`Plan`](crate::Plan) and a number go in. An answer or a [`failure::RequestFailure`] comes
//! out, and a span for the file of the client's spans.

pub(crate) mod client;
pub(crate) mod failure;
pub(crate) mod headers;
pub(crate) mod sent;
pub(crate) mod spans;
