//! Which traces are looked for.

use crate::hand_off::Verdict;
use crate::span::{AnyValue, Span, Value, Want};

/// A search. Every service and every attribute has to be found in the trace, though not in the same span; of the
/// verdicts, one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Services, by name; at most 32 count.
    pub services: Vec<String>,
    /// Attributes of a span or its resource, by name and value as text; at most 32 count.
    pub attributes: Vec<(String, String)>,
    /// Verdicts on hand-offs that begin or end in the trace.
    pub verdicts: Vec<Verdict>,
}

/// How many services, and how many attributes: the bits of a word.
const PARTS_LIMIT: usize = 32;

impl Filter {
    /// How much of each span the search has to see.
    pub fn want(&self) -> Want {
        if self.attributes.is_empty() {
            Want::Judging
        } else {
            Want::Everything
        }
    }

    /// Which parts `span` meets, one bit each.
    pub(super) fn met_by(&self, span: &Span<'_>) -> u64 {
        let mut met = 0;
        for (place, service) in self.services.iter().take(PARTS_LIMIT).enumerate() {
            met |= u64::from(span.service == service) << place;
        }
        for (place, (name, value)) in self.attributes.iter().take(PARTS_LIMIT).enumerate() {
            met |= u64::from(has(span, name, value)) << (PARTS_LIMIT + place);
        }
        met
    }

    /// Whether a trace whose spans met these parts meets all but the verdicts.
    pub(super) fn is_met(&self, met: u64) -> bool {
        let all = |parts: usize| (1u64 << parts.min(PARTS_LIMIT)) - 1;
        let wanted = all(self.services.len()) | all(self.attributes.len()) << PARTS_LIMIT;
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
