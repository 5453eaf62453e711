//! The ends of hand-offs in a compact form: every span as a few numbers, collected in any order and
//! then sorted.
//!
//! Any span of another service may be a receiver's parent, so every span is kept, with its ids,
//! times and service. Text is interned. Ids that are only compared are kept as hashes.

pub(crate) mod about;
mod by_trace;
mod message;
mod namespaces;
mod order;
mod parents;
pub(crate) mod tree;
pub(crate) mod verdict;

use std::collections::HashMap;

use baton_propagators::{SpanId, TraceId};

use self::about::{About, Operation, Words};
use self::message::MessageWords;
use self::namespaces::Namespaces;
use super::names::{Name, Names};
use crate::span::attributes::{self, Meaning};
use crate::span::{Kind, Span, SpanFormat, SpanReference};

/// The number of a span in a source.
pub(crate) type At = u32;

/// How many spans are taken: as many as have a number.
const MAX_SPANS: At = At::MAX - 2;

/// The most shared ids that are kept from one span, so that no span can fill the memory.
const MAX_SHARED_IDS: usize = 8;

/// How many spans' words are remembered. If there are more, all are forgotten.
const MAX_WORDS: usize = 1 << 12;

/// One span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// Its trace.
    pub(crate) trace: TraceId,
    /// Its span id.
    pub(crate) span: u64,
    /// Its parent's id; 0 for a root.
    pub(crate) parent: u64,
    /// When it started, in nanoseconds since the epoch; 0 if unknown.
    pub(crate) start: u64,
    /// When it ended; 0 if unknown.
    pub(crate) end: u64,
    /// Its number in the order of arrival.
    number: At,
    /// Its service.
    pub(crate) service: Name,
    /// Its index in [`Gathered::abouts`].
    about: u32,
    /// Its `tracestate`.
    pub(crate) state: Name,
    /// Its role.
    pub(crate) kind: Kind,
    /// Whether its parent is in another process; `None` if unknown.
    pub(crate) remote: Option<bool>,
    /// Whether it has the id of one message.
    pub(crate) has_message: bool,
    /// Whether its form can hold `tracestate`.
    pub(crate) is_otlp: bool,
    /// Whether it came in a form that can hold everything.
    is_whole: bool,
    /// Whether its form has links.
    pub(crate) may_link: bool,
}

impl End {
    /// A number that is equal for spans of a service with the same facts about their hand-offs.
    pub(crate) fn about_number(&self) -> u32 {
        self.about
    }

    /// The trace id and the span id.
    pub(crate) fn reference(&self) -> SpanReference {
        let span_id = SpanId::from_bytes(self.span.to_be_bytes());
        SpanReference {
            trace_id: self.trace,
            span_id: span_id.unwrap_or_else(|| SpanId::from_bytes([255; 8]).expect("not zero")),
        }
    }
}

/// An id on a span, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IdAt {
    /// The id's hash.
    pub(crate) id: u64,
    /// The span.
    pub(crate) at: At,
}

impl IdAt {
    /// Whether both have the same id.
    pub(crate) fn is_same(&self, other: &IdAt) -> bool {
        self.id == other.id
    }
}

/// A link from a span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkAt {
    /// The span with the link.
    pub(crate) at: At,
    /// The trace of the linked span.
    pub(crate) trace: TraceId,
    /// The id of the linked span.
    pub(crate) span: u64,
    /// The linked span, once [`tree::Tree`] has found it; [`parents::NONE`] if the source lacks it.
    linked: At,
}

impl LinkAt {
    /// The linked span; `None` if the source lacks it.
    pub(crate) fn linked(&self) -> Option<At> {
        (self.linked != parents::NONE).then_some(self.linked)
    }
}

/// A trace-context header that an instrumentation captured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderAt {
    /// The span.
    pub(crate) at: At,
    /// The header's name.
    pub(crate) header: &'static str,
    /// Its value.
    pub(crate) value: Name,
}

/// The ids on a source's spans, by what they identify.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    /// Unique ids of messages.
    pub(crate) messages: Vec<IdAt>,
    /// Partition and offset of messages, which are unique within a topic.
    pub(crate) offsets: Vec<IdAt>,
    /// Ids of requests.
    pub(crate) requests: Vec<IdAt>,
    /// Ids in the attributes that the user named.
    pub(crate) keys: Vec<IdAt>,
    /// Values that look like ids and may be shared by the spans of a request.
    pub(crate) shared: Vec<IdAt>,
}

