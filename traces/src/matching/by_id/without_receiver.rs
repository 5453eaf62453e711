//! Records without a receiver: lost, or delivered by a lab although nothing shows it.

use super::Assembly;
use super::group::Record;
use crate::hand_off::{Hop, Sender};
use crate::span::Key;

/// Whether a message arrived, although it has no receiver in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// It was never delivered.
    Lost,
    /// A lab delivered it. The receiver left no span and no log line of it.
    Delivered,
    /// It may have arrived, or may still arrive.
    Unknown,
}

impl Assembly {
    /// What became of a record that has a sender and no receiver.
    pub(super) fn unseen(&self, record: &Record, sender: &Sender) -> Unseen {
        match self.is_undelivered(record) {
            true => Unseen::Lost,
            false if self.may_arrive(Hop::Record, sender) => Unseen::Unknown,
            false if self.is_told_by_lab => Unseen::Delivered,
            false => Unseen::Lost,
        }
    }

    /// Whether a message without a receiver may have arrived, or may still arrive.
    pub(super) fn may_arrive(&self, hop: Hop, sender: &Sender) -> bool {
        let sent = sender.end.or(sender.start);
        let since = self.under_way_since.filter(|_| hop == Hop::Record);
        let is_under_way = since.zip(sent).is_some_and(|(since, sent)| sent >= since);
        is_under_way || self.out_of_sight.contains(&hop)
    }

    /// How many records a lab delivered although the receiver left no span and no log line for
    /// them.
    pub(crate) fn delivered_unseen(&self) -> u64 {
        self.figures.delivered_unseen
    }

    /// Why no span was found for records that were delivered: what the consumer's spans lack.
    pub(crate) fn why_unseen(&self) -> String {
        let id = Key::MessageId.name();
        if self.has_receivers(Hop::Record) {
            format!("no span or log line of the consumer has their {id}")
        } else if self.has_receivers_without_id(Hop::Record) {
            format!("the consumer's spans lack {id}")
        } else {
            format!("the consumer wrote no span of kind consumer with a {id}")
        }
    }

    /// The streams of all records.
    pub(crate) fn streams(&self) -> impl Iterator<Item = &str> {
        self.ends.streams().into_iter()
    }

    /// Whether a lab recorded which records it did not deliver.
    pub(crate) fn is_told_by_lab(&self) -> bool {
        self.is_told_by_lab
    }

    /// The attributes that receivers of records lack, although their message id names their sender.
    pub(crate) fn lacking(&self) -> impl Iterator<Item = &'static str> {
        self.totals.lacking.iter().copied()
    }

    /// Whether a span receives by its kind at `hop` and has no id.
    pub(crate) fn has_receivers_without_id(&self, hop: Hop) -> bool {
        self.receivers_without_id.contains(&hop)
    }
}
