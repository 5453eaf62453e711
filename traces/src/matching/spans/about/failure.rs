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
        let is_rpc = [Meaning::RpcSystem, Meaning::GrpcStatus]
            .into_iter()
            .any(|meaning| !words.get(meaning).is_empty());
        let texts = [&*span.status.message, words.get(Meaning::ErrorType)];
        match !is_rpc && texts.into_iter().any(says_not_connected) {
            true => Failure::NotConnected,
            false => Failure::Unanswered,
        }
    }
}

/// Whether an error's type or text says that no connection was made.
fn says_not_connected(error: &str) -> bool {
    const PHRASES: [&str; 7] = [
        "connection refused",
        "connect timed out",
        "connect timeout",
        "unknown host",
        "no such host",
        "name or service not known",
        "nodename nor servname",
    ];
    // as whole words: these letters are part of "ResourceNotFoundException", too
    const CODES: [&str; 8] = [
        "enotfound",
        "eai_again",
        "econnrefused",
        "connectionrefused",
        "connectionrefusederror",
        "connecttimeout",
        "connecttimeoutexception",
        "unknownhostexception",
    ];
    let error = error.to_ascii_lowercase();
    let is_code = |word: &str| {
        let is_exception = word.ends_with("connectexception");
        CODES.contains(&word) || is_exception && !word.ends_with("disconnectexception")
    };
    let mut words = error.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    PHRASES.iter().any(|phrase| error.contains(phrase)) || words.any(is_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_whether_there_was_a_connection() {
        for (error, is_not_connected) in [
            ("connect ECONNREFUSED 127.0.0.1:8080", true),
            ("getaddrinfo ENOTFOUND orders", true),
            ("getaddrinfo EAI_AGAIN orders", true),
            (
                "dial tcp: lookup orders on 10.0.0.10:53: no such host",
                true,
            ),
            ("dial tcp 10.0.0.7:80: connect: connection refused", true),
            ("[Errno 111] Connection refused", true),
            ("ConnectionRefusedError", true),
            ("java.net.ConnectException", true),
            ("org.apache.http.conn.HttpHostConnectException", true),
            ("java.net.UnknownHostException: orders", true),
            ("io.netty.channel.ConnectTimeoutException", true),
            ("requests.exceptions.ConnectTimeout", true),
            ("Connect timed out", true),
            ("ResourceNotFoundException", false),
            ("EntityNotFoundError: noentNotFound", false),
            ("DisconnectException", false),
            ("java.net.SocketTimeoutException: Read timed out", false),
            ("Connection reset by peer", false),
            ("ECONNRESET", false),
            ("timeout of 1000ms exceeded", false),
            ("", false),
        ] {
            assert_eq!(says_not_connected(error), is_not_connected, "{error}");
        }
    }
}
