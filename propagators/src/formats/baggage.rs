//! W3C Baggage.
//!
//! Section 3.2 (<https://www.w3.org/TR/baggage/#header-content>):
//!
//! ```text
//! baggage-string = list-member 0*179( OWS "," OWS list-member )
//! list-member    = key OWS "=" OWS value *( OWS ";" OWS property )
//! property       = key [ OWS "=" OWS value ]
//! key            = token                      ; RFC 9110, section 5.6.2
//! value          = *( %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E )
//! ```
//!
//! Values are percent-encoded UTF-8. Sequences that are not UTF-8 become U+FFFD. A `%` without two
//! digits after it stays unchanged. Keys are not decoded. A member that breaks the grammar is
//! dropped, the others are kept, and the candidate says what was wrong with the first dropped
//! member. Several headers make one list.
//!
//! Size bound: 64 members and 8192 bytes, which every implementation has to carry (section 3.2.2).
//! Members beyond the bound are neither read nor written.
//!
//! What it cannot carry: a context. It accompanies one and never competes with other formats.

use crate::carrier::{Getter, NOT_TEXT, Setter, trimmed};
use crate::context::baggage::{Baggage as Entries, Entry};
use crate::context::{Extracted, Outgoing};
use crate::format::{Candidate, Fault, Format, Outcome, Reject};
use crate::policy::Engine;

pub(crate) const NAME: &str = "baggage";
const BAGGAGE: &str = "baggage";

pub(super) const MAX_MEMBERS: usize = 64;
pub(super) const MAX_BYTES: usize = 8192;

const BAGGAGE_STRING: &str = "W3C Baggage, section 3.2.1.1 (baggage-string)";
const KEY: &str = "W3C Baggage, section 3.2.1.2 (key)";
const VALUE: &str = "W3C Baggage, section 3.2.1.3 (value)";
const PROPERTY: &str = "W3C Baggage, section 3.2.1.4 (property)";
const LIMITS: &str = "W3C Baggage, section 3.2.2 (limits)";

pub(super) const TOKEN: &str = "a token of letters, digits and !#$%&'*+-.^_`|~";
const OCTETS: &str =
    "printable ASCII other than space, '\"', ',', ';' and '\\' (the rest is percent-encoded)";

/// The format `baggage`.
#[derive(Clone, Copy, Debug)]
pub struct Baggage;

impl Format for Baggage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn headers(&self) -> &'static str {
        BAGGAGE
    }

    fn fields(&self) -> &'static [&'static str] {
        &[BAGGAGE]
    }

    fn lists(&self) -> &'static [&'static str] {
        &[BAGGAGE]
    }

    fn carries_context(&self) -> bool {
        false
    }

    fn carries_baggage(&self) -> bool {
        true
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        let mut list = List::default();
        let mut arrived = false;
        carrier.get_all(BAGGAGE, &mut |header| {
            arrived = true;
            list.read(header);
        });
        if !arrived {
            return Candidate::absent(NAME, BAGGAGE);
        }
        if list.entries.is_empty() {
            let empty = || reject(Fault::Empty, 0, BAGGAGE_STRING);
            return Candidate::malformed(list.reject.unwrap_or_else(empty));
        }
        let entries = list.entries.into_iter().collect();
        Candidate {
            objection: list.reject.map(Box::new),
            ..Candidate::new(NAME, BAGGAGE, Outcome::Valid(Extracted::Baggage(entries)))
        }
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        let header = outgoing.baggage.as_ref().map(write).unwrap_or_default();
        if !header.is_empty() {
            carrier.set(BAGGAGE, &header);
        }
    }
}

/// Reads the value of a `baggage` header (section 3.2).
///
/// # Errors
///
/// The first fault, even if it is in one member only and the others could be read.
pub fn parse_baggage(header: &str) -> Result<Entries, Reject> {
    let mut list = List::default();
    list.read(header);
    match list.reject {
        Some(reject) => Err(reject),
        None if list.entries.is_empty() => Err(reject(Fault::Empty, 0, BAGGAGE_STRING)),
        None => Ok(list.entries.into_iter().collect()),
    }
}

fn reject(fault: Fault, position: usize, spec: &'static str) -> Reject {
    Reject {
        format: NAME,
        header: BAGGAGE,
        fault,
        position: Some(position),
        spec,
        engine: Engine::Native,
    }
}

/// A list during reading.
#[derive(Default)]
struct List {
    entries: Vec<Entry>,
    /// Why the first dropped member was dropped.
    reject: Option<Reject>,
    /// Where the current header starts if all are joined.
    offset: usize,
    full: bool,
}

