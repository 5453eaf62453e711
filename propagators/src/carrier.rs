//! Where headers are read from and written to.
//!
//! The case of header names never matters: API Gateway's REST events keep the client's case, while
//! HTTP/2 and HTTP API events are in lower case. A header can arrive several times.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

mod header_list;

pub use header_list::HeaderList;

/// Replaces a header value that is not UTF-8. No format's grammar allows this character, so such a
/// header is reported as malformed and not as absent.
pub const NOT_TEXT: &str = "\u{fffd}";

/// Something with headers to read. The case of names never matters.
pub trait Getter {
    /// The value of a header; the first one if it arrived several times; `None` if it did not
    /// arrive.
    fn get(&self, name: &str) -> Option<&str> {
        let mut first = None;
        self.get_all(name, &mut |value| {
            first.get_or_insert(value);
        });
        first
    }

    /// Calls `each` with every value of a header, in the order of arrival.
    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str));

    /// Reads a header that is not a list: its first value, and whether there are others. Most
    /// headers are read with this, so carriers implement it without a closure.
    fn arrival<'a>(&'a self, name: &str) -> Arrival<'a> {
        let mut arrival = Arrival::default();
        self.get_all(name, &mut |value| arrival.add(value));
        arrival
    }

    /// Reads several headers at once, as [`Getter::arrival`] reads one. `found` has an empty place
    /// for each name. If the first header did not arrive, the others can stay empty.
    fn arrivals<'a>(&'a self, names: &[&str], found: &mut [Arrival<'a>]) {
        for (place, (name, arrival)) in names.iter().zip(found).enumerate() {
            *arrival = self.arrival(name);
            if place == 0 && arrival.first.is_none() {
                return;
            }
        }
    }

    /// Calls `each` with the name of every header, in its own case. A name that arrived several
    /// times can come several times.
    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str));
}

/// The values of a header that is not a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// The first value; `None` if the header did not arrive.
    pub first: Option<&'a str>,
    /// Whether it arrived more than once.
    pub several: bool,
    /// Whether another value differs from the first.
    pub differing: bool,
}

impl<'a> Arrival<'a> {
    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: &'a str) {
        match self.first {
            None => self.first = Some(value),
            Some(first) => {
                self.several = true;
                self.differing |= value != first;
            }
        }
    }
}

/// Whether `key` is `name`. Most often it is, in the same case.
#[inline(always)]
pub(crate) fn is_named(key: &str, name: &str) -> bool {
    // Most names of one length differ in the middle letter. Its case is one bit.
    let middle = |text: &str| text.as_bytes().get(name.len() / 2).map(|byte| byte | 0x20);
    key.len() == name.len()
        && middle(key) == middle(name)
        && (key == name || key.eq_ignore_ascii_case(name))
}

/// Finds several headers in one pass. Most headers are skipped because no name has their length.
#[inline]
pub(crate) fn find_headers<'a, V>(
    headers: impl Iterator<Item = (&'a str, V)>,
    value: impl Fn(V) -> &'a str,
    names: &[&str],
    found: &mut [Arrival<'a>],
) {
    let bit = |text: &str| 1_u64 << (text.len() % 64);
    let lengths = names.iter().fold(0, |lengths, name| lengths | bit(name));
    for (key, held) in headers.filter(|(key, _)| lengths & bit(key) != 0) {
        let named = names.iter().position(|name| is_named(key, name));
        if let Some(arrival) = named.and_then(|place| found.get_mut(place)) {
            arrival.add(value(held));
        }
    }
}

/// Something to write headers to.
pub trait Setter {
    /// Writes a header and replaces all headers of this name, in any case. Formats give names in
    /// lower case. A carrier that cannot hold the value ignores the call.
    fn set(&mut self, name: &str, value: &str);
}

/// Calls `each` with the strings of a JSON value: the value itself, or the elements of a list.
pub(crate) fn texts<'a>(value: &'a Value, each: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(list) => list.iter().filter_map(Value::as_str).for_each(each),
        _ => {}
    }
}

impl Getter for HeaderMap {
    fn get(&self, name: &str) -> Option<&str> {
        HeaderMap::get(self, name).map(text)
    }

    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        HeaderMap::get_all(self, name)
            .into_iter()
            .for_each(|value| each(text(value)));
    }

    fn arrival<'a>(&'a self, name: &str) -> Arrival<'a> {
        let mut arrival = Arrival::default();
        for value in HeaderMap::get_all(self, name) {
            arrival.add(text(value));
        }
        arrival
    }

    fn arrivals<'a>(&'a self, names: &[&str], found: &mut [Arrival<'a>]) {
        let headers = self.iter().map(|(name, value)| (name.as_str(), value));
        find_headers(headers, text, names, found);
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        HeaderMap::keys(self).for_each(|name| each(name.as_str()));
    }
}

/// A header's value as text. HTTP has ASCII only, but UTF-8 is accepted so that a format can say
/// which character it refuses.
fn text(value: &HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).unwrap_or(NOT_TEXT)
}

impl Setter for HeaderMap {
    fn set(&mut self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            self.insert(name, value);
        }
    }
}

