//! The headers of the newest records, as they were on the stream.

use std::collections::{HashMap, VecDeque};

use crate::carrier::Carrier;

/// How many bytes of headers may be kept for each record that may be kept.
const MEAN_BYTES: usize = 1 << 10;
/// The fewest bytes that may be kept.
const MIN_BYTES: usize = 1 << 20;

/// The headers by the sequence numbers of their records.
#[derive(Debug)]
pub(super) struct Carriers {
    most: usize,
    bytes: usize,
    kept: HashMap<Box<str>, Carrier>,
    /// The sequence numbers in the order of delivery.
    order: VecDeque<Box<str>>,
    left: u64,
}

impl Carriers {
    /// Keeps the headers of at most `most` records.
    pub(super) fn new(most: usize) -> Carriers {
        Carriers {
            most,
            bytes: 0,
            kept: HashMap::new(),
            order: VecDeque::new(),
            left: 0,
        }
    }

    /// Keeps the headers of a record. The oldest ones leave, if there are too many.
    pub(super) fn add(&mut self, sequence_number: &str, carrier: Carrier) {
        let key: Box<str> = sequence_number.into();
        self.bytes += carrier.bytes();
        match self.kept.insert(key.clone(), carrier) {
            Some(before) => self.bytes -= before.bytes(),
            None => self.order.push_back(key),
        }
        let max_bytes = MIN_BYTES.max(self.most.saturating_mul(MEAN_BYTES));
        while self.order.len() > self.most || self.bytes > max_bytes {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(carrier) = self.kept.remove(&oldest) {
                self.bytes -= carrier.bytes();
                self.left += 1;
            }
        }
    }

    /// The headers of this record, if they are kept.
    pub(super) fn get(&self, sequence_number: &str) -> Option<&Carrier> {
        self.kept.get(sequence_number)
    }

    /// The number of records whose headers have left memory.
    pub(super) fn left(&self) -> u64 {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use baton_propagators::HeaderList;

    use super::*;

    #[test]
    fn long_headers_leave_memory_before_it_is_full_and_are_counted() {
        let mut carriers = Carriers::new(1000);
        for number in 0..500 {
            let headers = HeaderList(vec![("baggage".to_owned(), "x".repeat(16_000))]);
            carriers.add(&number.to_string(), Carrier::Headers(headers));
        }
        assert!(carriers.bytes <= MIN_BYTES, "{}", carriers.bytes);
        assert!(carriers.get("0").is_none());
        assert!(carriers.get("499").is_some());
        let kept = carriers.kept.len() as u64;
        assert_eq!(carriers.left() + kept, 500);
    }
}