impl List {
    fn read(&mut self, header: &str) {
        for piece in header.split(',') {
            if self.full {
                return;
            }
            let (member, cut) = trimmed(piece);
            let start = self.offset + cut;
            self.offset += piece.len() + 1;
            if member.is_empty() {
                continue;
            }
            let read = if self.entries.len() == MAX_MEMBERS {
                self.full = true;
                Err(reject(
                    Fault::TooManyMembers { limit: MAX_MEMBERS },
                    start,
                    LIMITS,
                ))
            } else if start + member.len() > MAX_BYTES {
                self.full = true;
                Err(reject(Fault::TooLarge { limit: MAX_BYTES }, start, LIMITS))
            } else {
                entry(member, start)
            };
            match read {
                Ok(entry) => self.entries.push(entry),
                Err(reject) => {
                    self.reject.get_or_insert(reject);
                }
            }
        }
    }
}

/// Reads the member at `start`.
fn entry(member: &str, start: usize) -> Result<Entry, Reject> {
    let at = |part: &str| start + (part.as_ptr().addr() - member.as_ptr().addr());
    if member == NOT_TEXT {
        return Err(reject(Fault::NotText, start, BAGGAGE_STRING));
    }
    let mut parts = member.split(';');
    let pair = parts.next().unwrap_or_default();
    let (key, value) = pair
        .split_once('=')
        .ok_or_else(|| reject(Fault::NoEqualsSign, start, BAGGAGE_STRING))?;
    let (key, value) = (trimmed(key).0, trimmed(value).0);
    if let Some(offset) = token_fault(key) {
        return Err(reject(
            Fault::Key { expected: TOKEN },
            at(key) + offset,
            KEY,
        ));
    }
    if let Some(offset) = octet_fault(value) {
        return Err(reject(
            Fault::Value { expected: OCTETS },
            at(value) + offset,
            VALUE,
        ));
    }
    let mut metadata = String::new();
    for property in parts.map(|part| trimmed(part).0) {
        if property.is_empty() {
            continue;
        }
        let (key, value) = match property.split_once('=') {
            Some((key, value)) => (trimmed(key).0, Some(trimmed(value).0)),
            None => (property, None),
        };
        if let Some(offset) = token_fault(key) {
            return Err(reject(
                Fault::Key { expected: TOKEN },
                at(key) + offset,
                PROPERTY,
            ));
        }
        if let Some((value, offset)) = value.and_then(|value| Some((value, octet_fault(value)?))) {
            return Err(reject(
                Fault::Value { expected: OCTETS },
                at(value) + offset,
                PROPERTY,
            ));
        }
        if !metadata.is_empty() {
            metadata.push(';');
        }
        metadata.push_str(key);
        if let Some(value) = value {
            metadata.push('=');
            metadata.push_str(value);
        }
    }
    Ok(Entry {
        key: key.to_owned(),
        value: decode(value),
        metadata,
    })
}

/// Where a key is not a token; 0 if it is empty.
pub(super) fn token_fault(key: &str) -> Option<usize> {
    if key.is_empty() {
        return Some(0);
    }
    key.bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Where a value has a character that must be encoded.
fn octet_fault(value: &str) -> Option<usize> {
    value.bytes().position(|byte| !is_octet(byte))
}

fn is_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

pub(super) fn decode(value: &str) -> String {
    if !value.contains('%') {
        return value.to_owned();
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, others @ ..] = rest {
        let pair = match others {
            [high, low, ..] if *first == b'%' => digit(high).zip(digit(low)),
            _ => None,
        };
        match pair {
            Some((high, low)) => {
                bytes.push((high << 4 | low) as u8);
                rest = &others[2..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(not_text) => String::from_utf8_lossy(not_text.as_bytes()).into_owned(),
    }
}

/// The header's value, up to the limits; empty if no entry can be sent.
fn write(baggage: &Entries) -> String {
    let mut header = String::new();
    let sendable = |entry: &&Entry| token_fault(&entry.key).is_none();
    for entry in baggage.entries().iter().filter(sendable).take(MAX_MEMBERS) {
        let end = header.len();
        if end > 0 {
            header.push(',');
        }
        header.push_str(&entry.key);
        header.push('=');
        encode(&entry.value, &mut header);
        if is_metadata(&entry.metadata) {
            header.push(';');
            header.push_str(&entry.metadata);
        }
        if header.len() > MAX_BYTES {
            // All after the first entry that does not fit are dropped: a prefix, not a selection.
            header.truncate(end);
            break;
        }
    }
    header
}

/// Whether properties can be sent unchanged.
fn is_metadata(metadata: &str) -> bool {
    let allowed = |byte| is_octet(byte) || matches!(byte, b';' | b' ' | b'\t');
    !metadata.is_empty() && metadata.bytes().all(allowed)
}

fn encode(value: &str, header: &mut String) {
    for byte in value.bytes() {
        if is_octet(byte) && byte != b'%' {
            header.push(char::from(byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            header.push('%');
            header.push(char::from(DIGITS[usize::from(byte >> 4)]));
            header.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
        }
    }
}
