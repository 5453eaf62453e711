//! Why a request failed, with a sentence for each reason.

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The most characters of a failed answer's message that are kept.
const MAX_MESSAGE: usize = 200;

/// Why one request failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequestFailure {
    /// No server listens at the endpoint's address.
    ConnectionRefused,
    /// There was no connection for another reason.
    NotConnected {
        /// What was being done; `None` if it is not known.
        #[serde(default)]
        step: Option<ConnectStep>,
        /// The innermost error, as the system or the TLS library words it.
        cause: String,
    },
    /// The connection ended before the answer was complete.
    ConnectionBroken {
        /// Whether the answer had begun.
        #[serde(default)]
        in_answer: bool,
        /// The innermost error, as the system or the HTTP library words it.
        cause: String,
    },
    /// The answer was not complete within the plan's timeout.
    Timeout,
    /// The endpoint answered with something other than success.
    Status {
        /// The HTTP status code.
        status: u16,
        /// The message in the answer's body, if it has one.
        message: Option<String>,
    },
    /// The attack was interrupted while the request was in progress.
    Interrupted,
}

/// The step in which connecting failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConnectStep {
    /// The host's name was looked up.
    Resolve,
    /// The TCP connection was opened.
    Tcp,
    /// The TLS handshake was made.
    Tls,
}

impl ConnectStep {
    /// The step in which this chain of errors began. Only the error's text says which.
    fn of(error: &reqwest::Error) -> Option<ConnectStep> {
        let words: Vec<String> = chain(error).map(ToString::to_string).collect();
        let says = |text: &str| words.iter().any(|word| word.starts_with(text));
        let is_tls = chain(error).any(|error| {
            let io = error.downcast_ref::<io::Error>();
            io.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
        });
        match () {
            () if says("dns error") => Some(ConnectStep::Resolve),
            () if says("tcp ") => Some(ConnectStep::Tcp),
            () if is_tls || says("invalid peer certificate") => Some(ConnectStep::Tls),
            () => None,
        }
    }
}

impl RequestFailure {
    /// Why the answer's body could not be read.
    pub(crate) fn from_body_error(error: &reqwest::Error) -> Self {
        match Self::from_error(error) {
            Self::ConnectionBroken { cause, .. } => Self::ConnectionBroken {
                in_answer: true,
                cause,
            },
            failure => failure,
        }
    }

    /// Why a request without an answer failed.
    pub(crate) fn from_error(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        let refused = |error: &(dyn Error + 'static)| {
            error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        };
        if chain(error).any(refused) {
            return Self::ConnectionRefused;
        }
        let cause = chain(error)
            .last()
            .map(ToString::to_string)
            .unwrap_or_default();
        if error.is_connect() {
            let step = ConnectStep::of(error);
            Self::NotConnected { step, cause }
        } else {
            Self::ConnectionBroken {
                in_answer: false,
                cause,
            }
        }
    }

    /// Why a request that was answered with `status` and `body` failed.
    pub(crate) fn from_answer(status: StatusCode, body: &[u8]) -> Self {
        Self::Status {
            status: status.as_u16(),
            message: message(body),
        }
    }

    /// The value of the span attribute `error.type`. It has few distinct values. For an answer it
    /// is the status code (OpenTelemetry's semantic conventions for HTTP spans).
    pub fn error_type(&self) -> Cow<'static, str> {
        match self {
            Self::ConnectionRefused => "connection_refused".into(),
            Self::NotConnected { .. } => "not_connected".into(),
            Self::ConnectionBroken { .. } => "connection_broken".into(),
            Self::Timeout => "timeout".into(),
            Self::Status { status, .. } => status.to_string().into(),
            Self::Interrupted => "interrupted".into(),
        }
    }

    /// The failure in words, for requests to `endpoint` with this `timeout`.
    pub fn describe(&self, endpoint: &str, timeout: Duration) -> String {
        match self {
            Self::ConnectionRefused => format!("connection refused at {endpoint}"),
            Self::NotConnected { step, cause } => {
                let step = match step {
                    Some(ConnectStep::Resolve) => " (looking up the host's name)",
                    Some(ConnectStep::Tcp) => " (opening the TCP connection)",
                    Some(ConnectStep::Tls) => " (TLS handshake)",
                    None => "",
                };
                format!("could not connect to {endpoint}{step}: {cause}")
            }
            Self::ConnectionBroken { in_answer, cause } => {
                let place = match in_answer {
                    true => "within its body",
                    false => "before its head",
                };
                format!("the connection broke before the answer was complete ({place}): {cause}")
            }
            Self::Timeout => format!("no answer within {timeout:?}"),
            Self::Status { status, message } => {
                let reason = StatusCode::from_u16(*status)
                    .ok()
                    .and_then(|status| status.canonical_reason());
                let mut words = format!("HTTP {status}");
                if let Some(reason) = reason {
                    words.push(' ');
                    words.push_str(reason);
                }
                if let Some(message) = message {
                    words.push_str(": ");
                    words.push_str(message);
                }
                words
            }
            Self::Interrupted => "interrupted before the answer came".to_owned(),
        }
    }

    /// What to check first if every request failed in this way. `is_lab` says whether the endpoint
    /// has the address of a lab.
    pub fn advice(&self, is_lab: bool) -> Option<&'static str> {
        match self {
            Self::ConnectionRefused => Some("is the endpoint up?"),
            Self::NotConnected {
                step: Some(ConnectStep::Tls),
                ..
            } => Some("name its certificate authority with --cacert, or use --insecure"),
            Self::NotConnected { .. } => Some("is the endpoint's address right?"),
            Self::Timeout => Some("the endpoint takes connections but does not answer"),
            Self::Status {
                status: 403 | 404, ..
            } => Some("is the endpoint's path right? a lab's ends in /dev/producer"),
            Self::Status { status: 405, .. } => {
                Some("does the endpoint take another method? name it with --method")
            }
            Self::Status { status: 429, .. } => {
                Some("the endpoint throttles; use fewer users or a lower rate")
            }
            Self::Status { status: 500.., .. } if is_lab => Some("the producer's log says more"),
            _ => None,
        }
    }

    /// The same kind of failure without its details.
    pub(crate) fn without_details(&self) -> Self {
        let cause = || "see the spans for the causes".to_owned();
        match self {
            Self::Status { status, .. } => Self::Status {
                status: *status,
                message: None,
            },
            Self::NotConnected { step, .. } => Self::NotConnected {
                step: *step,
                cause: cause(),
            },
            Self::ConnectionBroken { in_answer, .. } => Self::ConnectionBroken {
                in_answer: *in_answer,
                cause: cause(),
            },
            Self::ConnectionRefused | Self::Timeout | Self::Interrupted => self.clone(),
        }
    }

    /// Whether there was no connection to the endpoint, so that an immediate retry is useless.
    pub(crate) fn is_connection(&self) -> bool {
        matches!(
            self,
            Self::ConnectionRefused | Self::NotConnected { .. } | Self::ConnectionBroken { .. }
        )
    }
}

