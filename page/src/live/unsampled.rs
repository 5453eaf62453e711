//! Hand-offs with an end that was not sampled. Such an end leaves no span. The log of the lab's own
//! functions has its ids, so it is judged by those, as in a run.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;

use baton_propagators::TraceId;
use baton_traces::hand_off::{Receiver, Sender};
use baton_traces::readers::log::{self, Event, LogLine, LogSpan};
use baton_traces::run::Function;
use baton_traces::span::UnixTime;
use jiff::Timestamp;
use serde::Deserialize;

use super::hand_offs::HandOff;
use super::keys::{Id, Key};
use super::{Held, Live, MAX_AT_ONCE};
use crate::log_tail::complete_lines;

/// How many bytes of a log are read at once.
const MAX_BYTES: u64 = 1 << 20;

/// A function's log that grows.
#[derive(Debug)]
pub(crate) struct GrowingLog {
    function: Function,
    path: PathBuf,
    offset: u64,
    /// Lines about spans that were not sampled, which have been read and not taken.
    lines: VecDeque<UnsampledLine>,
}

#[derive(Debug)]
struct UnsampledLine {
    time: Option<UnixTime>,
    text: String,
}

impl GrowingLog {
    /// The log of `function` at `path`, from its beginning.
    pub(crate) fn new(function: Function, path: PathBuf) -> GrowingLog {
        GrowingLog {
            function,
            path,
            offset: 0,
            lines: VecDeque::new(),
        }
    }

    /// Reads on until there is a line to take, or no further line. Returns the line's time.
    fn look_ahead(&mut self) -> Option<Option<UnixTime>> {
        while self.lines.is_empty() {
            // the function may not have written yet
            let read = complete_lines(&self.path, self.offset, MAX_BYTES);
            let (lines, end) = read.unwrap_or((Vec::new(), self.offset));
            if end == self.offset {
                return None;
            }
            self.offset = end;
            let unsampled = lines.into_iter().filter(|line| says_unsampled(line));
            self.lines.extend(unsampled.map(|text| UnsampledLine {
                time: time_of(&text),
                text,
            }));
        }
        self.lines.front().map(|line| line.time)
    }
}

#[derive(Deserialize)]
struct Time {
    timestamp: Timestamp,
}

fn time_of(line: &str) -> Option<UnixTime> {
    let time = serde_json::from_str::<Time>(line).ok()?;
    UnixTime::of(time.timestamp)
}

/// Whether a line says that its span was not sampled. Most lines do not, and need no more reading.
fn says_unsampled(line: &str) -> bool {
    let value = line.split_once("\"sampled\"").map(|(_, rest)| rest);
    value.is_some_and(|rest| rest.trim_start_matches([' ', ':']).starts_with("false"))
}

impl Live {
    /// Takes what is new in the logs, in the order in which it was written. A long log must not
    /// push the senders out of memory before the other log has shown their receivers.
    pub(crate) fn follow(&self, logs: &mut [GrowingLog]) {
        loop {
            let ahead = logs.iter_mut();
            let ahead = ahead.filter_map(|log| Some((log.look_ahead()?, log)));
            let Some((_, first)) = ahead.min_by_key(|(time, _)| *time) else {
                return;
            };
            if let Some(line) = first.lines.pop_front() {
                self.add_log_line(first.function, &line.text, line.time);
            }
        }
    }

    /// Takes a line about a span that was not sampled.
    fn add_log_line(&self, function: Function, line: &str, time: Option<UnixTime>) {
        let read = log::read_line(line.as_bytes(), &mut |line| {
            self.held().add_unsampled(function, line, time);
        });
        if read == Ok(true) {
            self.changed();
        }
    }

