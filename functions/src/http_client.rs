//! The HTTP client for what leaves a function: records to Kinesis, and spans to a backend.

use reqwest::redirect::Policy;

/// A client that follows no redirect. The other address must not get the token or signature, and
/// would get a request without the body.
pub(crate) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().redirect(Policy::none())
}
