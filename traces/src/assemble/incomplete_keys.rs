//! Receivers that name their message by its id, and not the stream or the shard.
//!
//! The message id alone joins them to their sender, if one sender only has that id.

use foldhash::HashMap;

use super::Assembly;
use crate::hand_off::MessageKey;
use crate::span::Key;

impl Assembly {
    /// Gives the deliveries whose key lacks the stream or the shard to the one record that was sent
    /// with the same message id.
    pub(super) fn join_incomplete_keys(&mut self) {
        let is_incomplete = |(key, index): &(MessageKey<'_>, usize)| {
            let record = &self.records[*index];
            let lacks = key.stream.is_empty() || key.shard.is_empty();
            lacks && record.sender.is_none() && record.receivers.count() > 0
        };
        let incomplete: Vec<_> = self.record_keys.iter().filter(is_incomplete).collect();
        if incomplete.is_empty() {
            return;
        }
        let mut sent: HashMap<&str, Vec<(MessageKey<'_>, usize)>> = HashMap::default();
        for (key, index) in self.record_keys.iter() {
            if self.records[index].sender.is_some() {
                sent.entry(key.sequence_number)
                    .or_default()
                    .push((key, index));
            }
        }
        let mut moves = Vec::new();
        for (key, from) in incomplete {
            let same_id = sent.get(key.sequence_number).map_or(&[][..], Vec::as_slice);
            let mut fitting = same_id.iter().filter(|(sender, _)| agree(key, *sender));
            if let (Some((sender, to)), None) = (fitting.next(), fitting.next()) {
                for (own, senders, name) in [
                    (key.stream, sender.stream, Key::Destination),
                    (key.shard, sender.shard, Key::Partition),
                ] {
                    if own.is_empty() && !senders.is_empty() {
                        self.lacking.insert(name.name());
                    }
                }
                moves.push((from, *to));
            }
        }
        for (from, to) in moves {
            let deliveries = std::mem::take(&mut self.records[from].receivers);
            self.records[to].receivers.add_all(deliveries);
        }
    }
}

/// Whether two keys name the same stream and shard, as far as both name them.
fn agree(one: MessageKey<'_>, other: MessageKey<'_>) -> bool {
    let alike = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
    alike(one.stream, other.stream) && alike(one.shard, other.shard)
}
