//! What a source can show. This is decided before any figure is made.
//!
//! A figure that the source cannot show is `null` in a summary. Its name is here, with a reason.

mod formats;
mod unseen;

use std::collections::BTreeSet;

use crate::audit::Judged;
use crate::figures::tally::Tally;
use crate::hand_off::{Flag, Hop, Verdict};
use crate::shown::counted;
use crate::source::load::Loaded;

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
    /// Whether records have ids, so that their end-to-end latencies are known.
    pub records: bool,
    /// Whether the sizes of the records' contexts are known.
    pub sizes: bool,
    /// Records that were delivered, but for which no span or log line was found.
    pub unseen: Option<UnseenRecords>,
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
            sizes: true,
            unseen: None,
            unknown: Vec::new(),
            metrics: BTreeSet::new(),
        }
    }
}

impl Known {
    /// What a source can show about the ends in `tally`, and of what an audit judged.
    /// `has_requests` says whether a run has the requests of any client, in spans or in its load
    /// figures.
    pub fn of(tally: &Tally, loaded: &Loaded, judged: &Judged, has_requests: bool) -> Known {
        let mut known = Known::default();
        match loaded.manifest {
            Some(_) => known.run(tally, loaded),
            None => known.export(tally, loaded, judged),
        }
        formats::lost_on_the_way(&mut known, tally, &loaded.extent.logged);
        if loaded.manifest.is_some() {
            known.out_of_sight(tally, loaded);
        }
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

    /// The hops of an export are what its audit judged. It shows no receiver that was lost or not
    /// sampled.
    fn export(&mut self, tally: &Tally, loaded: &Loaded, judged: &Judged) {
        let hops = judged.hops();
        for hop in Hop::BOTH {
            if hops.contains_key(&hop) {
                self.cannot_tell(
                    &format!(
                        "unsampled and lost are unknown for {hop}: an export holds no logs, and what was not sampled has no span"
                    ),
                    [Verdict::Unsampled, Verdict::Lost]
                        .map(|verdict| format!("{hop}.{verdict}")),
                );
            } else {
                self.leave_out(tally, hop);
            }
            let count = judged.not_judged_of(hop);
            if count > 0 {
                let sentence = format!(
                    "{} of {hop} not judged: one end is not in the source or cannot be matched",
                    counted(count, "hand-off")
                );
                self.cannot_tell(&sentence, []);
            }
        }
        self.ids_of_export(tally);
        formats::lost_in(self, loaded.form, tally);
    }

    /// Requests and records of an export are counted by ids that both ends have.
    fn ids_of_export(&mut self, tally: &Tally) {
        let assembly = tally.assembly();
        let is_counted = |hop| {
            let has_receivers =
                assembly.has_receivers(hop) || assembly.has_receivers_without_id(hop);
            assembly.matched(hop) > 0 || !has_receivers && assembly.has_senders(hop)
        };
        if !is_counted(Hop::Ingress) {
            self.requests = false;
            self.cannot_tell(
                "requests, their latency and throughput are unknown: they are counted by request ids",
                OF_REQUESTS.map(str::to_owned),
            );
        }
        if !is_counted(Hop::Record) {
            self.deliveries = false;
            (self.records, self.sizes) = (false, false);
            self.cannot_tell(
                "records, their size and the latency from end to end are unknown: they are matched by message ids",
                OF_RECORDS.map(str::to_owned),
            );
        }
        if self.records && !assembly.has_carrier_bytes() {
            self.sizes = false;
            self.cannot_tell(
                "carrier_bytes is unknown: no span says how many bytes its headers had (baton.carrier_bytes)",
                ["carrier_bytes".to_owned()],
            );
        }
        if self.records {
            self.cannot_tell(
                "delivered is unknown: an export does not show which records never arrived",
                ["delivered".to_owned()],
            );
        }
    }

    /// A hop without receivers is not judged.
    fn leave_out(&mut self, tally: &Tally, hop: Hop) {
        let half = match (tally.assembly().has_senders(hop), hop) {
            (true, Hop::Ingress) => {
                "the source has only the clients' half, and nothing from the functions that they called"
            }
            (true, Hop::Record) => {
                "the source has only the producers' half, and nothing from the consumers"
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
                "deliveries are unknown: only the consumers can show them",
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

/// The metrics of the verdicts and flags of a hop.
fn metrics_of_hop(hop: Hop) -> impl Iterator<Item = String> {
    let verdicts = Verdict::ALL.map(|verdict| format!("{hop}.{verdict}"));
    verdicts
        .into_iter()
        .chain(Flag::ALL.map(|flag| format!("{hop}.{flag}")))
}
