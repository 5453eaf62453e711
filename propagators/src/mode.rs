//! Modes: which formats a service reads and writes, in which order, and what it does when they disagree.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::format::{self, Format, formats};

/// Names that stand for a list of formats, for convenience on the way in. Output has standard names only.
const ALIASES: &[(&str, &[&str])] = &[
    ("w3c", &["tracecontext"]),
    ("mixed", &["tracecontext", "b3"]),
];
const NONE: &str = "none";

/// An ordered list of formats that a service injects or extracts; `none` is the empty list.
///
/// Written as the formats' names with commas: `tracecontext,b3`. `w3c` and `mixed` are read as `tracecontext` and
/// `tracecontext,b3`. Case and white space around names do not matter.
#[derive(Clone, Default)]
pub struct Mode(Vec<&'static dyn Format>);

impl Mode {
    /// The empty list.
    pub const NONE: Mode = Mode(Vec::new());

    /// The formats, in order.
    pub fn formats(&self) -> &[&'static dyn Format] {
        &self.0
    }

    /// The formats' standard names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|format| format.name())
    }

    /// Whether it lists a format, by its standard name.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|listed| listed == name)
    }

    /// Whether it is the empty list.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads a list as `OTEL_PROPAGATORS` has it, where a format listed again counts once: OpenTelemetry asks for
    /// that (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).
    ///
    /// # Errors
    ///
    /// As with [`FromStr`], but for duplicates.
    pub fn from_otel_propagators(list: &str) -> Result<Self, ModeError> {
        Self::read(list, |_| Ok(()))
    }

    fn read(
        list: &str,
        duplicate: impl Fn(&'static str) -> Result<(), Fault>,
    ) -> Result<Self, ModeError> {
        let error = |fault| ModeError {
            list: list.to_owned(),
            fault,
        };
        let elements: Vec<&str> = list.split(',').map(str::trim).collect();
        if let [only] = elements[..]
            && only.eq_ignore_ascii_case(NONE)
        {
            return Ok(Mode::NONE);
        }
        let mut formats: Vec<&'static dyn Format> = Vec::new();
        for element in elements {
            if element.is_empty() {
                return Err(error(Fault::Empty));
            }
            if element.eq_ignore_ascii_case(NONE) {
                return Err(error(Fault::NoneMixed));
            }
            for name in expand(element) {
                let Some(format) = format::find(name) else {
                    return Err(error(Fault::Unknown(element.to_owned())));
                };
                if formats.iter().any(|listed| listed.name() == format.name()) {
                    duplicate(format.name()).map_err(error)?;
                } else {
                    formats.push(format);
                }
            }
        }
        Ok(Mode(formats))
    }
}

/// The names an alias stands for; any other name stands for itself.
fn expand<'a>(name: &'a str) -> impl Iterator<Item = &'a str> {
    let alias = ALIASES
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    let names: &'a [&'a str] = alias.map_or(&[], |(_, names)| names);
    names.iter().copied().chain(alias.is_none().then_some(name))
}

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(list: &str) -> Result<Self, ModeError> {
        Self::read(list, |name| Err(Fault::Duplicate(name)))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return f.pad(NONE);
        }
        f.pad(&self.names().collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mode({self})")
    }
}

impl PartialEq for Mode {
    fn eq(&self, other: &Self) -> bool {
        self.names().eq(other.names())
    }
}

impl Eq for Mode {}

impl Hash for Mode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.names().for_each(|name| name.hash(state));
    }
}

/// Why a text is no mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{fault}{}; a mode is none, or a comma list of {}",
    place(fault, list),
    accepted()
)]
pub struct ModeError {
    list: String,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("unknown format {0:?}")]
    Unknown(String),
    #[error("a pairing has two modes, the producer's and the consumer's; there are more")]
    Parts,
    #[error("a name is missing")]
    Empty,
    #[error("{0} is listed twice")]
    Duplicate(&'static str),
    #[error("none stands beside other names")]
    NoneMixed,
}

