//! What a source can show. This is decided before any figure is made.
//!
//! A figure that the source cannot show is `null` in a summary. Its name is here, with a reason.

mod formats;
mod unseen;

use std::collections::{BTreeMap, BTreeSet};

use crate::assemble::Structure;
use crate::hand_off::{Flag, Hop, Verdict};
use crate::load::Loaded;
use crate::shown::counted;
use crate::tally::Tally;

pub use self::unseen::UnseenRecords;

/// The metrics that need request ids.
const OF_REQUESTS: [&str; 7] = [
    "requests",
    "ok",
    "request.p50",
    "request.p90",
    "request.p99",
    "request.p999",
    "rps",
];
/// The metrics that need message ids.
const OF_RECORDS: [&str; 7] = [
    "delivered",
    "duplicates",
    "carrier_bytes",
    "end_to_end.p50",
    "end_to_end.p90",
    "end_to_end.p99",
    "end_to_end.p999",
];

/// Something that a source cannot show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// What it cannot show and why, as a sentence.
    pub sentence: String,
    /// The metrics without a figure for this reason, under the names that a comparison uses.
    pub metrics: Vec<String>,
}

/// What a source can show.
#[derive(Clone, Debug)]
pub struct Known {
    /// Whether requests, their latency and their rate are known.
    pub requests: bool,
    /// Whether deliveries of records are known.
    pub deliveries: bool,
    /// Whether records have ids, so that their sizes and end-to-end latencies are known.
    pub records: bool,
    /// Records that were delivered and of which no span or log line was found.
    pub unseen: Option<UnseenRecords>,
    /// The counts from parents and links, for hops whose ends have no ids in common.
    structures: BTreeMap<Hop, Structure>,
    unknown: Vec<Unknown>,
    metrics: BTreeSet<String>,
}

impl Default for Known {
    /// Everything is known.
    fn default() -> Known {
        Known {
            requests: true,
            deliveries: true,
            records: true,
            unseen: None,
            structures: BTreeMap::new(),
            unknown: Vec::new(),
            metrics: BTreeSet::new(),
        }
    }
}

impl Known {
    /// What a source can show about the ends in `tally`. `has_requests` says whether a run has the
    /// requests of any client, in spans or in its load figures.
    pub fn of(tally: &Tally, loaded: &Loaded, has_requests: bool) -> Known {
        let mut known = Known::default();
        match loaded.manifest {
            Some(_) => known.run(tally, loaded),
            None => known.export(tally, loaded),
        }
        formats::lost_on_the_way(&mut known, tally, &loaded.extent.logged);
        known.out_of_sight(tally, loaded);
        if loaded.manifest.is_some() && !has_requests {
            known.cannot_tell(
                "requests, their latency and throughput are unknown: there is neither a client's span nor a load.json",
                OF_REQUESTS.map(str::to_owned),
            );
        }
        known
    }

    /// What it cannot show, in the order of the reasons.
    pub fn unknown(&self) -> &[Unknown] {
        &self.unknown
    }

    /// The names of all metrics that it cannot show.
    pub fn unknown_metrics(&self) -> &BTreeSet<String> {
        &self.metrics
    }

    /// Whether the hand-offs of `hop` that have `flag` can be counted.
    pub fn tells_flag(&self, hop: Hop, flag: Flag) -> bool {
        !self.metrics.contains(&format!("{hop}.{flag}"))
    }

    /// The counts from parents and links for `hop`; `None` if the hop is judged by ids or not at
    /// all.
    pub fn structure(&self, hop: Hop) -> Option<Structure> {
        self.structures.get(&hop).copied()
    }

    /// A run is judged by ids. A hop without any receiver is left out, unless its log exists.
    fn run(&mut self, tally: &Tally, loaded: &Loaded) {
        for hop in Hop::BOTH {
            let is_told = hop == Hop::Record && tally.assembly().is_told_by_lab();
            if !is_told && !loaded.has_log_of(hop) && !tally.assembly().has_receivers(hop) {
                self.leave_out(tally, hop);
            }
        }
        unseen::records(self, tally.assembly());
    }

