//! Known shapes of JSON, and which of their places are read by which software.
//!
//! baton finds a carrier in any JSON. This module adds what kind of event it is, and who reads
//! which place in it.

mod api_gateway;
mod cloud_events;
mod dynamodb;
mod event_bridge;
mod exchange;
mod kafka;
mod kinesis;
mod pub_sub;
mod record;
mod sns;
mod spans;
mod sqs;

use std::collections::HashMap;

use crate::carrier::Carrier;
use crate::json::Tree;

/// A known shape.
#[derive(Debug)]
pub(crate) struct Event {
    /// Whether an object has this shape.
    is: fn(&Tree) -> bool,
    /// Members that never hold a carrier for the receiver.
    pub(crate) skipped: &'static [&'static str],
    /// A sentence about the whole text, which holds no carrier because of this shape.
    instead: Option<&'static str>,
    /// A sentence about who reads these places; `None` if there is nothing to say.
    readers: fn(&[&str]) -> Option<String>,
}

impl Event {
    /// Whether this is a request with its response.
    pub(crate) fn is_exchange(&self) -> bool {
        std::ptr::eq(self, &raw const exchange::EXCHANGE)
    }
}

/// Every known shape. The first one that fits an object is used.
static EVENTS: &[&Event] = &[
    &sqs::SQS,
    &sns::SNS,
    &kinesis::KINESIS,
    &dynamodb::DYNAMODB,
    &event_bridge::EVENT_BRIDGE,
    &api_gateway::API_GATEWAY,
    &kafka::KAFKA,
    &cloud_events::CLOUD_EVENTS,
    &pub_sub::PUB_SUB,
    &exchange::EXCHANGE,
    &spans::SPANS,
    &record::RECORD,
];

/// The known shape of an object.
pub(crate) fn of(tree: &Tree) -> Option<&'static Event> {
    EVENTS.iter().copied().find(|event| (event.is)(tree))
}

/// The shapes in each unit of a text.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    events: HashMap<String, Vec<&'static Event>>,
    /// The units in order.
    units: Vec<String>,
    /// Sentences about the whole text.
    pub(crate) whole: Vec<String>,
}

impl Notes {
    /// Records the shape of a unit.
    pub(crate) fn add(&mut self, unit: &str, event: &'static Event) {
        if let Some(instead) = event.instead {
            if !self.whole.iter().any(|known| known == instead) {
                self.whole.push(instead.to_owned());
            }
            return;
        }
        let events = self.events.entry(unit.to_owned()).or_insert_with(|| {
            self.units.push(unit.to_owned());
            Vec::new()
        });
        if !events.iter().any(|known| std::ptr::eq(*known, event)) {
            events.push(event);
        }
    }

    /// Divides a unit whose record holds several: its shapes are those of each.
    pub(crate) fn divide(&mut self, unit: &str, parts: Vec<String>) {
        let Some(events) = self.events.remove(unit) else {
            return;
        };
        self.units.retain(|known| known != unit);
        for part in parts {
            self.units.push(part.clone());
            self.events.insert(part, events.clone());
        }
    }

    /// The records with a known shape, in order.
    pub(crate) fn units(&self) -> impl Iterator<Item = &str> {
        self.units.iter().map(String::as_str)
    }

    /// The sentence about a unit's carrier.
    pub(crate) fn about(&self, unit: &str, carrier: &Carrier) -> Vec<String> {
        let headers = carrier.headers.iter().map(|header| header.place.as_str());
        let places: Vec<&str> = headers
            .chain(carrier.unread.iter().map(|unread| unread.place.as_str()))
            .collect();
        let events = self.events.get(unit).map(Vec::as_slice).unwrap_or_default();
        let notes = events.iter().filter_map(|event| (event.readers)(&places));
        notes.collect()
    }
}

/// Whether the object has a member with this name.
fn has(tree: &Tree, name: &str) -> bool {
    tree.get(name).is_some()
}

/// Whether any of the places contains `part`.
fn any(places: &[&str], part: &str) -> bool {
    places.iter().any(|place| place.contains(part))
}

/// Whether baton's consumer reads none of the places: it only reads the member in the envelope.
fn not_in_envelope(places: &[&str]) -> bool {
    !places.is_empty() && !any(places, "tracecontext")
}

/// The sentence about a carrier that baton's consumer does not read.
const BATON: &str =
    "baton's consumer would not look there: it reads only the member tracecontext of a record";