impl Ids {
    /// The ids of each kind.
    pub(crate) fn each(&mut self) -> [&mut Vec<IdAt>; 5] {
        let Ids {
            messages,
            offsets,
            requests,
            keys,
            shared,
        } = self;
        [messages, offsets, requests, keys, shared]
    }
}

/// All spans of a source, in the order of arrival.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    /// The attributes that the user named as ids.
    key_names: Vec<String>,
    pub(crate) names: Names,
    namespaces: Namespaces,
    pub(crate) spans: Vec<End>,
    abouts: Vec<About>,
    about_numbers: HashMap<About, u32, foldhash::quality::RandomState>,
    /// The numbers of abouts by the hash of the words that they were made of.
    by_words: HashMap<u64, u32, foldhash::quality::RandomState>,
    pub(crate) ids: Ids,
    pub(crate) links: Vec<LinkAt>,
    pub(crate) headers: Vec<HeaderAt>,
    /// How many spans were not taken, because there were too many.
    pub(crate) left_out: u64,
}

impl Gathered {
    /// An empty collection. `key_names` are attributes that the user named as ids of requests or
    /// messages.
    pub(crate) fn new(key_names: Vec<String>) -> Gathered {
        let mut gathered = Gathered {
            key_names,
            ..Gathered::default()
        };
        let silent = About::default();
        gathered.abouts.push(silent);
        gathered.about_numbers.insert(silent, 0);
        gathered
    }

    /// Adds a span, in any order.
    pub(crate) fn add(&mut self, span: &Span<'_>) {
        let at = match At::try_from(self.spans.len()) {
            Ok(at) if at < MAX_SPANS => at,
            _ => {
                self.left_out += 1;
                return;
            }
        };
        let mut words = Words::default();
        let mut message = MessageWords::default();
        let mut shared = 0;
        about::each_attribute(span, |name, class, value| {
            if self.key_names.iter().any(|key| key == name) && !value.is_empty() {
                let id = self.names.hash(&value);
                self.ids.keys.push(IdAt { id, at });
            }
            match class.meaning {
                Some(Meaning::RequestId) if !value.is_empty() => {
                    let id = self.names.hash(&value);
                    self.ids.requests.push(IdAt { id, at });
                }
                Some(meaning) => {
                    if meaning == Meaning::WorkflowId && attributes::looks_like_id(&value) {
                        let id = self.names.hash(&value);
                        self.ids.shared.push(IdAt { id, at });
                    }
                    message.add(name, class, meaning, &value);
                    words.add(class, meaning, value);
                }
                None => {
                    if let Some(header) = class.header {
                        let value = self.names.intern(&value);
                        self.headers.push(HeaderAt { at, header, value });
                    } else if shared < MAX_SHARED_IDS
                        && class.may_be_shared
                        && attributes::looks_like_id(&value)
                    {
                        shared += 1;
                        let id = self.names.hash(&value);
                        self.ids.shared.push(IdAt { id, at });
                    }
                }
            }
        });
        let mut has_message = self.add_message(at, &message);
        let workflow = words.workflow(span);
        if !workflow.is_empty() {
            let id = self.names.hash(workflow);
            self.ids.messages.push(IdAt { id, at });
            has_message = true;
        }
        self.add_messages_of_links(at, span, &message);
        let about = self.about_with(&words, span);
        self.links.extend(span.links.iter().map(|link| LinkAt {
            at,
            trace: link.to.trace_id,
            span: u64::from_be_bytes(link.to.span_id.to_bytes()),
            linked: parents::NONE,
        }));
        let came_as = span.came_as();
        let namespaces = &mut self.namespaces;
        let service = namespaces.name(&mut self.names, span.service, &span.namespace);
        let number = |id: SpanId| u64::from_be_bytes(id.to_bytes());
        self.spans.push(End {
            trace: span.reference.trace_id,
            span: number(span.reference.span_id),
            parent: span.parent_span_id.map_or(0, number),
            start: span.start.map_or(0, |time| time.as_nanoseconds()),
            end: span.end.map_or(0, |time| time.as_nanoseconds()),
            number: at,
            service,
            about,
            state: self.names.intern(&span.trace_state),
            kind: words.kind(span),
            remote: span.parent_is_remote,
            has_message,
            is_otlp: span.format().is_none(),
            is_whole: came_as.is_none(),
            may_link: came_as != Some(SpanFormat::Zipkin),
        });
    }