    /// In an export, a hop is judged by parents and links if its ends have no ids in common.
    fn export(&mut self, tally: &Tally, loaded: &Loaded) {
        let assembly = tally.assembly();
        let mut judged_by_ids = Vec::new();
        let mut without_ids = Vec::new();
        for hop in Hop::BOTH {
            let structure = assembly.structure(hop);
            if assembly.matched(hop) > 0 {
                judged_by_ids.push(hop);
            } else if structure.receivers() > 0 {
                self.by_structure(hop, structure);
                without_ids.push(hop);
            } else {
                self.leave_out(tally, hop);
                without_ids.extend((!assembly.has_senders(hop)).then_some(hop));
            }
        }
        if without_ids.contains(&Hop::Ingress) {
            self.requests = false;
            self.cannot_tell(
                "requests, their latency and throughput are unknown: they are counted by request ids",
                OF_REQUESTS.map(str::to_owned),
            );
        }
        if without_ids.contains(&Hop::Record) {
            self.deliveries = false;
            self.records = false;
            self.cannot_tell(
                "records, their size and the latency from end to end are unknown: they are matched by message ids",
                OF_RECORDS.map(str::to_owned),
            );
        }
        if !judged_by_ids.is_empty() {
            let unsampled = judged_by_ids.iter();
            self.cannot_tell(
                "unsampled and lost are unknown: an export holds no logs, and what was not sampled has no span",
                unsampled.flat_map(|hop| {
                    [Verdict::Unsampled, Verdict::Lost].map(|verdict| format!("{hop}.{verdict}"))
                }),
            );
        }
        formats::lost_in(self, loaded.form, tally);
    }

    /// A hop without receivers is not judged.
    fn leave_out(&mut self, tally: &Tally, hop: Hop) {
        let half = match (tally.assembly().has_senders(hop), hop) {
            (true, Hop::Ingress) => {
                "the source has the clients' half alone, and nothing of the functions that they called"
            }
            (true, Hop::Record) => {
                "the source has the producers' half alone, and nothing of the consumers"
            }
            (false, Hop::Ingress) => "there are no server spans",
            (false, Hop::Record) => "there are no consumer spans",
        };
        self.cannot_tell(
            &format!("{hop} cannot be judged: {half}"),
            metrics_of_hop(hop),
        );
        if hop == Hop::Record {
            self.deliveries = false;
            let delivery = OF_RECORDS.iter().filter(|name| **name != "carrier_bytes");
            self.cannot_tell(
                "deliveries are unknown: they are the consumers' to tell",
                delivery.map(ToString::to_string),
            );
        }
    }

    /// Hand-offs whose receivers may be after a cut, or elsewhere, are not judged, unless a log has
    /// all deliveries.
    fn out_of_sight(&mut self, tally: &Tally, loaded: &Loaded) {
        for hop in Hop::BOTH {
            let count = tally.assembly().out_of_sight(hop);
            if count == 0 {
                continue;
            }
            let reason = match loaded.extent.is_cut_short {
                true => "the receivers may be behind the cut",
                false => "the source has no span of their receivers",
            };
            let sentence = format!(
                "{} of {hop} not judged: {reason}",
                counted(count, "hand-off")
            );
            let mut metrics = vec![format!("{hop}.{}", Verdict::Lost)];
            if hop == Hop::Record {
                metrics.push("delivered".to_owned());
                self.deliveries &= !loaded.extent.is_export;
            }
            self.cannot_tell(&sentence, metrics);
        }
    }

    /// Parents and links only show whole hand-offs. Every other figure of the hop is unknown.
    fn by_structure(&mut self, hop: Hop, structure: Structure) {
        self.structures.insert(hop, structure);
        let (receivers, id, senders) = match hop {
            Hop::Ingress => ("server", "request ids (aws.request_id)", "clients"),
            Hop::Record => (
                "consumer",
                "message ids (messaging.message.id)",
                "producers",
            ),
        };
        self.cannot_tell(
            &format!(
                "{hop} is judged by parents and links alone, because both ends have no {id} in common: new_trace, \
                 wrong_parent, wrong_trace, id_truncated, unsampled and lost are unknown, and so is the share that is connected"
            ),
            metrics_of_hop(hop),
        );
        let Structure { roots, orphans, .. } = structure;
        if roots > 0 {
            let sentence = format!(
                "{roots} {receivers} {} without a parent: it is unknown whether {senders} sent a context",
                spans(roots)
            );
            self.cannot_tell(&sentence, []);
        }
        if orphans > 0 {
            let sentence = format!(
                "{orphans} {receivers} {} a parent that the source does not hold: it is unknown whether that is the sender's span",
                if orphans == 1 {
                    "span has"
                } else {
                    "spans have"
                }
            );
            self.cannot_tell(&sentence, []);
        }
    }

    /// Adds that the source cannot show `metrics`, and why.
    fn cannot_tell(&mut self, sentence: &str, metrics: impl IntoIterator<Item = String>) {
        let metrics: Vec<String> = metrics.into_iter().collect();
        self.metrics.extend(metrics.iter().cloned());
        self.unknown.push(Unknown {
            sentence: sentence.to_owned(),
            metrics,
        });
    }
}

fn spans(count: u64) -> &'static str {
    if count == 1 { "span is" } else { "spans are" }
}

/// The metrics of the verdicts and flags of a hop.
fn metrics_of_hop(hop: Hop) -> impl Iterator<Item = String> {
    let verdicts = Verdict::ALL.map(|verdict| format!("{hop}.{verdict}"));
    verdicts
        .into_iter()
        .chain(Flag::ALL.map(|flag| format!("{hop}.{flag}")))
}
