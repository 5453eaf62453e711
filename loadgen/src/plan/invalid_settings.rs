//! What is wrong with the settings of an attack. All sentences about it are here.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use baton_propagators::{HeaderDefect, Mode};
use thiserror::Error;

use crate::plan::limits::{
    MAX_DURATION, MAX_PAYLOAD, MAX_RATE, MAX_TIMEOUT, MAX_USERS, MIN_RATE, MIN_TIMEOUT,
};

/// One thing that is wrong with [`Settings`](crate::Settings). Its text is one sentence.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum InvalidSetting {
    /// The endpoint cannot be read as a URL.
    #[error(
        "endpoint `{endpoint}` is not a URL ({reason}); write it in full, like http://127.0.0.1:3000/dev/producer"
    )]
    NotUrl {
        /// What was given.
        endpoint: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// The endpoint is a URL of another protocol.
    #[error(
        "endpoint `{endpoint}` begins with `{scheme}:`; it has to begin with http:// or https://"
    )]
    Scheme {
        /// What was given.
        endpoint: String,
        /// Its scheme.
        scheme: String,
    },
    /// The endpoint holds a user name or a password.
    #[error(
        "the endpoint holds a user name or a password; every span would repeat it, so leave it out"
    )]
    Credentials,
    /// No users, or too many.
    #[error("{0} users are out of range; use 1 to {MAX_USERS}")]
    Users(usize),
    /// No requests.
    #[error("an attack of 0 requests measures nothing; send 1 or more")]
    Requests,
    /// No time, or too much.
    #[error("a duration of {0:?} is out of range; use more than 0s, and at most {MAX_DURATION:?}")]
    Duration(Duration),
    /// A rate that is not a number, too low or too high.
    #[error("a rate of {0} requests per second is out of range; use {MIN_RATE} to {MAX_RATE}")]
    Rate(f64),
    /// A timeout that is too short or too long.
    #[error("a request timeout of {0:?} is out of range; use {MIN_TIMEOUT:?} to {MAX_TIMEOUT:?}")]
    Timeout(Duration),
    /// A ramp that is longer than the attack.
    #[error("a ramp of {ramp:?} is too long; use less than the {limit:?} of the attack")]
    Ramp {
        /// What was given.
        ramp: Duration,
        /// The duration of the attack, or the longest one.
        limit: Duration,
    },
    /// A body that is too large for a Kinesis record.
    #[error("a payload of {0} bytes is too large; Kinesis takes at most {MAX_PAYLOAD}")]
    PayloadTooLarge(usize),
    /// A size that is too small for the body.
    #[error("a payload of {size} bytes is too small for what it holds; use {least} or more")]
    PayloadTooSmall {
        /// What was asked for.
        size: usize,
        /// The size of the largest body without padding.
        least: usize,
    },
    /// A body without a place for padding.
    #[error(
        "the payload has no place for padding, because it is not a JSON object; write {{{{padding}}}} where the padding belongs"
    )]
    PayloadPadding,
    /// A body for a method without one.
    #[error("a {0} request has no body; leave the payload out, or use POST, PUT or PATCH")]
    Body(&'static str),
    /// Certificates that cannot be read.
    #[error("the certificates are not PEM; they begin with -----BEGIN CERTIFICATE-----")]
    Certificates,
    /// A header that is not `name: value`.
    #[error("a header has no name that HTTP allows; write it like x-api-key: value")]
    HeaderLine,
    /// A header whose value cannot be sent.
    #[error("the value of the header {0} has characters that HTTP does not allow")]
    HeaderValue(String),
    /// A header that the client sends itself.
    #[error("the client sends the header {0} itself; leave it out")]
    HeaderTaken(String),
    /// A report that is not an HTML file.
    #[error("goose's report cannot be written to {0:?}; name a file that ends in .html")]
    Report(PathBuf),
    /// No scenario.
    #[error("there is no scenario, so nothing says what the client sends; add one")]
    Scenarios,
    /// An engine that lacks a format.
    #[error("{0}")]
    Engine(String),
    /// A conflict of fewer than two formats.
    #[error(
        "the client's formats `{0}` cannot conflict, because that takes two formats or more; let it send two, like tracecontext,b3"
    )]
    Conflict(Mode),
    /// A percentage of malformed requests that is out of range.
    #[error("{0} % of malformed requests is out of range; use 0 to 100")]
    Percent(f64),
    /// No format that could have a malformed header.
    #[error(
        "the client's formats `{0}` carry no trace context, so no header can be malformed; let it send one, like tracecontext"
    )]
    Malformed(Mode),
    /// A defect that this format allows.
    #[error(
        "{format} allows the defect {}, so its header would be valid; use another, or leave it to chance",
        .defect.name()
    )]
    Defect {
        /// The defect.
        defect: HeaderDefect,
        /// The format.
        format: &'static str,
    },
    /// 64-bit ids without B3.
    #[error(
        "the client's formats `{0}` have no B3 that could carry 64-bit ids; let it send b3 or b3multi"
    )]
    B3(Mode),
    /// The random flag without W3C.
    #[error("the client's formats `{0}` cannot carry the random flag; let it send tracecontext")]
    RandomFlag(Mode),
    /// An empty parent id without B3's several headers.
    #[error(
        "the client's formats `{0}` have no X-B3-ParentSpanId that could be empty; let it send b3multi"
    )]
    EmptyParent(Mode),
    /// Baggage that is not a list of entries.
    #[error("the baggage cannot be sent: {0}; write it like client=baton,plan=free")]
    Baggage(String),
    /// Baggage that no format carries.
    #[error(
        "the client's formats `{0}` cannot carry baggage; let it send baggage too, like tracecontext,baggage"
    )]
    BaggageCarrier(Mode),
    /// A `tracestate` that is not a list of members.
    #[error("the tracestate cannot be sent: {0}; write it like vendor=value,other=value")]
    Tracestate(String),
    /// A `tracestate` that no format carries.
    #[error("the client's formats `{0}` cannot carry tracestate; let it send tracecontext")]
    TracestateCarrier(Mode),
    /// An empty file name.
    #[error("the name of the span file is empty; name a file, or leave it out to write no spans")]
    Spans,
}

/// Everything that is wrong with [`Settings`](crate::Settings), with one sentence on each line. It
/// is never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidSettings(Vec<InvalidSetting>);

impl InvalidSettings {
    pub(crate) fn new(faults: Vec<InvalidSetting>) -> Self {
        Self(faults)
    }

    /// What is wrong, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = &InvalidSetting> {
        self.0.iter()
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidSettings {}
