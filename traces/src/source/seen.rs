//! Finds spans that occur twice, as in exports that overlap.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::span::Span;

/// The spans seen so far, as hashes of 8 bytes, each with whether it arrived as OTLP. In a source
/// of five million spans, the chance that two different spans share a hash is about one in a
/// million.
#[derive(Debug)]
pub(crate) struct Seen {
    seed: u64,
    spans: HashSet<Known, BuildHasherDefault<Mixed>>,
}

/// A span's hash. Its lowest bit says whether the span arrived as OTLP, and does not distinguish
/// spans.
#[derive(Clone, Copy, Debug)]
struct Known(u64);

impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        self.0 | 1 == other.0 | 1
    }
}

impl Eq for Known {}

impl Hash for Known {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.0 | 1);
    }
}

/// Whether a span was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It is new.
    New,
    /// It was seen, but in a form that cannot hold everything that this OTLP span has.
    Fuller,
    /// It was seen.
    Again,
}

impl Seen {
    pub(crate) fn new() -> Seen {
        Seen {
            seed: fastrand::u64(..),
            spans: HashSet::default(),
        }
    }

    /// Whether `span` was seen. In B3, client and server may share an id; they are two spans.
    pub(crate) fn look(&mut self, span: &Span<'_>) -> Sight {
        let trace = u128::from_be_bytes(span.reference.trace_id.to_bytes());
        let id = u64::from_be_bytes(span.reference.span_id.to_bytes());
        let half = u64::from(span.kind.is_sender());
        let mixed = mix((trace >> 64) as u64 ^ self.seed, trace as u64 ^ half);
        let is_otlp = span.came_as().is_none();
        let hash = mix(mixed ^ id, self.seed ^ id.rotate_left(32));
        let known = Known(hash & !1 | u64::from(is_otlp));
        match self.spans.get(&known) {
            None => {
                self.spans.insert(known);
                Sight::New
            }
            Some(before) if is_otlp && before.0 & 1 == 0 => {
                self.spans.replace(known);
                Sight::Fuller
            }
            Some(_) => Sight::Again,
        }
    }
}

/// Multiplies to 128 bits and folds the product, so that each bit of the input affects the whole
/// result.
fn mix(left: u64, right: u64) -> u64 {
    const ODD: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03];
    let product = u128::from(left ^ ODD[0]) * u128::from(right ^ ODD[1]);
    (product >> 64) as u64 ^ product as u64
}

/// Uses an already mixed number as its own hash.
#[derive(Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0, u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use baton_propagators::{SpanId, TraceId};

    use super::*;
    use crate::span::{Kind, SpanReference};

    #[test]
    fn spans_differ_by_every_part_of_their_ids() {
        let mut seen = Seen::new();
        let mut new = 0;
        for trace in 0..64u128 {
            for span in 0..64u64 {
                for kind in [Kind::Server, Kind::Client] {
                    let reference = SpanReference {
                        trace_id: TraceId::from_bytes((trace << 60 | 1).to_be_bytes())
                            .expect("not 0"),
                        span_id: SpanId::from_bytes((span + 1).to_be_bytes()).expect("not 0"),
                    };
                    let span = Span {
                        kind,
                        ..Span::new(reference, "")
                    };
                    new += u32::from(seen.look(&span) == Sight::New);
                    assert_eq!(seen.look(&span), Sight::Again);
                }
            }
        }
        assert_eq!(new, 64 * 64 * 2);
    }
}
