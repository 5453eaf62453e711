//! Hand-offs with an end that was not sampled. Such an end leaves no span. The log of the lab's own
//! functions has its ids, so it is judged by those, as in a run.

use std::path::PathBuf;

use baton_propagators::id::TraceId;
use baton_traces::hand_off::{MessageKey, Receiver, Sender};
use baton_traces::readers::log::{self, Event, LogLine, LogSpan};
use baton_traces::run::Function;
use baton_traces::span::UnixTime;
use jiff::Timestamp;
use serde::Deserialize;

use super::hand_offs::{HandOff, Key};
use super::{Held, Live};
use crate::log_tail::complete_lines;

/// How many bytes of a log are read at once.
const MAX_BYTES: u64 = 1 << 20;

/// A function's log that grows.
#[derive(Debug)]
pub(crate) struct GrowingLog {
    function: Function,
    path: PathBuf,
    offset: u64,
}

impl GrowingLog {
    /// The log of `function` at `path`, from its beginning.
    pub(crate) fn new(function: Function, path: PathBuf) -> GrowingLog {
        GrowingLog {
            function,
            path,
            offset: 0,
        }
    }
}

#[derive(Deserialize)]
struct Time {
    timestamp: Timestamp,
}

/// Whether a line says that its span was not sampled. Most lines do not, and need no more reading.
fn says_unsampled(line: &str) -> bool {
    let value = line.split_once("\"sampled\"").map(|(_, rest)| rest);
    value.is_some_and(|rest| rest.trim_start_matches([' ', ':']).starts_with("false"))
}

impl Live {
    /// Takes what is new in a log.
    pub(crate) fn follow(&self, growing: &mut GrowingLog) {
        loop {
            // the function may not have written yet
            let read = complete_lines(&growing.path, growing.offset, MAX_BYTES);
            let (lines, end) = read.unwrap_or((Vec::new(), growing.offset));
            if end == growing.offset {
                return;
            }
            growing.offset = end;
            let unsampled = lines.iter().filter(|line| says_unsampled(line));
            for line in unsampled {
                self.add_log_line(growing.function, line);
            }
        }
    }

    /// Takes a line about a span that was not sampled.
    pub(super) fn add_log_line(&self, function: Function, line: &str) {
        let time = serde_json::from_str::<Time>(line).ok();
        let time = time.and_then(|time| UnixTime::of(time.timestamp));
        let read = log::read_line(line.as_bytes(), &mut |line| {
            self.held().add_unsampled(function, line, time);
        });
        if read == Ok(true) {
            self.changed();
        }
    }

    /// Hands the log lines of the ends without a span to `each`, for the hand-offs of these traces.
    pub(crate) fn unsampled_ends(&self, traces: &[TraceId], each: &mut dyn FnMut(&LogLine<'_>)) {
        let held = self.held();
        let entries = traces.iter().filter_map(|id| held.traces.get(id));
        let mut keys: Vec<&Key> = entries.flat_map(|entry| &entry.hand_offs).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            if let Some(hand_off) = held.hand_offs.get(key) {
                hand_off.unsampled_ends(key, each);
            }
        }
    }
}

impl Held {
    fn add_unsampled(&mut self, function: Function, line: &LogLine<'_>, time: Option<UnixTime>) {
        if line.span.reference.is_none() {
            return;
        }
        let (key, queue) = match line.event {
            Event::Request { request_id } => (Key::Request(request_id.into()), None),
            Event::RecordSent { key, .. } | Event::RecordReceived { key, .. } => {
                (Key::record(key), Some(self.names.number(key.stream)))
            }
            Event::RecordFailed | Event::RecordRefused | Event::SpansDropped { .. } => return,
        };
        let service = self.names.number(function.service_name());
        self.known_by_id.insert(service);
        let hand_off = self.hand_offs.entry(key.clone()).or_default();
        hand_off.queue = hand_off.queue.or(queue);
        hand_off.logged = hand_off.logged.or(time);
        match line.event {
            Event::RecordSent { .. } => hand_off.add_sender(sender(line.span), service),
            Event::RecordReceived { carrier, .. } => {
                hand_off.add_receiver(receiver(line.span, Some(carrier)), service);
            }
            _ => hand_off.add_receiver(receiver(line.span, None), service),
        }
        self.count(&key);
        self.logged.push_back(key);
        self.forget_logged();
    }

    /// Removes the oldest hand-offs that logs told, if there are too many. Those of a held trace
    /// leave with it.
    fn forget_logged(&mut self) {
        while self.logged.len() > self.max_traces {
            let Some(oldest) = self.logged.pop_front() else {
                return;
            };
            let hand_off = self.hand_offs.get(&oldest);
            let is_held = hand_off.is_some_and(|hand_off| {
                let mut traces = hand_off.trace_ids();
                traces.any(|id| self.traces.contains_key(&id))
            });
            if !is_held {
                self.hand_offs.remove(&oldest);
            }
        }
    }
}

fn sender(span: LogSpan) -> Sender {
    Sender {
        reference: span.reference,
        parent: span.parent_span_id,
        parent_is_remote: span.parent_is_remote,
        sampled: span.sampled,
        ..Sender::default()
    }
}

fn receiver(span: LogSpan, carrier: Option<bool>) -> Receiver {
    Receiver {
        reference: span.reference,
        parent: span.parent_span_id,
        parent_is_remote: span.parent_is_remote,
        sampled: span.sampled,
        carrier,
        ..Receiver::default()
    }
}

impl HandOff {
    /// The ends without a span, as lines of a log.
    fn unsampled_ends(&self, key: &Key, each: &mut dyn FnMut(&LogLine<'_>)) {
        let sender = self.sender.as_ref().filter(|(sender, _)| !sender.recorded);
        if let (Some((sender, _)), Some(message)) = (sender, key.message()) {
            let span = LogSpan {
                reference: sender.reference,
                parent_span_id: sender.parent,
                parent_is_remote: sender.parent_is_remote,
                sampled: sender.sampled,
            };
            let event = Event::RecordSent {
                key: message,
                request_id: None,
                carrier_bytes: None,
            };
            each(&LogLine { event, span });
        }
        let receivers = self.receivers.iter().map(|(receiver, _)| receiver);
        for receiver in receivers.filter(|receiver| !receiver.recorded) {
            let span = LogSpan {
                reference: receiver.reference,
                parent_span_id: receiver.parent,
                parent_is_remote: receiver.parent_is_remote,
                sampled: receiver.sampled,
            };
            let event = match (key, key.message()) {
                (_, Some(key)) => Event::RecordReceived {
                    key,
                    carrier: receiver.carrier == Some(true),
                },
                (Key::Request(request_id), None) => Event::Request { request_id },
                (Key::Record(_), None) => continue,
            };
            each(&LogLine { event, span });
        }
    }
}

impl Key {
    /// The key of a record.
    pub(super) fn record(message: MessageKey<'_>) -> Key {
        let MessageKey {
            stream,
            shard,
            sequence_number,
        } = message;
        Key::Record(format!("{stream}/{shard}/{sequence_number}").into())
    }

    /// The parts of a record's key.
    fn message(&self) -> Option<MessageKey<'_>> {
        let Key::Record(text) = self else {
            return None;
        };
        let mut parts = text.rsplitn(3, '/');
        Some(MessageKey {
            sequence_number: parts.next()?,
            shard: parts.next()?,
            stream: parts.next()?,
        })
    }
}