/// An error and its sources, outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| {
        error.source()
    })
}

/// The message of a body: `message` in a JSON object, as in answers of AWS and the producer, or the
/// first line of a text.
fn message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(alias = "Message")]
        message: String,
    }
    let text = match serde_json::from_slice::<Answer>(body) {
        Ok(answer) => answer.message,
        Err(_) => {
            let line = str::from_utf8(body)
                .ok()?
                .lines()
                .find(|line| !line.trim().is_empty())?
                .trim();
            if line.starts_with(['<', '{', '[']) {
                return None;
            }
            line.to_owned()
        }
    };
    let text: String = text
        .chars()
        .filter(|character| !character.is_control())
        .take(MAX_MESSAGE)
        .collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_an_answer_is_found() {
        let long = "x".repeat(1_000);
        let cases: &[(&str, Option<&str>)] = &[
            (
                r#"{"message":"Internal server error"}"#,
                Some("Internal server error"),
            ),
            (
                r#"{"Message":"User is not authorized"}"#,
                Some("User is not authorized"),
            ),
            ("\n  upstream is busy  \nretry", Some("upstream is busy")),
            ("<html><body>Bad Gateway</body></html>", None),
            (r#"{"error":"other"}"#, None),
            (r#"{"message":5}"#, None),
            (r#"{"message":"a\u001b[31mb"}"#, Some("a[31mb")),
            ("", None),
            (&long, Some(&long[..MAX_MESSAGE])),
        ];
        for (body, expected) in cases {
            assert_eq!(message(body.as_bytes()).as_deref(), *expected, "{body}");
        }
        assert_eq!(message(&[0xff, 0xfe]), None);
    }

    #[test]
    fn failures_have_sentences() {
        let status = |status: u16, message: Option<&str>| RequestFailure::Status {
            status,
            message: message.map(str::to_owned),
        };
        let cause = || "broken pipe".to_owned();
        let cases = [
            (
                RequestFailure::ConnectionRefused,
                "connection refused at http://h/p",
                "connection_refused",
            ),
            (
                RequestFailure::NotConnected {
                    step: None,
                    cause: cause(),
                },
                "could not connect to http://h/p: broken pipe",
                "not_connected",
            ),
            (
                RequestFailure::NotConnected {
                    step: Some(ConnectStep::Tls),
                    cause: cause(),
                },
                "could not connect to http://h/p (TLS handshake): broken pipe",
                "not_connected",
            ),
            (
                RequestFailure::ConnectionBroken {
                    in_answer: false,
                    cause: cause(),
                },
                "the connection broke before the answer was complete (before its head): broken pipe",
                "connection_broken",
            ),
            (
                RequestFailure::ConnectionBroken {
                    in_answer: true,
                    cause: cause(),
                },
                "the connection broke before the answer was complete (within its body): broken pipe",
                "connection_broken",
            ),
            (RequestFailure::Timeout, "no answer within 1.5s", "timeout"),
            (
                status(503, Some("busy")),
                "HTTP 503 Service Unavailable: busy",
                "503",
            ),
            (status(403, None), "HTTP 403 Forbidden", "403"),
            (status(599, None), "HTTP 599", "599"),
            (
                RequestFailure::Interrupted,
                "interrupted before the answer came",
                "interrupted",
            ),
        ];
        for (failure, words, error_type) in cases {
            assert_eq!(
                failure.describe("http://h/p", Duration::from_millis(1_500)),
                words
            );
            assert_eq!(failure.error_type(), error_type);
        }
    }
}
