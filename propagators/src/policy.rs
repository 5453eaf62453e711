//! The settings of a service besides its formats: which context it continues, what it does when
//! contexts disagree, where it reads X-Ray's header, and whose code reads and writes headers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An unknown value of a setting. Its sentence lists the accepted values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown value {value:?}; accepted are {}", accepted.join(", "))]
pub struct UnknownValue {
    value: String,
    accepted: &'static [&'static str],
}

/// Declares a setting with a few named values. Reading a name ignores its case.
macro_rules! setting {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
            /// The names of all values.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The name of this value.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$value => $text,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownValue;

            fn from_str(text: &str) -> Result<Self, UnknownValue> {
                $(if text.trim().eq_ignore_ascii_case($text) {
                    return Ok($name::$value);
                })+
                Err(UnknownValue { value: text.to_owned(), accepted: Self::NAMES })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        as_text!($name);
    };
}

/// Implements serde for a type: its JSON is a string, the same as its `Display` and `FromStr`.
macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

pub(crate) use as_text;

setting! {
    /// Which context a service continues when several are valid.
    Select {
        /// The one of the last format in the list, as OpenTelemetry's composite propagator does.
        #[default]
        Last = "last",
        /// The one of the first format in the list, as Datadog's libraries do.
        First = "first",
    }
}

setting! {
    /// What a service does when valid contexts disagree.
    OnConflict {
        /// It continues the selected context and ignores the others.
        #[default]
        Keep = "keep",
        /// It continues the selected context and links to the others.
        Link = "link",
        /// It starts a new trace and links to all of them.
        Restart = "restart",
    }
}

setting! {
    /// Where a service reads X-Ray's header.
    XraySource {
        /// From the request only.
        #[default]
        Header = "header",
        /// From the request; if it has no such header, from the environment of the Lambda
        /// invocation.
        Environment = "environment",
    }
}

setting! {
    /// Whose code reads and writes headers.
    Engine {
        /// This crate's: it follows the specifications strictly and gives a reason for every
        /// refusal.
        #[default]
        Native = "native",
        /// The upstream OpenTelemetry crates, which most Rust services use today.
        Otel = "otel",
    }
}
