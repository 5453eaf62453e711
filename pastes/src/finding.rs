//! What a reader finds, before findings are grouped into carriers.

use crate::shapes::Shape;
use crate::systems::System;

/// A name, a value, or both, at one place in a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its name as written; empty for a value without a name.
    pub(crate) name: String,
    /// Its value; empty for a name without a value.
    pub(crate) value: Vec<u8>,
    /// Its place.
    pub(crate) place: String,
    /// What was sent together: a record, a request or a line. Empty for the whole text.
    pub(crate) unit: String,
    /// What holds the names and values within the unit: `headers`, `messageAttributes`.
    pub(crate) scope: String,
}

/// What a finding is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A header that formats read, with its name in lower case.
    Header(String),
    /// A value with a known shape, in plain text or under a name that fits.
    Shape(Shape),
    /// A value with a known shape, under a name that no format reads.
    Unnamed(Shape),
    /// A carrier of another system.
    System(&'static System),
    /// Almost the name of this header.
    Misspelt(&'static str),
    /// An id as logs print it.
    Id,
    /// A known name without anything that could be its value.
    NoValue(String),
    /// A known name whose value cannot be used, and the reason.
    Fault(String),
    /// A header that belongs to no format.
    Other,
}
