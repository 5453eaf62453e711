//! Baggage: names and values that accompany a trace.

use std::sync::Arc;

/// One entry of baggage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The name: a token of RFC 9110, section 5.6.2. An entry with any other name is not sent.
    pub key: String,
    /// The value: any text. Headers hold it percent-encoded.
    pub value: String,
    /// The properties as in the header, without white space around them: `p;q=1`. Empty if there
    /// are none.
    pub metadata: String,
}

impl Entry {
    /// An entry without properties.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Entry {
            key: key.into(),
            value: value.into(),
            metadata: String::new(),
        }
    }
}

/// Entries in the order in which they arrived or were added. A name can appear several times, and
/// the order is kept (W3C Baggage, section 3.2.1.1). Cloning is cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baggage {
    entries: Arc<Vec<Entry>>,
}

impl Baggage {
    /// No entries.
    pub fn new() -> Self {
        Baggage::default()
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a name. If it has several entries, the last one counts, because in
    /// OpenTelemetry a later value replaces an earlier one.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.key == key)
            .map(|entry| entry.value.as_str())
    }

    /// Adds the entries of another baggage at the end and removes entries of the same names: as
    /// with OpenTelemetry's propagators, what is read later replaces what was read before.
    pub(crate) fn replace(&mut self, later: &Baggage) {
        if self.is_empty() {
            return self.clone_from(later);
        }
        if later.is_empty() {
            return;
        }
        let entries = Arc::make_mut(&mut self.entries);
        entries.retain(|entry| later.get(&entry.key).is_none());
        entries.extend_from_slice(later.entries());
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, entry: Entry) {
        Arc::make_mut(&mut self.entries).push(entry);
    }
}

impl FromIterator<Entry> for Baggage {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Baggage {
            entries: Arc::new(entries.into_iter().collect()),
        }
    }
}

impl<'a> IntoIterator for &'a Baggage {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}