/// Calls `each` with the values of all names that differ only in case. The order is that of the
/// names, so it does not depend on a hash.
fn matching<'a>(
    headers: impl Iterator<Item = (&'a String, &'a String)>,
    name: &str,
    each: &mut dyn FnMut(&'a str),
) {
    let mut matches = headers.filter(|(key, _)| is_named(key, name));
    let Some(first) = matches.next() else { return };
    let Some(second) = matches.next() else {
        return each(first.1);
    };
    let mut all: Vec<_> = [first, second].into_iter().chain(matches).collect();
    all.sort_unstable();
    all.into_iter().for_each(|(_, value)| each(value));
}

impl<S: BuildHasher> Getter for HashMap<String, String, S> {
    fn get(&self, name: &str) -> Option<&str> {
        self.arrival(name).first
    }

    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        matching(self.iter(), name, each);
    }

    fn arrival<'a>(&'a self, name: &str) -> Arrival<'a> {
        let mut arrival = Arrival::default();
        for (key, value) in self {
            if is_named(key, name) {
                arrival.add(value);
            }
        }
        if arrival.several {
            // The first one must not depend on the hash.
            arrival = Arrival::default();
            matching(self.iter(), name, &mut |value| arrival.add(value));
        }
        arrival
    }

    fn arrivals<'a>(&'a self, names: &[&str], found: &mut [Arrival<'a>]) {
        let headers = self.iter().map(|(name, value)| (name.as_str(), value));
        find_headers(headers, String::as_str, names, found);
        for (name, arrival) in names.iter().zip(found) {
            if arrival.several {
                *arrival = self.arrival(name);
            }
        }
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        HashMap::keys(self).for_each(|key| each(key));
    }
}

impl<S: BuildHasher> Setter for HashMap<String, String, S> {
    fn set(&mut self, name: &str, value: &str) {
        let mut matches = self.iter_mut().filter(|(key, _)| is_named(key, name));
        // Overwriting a value does not allocate. A second name in another case is removed.
        match (matches.next(), matches.next()) {
            (Some((_, old)), None) => {
                old.clear();
                old.push_str(value);
            }
            (None, _) => {
                self.insert(name.to_owned(), value.to_owned());
            }
            _ => {
                self.retain(|key, _| !key.eq_ignore_ascii_case(name));
                self.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Getter for BTreeMap<String, String> {
    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        matching(self.iter(), name, each);
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        BTreeMap::keys(self).for_each(|key| each(key));
    }
}

impl Setter for BTreeMap<String, String> {
    fn set(&mut self, name: &str, value: &str) {
        self.retain(|key, _| !key.eq_ignore_ascii_case(name));
        self.insert(name.to_owned(), value.to_owned());
    }
}

/// A JSON object of headers: strings, and lists of strings for headers that arrived several times.
/// Other values are ignored.
impl Getter for serde_json::Map<String, Value> {
    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        for (key, value) in self {
            if key.eq_ignore_ascii_case(name) {
                texts(value, each);
            }
        }
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        serde_json::Map::keys(self).for_each(|key| each(key));
    }
}

impl Setter for serde_json::Map<String, Value> {
    fn set(&mut self, name: &str, value: &str) {
        self.retain(|key, _| !key.eq_ignore_ascii_case(name));
        self.insert(name.to_owned(), Value::from(value));
    }
}

/// What arrived of a header that is not a list.
pub(crate) enum Single<'a> {
    /// It did not arrive.
    Absent,
    /// It arrived and is not text.
    NotText,
    /// It arrived as text.
    Value(SingleValue<'a>),
}

/// The value of a header that is not a list. If it arrived several times, it is the first one, as
/// with `Get` of OpenTelemetry's Propagators API.
#[derive(Clone, Copy)]
pub(crate) struct SingleValue<'a> {
    /// The value without the white space around it, which is not part of it (RFC 9110, section
    /// 5.5).
    pub(crate) text: &'a str,
    /// The number of bytes of white space before it.
    pub(crate) cut: usize,
    /// Whether the header arrived more than once.
    pub(crate) several: bool,
    /// Whether another value differs from this one.
    pub(crate) differing: bool,
}

/// Reads a header that is not a list.
#[inline]
pub(crate) fn single<'a>(carrier: &'a dyn Getter, name: &str) -> Single<'a> {
    let arrival = carrier.arrival(name);
    match arrival.first {
        None => Single::Absent,
        Some(NOT_TEXT) => Single::NotText,
        Some(value) => {
            let (text, cut) = trimmed(value);
            Single::Value(SingleValue {
                text,
                cut,
                several: arrival.several,
                differing: arrival.differing,
            })
        }
    }
}

/// A value without the spaces and tabs around it, and the number of bytes before it.
pub(crate) fn trimmed(value: &str) -> (&str, usize) {
    if let [b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'] = value.as_bytes() {
        return (value, 0);
    }
    let rest = value.trim_start_matches([' ', '\t']);
    (rest.trim_end_matches([' ', '\t']), value.len() - rest.len())
}
