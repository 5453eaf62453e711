//! The deliveries of one message. Usually there is one; at-least-once delivery may make more.

use crate::hand_off::Receiver;
use crate::readers::log::LogSpan;
use crate::span::Span;

/// How many deliveries of one message are kept separate. Further ones are only counted.
const MAX_DELIVERIES: usize = 32;

/// A receiver. It has the number of its service if that is needed to derive whether its parent is
/// remote.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) receiver: Receiver,
    pub(super) service: Option<usize>,
}

/// The deliveries of one message.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    pub(super) kept: Vec<Delivery>,
    further_spans: u64,
    further_log_lines: u64,
}

impl Delivery {
    /// The delivery in a span. `service` is given if the exporter does not say whether the parent
    /// is remote.
    pub(super) fn recorded(span: &Span<'_>, service: Option<usize>) -> Delivery {
        let receiver = Receiver::recorded(span);
        Delivery { receiver, service }
    }

    /// The delivery in a log line.
    pub(super) fn logged(span: &LogSpan, carrier: Option<bool>) -> Delivery {
        let receiver = Receiver {
            reference: span.reference,
            parent: span.parent_span_id,
            parent_is_remote: span.parent_is_remote,
            sampled: span.sampled,
            carrier,
            ..Receiver::default()
        };
        Delivery {
            receiver,
            service: None,
        }
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
    pub(super) fn count(&self) -> u64 {
        self.kept.len() as u64 + self.further_spans.max(self.further_log_lines)
    }

    /// Adds all deliveries of `others`.
    pub(super) fn add_all(&mut self, others: Deliveries) {
        for delivery in others.kept {
            self.add(delivery);
        }
        self.further_spans += others.further_spans;
        self.further_log_lines += others.further_log_lines;
    }

    /// Adds a delivery, or completes one. A span and its log line are one delivery, and so is a
    /// span that was exported twice.
    pub(super) fn add(&mut self, delivery: Delivery) {
        let reference = delivery.receiver.reference;
        let known = self
            .kept
            .iter()
            .position(|known| reference.is_some() && known.receiver.reference == reference);
        match known {
            Some(place) => self.kept[place].merge(delivery),
            None if self.kept.len() < MAX_DELIVERIES => {
                self.kept.reserve_exact(1);
                self.kept.push(delivery);
            }
            None if delivery.receiver.recorded => self.further_spans += 1,
            None => self.further_log_lines += 1,
        }
    }
}
