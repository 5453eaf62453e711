//! What can be wrong with an attack that somebody asks for; all wording of it is here.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

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