    /// A part of this collection, still empty. It hashes ids with the same key.
    pub(crate) fn empty(&self) -> Gathered {
        Gathered {
            names: self.names.empty(),
            ..Gathered::new(self.key_names.clone())
        }
    }

    /// Adds the spans of a part.
    pub(crate) fn append(&mut self, mut part: Gathered) {
        let before = At::try_from(self.spans.len()).unwrap_or(At::MAX);
        self.left_out += part.left_out;
        if part.spans.len() > (At::MAX - 2 - before) as usize {
            self.left_out += part.spans.len() as u64;
            return;
        }
        let names = self.names.append(&part.names);
        self.namespaces.append(&part.namespaces, &names);
        let abouts = part.abouts.iter().map(|about| about.renamed(&names));
        let abouts: Vec<u32> = abouts.map(|about| self.about(about)).collect();
        self.spans.extend(part.spans.iter().map(|end| End {
            number: end.number + before,
            service: names.get(end.service),
            about: abouts[end.about as usize],
            state: names.get(end.state),
            ..*end
        }));
        for (ids, others) in self.ids.each().into_iter().zip(part.ids.each()) {
            ids.extend(others.iter().map(|IdAt { id, at }| IdAt {
                id: *id,
                at: at + before,
            }));
        }
        self.links.extend(part.links.iter().map(|link| LinkAt {
            at: link.at + before,
            ..*link
        }));
        self.headers
            .extend(part.headers.iter().map(|header| HeaderAt {
                at: header.at + before,
                value: names.get(header.value),
                ..*header
            }));
    }

    /// Names the services, once all spans are known.
    fn settle_namespaces(&mut self) {
        self.namespaces.settle(&mut self.names, &mut self.spans);
    }

    /// The facts about the hand-off of `end`.
    pub(crate) fn about_of(&self, end: &End) -> &About {
        &self.abouts[end.about as usize]
    }

    /// The facts about hand-offs that occur, each once.
    pub(crate) fn abouts(&self) -> &[About] {
        &self.abouts
    }

    fn about(&mut self, about: About) -> u32 {
        let next = u32::try_from(self.abouts.len()).unwrap_or(0);
        let number = *self.about_numbers.entry(about).or_insert(next);
        if number as usize == self.abouts.len() {
            self.abouts.push(about);
        }
        number
    }

    /// The number of the facts about `span` in these words. Most spans have the words of another.
    fn about_with(&mut self, words: &Words<'_>, span: &Span<'_>) -> u32 {
        let words_hash = words.hash(span, &self.names);
        if let Some(number) = self.by_words.get(&words_hash) {
            return *number;
        }
        let about = words.about(span, &mut self.names).unwrap_or_default();
        let number = self.about(about);
        if self.by_words.len() >= MAX_WORDS {
            self.by_words.clear();
        }
        self.by_words.insert(words_hash, number);
        number
    }
}

/// The role of a span in hand-offs, from its kind and operation.
impl Gathered {
    /// Whether `end` may hand something over. That is a client or producer, unless it calls a
    /// database, or does anything else with a broker than to send a message.
    pub(crate) fn is_call(&self, end: &End) -> bool {
        let about = self.about_of(end);
        match (end.kind, about.operation) {
            (Kind::Producer, _) => true,
            (Kind::Client, Operation::Send) => !about.is_database,
            // such as `basic.ack` or `exchange.declare`, which name nothing that is sent
            (Kind::Client, Operation::Unknown) => {
                let names_nothing = about.destination.is_empty() && about.path.is_empty();
                // such as `GetQueueUrl`
                let is_of_cloud = about.is_cloud_api;
                let is_about_broker =
                    about.is_messaging && !end.has_message && (names_nothing || is_of_cloud);
                !about.is_database && !is_about_broker
            }
            _ => false,
        }
    }
}
