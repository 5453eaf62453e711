//! Why a header was refused. The sentences of all refusals are here.

use std::fmt;

use crate::policy::Engine;

/// The specification that makes the first value count if a header arrives several times.
pub(crate) const GET: &str = "OpenTelemetry, Propagators API, Get";

/// Why a header, or a part of it, was refused.
///
/// It owns no text, so a refusal does not allocate. [`Display`](fmt::Display) makes the sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The standard name of the format that was read.
    pub format: &'static str,
    /// The header with the fault, in lower case.
    pub header: &'static str,
    /// What is wrong with it.
    pub fault: Fault,
    /// Where the fault is, in bytes from the start of the header's value as it arrived. Several
    /// headers of a list count as joined with commas. `None` if the fault has no position: a
    /// missing header, for example.
    pub position: Option<usize>,
    /// The specification and its section.
    pub spec: &'static str,
    /// The engine that refused it. The upstream crates ([`Engine::Otel`]) give no reasons. For
    /// them, `fault` is what this crate's own reading finds.
    pub engine: Engine,
}

/// A part of a header, such as a trace id.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the specification.
    pub name: &'static str,
    /// How many characters it has, in words; for a decimal number, its range.
    pub length: &'static str,
    /// The section that describes it.
    pub spec: &'static str,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What can be wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It arrived several times and is not a list.
    Several,
    /// It arrived several times with different values. The first one counts.
    FirstTaken,
    /// Its bytes are not UTF-8.
    NotText,
    /// Its value is empty.
    Empty,
    /// A header is missing, and the others mean nothing without it.
    Missing,
    /// A field has the wrong number of characters.
    Length {
        /// The field.
        field: &'static Field,
        /// Characters it has.
        found: usize,
    },
    /// A field has a character that is not a lower-case hexadecimal digit.
    NotLowerHex {
        /// The field.
        field: &'static Field,
    },
    /// A field has a character that is not a hexadecimal digit.
    NotHex {
        /// The field.
        field: &'static Field,
    },
    /// A field is not a decimal number in its range.
    NotDecimal {
        /// The field.
        field: &'static Field,
    },
    /// A required field is missing.
    NoField {
        /// The field.
        field: &'static Field,
    },
    /// A field appears twice.
    Twice {
        /// The field.
        field: &'static Field,
    },
    /// There is a trace, but no span that could be the parent.
    NoParent,
    /// An id is all zeros.
    AllZeros {
        /// The field.
        field: &'static Field,
    },
    /// A field does not end with `-`.
    NoSeparator {
        /// The field.
        field: &'static Field,
    },
    /// Something follows the last field.
    Trailing {
        /// The last field.
        field: &'static Field,
    },
    /// The version is `ff`.
    ForbiddenVersion,
    /// The sampling state does not exist.
    SamplingState {
        /// The states that exist.
        expected: &'static str,
    },
    /// A list member is not `key=value`.
    NoEqualsSign,
    /// A list member's key breaks the grammar.
    Key {
        /// What a key looks like.
        expected: &'static str,
    },
    /// A list member's value breaks the grammar.
    Value {
        /// What a value looks like.
        expected: &'static str,
    },
    /// A list has too many members.
    TooManyMembers {
        /// How many it may have.
        limit: usize,
    },
    /// The value is too large.
    TooLarge {
        /// How many bytes it may have.
        limit: usize,
    },
    /// The context to continue is Lambda's, and it says not to sample.
    EnvironmentUnsampled,
    /// Upstream has no propagator for this format.
    NoUpstream,
    /// The upstream propagator does not read what the specification allows.
    NotReadUpstream,
}

impl Reject {
    /// The same refusal by the upstream crates.
    pub(crate) fn upstream(self) -> Self {
        Reject {
            engine: Engine::Otel,
            ..self
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.engine == Engine::Otel && self.fault != Fault::NoUpstream {
            f.write_str("the upstream propagator ignores it: ")?;
        }
        write!(f, "{} {}", self.header, self.fault)?;
        match self.position {
            Some(position) => write!(f, ", at byte {position}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Reject {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::Several => f.write_str("arrived several times, but may arrive only once"),
            Fault::FirstTaken => f.write_str(
                "arrived several times with different values; the first one counts",
            ),
            Fault::NotText => f.write_str("is not UTF-8 text"),
            Fault::Empty => f.write_str("is empty"),
            Fault::Missing => {
                f.write_str("is missing, and the other headers are useless without it")
            }
            Fault::Length { field, found } => {
                let characters = if found == 1 {
                    "character"
                } else {
                    "characters"
                };
                let length = field.length;
                write!(
                    f,
                    "has a {field} of {found} {characters} instead of {length}"
                )
            }
            Fault::NotLowerHex { field } => {
                write!(
                    f,
                    "has a {field} with a character other than 0-9 and a-f"
                )
            }
            Fault::NotHex { field } => {
                write!(f, "has a {field} with a character that is not a hexadecimal digit")
            }
            Fault::NotDecimal { field } => {
                let length = field.length;
                write!(f, "has a {field} that is not {length}")
            }
            Fault::NoField { field } => write!(f, "has no {field}"),
            Fault::Twice { field } => write!(f, "has {field} twice"),
            Fault::NoParent => f.write_str(
                "names a trace but no parent span, so there is no span to continue",
            ),
            Fault::AllZeros { field } => {
                write!(f, "has a {field} of all zeros, which is invalid")
            }
            Fault::NoSeparator { field } => write!(f, "has no '-' after its {field}"),
            Fault::Trailing { field } => {
                write!(f, "has something after its {field}, where it must end")
            }
            Fault::ForbiddenVersion => f.write_str("has version ff, which is forbidden"),
            Fault::SamplingState { expected } => {
                write!(
                    f,
                    "has an unknown sampling state; it must be {expected}"
                )
            }
            Fault::NoEqualsSign => f.write_str("has a list member without '='"),
            Fault::Key { expected } => write!(f, "has a list member whose key is not {expected}"),
            Fault::Value { expected } => {
                write!(f, "has a list member whose value is not {expected}")
            }
            Fault::TooManyMembers { limit } => write!(f, "has more than {limit} list members"),
            Fault::TooLarge { limit } => write!(f, "has more than {limit} bytes"),
            Fault::EnvironmentUnsampled => f.write_str(
                "says Sampled=0, as Lambda sets it where X-Ray tracing is off, and the service continues that: \
                 it records nothing unless xray is before the other formats in its list, or its source is header",
            ),
            Fault::NoUpstream => f.write_str(
                "belongs to a format for which upstream has no propagator in this version of OpenTelemetry",
            ),
            Fault::NotReadUpstream => {
                f.write_str("is valid by the specification, but it does not read this form")
            }
        }
    }
}