    /// Hands the log lines of the ends without a span to `each`, for the hand-offs of these traces.
    pub(crate) fn unsampled_ends(&self, traces: &[TraceId], each: &mut dyn FnMut(&LogLine<'_>)) {
        let (mut keys, unheld) = {
            let held = self.held();
            let entries = traces.iter().filter_map(|id| held.traces.get(*id));
            let keys = entries.flat_map(|entry| entry.hand_offs.iter().copied());
            let unheld = traces.iter().filter(|id| !held.traces.contains(**id));
            let unheld: HashSet<TraceId> = unheld.copied().collect();
            (keys.collect::<Vec<Key>>(), unheld)
        };
        if !unheld.is_empty() {
            keys.extend(self.logged_in(&unheld));
        }
        keys.sort_unstable();
        keys.dedup();
        for keys in keys.chunks(MAX_AT_ONCE) {
            let held = self.held();
            for hand_off in keys.iter().filter_map(|key| held.hand_offs.get(key)) {
                hand_off.unsampled_ends(each);
            }
        }
    }
}

impl Live {
    /// The hand-offs known from logs, with an end in one of these traces.
    fn logged_in(&self, traces: &HashSet<TraceId>) -> Vec<Key> {
        let logged: Vec<Key> = self.held().logged.iter().copied().collect();
        let mut found = Vec::new();
        for keys in logged.chunks(MAX_AT_ONCE) {
            let held = self.held();
            found.extend(keys.iter().filter(|key| {
                let hand_off = held.hand_offs.get(key);
                hand_off.is_some_and(|it| it.unsampled_trace_ids().any(|id| traces.contains(&id)))
            }));
        }
        found
    }
}

impl Held {
    fn add_unsampled(&mut self, function: Function, line: &LogLine<'_>, time: Option<UnixTime>) {
        if line.span.reference.is_none() {
            return;
        }
        let (id, queue) = match line.event {
            Event::Request { request_id } => (Id::Request(request_id.into()), None),
            Event::RecordSent { key, .. } | Event::RecordReceived { key, .. } => {
                (Id::record(key), Some(self.names.number(key.stream)))
            }
            Event::RecordFailed | Event::RecordRefused | Event::SpansDropped { .. } => return,
        };
        let service = self.names.number(function.service_name());
        let Some((key, hand_off)) = self.hand_off(id) else {
            return;
        };
        hand_off.queue = hand_off.queue.or(queue);
        let is_new = hand_off.logged.is_none();
        hand_off.logged = hand_off.logged.or(time);
        match line.event {
            Event::RecordSent { .. } => hand_off.add_sender(sender(line.span), service),
            Event::RecordReceived { carrier, .. } => {
                hand_off.add_receiver(receiver(line.span, Some(carrier)), service)
            }
            _ => hand_off.add_receiver(receiver(line.span, None), service),
        };
        self.judge(key);
        if is_new {
            self.logged.push_back(key);
        }
        self.forget_logged();
    }

    /// Removes the oldest hand-offs known from logs, if there are too many. Those of a held trace
    /// leave with it.
    fn forget_logged(&mut self) {
        while self.logged.len() > self.limits.traces {
            let Some(oldest) = self.logged.pop_front() else {
                return;
            };
            if !self.is_in_trace(oldest) {
                self.leave(oldest);
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
    /// The traces of its ends without a span. The sender's comes first.
    pub(super) fn unsampled_trace_ids(&self) -> impl Iterator<Item = TraceId> + '_ {
        let sender = self.sender.iter().map(|end| &end.0);
        let sender = sender.filter(|sender| !sender.recorded);
        let receivers = self.receivers.iter().map(|(receiver, _)| receiver);
        let receivers = receivers.filter(|receiver| !receiver.recorded);
        let ends = sender.map(|sender| sender.reference);
        let ends = ends.chain(receivers.map(|receiver| receiver.reference));
        ends.flatten().map(|reference| reference.trace_id)
    }

    /// The ends without a span, as lines of a log.
    fn unsampled_ends(&self, each: &mut dyn FnMut(&LogLine<'_>)) {
        let sender = self.sender.as_deref().map(|(sender, _)| sender);
        let sender = sender.filter(|sender| !sender.recorded);
        if let (Some(sender), Some(message)) = (sender, self.id.message()) {
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
            let event = match (&self.id, self.id.message()) {
                (_, Some(key)) => Event::RecordReceived {
                    key,
                    carrier: receiver.carrier == Some(true),
                },
                (Id::Request(request_id), None) => Event::Request { request_id },
                (Id::Record(_) | Id::Spans(..), None) => continue,
            };
            each(&LogLine { event, span });
        }
    }
}
