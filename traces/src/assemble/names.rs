//! Replaces names with numbers, so that each name is stored once.

use foldhash::HashMap;

use crate::hand_off::MessageKey;

/// Names, numbered from 0 in the order of their first appearance.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<Box<str>, usize>,
}

impl Names {
    /// The number of `name`. A new name gets the next number.
    pub(crate) fn index(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.numbers.len();
        self.numbers.insert(Box::from(name), number);
        number
    }

    /// The number of `name`; `None` for an unknown name.
    pub(super) fn get(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// Every name with its number, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.numbers.iter().map(|(name, number)| (&**name, *number))
    }
}

/// Message keys, numbered like [`Names`]. Streams and shards are few, so they are not stored with
/// every message.
#[derive(Debug, Default)]
pub(super) struct MessageKeys {
    streams: Names,
    /// The shards of each stream.
    shards: Vec<Names>,
    /// For each stream and shard: the sequence numbers with their messages' numbers.
    messages: HashMap<(usize, usize), HashMap<Box<str>, usize>>,
    count: usize,
}

impl MessageKeys {
    /// The number of `key`. A new key gets the next number.
    pub(super) fn index(&mut self, key: MessageKey<'_>) -> usize {
        let stream = self.streams.index(key.stream);
        if stream == self.shards.len() {
            self.shards.push(Names::default());
        }
        let shard = self.shards[stream].index(key.shard);
        let messages = self.messages.entry((stream, shard)).or_default();
        if let Some(number) = messages.get(key.sequence_number) {
            return *number;
        }
        let number = self.count;
        self.count += 1;
        messages.insert(Box::from(key.sequence_number), number);
        number
    }

    /// The names of all streams.
    pub(super) fn streams(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().map(|(stream, _)| stream)
    }

    /// Every key with its number, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (MessageKey<'_>, usize)> {
        self.streams
            .iter()
            .flat_map(move |(stream, stream_number)| {
                let shards = self.shards[stream_number].iter();
                shards.flat_map(move |(shard, shard_number)| {
                    let messages = self.messages.get(&(stream_number, shard_number));
                    messages
                        .into_iter()
                        .flatten()
                        .map(move |(sequence_number, number)| {
                            let key = MessageKey {
                                stream,
                                shard,
                                sequence_number,
                            };
                            (key, *number)
                        })
                })
            })
    }
}
