//! The headers as a library's runtime delivers them: which of several values it gives, and with
//! what white space.

use std::borrow::Cow;

use crate::carrier::HeaderList;

/// How a runtime changes headers before a library reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// `node:http` joins values of one name with a comma and a space.
    Node,
    /// A multimap that ignores case: Go's `http.Header`, Java's servlets, Python's list carrier.
    Multimap,
    /// Rust's `http::HeaderMap`: a multimap whose values can be read as text only if they are
    /// visible ASCII.
    HeaderMap,
    /// The `dict` that Datadog for Python was measured with. It joins values of one spelling with a
    /// comma; of two spellings the last one wins; white space around a value is kept
    /// (`f.b3-trailspace`, `g.mixed-case-conflict`).
    Dict,
}

/// The values that a library can see, by lower-case name.
#[derive(Debug)]
pub(super) struct Arrived<'a>(Vec<(String, Vec<Cow<'a, str>>)>);

impl<'a> Arrived<'a> {
    /// Delivers headers in the way of a runtime.
    pub(super) fn new(headers: &'a HeaderList, delivery: Delivery) -> Self {
        let mut arrived = Arrived(Vec::new());
        let mut spelling: Vec<&str> = Vec::new();
        for (name, raw) in headers.iter() {
            let value = match delivery {
                Delivery::Dict => raw,
                _ => raw.trim_matches([' ', '\t']),
            };
            if delivery == Delivery::HeaderMap && !is_visible(value) {
                continue;
            }
            let lower = name.to_ascii_lowercase();
            let Some(place) = arrived.0.iter().position(|(known, _)| *known == lower) else {
                arrived.0.push((lower, vec![Cow::Borrowed(value)]));
                spelling.push(name);
                continue;
            };
            let values = &mut arrived.0[place].1;
            match delivery {
                Delivery::Node => append(values, ", ", value),
                Delivery::Dict if spelling[place] == name => append(values, ",", value),
                Delivery::Dict => {
                    spelling[place] = name;
                    *values = vec![Cow::Borrowed(value)];
                }
                Delivery::Multimap | Delivery::HeaderMap => values.push(Cow::Borrowed(value)),
            }
        }
        arrived
    }

    /// All values of the header `name`, which must be in lower case.
    pub(super) fn all(&self, name: &str) -> &[Cow<'a, str>] {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or(&[], |(_, values)| values)
    }

    /// The first value of a name.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(Cow::as_ref)
    }

    /// The last value of a name.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(Cow::as_ref)
    }

    /// The first value of a header, if it is not empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.first(name).filter(|value| !value.is_empty())
    }

    /// The names, in lower case.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

fn append(values: &mut [Cow<'_, str>], separator: &str, value: &str) {
    if let Some(known) = values.first_mut() {
        let known = known.to_mut();
        known.push_str(separator);
        known.push_str(value);
    }
}

fn is_visible(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b'\t' || (b' '..0x7f).contains(&byte))
}
