//! All ends of hand-offs, in shards by the hash of their id. Both ends of a hand-off are in one
//! shard, so shards can be sorted and judged side by side.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use foldhash::quality::RandomState;

use super::end::{End, Facts};
use crate::hand_off::MAX_LINKS;
use crate::matching::names::{Name, Names};
use crate::span::{Link, SpanReference, UnixTime};
use crate::threads::{cores, side_by_side};

/// How many bits of an id choose the shard.
const SHARD_BITS: u32 = 6;

/// A linked span, and the `tracestate` of the link.
pub(super) type LinkTo = (SpanReference, Name);

/// The ends whose ids have hashes in one range.
#[derive(Clone, Debug, Default)]
pub(super) struct Shard {
    /// The ends of requests. After [`Ends::sort`], those with one id are next to each other, in the
    /// order in which they were added.
    pub(super) requests: Vec<End>,
    /// The ends of records, in the same order.
    pub(super) records: Vec<End>,
    /// The requests that led to records, as logs show.
    pub(super) origins: Vec<Origin>,
    /// Requests whose clients know no id.
    pub(super) without_id: Vec<ClientWithoutId>,
    /// The spans whose exporter does not say whether the parent is remote, as hashes of their
    /// service and id.
    without_flags: Vec<u64>,
    inner: Vec<Inner>,
    /// The spans that are not ends and have no parent in their service, as hashes of their ids.
    tops: Vec<u64>,
    texts: Texts,
}

/// A record and the request that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    /// The hash of the record's sequence number.
    pub(super) record: u64,
    /// The stream and the shard of the record.
    pub(super) place: (Name, Name),
    /// The hash of the request's id.
    pub(super) request: u64,
}

/// A client's request without an id, so that its receiver cannot be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientWithoutId {
    /// The hash of the span's ids.
    pub(super) span: u64,
    pub(super) start: Option<UnixTime>,
    pub(super) end: Option<UnixTime>,
    pub(super) succeeded: bool,
}

/// A span that is not an end of a hand-off, and has a parent that may be in its own service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inner {
    /// The hash of its trace id and span id.
    pub(super) span: u64,
    /// Its parent.
    pub(super) parent: u64,
    /// Its service, if the exporter does not say whether the parent is remote.
    pub(super) service: Option<Name>,
}

/// The text of ids. Number 0 is the empty text.
#[derive(Clone, Debug, Default)]
struct Texts {
    all: String,
    ends: Vec<u32>,
}

/// All ends, or a part of them.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    /// Hashes ids. Its key is random, so that an attacker cannot craft a collision.
    hasher: RandomState,
    pub(super) names: Names,
    facts: Vec<Facts>,
    fact_numbers: HashMap<Facts, u32, RandomState>,
    /// The links of those ends that have any. The first list is empty.
    links: Vec<Box<[LinkTo]>>,
    /// A part has one shard, and a whole has several.
    shards: Vec<Shard>,
    /// Whether the text of ids is kept.
    keeps_texts: bool,
}

impl Ends {
    /// No ends yet. `keeps_texts` says whether the text of ids is kept.
    pub(super) fn new(keeps_texts: bool) -> Ends {
        Ends {
            hasher: RandomState::default(),
            names: Names::default(),
            facts: Vec::new(),
            fact_numbers: HashMap::default(),
            links: vec![Box::default()],
            shards: vec![Shard::default(); 1 << SHARD_BITS],
            keeps_texts,
        }
    }

    /// A part of these ends, still empty. It hashes ids with the same key.
    pub(super) fn part(&self) -> Ends {
        Ends {
            hasher: self.hasher.clone(),
            shards: vec![Shard::default()],
            ..Ends::new(self.keeps_texts)
        }
    }

    /// The hash of an id.
    pub(super) fn hash(&self, id: impl Hash) -> u64 {
        self.hasher.hash_one(id)
    }

