//! What can be wrong with an attack that somebody asks for; all wording of it is here.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use baton_propagators::mode::Mode;
use thiserror::Error;

use crate::defect::Defect;
use crate::payload::MAX_PAYLOAD;
use crate::plan::{MAX_DURATION, MAX_RATE, MAX_TIMEOUT, MAX_USERS, MIN_RATE, MIN_TIMEOUT};

/// One thing that is wrong with [`Settings`](crate::Settings); the text is one sentence.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Fault {
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
    #[error("{0} users cannot attack; use 1 to {MAX_USERS}")]
    Users(usize),
    /// No requests.
    #[error("0 requests would measure nothing; send 1 or more")]
    Requests,
    /// No time, or too much.
    #[error("an attack cannot last {0:?}; use more than 0s, and at most {MAX_DURATION:?}")]
    Duration(Duration),
    /// A rate that is no number, too low or too high.
    #[error("a rate of {0} requests per second is out of range; use {MIN_RATE} to {MAX_RATE}")]
    Rate(f64),
    /// A timeout that is too short or too long.
    #[error("a request timeout of {0:?} is out of range; use {MIN_TIMEOUT:?} to {MAX_TIMEOUT:?}")]
    Timeout(Duration),
    /// A ramp that outlasts the attack.
    #[error("a ramp of {ramp:?} is too long; use less than the {limit:?} of the attack")]
    Ramp {
        /// What was given.
        ramp: Duration,
        /// How long the attack lasts, or the longest it may.
        limit: Duration,
    },
    /// A body that no Kinesis record can hold.
    #[error("a payload of {0} bytes is too large; Kinesis takes at most {MAX_PAYLOAD}")]
    PayloadTooLarge(usize),
    /// A size that is less than what is to be sent.
    #[error("a payload of {size} bytes is too small for what it holds; use {least} or more")]
    PayloadTooSmall {
        /// What was asked for.
        size: usize,
        /// The size of the largest body without padding.
        least: usize,
    },
    /// A body that cannot be filled up.
    #[error(
        "the payload cannot be filled up to a size, since it is no JSON object; write {{{{padding}}}} where the padding belongs"
    )]
    PayloadPadding,
    /// A header that is no `name: value`.
    #[error("a header has no name that HTTP allows; write it like x-api-key: value")]
    HeaderLine,
    /// A header whose value cannot be sent.
    #[error("the value of the header {0} has characters that HTTP does not allow")]
    HeaderValue(String),
    /// A header that is not somebody else's to send.
    #[error("the header {0} is the client's own to send; leave it out")]
    HeaderTaken(String),
    /// A report that is no HTML file.
    #[error("goose's report cannot be written to {0:?}; name a file that ends in .html")]
    Report(PathBuf),
    /// No scenario.
    #[error("there is no scenario, so nothing says what the client sends; add one")]
    Scenarios,
    /// An engine without some of the formats.
    #[error("{0}")]
    Engine(String),
    /// A conflict of fewer than two formats.
    #[error(
        "the client's formats `{0}` cannot conflict, since only two formats or more can; let it send two, like tracecontext,b3"
    )]
    Conflict(Mode),
    /// A share of malformed requests that is none.
    #[error("{0} % of the requests cannot be malformed; use 0 to 100")]
    Percent(f64),
    /// Nothing that could be malformed.
    #[error(
        "the client's formats `{0}` carry no trace context that could be malformed; let it send one, like tracecontext"
    )]
    Malformed(Mode),
    /// A way to break a header that does not break this format's.
    #[error(
        "{} is no defect of {format}, which would be valid all the same; use another, or leave it to chance",
        .defect.name()
    )]
    Defect {
        /// What was to be wrong.
        defect: Defect,
        /// With which format's header.
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
    /// Baggage that is no list of entries.
    #[error("the baggage cannot be sent: {0}; write it like client=baton,plan=free")]
    Baggage(String),
    /// Baggage that no format carries.
    #[error(
        "the client's formats `{0}` cannot carry baggage; let it send baggage too, like tracecontext,baggage"
    )]
    BaggageCarrier(Mode),
    /// A `tracestate` that is no list of members.
    #[error("the tracestate cannot be sent: {0}; write it like vendor=value,other=value")]
    Tracestate(String),
    /// A `tracestate` that no format carries.
    #[error("the client's formats `{0}` cannot carry tracestate; let it send tracecontext")]
    TracestateCarrier(Mode),
    /// An empty file name.
    #[error("the name of the span file is empty; name a file, or leave it out to write no spans")]
    Spans,
}

/// Everything that is wrong with [`Settings`](crate::Settings), one sentence a line; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self(faults)
    }

    /// The faults, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
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

impl std::error::Error for Faults {}