/// Where a fault is, if that is not plain, and what was meant, if that can be guessed.
fn place(fault: &Fault, list: &str) -> String {
    let Fault::Unknown(name) = fault else {
        return format!(" in {list:?}");
    };
    let place = match name == list {
        true => String::new(),
        false => format!(" in {list:?}"),
    };
    let aliases = ALIASES.iter().map(|(alias, _)| *alias);
    let meant = formats()
        .chain(aliases)
        .map(|known| (differences(known, &name.to_ascii_lowercase()), known))
        .min_by_key(|(differences, _)| *differences);
    match meant {
        Some((differences @ 1..=2, known)) if known.len() > 2 * differences => {
            format!("{place} (did you mean {known}?)")
        }
        _ => place,
    }
}

/// How many letters have to be changed, put in or left out to make one word of the other (Levenshtein's distance).
fn differences(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (place, letter) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], place + 1);
        for (index, other) in right.chars().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The names a mode can be made of, as a phrase.
fn accepted() -> String {
    let formats = formats().collect::<Vec<_>>().join(", ");
    let aliases: Vec<_> = ALIASES
        .iter()
        .map(|(alias, names)| format!("{alias} for {}", names.join(",")))
        .collect();
    format!("{formats} (also {})", aliases.join(", "))
}

/// The producer's mode and the consumer's, written `PRODUCER:CONSUMER`. A mode alone means both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pairing {
    /// What the producer reads and writes.
    pub producer: Mode,
    /// What the consumer reads and writes.
    pub consumer: Mode,
}

impl Pairing {
    /// Its name, as directories have it: `:` is written `_to_` and `,` is written `+`, as in
    /// `tracecontext+b3_to_b3`. A pairing of two equal modes is named after the mode alone.
    pub fn name(&self) -> String {
        let name = |mode: &Mode| mode.to_string().replace(',', "+");
        if self.producer == self.consumer {
            return name(&self.producer);
        }
        format!("{}_to_{}", name(&self.producer), name(&self.consumer))
    }
}

impl From<Mode> for Pairing {
    fn from(mode: Mode) -> Self {
        Pairing {
            producer: mode.clone(),
            consumer: mode,
        }
    }
}

impl FromStr for Pairing {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        let whole = |fault| ModeError {
            list: text.to_owned(),
            fault,
        };
        let mode = |part: &str| part.parse().map_err(|error: ModeError| whole(error.fault));
        let parts: Vec<&str> = text.split(':').collect();
        match parts[..] {
            [only] => mode(only).map(Mode::into),
            [producer, consumer] => Ok(Pairing {
                producer: mode(producer)?,
                consumer: mode(consumer)?,
            }),
            _ => Err(whole(Fault::Parts)),
        }
    }
}

impl fmt::Display for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.producer, self.consumer))
    }
}

/// A text that is none of the values a setting has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown value {value:?}; accepted are {}", accepted.join(", "))]
pub struct UnknownValue {
    value: String,
    accepted: &'static [&'static str],
}

/// A setting with a few named values; case does not matter when reading one.
macro_rules! setting {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
            /// The values' names, as they are read and written.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// Its name.
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

/// Puts a type into JSON as its text.
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

as_text!(Mode);
as_text!(Pairing);

setting! {
    /// Which of several valid contexts is continued.
    Select {
        /// The last in the list: what OpenTelemetry's composite propagator does.
        #[default]
        Last = "last",
        /// The first in the list: what Datadog's libraries do.
        First = "first",
    }
}

setting! {
    /// What happens when valid contexts disagree.
    OnConflict {
        /// Continue the chosen one and say nothing.
        #[default]
        Keep = "keep",
        /// Continue the chosen one and link the others.
        Link = "link",
        /// Continue none, start a new trace and link all.
        Restart = "restart",
    }
}

setting! {
    /// Where X-Ray's header is read from.
    XraySource {
        /// The request alone.
        #[default]
        Header = "header",
        /// The request, and where it has none, the environment that Lambda gives to an invocation.
        Environment = "environment",
    }
}

setting! {
    /// Whose code reads and writes the headers.
    Engine {
        /// Ours: strict to the specifications, with a reason for every refusal.
        #[default]
        Native = "native",
        /// The upstream OpenTelemetry crates, as most Rust services run today.
        Otel = "otel",
    }
}
