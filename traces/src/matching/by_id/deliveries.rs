//! The deliveries of one message. Usually there is one; at-least-once delivery may make more.

use crate::hand_off::Receiver;
use crate::matching::names::Name;

/// How many deliveries of one message are kept separate. Further ones are only counted.
const MAX_DELIVERIES: usize = 32;

/// A receiver. It has the name of its service if that is needed to derive whether its parent is
/// remote.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) receiver: Receiver,
    pub(super) service: Option<Name>,
}

/// The deliveries of one message. Almost every message has one, which needs no list.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    first: Option<Delivery>,
    further: Option<Box<Further>>,
}

/// The deliveries of one message after the first.
#[derive(Debug, Default)]
struct Further {
    kept: Vec<Delivery>,
    /// How many spans and log lines of deliveries are not kept.
    spans: u64,
    log_lines: u64,
}

impl Delivery {
    /// Whether both are of the same span.
    fn is(&self, other: &Delivery) -> bool {
        let reference = self.receiver.reference;
        reference.is_some() && reference == other.receiver.reference
    }

    /// Combines a span and a log line of one delivery. A span has more information than a log line,
    /// and an OTLP span has the most. Only the log shows which headers arrived.
    fn merge(&mut self, mut other: Delivery) {
        let knows = |receiver: &Receiver| (receiver.recorded, receiver.format.is_none());
        if knows(&other.receiver) > knows(&self.receiver) {
            std::mem::swap(self, &mut other);
        }
        self.receiver.carrier = self.receiver.carrier.or(other.receiver.carrier);
        self.receiver.parent_is_remote = self
            .receiver
            .parent_is_remote
            .or(other.receiver.parent_is_remote);
    }
}

impl Deliveries {
    /// The deliveries that are kept separate.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Delivery> + Clone {
        let further = self.further.iter().flat_map(|further| &further.kept);
        self.first.iter().chain(further)
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        let further = self.further.as_ref().map_or(0, |further| {
            further.kept.len() as u64 + further.spans.max(further.log_lines)
        });
        u64::from(self.first.is_some()) + further
    }

    /// Adds all deliveries of `others`.
    pub(super) fn add_all(&mut self, others: Deliveries) {
        if let Some(delivery) = others.first {
            self.add(delivery);
        }
        if let Some(others) = others.further {
            for delivery in others.kept {
                self.add(delivery);
            }
            let further = self.further.get_or_insert_default();
            further.spans += others.spans;
            further.log_lines += others.log_lines;
        }
    }

    /// Adds a delivery, or completes one. A span and its log line are one delivery, and so is a
    /// span that was exported twice.
    pub(super) fn add(&mut self, delivery: Delivery) {
        match &mut self.first {
            None => self.first = Some(delivery),
            Some(first) if first.is(&delivery) => first.merge(delivery),
            Some(_) => self.further.get_or_insert_default().add(delivery),
        }
    }
}

impl Further {
    fn add(&mut self, delivery: Delivery) {
        let known = self.kept.iter().position(|known| known.is(&delivery));
        match known {
            Some(place) => self.kept[place].merge(delivery),
            None if self.kept.len() + 1 < MAX_DELIVERIES => self.kept.push(delivery),
            None if delivery.receiver.recorded => self.spans += 1,
            None => self.log_lines += 1,
        }
    }
}
