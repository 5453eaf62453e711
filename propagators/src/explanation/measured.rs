//! Which SDKs find nothing in a header that its specification allows. All of it was measured.

use super::arrived::Source;
use crate::carrier::Getter;
use crate::formats::{jaeger, xray};
use crate::sampling::Sampling;

/// SDKs that refuse a header.
pub(super) struct Refusal {
    /// Their names.
    pub(super) sdks: &'static [&'static str],
    /// Why they do not read it.
    pub(super) because: &'static str,
}

/// The SDKs that refuse the header of a context. None were measured with Lambda's environment
/// variable.
pub(super) fn refusals(source: &Source<'_>, carrier: &dyn Getter) -> Vec<Refusal> {
    let Some(value) = carrier.get(source.header) else {
        return Vec::new();
    };
    match source.format {
        jaeger::NAME if value.contains('%') => vec![Refusal {
            sdks: &["opentelemetry-python"],
            because: "it is url-encoded",
        }],
        xray::NAME => of_xray(source, value),
        _ => Vec::new(),
    }
}

fn of_xray(source: &Source<'_>, value: &str) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if source.context.sampling == Sampling::Deferred {
        refusals.push(if asks_to_decide(value) {
            Refusal {
                sdks: &["opentelemetry-js", "opentelemetry-python"],
                because: "it says Sampled=?",
            }
        } else {
            Refusal {
                sdks: &["opentelemetry-js"],
                because: "it has no Sampled",
            }
        });
    }
    if value.contains("; ") || value.contains(";\t") {
        refusals.push(Refusal {
            sdks: &["opentelemetry-rust"],
            because: "it has white space behind a semicolon",
        });
    }
    refusals
}

/// Whether X-Ray's header asks for a decision explicitly (`Sampled=?`).
pub(super) fn asks_to_decide(value: &str) -> bool {
    value.split(';').any(|part| part.trim() == "Sampled=?")
}
