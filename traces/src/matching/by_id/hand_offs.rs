//! Judges the hand-offs of an assembly, by the ids of their ends alone.

use super::Assembly;
use super::deliveries::{Deliveries, Delivery};
use super::group::{Record, Request};
use super::shards::Shard;
use super::without_receiver::Unseen;
use crate::hand_off::{self, Flags, Hop, MessageKey, Receiver, Sender, Verdict};
use crate::span::SpanReference;

/// One judged hand-off.
#[derive(Clone, Debug)]
pub struct HandOff<'a> {
    /// The hop.
    pub hop: Hop,
    /// The id by which its ends were matched.
    pub key: HandOffKey<'a>,
    /// The verdict; `None` if neither end has a span, or if a lab delivered the record and nothing
    /// shows its receiver. Of several deliveries, the best verdict counts, in the order of
    /// [`Verdict::ALL`].
    pub verdict: Option<Verdict>,
    /// What else was lost, in the delivery with the verdict.
    pub flags: Flags,
    /// How often the message was delivered.
    pub deliveries: u64,
    /// The sending end.
    pub sender: Sender,
    /// The receiving end, in the delivery with the verdict; `None` if the message was lost, or if
    /// nothing shows its receiver.
    pub receiver: Option<Receiver>,
}

/// The id by which the ends of a hand-off were matched. Ids are empty in the assembly of an export,
/// which does not keep them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOffKey<'a> {
    /// The API's id of the request.
    Request(&'a str),
    /// The record's place in Kinesis.
    Message(MessageKey<'a>),
}

impl Assembly {
    /// All hand-offs with their verdicts, in no particular order. There are none before
    /// [`Assembly::finish`].
    ///
    /// A hand-off needs a sender. If the functions' logs exist, a record from outside the run
    /// counts too, if its consumer started a trace. A client's request that failed before it
    /// reached the producer does not count. A hop without receivers in the source is left out.
    pub fn hand_offs(&self) -> impl Iterator<Item = HandOff<'_>> {
        let shards = self.ends.shards().iter();
        shards.flat_map(|shard| self.hand_offs_of(shard))
    }

    /// Adds up what `count` finds in each hand-off, on all cores.
    pub(crate) fn fold<R: Default + Send>(
        &self,
        count: impl Fn(&HandOff<'_>, &mut R) + Sync,
        add: impl Fn(&mut R, R),
    ) -> R {
        let in_shard = |shard: &Shard, counts: &mut R| {
            for hand_off in self.hand_offs_of(shard) {
                count(&hand_off, counts);
            }
        };
        self.ends.fold(in_shard, add)
    }

    fn hand_offs_of<'a>(&'a self, shard: &'a Shard) -> impl Iterator<Item = HandOff<'a>> + 'a {
        let is_judged = |hop: Hop| !self.senders_alone.contains(&hop);
        let requests = is_judged(Hop::Ingress).then(|| self.ends.requests(shard));
        let requests = requests.into_iter().flatten();
        let records = is_judged(Hop::Record).then(|| self.ends.records(shard));
        let records = records.into_iter().flatten();
        let ingress = requests.filter_map(|request| self.ingress(shard, request));
        ingress.chain(records.filter_map(|record| self.passed(shard, record)))
    }

    /// The hand-off of a request.
    fn ingress<'a>(&self, shard: &'a Shard, request: Request) -> Option<HandOff<'a>> {
        let client = request.client?;
        let arrived = request.servers.count() > 0;
        let may_arrive = || self.may_arrive(Hop::Ingress, &client.sender);
        let happened = arrived || client.succeeded && !may_arrive();
        let key = HandOffKey::Request(shard.text(request.text));
        happened.then(|| self.judge(Hop::Ingress, key, client.sender, &request.servers))
    }

    /// The hand-off of a record.
    fn passed<'a>(&'a self, shard: &'a Shard, mut record: Record) -> Option<HandOff<'a>> {
        let is_strangers = self.is_logged && self.starts_a_trace(&record);
        let sender = record.sender.take();
        let sender = sender.or_else(|| is_strangers.then_some(Sender::UNKNOWN))?;
        let key = HandOffKey::Message(MessageKey {
            stream: self.ends.names.text(record.place.0),
            shard: self.ends.names.text(record.place.1),
            sequence_number: shard.text(record.text),
        });
        let unseen = match record.receivers.count() {
            0 => Some(self.unseen(&record, &sender)),
            _ => None,
        };
        let judged = self.judge(Hop::Record, key, sender, &record.receivers);
        match unseen {
            None | Some(Unseen::Lost) => Some(judged),
            Some(Unseen::Delivered) => Some(HandOff {
                verdict: None,
                deliveries: 1,
                ..judged
            }),
            Some(Unseen::Unknown) => None,
        }
    }

    /// Whether the consumer of a record without trace context started a trace.
    fn starts_a_trace(&self, record: &Record) -> bool {
        let mut deliveries = record.receivers.kept();
        deliveries.any(|delivery| {
            let receiver = &delivery.receiver;
            let continues = !receiver.links.is_empty() || self.has_remote_parent(delivery);
            receiver.reference.is_some() && !continues
        })
    }

    fn judge<'a>(
        &self,
        hop: Hop,
        key: HandOffKey<'a>,
        mut sender: Sender,
        deliveries: &Deliveries,
    ) -> HandOff<'a> {
        for delivery in deliveries.kept() {
            self.add_around(&mut sender, &delivery.receiver);
        }
        let judged = deliveries.kept().map(|delivery| {
            let receiver = &delivery.receiver;
            let verdict = hand_off::verdict(&sender, receiver, self.has_remote_parent(delivery));
            (verdict, receiver)
        });
        // any verdict is better than `None`
        let best = judged.min_by_key(|(verdict, receiver)| {
            (
                verdict.is_none(),
                *verdict,
                receiver.start.is_none(),
                receiver.start,
            )
        });
        HandOff {
            hop,
            key,
            verdict: best.map_or(Some(Verdict::Lost), |(verdict, _)| verdict),
            flags: best.map_or(Flags::default(), |(_, receiver)| {
                hand_off::flags(&sender, receiver)
            }),
            deliveries: deliveries.count(),
            receiver: best.map(|(_, receiver)| receiver.clone()),
            sender,
        }
    }

    /// Adds to `sender` the spans below it that `receiver` has as its parent or a link. A linked
    /// span of its trace that the source lacks counts as one of them, if the receiver is in another
    /// trace: nothing else leads from there to here.
    fn add_around(&self, sender: &mut Sender, receiver: &Receiver) {
        let Some(from) = sender.reference else {
            return;
        };
        let is_apart = receiver
            .reference
            .is_some_and(|at| at.trace_id != from.trace_id);
        for span_id in receiver.named_in(from.trace_id) {
            let is_new = span_id != from.span_id && !sender.around.contains(&span_id);
            let span = SpanReference { span_id, ..from };
            let is_lost = || is_apart && !self.has_span(span);
            if is_new && (self.ends.is_below(span_id, from) || is_lost()) {
                sender.around.push(span_id);
            }
        }
    }

    /// Whether the source has this span.
    fn has_span(&self, span: SpanReference) -> bool {
        let spans = self.spans.get_or_init(|| self.ends.spans());
        let ids = (span.trace_id.to_bytes(), span.span_id.to_bytes());
        let id = self.ends.hash(ids);
        self.ends.inner(id).is_some() || spans.contains(&id)
    }

    /// Whether the parent is remote. If the span does not say so, the parent counts as remote if
    /// the receiver's service has no span with its id.
    fn has_remote_parent(&self, delivery: &Delivery) -> bool {
        let receiver = &delivery.receiver;
        receiver
            .parent_is_remote
            .unwrap_or_else(|| match (receiver.parent, delivery.service) {
                (Some(parent), Some(service)) => {
                    let parent = u64::from_be_bytes(parent.to_bytes());
                    !self.ends.has_without_flags(service, parent)
                }
                (Some(_), None) => true,
                (None, _) => false,
            })
    }
}
