//! Baggage with one header for each entry: its name is a prefix and the name of the entry.

use super::baggage::{MAX_BYTES, MAX_MEMBERS, TOKEN, token_fault};
use crate::carrier::{Getter, NOT_TEXT, Setter, trimmed};
use crate::context::baggage::{Baggage, Entry};
use crate::format::{Fault, Reject};
use crate::policy::Engine;

/// The baggage headers of a format.
pub(super) struct Prefixed {
    /// The standard name of the format.
    pub(super) format: &'static str,
    /// The prefix, in lower case.
    pub(super) prefix: &'static str,
    /// The section that describes it.
    pub(super) spec: &'static str,
    /// Decodes a header's value.
    pub(super) decode: fn(&str) -> String,
    /// Encodes a value for a header; `None` if the format cannot carry it.
    pub(super) encode: fn(&str) -> Option<String>,
}

impl Prefixed {
    /// Reads the entries, up to W3C Baggage's limits. The second result is why the first omitted
    /// entry was omitted. Names are in lower case, because header names have no case.
    pub(super) fn read(&self, carrier: &dyn Getter) -> (Option<Baggage>, Option<Reject>) {
        let mut entries: Vec<Entry> = Vec::new();
        let mut objection = None;
        let mut bytes = 0;
        carrier.keys(&mut |name| {
            let Some(key) = self.key(name) else { return };
            if entries.len() == MAX_MEMBERS || bytes > MAX_BYTES {
                let limit = MAX_MEMBERS;
                objection.get_or_insert(self.reject(Fault::TooManyMembers { limit }));
                return;
            }
            if entries.iter().any(|entry| entry.key == key) {
                return;
            }
            let value = carrier.get(name).unwrap_or_default();
            bytes += key.len() + value.len();
            if value == NOT_TEXT {
                objection.get_or_insert(self.reject(Fault::NotText));
            } else if token_fault(&key).is_some() {
                objection.get_or_insert(self.reject(Fault::Key { expected: TOKEN }));
            } else if bytes > MAX_BYTES {
                let limit = MAX_BYTES;
                objection.get_or_insert(self.reject(Fault::TooLarge { limit }));
            } else {
                entries.push(Entry::new(key, (self.decode)(trimmed(value).0)));
            }
        });
        // A map has no order, and the same headers must always give the same entries.
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let baggage = (!entries.is_empty()).then(|| entries.into_iter().collect());
        (baggage, objection)
    }

    /// Writes the entries without their properties, up to the same limits.
    pub(super) fn write(&self, baggage: &Baggage, carrier: &mut dyn Setter) {
        let sendable = |entry: &&Entry| token_fault(&entry.key).is_none();
        let mut bytes = 0;
        for entry in baggage.entries().iter().filter(sendable).take(MAX_MEMBERS) {
            let Some(value) = (self.encode)(&entry.value) else {
                continue;
            };
            bytes += entry.key.len() + value.len();
            if bytes > MAX_BYTES {
                break;
            }
            let key = entry.key.to_ascii_lowercase();
            carrier.set(&format!("{}{key}", self.prefix), &value);
        }
    }

    /// The name of the entry in a header's name.
    fn key(&self, name: &str) -> Option<String> {
        let (prefix, key) = name.split_at_checked(self.prefix.len())?;
        (prefix.eq_ignore_ascii_case(self.prefix) && !key.is_empty())
            .then(|| key.to_ascii_lowercase())
    }

    fn reject(&self, fault: Fault) -> Reject {
        Reject {
            format: self.format,
            header: self.prefix,
            fault,
            position: None,
            spec: self.spec,
            engine: Engine::Native,
        }
    }
}
