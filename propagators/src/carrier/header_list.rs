//! A list of headers. This carrier keeps the order and case of names, and names that appear several
//! times.

use std::collections::HashMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::{Arrival, Getter, Setter, find_headers, is_named, texts};

/// Headers in the order in which they arrived or were written. A name can appear several times.
///
/// As JSON it is an object of names and values. A name that appears several times has a list of
/// values. Reading JSON ignores every value that is not a string or a list of strings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HeaderList(pub Vec<(String, String)>);

impl HeaderList {
    /// No headers.
    pub const fn new() -> Self {
        HeaderList(Vec::new())
    }

    /// Adds a header at the end, even if there is one with this name.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The headers as name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Number of headers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Getter for HeaderList {
    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        for (key, value) in &self.0 {
            if is_named(key, name) {
                each(value);
            }
        }
    }

    fn arrival<'a>(&'a self, name: &str) -> Arrival<'a> {
        let mut arrival = Arrival::default();
        for (key, value) in &self.0 {
            if is_named(key, name) {
                arrival.add(value);
            }
        }
        arrival
    }

    fn arrivals<'a>(&'a self, names: &[&str], found: &mut [Arrival<'a>]) {
        find_headers(self.iter(), |value| value, names, found);
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.0.iter().for_each(|(key, _)| each(key));
    }
}

impl Setter for HeaderList {
    fn set(&mut self, name: &str, value: &str) {
        let mut placed = false;
        self.0.retain_mut(|(key, old)| {
            if !key.eq_ignore_ascii_case(name) {
                return true;
            }
            if placed {
                return false;
            }
            placed = true;
            old.clear();
            old.push_str(value);
            true
        });
        if !placed {
            self.push(name, value);
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for HeaderList {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        HeaderList(
            headers
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl<N: Into<String>, V: Into<String>, const COUNT: usize> From<[(N, V); COUNT]> for HeaderList {
    fn from(headers: [(N, V); COUNT]) -> Self {
        headers.into_iter().collect()
    }
}

impl IntoIterator for HeaderList {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Serialize for HeaderList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut values: HashMap<&str, Vec<&str>> = HashMap::with_capacity(self.0.len());
        for (name, value) in self.iter() {
            values.entry(name).or_default().push(value);
        }
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (name, _) in self.iter() {
            // Written where its first value is; later values find the name taken.
            match values.remove(name).as_deref() {
                None => {}
                Some([value]) => map.serialize_entry(name, value)?,
                Some(all) => map.serialize_entry(name, all)?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for HeaderList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Headers;

        impl<'de> Visitor<'de> for Headers {
            type Value = HeaderList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of header names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeaderList, A::Error> {
                let mut headers = HeaderList::new();
                // Not a serde_json::Map, which would drop one of two equal names.
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    texts(&value, &mut |text| headers.push(name.as_str(), text));
                }
                Ok(headers)
            }

            fn visit_unit<E: de::Error>(self) -> Result<HeaderList, E> {
                Ok(HeaderList::new())
            }
        }

        deserializer.deserialize_any(Headers)
    }
}
