//! Modes: which formats a service reads and writes, and in which order.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::format::Format;
use crate::formats::{self, formats};
use crate::policy::as_text;

/// Short names for lists of formats. They are read and never written.
const ALIASES: &[(&str, &[&str])] = &[
    ("w3c", &["tracecontext"]),
    ("mixed", &["tracecontext", "b3"]),
];
const NONE: &str = "none";
/// The most letters by which an unknown name may differ from the one that an error suggests.
const MAX_DIFFERENCES: usize = 2;

/// The formats that a service injects or extracts, in order. `none` is the empty list.
///
/// As text it is the names with commas: `tracecontext,b3`. The aliases `w3c` (`tracecontext`) and
/// `mixed` (`tracecontext,b3`) are read too. Case and white space around names do not matter.
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

    /// The formats that carry a trace context, in order.
    pub fn context_formats(&self) -> impl DoubleEndedIterator<Item = &'static dyn Format> {
        let formats = self.0.iter().copied();
        formats.filter(|format| format.carries_context())
    }

    /// Whether it lists the format of this standard name.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|listed| listed == name)
    }

    /// Whether it is the empty list.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any of its formats carries baggage.
    pub fn carries_baggage(&self) -> bool {
        self.0.iter().any(|format| format.carries_baggage())
    }

    /// Whether any of its formats carries `tracestate`.
    pub fn carries_tracestate(&self) -> bool {
        self.0.iter().any(|format| format.carries_tracestate())
    }

    /// Whether a reader in this mode understands a context that a writer in mode `written` sent:
    /// they have a format in common, or two of one [family](Format::family).
    ///
    /// ```
    /// use baton_propagators::Mode;
    ///
    /// let reader: Mode = "tracecontext,b3".parse()?;
    /// assert!(reader.reads(&"b3multi".parse()?));
    /// assert!(!reader.reads(&"jaeger".parse()?));
    /// # Ok::<(), baton_propagators::ModeError>(())
    /// ```
    pub fn reads(&self, written: &Mode) -> bool {
        self.context_formats().any(|read| {
            let mut written = written.context_formats();
            written.any(|written| written.family() == read.family())
        })
    }

    /// Reads the value of `OTEL_PROPAGATORS`. A format that is listed twice counts once, as
    /// [OpenTelemetry][spec] requires.
    ///
    /// [spec]: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    ///
    /// # Errors
    ///
    /// As with [`FromStr`], except for duplicates.
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
        let mut listed: Vec<&'static dyn Format> = Vec::new();
        for element in elements {
            if element.is_empty() {
                return Err(error(Fault::Empty));
            }
            if element.eq_ignore_ascii_case(NONE) {
                return Err(error(Fault::NoneMixed));
            }
            for name in expand(element) {
                let Some(format) = formats::find(name) else {
                    return Err(error(Fault::Unknown(element.to_owned())));
                };
                if listed.iter().any(|earlier| earlier.name() == format.name()) {
                    duplicate(format.name()).map_err(error)?;
                } else {
                    listed.push(format);
                }
            }
        }
        Ok(Mode(listed))
    }
}

/// The names of an alias; the name itself if it is not an alias.
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

/// Why a text is not a mode or a pairing.
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
    #[error("none cannot be combined with other names")]
    NoneMixed,
}

/// Where the fault is, unless that is obvious, and the name that was probably meant.
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
        Some((differences @ 1..=MAX_DIFFERENCES, known)) if known.len() > 2 * differences => {
            format!("{place} (did you mean {known}?)")
        }
        _ => place,
    }
}

/// How many letters to change, insert or remove to turn one word into the other (Levenshtein
/// distance).
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

/// The names that a mode can have, as a phrase.
fn accepted() -> String {
    let formats = formats().collect::<Vec<_>>().join(", ");
    let aliases: Vec<_> = ALIASES
        .iter()
        .map(|(alias, names)| format!("{alias} for {}", names.join(",")))
        .collect();
    format!("{formats} (also {})", aliases.join(", "))
}

/// The producer's mode and the consumer's, written `PRODUCER:CONSUMER`. A single mode is used for
/// both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pairing {
    /// What the producer reads and writes.
    pub producer: Mode,
    /// What the consumer reads and writes.
    pub consumer: Mode,
}

impl Pairing {
    /// Its name in directory names: `:` becomes `_to_` and `,` becomes `+`, as in
    /// `tracecontext+b3_to_b3`. If both modes are the same, the name has it once.
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

as_text!(Mode);
as_text!(Pairing);
