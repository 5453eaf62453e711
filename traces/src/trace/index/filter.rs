//! The filter of a search for traces.

use crate::hand_off::Verdict;
use crate::span::{AnyValue, Span, Value, Want};

/// A search. The trace must have every service and every attribute, but not necessarily in one
/// span. It must have at least one of the verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Names of services; only the first 32 are used.
    pub services: Vec<String>,
    /// Names and values of attributes of a span or its resource; only the first 32 are used.
    pub attributes: Vec<(String, String)>,
    /// Verdicts of hand-offs that begin or end in the trace.
    pub verdicts: Vec<Verdict>,
}

/// How many services, and how many attributes, fit into the bits of a word.
const MAX_PARTS: usize = 32;

impl Filter {
    /// The fields of spans that the search needs.
    pub fn want(&self) -> Want {
        if self.attributes.is_empty() {
            Want::Judging
        } else {
            Want::Everything
        }
    }

    /// The parts of the search that `span` meets, one bit each.
    pub fn met_by(&self, span: &Span<'_>) -> u64 {
        let mut met = 0;
        for (place, service) in self.services.iter().take(MAX_PARTS).enumerate() {
            met |= u64::from(span.service == service) << place;
        }
        for (place, (name, value)) in self.attributes.iter().take(MAX_PARTS).enumerate() {
            met |= u64::from(has(span, name, value)) << (MAX_PARTS + place);
        }
        met
    }

    /// Whether a trace meets the whole search except the verdicts, given the parts that its spans
    /// met.
    pub(super) fn is_met(&self, met: u64) -> bool {
        let all = |parts: usize| (1u64 << parts.min(MAX_PARTS)) - 1;
        let wanted = all(self.services.len()) | all(self.attributes.len()) << MAX_PARTS;
        met & wanted == wanted
    }
}

fn has(span: &Span<'_>, name: &str, value: &str) -> bool {
    let mut known = span.attributes.iter();
    let mut others = span.other_attributes.iter().chain(span.resource_attributes);
    known.any(|(key, found)| key.name() == name && is_written(found, value))
        || others.any(|(key, found)| key == name && is_any_written(found, value))
}

fn is_written(found: &Value<'_>, value: &str) -> bool {
    match found {
        Value::Text(text) => text == value,
        Value::Integer(number) => number.to_string() == value,
        Value::Boolean(truth) => truth.to_string() == value,
    }
}

fn is_any_written(found: &AnyValue<'_>, value: &str) -> bool {
    match found {
        AnyValue::Text(text) | AnyValue::Bytes(text) => text == value,
        AnyValue::Integer(number) => number.to_string() == value,
        AnyValue::Double(number) => value.parse() == Ok(*number),
        AnyValue::Boolean(truth) => truth.to_string() == value,
        AnyValue::List(values) => values.iter().any(|found| is_any_written(found, value)),
        AnyValue::Empty | AnyValue::Map(_) => false,
    }
}
