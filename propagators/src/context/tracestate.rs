//! `tracestate` as a value: vendors' data that accompanies a W3C trace context. Its grammar is in
//! `formats/tracecontext/tracestate.rs`.

use std::fmt;
use std::sync::Arc;

/// A list of vendors' entries, the most recent first. It can be empty.
///
/// It has no optional white space and no empty members. Of several members with one key, it has the
/// first. Cloning is cheap.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TraceState(Option<Arc<str>>);

impl TraceState {
    /// No entries.
    pub const EMPTY: TraceState = TraceState(None);

    /// A list that was read before: by this crate, or by the upstream crates, whose grammar is not
    /// quite W3C's. It is not checked again.
    pub(crate) fn from_list(list: &str) -> Self {
        TraceState((!list.is_empty()).then(|| Arc::from(list)))
    }

    /// The list as a header's value.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The entries, most recent first.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.as_str()
            .split(',')
            .filter_map(|member| member.split_once('='))
    }

    /// One vendor's value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members()
            .find_map(|(member, value)| (member == key).then_some(value))
    }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
