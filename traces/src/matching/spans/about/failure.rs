//! How a call failed without a response.

use super::Words;
use crate::span::attributes::Meaning;
use crate::span::{Span, StatusCode};

/// Whether a call failed without a response. A receiver's spans show nothing of a call that did not
/// arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// It did not fail, or it got a response.
    #[default]
    None,
    /// It failed, for example by a timeout. It may have arrived.
    Unanswered,
    /// There was no connection, so it did not arrive.
    NotConnected,
}

impl Failure {
    pub(super) fn of(span: &Span<'_>, words: &Words<'_>) -> Failure {
        let is_failed = span.status.code == StatusCode::Error;
        if !span.kind.is_sender() || !is_failed || words.number(Meaning::Status) != 0 {
            return Failure::None;
        }
        // the error of an RPC may be the text that the receiver sent
        let is_rpc = !words.get(Meaning::RpcSystem).is_empty();
        let texts = [&*span.status.message, words.get(Meaning::ErrorType)];
        match !is_rpc && texts.into_iter().any(says_not_connected) {
            true => Failure::NotConnected,
            false => Failure::Unanswered,
        }
    }
}

/// Whether an error's type or text says that no connection was made.
fn says_not_connected(error: &str) -> bool {
    const WORDS: [&str; 12] = [
        "connection refused",
        "connectionrefused",
        "econnrefused",
        "connectexception",
        "connecttimeout",
        "connect timed out",
        "unknown host",
        "unknownhost",
        "enotfound",
        "no such host",
        "name or service not known",
        "nodename nor servname",
    ];
    let error = error.to_ascii_lowercase();
    WORDS.iter().any(|words| error.contains(words))
}
