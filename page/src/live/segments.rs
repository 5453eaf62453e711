//! All spans, as compressed lines, from which whole traces are read.
//!
//! A trace names the segments that its spans are in. A segment is forgotten when no held trace is
//! in it.

use std::collections::VecDeque;
use std::sync::Arc;

use baton_traces::readers::otlp_json;
use baton_traces::span::{Span, Want};

/// How many bytes of lines make a segment.
const SEGMENT_BYTES: usize = 256 << 10;
/// zstd's level for speed, because spans arrive while requests are answered.
const LEVEL: i32 = 1;

#[derive(Debug, Default)]
pub(super) struct Segments {
    /// The number of the first segment that is held.
    first: u32,
    closed: VecDeque<Closed>,
    /// The lines of the last segment.
    open: Vec<u8>,
    /// The bytes of the lines of all closed segments, before they were compressed.
    bytes: usize,
}

#[derive(Debug)]
struct Closed {
    bytes: usize,
    segment: Segment,
}

impl Segments {
    /// Adds a request. Returns the number of its segment, and the lines of the one before if that
    /// is full, so that they can be compressed while others have the lock.
    pub(super) fn push(&mut self, request: &[u8]) -> (u32, Option<Full>) {
        let mut full = None;
        if self.open.len() >= SEGMENT_BYTES {
            let lines: Arc<[u8]> = Arc::from(&*self.open);
            full = Some(Full {
                number: self.last(),
                lines: Arc::clone(&lines),
            });
            self.bytes += lines.len();
            self.closed.push_back(Closed {
                bytes: lines.len(),
                segment: Segment::Plain(lines),
            });
            self.open.clear();
            // a long request must not keep its room forever
            self.open.shrink_to(2 * SEGMENT_BYTES);
        }
        self.open.extend_from_slice(request.trim_ascii());
        self.open.push(b'\n');
        (self.last(), full)
    }

    /// Puts the compressed form of a segment in its place, if it is still held.
    pub(super) fn replace(&mut self, packed: Packed) {
        let place = packed.number.checked_sub(self.first);
        let closed = place.and_then(|place| self.closed.get_mut(place as usize));
        if let Some(closed) = closed {
            closed.segment = Segment::Packed(packed.bytes, closed.bytes);
        }
    }

    fn last(&self) -> u32 {
        self.first + self.closed.len() as u32
    }

    /// How many bytes of lines are held, before compression.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.open.len()
    }

    /// Forgets the segments before this one; all but the last for `None`.
    pub(super) fn forget_before(&mut self, segment: Option<u32>) {
        while segment.is_none_or(|segment| self.first < segment)
            && let Some(closed) = self.closed.pop_front()
        {
            self.bytes -= closed.bytes;
            self.first += 1;
        }
    }

    /// The held segments, the oldest first.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        self.first..=self.last()
    }

    /// A segment's lines, compressed or not, to be read without holding a lock.
    pub(super) fn get(&self, segment: u32) -> Option<Segment> {
        if segment == self.last() {
            return Some(Segment::Plain(Arc::from(&*self.open)));
        }
        let place = segment.checked_sub(self.first)?;
        Some(self.closed.get(place as usize)?.segment.clone())
    }
}

/// The lines of a segment that is full.
#[derive(Debug)]
pub(super) struct Full {
    number: u32,
    lines: Arc<[u8]>,
}

/// The compressed lines of a segment.
#[derive(Debug)]
pub(super) struct Packed {
    number: u32,
    bytes: Arc<[u8]>,
}

impl Full {
    /// Compresses the lines. `None` if there is no room; then they stay as they are.
    pub(super) fn pack(&self) -> Option<Packed> {
        let bytes = zstd::bulk::compress(&self.lines, LEVEL).ok()?;
        Some(Packed {
            number: self.number,
            bytes: bytes.into(),
        })
    }
}

/// The lines of one segment.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    /// As they are.
    Plain(Arc<[u8]>),
    /// Compressed, with the number of bytes before.
    Packed(Arc<[u8]>, usize),
}

impl Segment {
    /// Hands every span to `each`, with the fields of `want`.
    pub(crate) fn read(&self, want: Want, each: &mut dyn FnMut(&Span<'_>)) {
        let unpacked;
        let lines: &[u8] = match self {
            Segment::Plain(lines) => lines,
            Segment::Packed(packed, bytes) => {
                unpacked = zstd::bulk::decompress(packed, *bytes).unwrap_or_default();
                &unpacked
            }
        };
        let Ok(lines) = std::str::from_utf8(lines) else {
            return;
        };
        for line in lines.lines() {
            let _ = otlp_json::read_request(line.as_bytes(), want, each);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(span_id: u64) -> String {
        let padding = "x".repeat(1000);
        format!(
            "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{\"traceId\":\"{:032x}\",\"spanId\":\"{span_id:016x}\",\"name\":\"{padding}\"}}]}}]}}]}}",
            7
        )
    }

    #[test]
    fn spans_are_read_from_any_segment_until_it_is_forgotten() {
        let mut segments = Segments::default();
        let places: Vec<u32> = (1..=1000u64)
            .map(|span| {
                let (place, full) = segments.push(request(span).as_bytes());
                if let Some(packed) = full.and_then(|full| full.pack()) {
                    segments.replace(packed);
                }
                place
            })
            .collect();
        assert!(segments.bytes() > 1000 * 1000, "the lines are counted");
        assert!(places[999] > 2, "several segments");
        let found = |segments: &Segments, span: u64| {
            let segment = segments.get(places[span as usize - 1])?;
            let mut found = 0;
            segment.read(Want::Everything, &mut |read| {
                found += i32::from(read.reference.span_id.to_string() == format!("{span:016x}"));
            });
            Some(found)
        };
        for span in [1, 500, 1000] {
            assert_eq!(found(&segments, span), Some(1));
        }
        segments.forget_before(Some(places[999]));
        assert_eq!(found(&segments, 1), None);
        assert!(segments.bytes() < 1000 * 1000, "{}", segments.bytes());
        assert_eq!(found(&segments, 1000), Some(1));
    }
}