    /// The number of `facts`.
    pub(super) fn number(&mut self, facts: Facts) -> u32 {
        let next = u32::try_from(self.facts.len()).unwrap_or(0);
        let number = *self.fact_numbers.entry(facts).or_insert(next);
        if number as usize == self.facts.len() {
            self.facts.push(facts);
        }
        number
    }

    /// The number of the list of `links`.
    pub(super) fn number_of_links(&mut self, links: &[Link<'_>]) -> u32 {
        if links.is_empty() {
            return 0;
        }
        let kept = links.iter().take(MAX_LINKS);
        let kept = kept.map(|link| (link.to, self.names.intern(&link.trace_state)));
        let kept = kept.collect();
        self.add_links(kept)
    }

    fn add_links(&mut self, links: Box<[LinkTo]>) -> u32 {
        let number = u32::try_from(self.links.len()).unwrap_or(0);
        self.links.push(links);
        number
    }

    /// Adds an end of a request.
    pub(super) fn add_request(&mut self, end: End, id: &str) {
        let keeps_texts = self.keeps_texts;
        let shard = self.shard(end.id);
        let text = shard.texts.add(if keeps_texts { id } else { "" });
        shard.requests.push(End { text, ..end });
    }

    /// Adds an end of a record.
    pub(super) fn add_record(&mut self, end: End, sequence_number: &str) {
        let keeps_texts = self.keeps_texts;
        let shard = self.shard(end.id);
        let text = shard
            .texts
            .add(if keeps_texts { sequence_number } else { "" });
        shard.records.push(End { text, ..end });
    }

    /// Adds the request that led to a record.
    pub(super) fn add_origin(&mut self, origin: Origin) {
        self.shard(origin.record).origins.push(origin);
    }

    /// Adds a request without an id.
    pub(super) fn add_without_id(&mut self, client: ClientWithoutId) {
        self.shard(client.span).without_id.push(client);
    }

    /// Adds a span whose exporter does not say whether the parent is remote.
    pub(super) fn add_without_flags(&mut self, service: &str, span: u64) {
        let hash = self.hash((service, span));
        self.shard(hash).without_flags.push(hash);
    }

    /// Whether the service has a span with this id whose exporter does not say whether the parent
    /// is remote.
    pub(super) fn has_without_flags(&self, service: Name, span: u64) -> bool {
        let hash = self.hash((self.names.text(service), span));
        let shard = &self.shards[self.place(hash)];
        shard.without_flags.binary_search(&hash).is_ok()
    }

    /// Adds a span that is not an end.
    pub(super) fn add_inner(&mut self, inner: Inner) {
        self.shard(inner.span).inner.push(inner);
    }

    /// Adds a span that is not an end, and has no parent in its service.
    pub(super) fn add_top(&mut self, span: u64) {
        self.shard(span).tops.push(span);
    }

    /// The span with this hash of its ids, if it is not an end and has a parent in its service.
    pub(super) fn inner(&self, span: u64) -> Option<&Inner> {
        let inner = &self.shards[self.place(span)].inner;
        let place = inner.binary_search_by_key(&span, |inner| inner.span);
        inner.get(place.ok()?)
    }

    /// Adds the ends of a part, which come after those that were added before.
    pub(super) fn append(&mut self, part: Ends) {
        let names = self.names.append(&part.names);
        let facts = part.facts.iter().map(|facts| facts.renamed(&names));
        let facts: Vec<u32> = facts.map(|facts| self.number(facts)).collect();
        let lists = part.links.into_iter().map(|links| {
            let renamed = links.iter().map(|(to, state)| (*to, names.get(*state)));
            let renamed: Box<[LinkTo]> = renamed.collect();
            if renamed.is_empty() {
                0
            } else {
                self.add_links(renamed)
            }
        });
        let links: Vec<u32> = lists.collect();
        let renumbered = |end: &End| End {
            facts: facts[end.facts as usize],
            links: links[end.links as usize],
            ..*end
        };
        for shard in part.shards {
            for end in &shard.requests {
                self.add_request(renumbered(end), shard.texts.get(end.text));
            }
            for end in &shard.records {
                self.add_record(renumbered(end), shard.texts.get(end.text));
            }
            for origin in shard.origins {
                let (stream, in_stream) = origin.place;
                self.add_origin(Origin {
                    place: (names.get(stream), names.get(in_stream)),
                    ..origin
                });
            }
            for client in shard.without_id {
                self.add_without_id(client);
            }
            for inner in shard.inner {
                let service = inner.service.map(|service| names.get(service));
                self.add_inner(Inner { service, ..inner });
            }
            for span in shard.tops {
                self.add_top(span);
            }
            for hash in shard.without_flags {
                self.shard(hash).without_flags.push(hash);
            }
        }
    }

    /// Puts the ends with one id next to each other.
    pub(super) fn sort(&mut self) {
        side_by_side(&mut self.shards, |shard| {
            shard.requests.sort_by_key(|end| end.id);
            shard.records.sort_by_key(|end| end.id);
            shard.origins.sort_unstable();
            shard.without_id.sort_unstable();
            shard.without_id.dedup_by_key(|client| client.span);
            shard.without_flags.sort_unstable();
            shard.without_flags.dedup();
            shard.inner.sort_unstable_by_key(|inner| inner.span);
        });
    }

    /// The spans of all ends, and those without a parent in their service, as hashes of their ids.
    pub(super) fn spans(&self) -> HashSet<u64> {
        let shards = self.shards.iter();
        let spans = shards.flat_map(|shard| {
            let ends = shard.requests.iter().chain(&shard.records);
            let ends = ends.map(|end| self.hash((end.trace, end.span.to_be_bytes())));
            ends.chain(shard.tops.iter().copied())
        });
        spans.collect()
    }

    /// The shards.
    pub(super) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The streams of all records.
    pub(super) fn streams(&self) -> BTreeSet<&str> {
        let streams = self.facts.iter().map(|facts| self.names.text(facts.stream));
        streams.filter(|stream| !stream.is_empty()).collect()
    }

    /// The facts of `end`.
    pub(super) fn facts(&self, end: &End) -> &Facts {
        &self.facts[end.facts as usize]
    }

    /// The links of `end`.
    pub(super) fn links(&self, end: &End) -> &[LinkTo] {
        &self.links[end.links as usize]
    }

    /// Adds up what `work` finds in each shard, on all cores.
    pub(super) fn fold<R: Default + Send>(
        &self,
        work: impl Fn(&Shard, &mut R) + Sync,
        add: impl Fn(&mut R, R),
    ) -> R {
        let threads = cores();
        let share = self.shards.len().div_ceil(threads);
        let found = side_by_side(self.shards.chunks(share), |shards| {
            let mut found = R::default();
            shards.iter().for_each(|shard| work(shard, &mut found));
            found
        });
        let mut all = R::default();
        found.into_iter().for_each(|found| add(&mut all, found));
        all
    }

    fn place(&self, id: u64) -> usize {
        match self.shards.len() {
            1 => 0,
            _ => (id >> (64 - SHARD_BITS)) as usize,
        }
    }

    fn shard(&mut self, id: u64) -> &mut Shard {
        let place = self.place(id);
        &mut self.shards[place]
    }
}

impl Shard {
    /// The text of an id in this shard; empty if it was not kept.
    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number)
    }
}

impl Texts {
    fn add(&mut self, text: &str) -> u32 {
        let end = u32::try_from(self.all.len() + text.len());
        match (end, u32::try_from(self.ends.len() + 1)) {
            (Ok(end), Ok(number)) if !text.is_empty() => {
                self.all.push_str(text);
                self.ends.push(end);
                number
            }
            _ => 0,
        }
    }

    fn get(&self, number: u32) -> &str {
        let Some(place) = (number as usize).checked_sub(1) else {
            return "";
        };
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start as usize..self.ends[place] as usize]
    }
}
