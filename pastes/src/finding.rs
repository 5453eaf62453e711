//! What a reader finds, before it is known which findings make one carrier.

use crate::shapes::Shape;
use crate::systems::System;

/// A name, a value, or both, at one place of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its name as it was written; empty where a value has none.
    pub(crate) name: String,
    /// Its value; empty where a name has none.
    pub(crate) value: Vec<u8>,
    /// Where it was.
    pub(crate) place: String,
    /// What was sent as one: a record, a request, a line. Empty for the whole text.
    pub(crate) unit: String,
    /// What holds names and values inside of the unit: `headers`, `messageAttributes`.
    pub(crate) scope: String,
}

/// What a finding is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A header that formats read, by its name in lower case.
    Header(String),
    /// A value of a known shape under a name that says so too, or in plain text.
    Shape(Shape),
    /// A value of a known shape under a name that no format reads.
    Unnamed(Shape),
    /// A carrier of another system.
    System(&'static System),
    /// Nearly the name of this header.
    Misspelt(&'static str),
    /// An id as logs print it.
    Id,
    /// A known name and nothing that could be its value.
    NoValue(String),
    /// A known name whose value cannot be taken, with the reason.
    Fault(String),
    /// A header of no format.
    Other,
}
