//! All spans, as compressed lines, from which whole traces are read.
//!
//! A trace names the segments that its spans are in. A segment is forgotten when no held trace is
//! in it.

use std::collections::VecDeque;

use baton_traces::readers::otlp_json;
use baton_traces::span::{Span, Want};

/// How many bytes of lines make a segment.
const SEGMENT_BYTES: usize = 256 << 10;
/// zstd's level for speed, because spans arrive while requests are answered.
const LEVEL: i32 = 1;
/// More than a segment has: one request may be longer than a segment.
const MAX_UNPACKED: usize = 128 << 20;

#[derive(Debug, Default)]
pub(super) struct Segments {
    /// The number of the first segment that is held.
    first: u32,
    closed: VecDeque<Vec<u8>>,
    /// The lines of the last segment.
    open: Vec<u8>,
}

impl Segments {
    /// Adds a request. Gives the number of its segment.
    pub(super) fn push(&mut self, request: &[u8]) -> u32 {
        if self.open.len() >= SEGMENT_BYTES {
            // without room for the compressed form, the segment is empty
            let packed = zstd::bulk::compress(&self.open, LEVEL).unwrap_or_default();
            self.closed.push_back(packed);
            self.open.clear();
        }
        self.open.extend_from_slice(request.trim_ascii());
        self.open.push(b'\n');
        self.last()
    }

    fn last(&self) -> u32 {
        self.first + self.closed.len() as u32
    }

    /// Forgets the segments before this one.
    pub(super) fn forget_before(&mut self, segment: u32) {
        while self.first < segment && self.closed.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// The held segments, the newest first.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        (self.first..=self.last()).rev()
    }

    /// A segment's lines, compressed or not, to be read without holding a lock.
    pub(super) fn get(&self, segment: u32) -> Option<Segment> {
        if segment == self.last() {
            return Some(Segment::Open(self.open.clone()));
        }
        let place = segment.checked_sub(self.first)?;
        Some(Segment::Packed(self.closed.get(place as usize)?.clone()))
    }
}

/// The lines of one segment.
#[derive(Debug)]
pub(crate) enum Segment {
    /// As they are.
    Open(Vec<u8>),
    /// Compressed.
    Packed(Vec<u8>),
}

impl Segment {
    /// Hands every span to `each`, with the fields of `want`.
    pub(crate) fn read(&self, want: Want, each: &mut dyn FnMut(&Span<'_>)) {
        let unpacked;
        let lines = match self {
            Segment::Open(lines) => lines,
            Segment::Packed(packed) => {
                unpacked = zstd::bulk::decompress(packed, MAX_UNPACKED).unwrap_or_default();
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
            .map(|span| segments.push(request(span).as_bytes()))
            .collect();
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
        segments.forget_before(places[999]);
        assert_eq!(found(&segments, 1), None);
        assert_eq!(found(&segments, 1000), Some(1));
    }
}
