//! The HTTP client of the exporters.

use reqwest::redirect::Policy;

/// A client that follows no redirect. The other address must not get the token, and would get a
/// request without the spans.
pub(super) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().redirect(Policy::none())
}
