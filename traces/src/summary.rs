//! The figures of a run: `summary.json`, and one element of `runs` in a comparison.
//!
//! A figure that is not known is `null`.

use std::collections::{BTreeMap, BTreeSet};

use baton_propagators::mode::{Engine, Mode, Pairing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::{Edge, Judged};
use crate::hand_off::{Flag, Hop, Verdict};
use crate::known::Known;
use crate::run::{self, Manifest, RunDirectory, RunError};
use crate::statistics::{self, Durations, Percentiles, Sizes};
use crate::tally::{ClientCounts, FlagCounts, HopCounts, Tally, TroubleCounts};

/// One run in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The run's name: its directory's.
    pub name: String,
    /// The producer's mode and the consumer's.
    pub pairing: Option<Pairing>,
    /// Whose code read and wrote the headers.
    pub engine: Option<Engine>,
    /// When the run started.
    pub started: Option<Timestamp>,
    /// How long it took, in seconds.
    pub duration_s: Option<f64>,
    /// The clients' requests.
    pub requests: Option<Requests>,
    /// The records.
    pub records: Option<Records>,
    /// How many traces the spans belong to.
    pub traces: Option<u64>,
    /// How many spans.
    pub spans: Option<u64>,
    /// How many hand-offs of each hop have each verdict. A verdict without hand-offs is not in the map; a
    /// verdict that the source cannot tell is named in `unknown`.
    pub hops: BTreeMap<Hop, BTreeMap<Verdict, u64>>,
    /// How many hand-offs of each hop have each flag.
    pub flags: BTreeMap<Hop, FlagCounts>,
    /// Latencies, in milliseconds.
    pub latency_ms: Latencies,
    /// Requests that succeeded, per second of the burst: from the first one's start to the last one's end.
    pub throughput_rps: Option<f64>,
    /// Size of the JSON object that carries the context in a record; 0 for a record without context.
    pub carrier_bytes: Option<Sizes>,

    /// The edges of an export, as in an audit.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// What an audit of an export found.
    #[serde(skip)]
    pub audit: Option<Judged>,
    /// The names of the metrics, as in a comparison, that the source cannot tell.
    #[serde(default)]
    pub unknown: BTreeSet<String>,
    /// The client's mode, if the manifest's settings say so.
    #[serde(default)]
    pub client: Option<Mode>,
    /// Deliveries of records whose sender left neither span nor log line.
    #[serde(default)]
    pub records_without_sender: u64,
    /// Requests that succeeded but have no request id, so that their ingress could not be judged.
    #[serde(default)]
    pub requests_without_id: u64,
    /// Hand-offs that could not be judged, because neither end was traced.
    #[serde(default)]
    pub unjudged: u64,
    /// The trouble that the functions' logs report.
    #[serde(default)]
    pub troubles: TroubleCounts,
    /// Lines of the functions' own logs that could not be read.
    #[serde(default)]
    pub log_problems: u64,
    /// What was wrong with the run's files, one sentence each.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// The clients' requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// How many were sent.
    pub sent: u64,
    /// How many were answered with success.
    pub ok: u64,
    /// How many failed.
    pub failed: u64,
}

/// The records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// How many Kinesis accepted.
    pub sent: u64,
    /// How many of them were delivered at least once.
    pub delivered: u64,
    /// How many deliveries there were beyond the first.
    pub duplicates: u64,
    /// How many were never delivered.
    pub lost: u64,
}

/// Latencies in milliseconds; `None` if no span tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// Of the requests that succeeded, as the client saw them.
    pub request: Option<Percentiles>,
    /// From the client's start to the end of the record's first handling. Without a client's span it
    /// starts at the producer.
    pub end_to_end: Option<Percentiles>,
}

impl Summary {
    /// Sums up what `tally` has counted so far of the run that `manifest` describes.
    pub fn of_tally(name: String, manifest: &Manifest, tally: &Tally) -> Summary {
        Summary::of(name, tally, &Known::default(), &tally.end_to_end()).described_by(manifest)
    }

    /// Adds what a manifest says of the run.
    pub(crate) fn described_by(self, manifest: &Manifest) -> Summary {
        let duration = manifest.end.map(|end| end.duration_since(manifest.start));
        Summary {
            pairing: manifest.pairing.clone(),
            engine: Some(manifest.engine),
            started: Some(manifest.start),
            duration_s: duration.map(|duration| statistics::rounded(duration.as_secs_f64(), 3)),
            client: client_mode(manifest),
            ..self
        }
    }

    /// Sums up what `tally` has counted, as far as it is known. `end_to_end` are the tally's own
    /// durations.
    pub(crate) fn of(
        name: String,
        tally: &Tally,
        known: &Known,
        end_to_end: &Durations,
    ) -> Summary {
        let counts = tally.verdicts();
        let records = tally.records();
        let clients = tally.clients();
        let has_requests = known.requests && clients.sent > 0;
        Summary {
            name,
            requests: has_requests.then_some(Requests {
                sent: clients.sent,
                ok: clients.ok,
                failed: clients.sent - clients.ok,
            }),
            records: known.deliveries.then_some(Records {
                sent: records.sent,
                delivered: records.delivered,
                duplicates: records.duplicates,
                lost: records.lost,
            }),
            traces: Some(tally.traces()),
            spans: Some(tally.spans()),
            unjudged: counts.values().map(|counts| counts.unjudged).sum(),
            flags: flags(&counts, known),
            hops: verdicts(counts, known),
            latency_ms: Latencies {
                request: percentiles(&clients.durations, known.requests),
                end_to_end: percentiles(end_to_end, known.records),
            },
            throughput_rps: known.requests.then(|| throughput(clients)).flatten(),
            carrier_bytes: known
                .records
                .then(|| Sizes::of(tally.assembly().carrier_bytes()))
                .flatten(),
            unknown: known.unknown_metrics().clone(),
            records_without_sender: match known.records {
                true => records.without_sender,
                false => 0,
            },
            requests_without_id: match known.requests {
                true => clients.ok_without_request_id,
                false => 0,
            },
            troubles: tally.troubles(),
            ..Summary::default()
        }
    }

    /// Reads `summary.json` of a run.
    ///
    /// # Errors
    /// If it cannot be read or is no summary.
    pub fn read(run: &RunDirectory) -> Result<Summary, RunError> {
        run::read_json(&run.summary_path(), "a run's summary")
    }

    /// Writes `summary.json` of a run, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, run: &RunDirectory) -> Result<(), RunError> {
        run::write_json(&run.summary_path(), self)
    }

    /// How many hand-offs of `hop` were judged.
    pub fn judged(&self, hop: Hop) -> u64 {
        self.hops
            .get(&hop)
            .map_or(0, |counts| counts.values().sum())
    }

    /// How many hand-offs of `hop` have `verdict`.
    pub fn count(&self, hop: Hop, verdict: Verdict) -> u64 {
        let counts = self.hops.get(&hop);
        counts
            .and_then(|counts| counts.get(&verdict))
            .copied()
            .unwrap_or(0)
    }
}

/// How many hand-offs have each flag; `None` for a flag that is not known.
fn flags(counts: &BTreeMap<Hop, HopCounts>, known: &Known) -> BTreeMap<Hop, FlagCounts> {
    let flags = counts.iter().map(|(hop, counts)| {
        let mut flags = counts.flags;
        for flag in Flag::ALL {
            if !known.tells_flag(*hop, flag) {
                *flags.get_mut(flag) = None;
            }
        }
        (*hop, flags)
    });
    flags.collect()
}

/// How many hand-offs have each verdict: by ids, or else by parents and links.
fn verdicts(
    counts: BTreeMap<Hop, HopCounts>,
    known: &Known,
) -> BTreeMap<Hop, BTreeMap<Verdict, u64>> {
    let verdicts = counts.into_iter().map(|(hop, counts)| {
        let Some(structure) = known.structure(hop) else {
            return (hop, counts.verdicts);
        };
        let whole = [
            (Verdict::Connected, structure.connected),
            (Verdict::Linked, structure.linked),
        ];
        let whole = whole.into_iter().filter(|(_, count)| *count > 0);
        (hop, whole.collect())
    });
    verdicts.collect()
}

fn percentiles(durations: &Durations, are_known: bool) -> Option<Percentiles> {
    are_known.then(|| durations.percentiles()).flatten()
}

/// Requests that succeeded, per second of the burst.
fn throughput(clients: &ClientCounts) -> Option<f64> {
    let burst = clients.burst()?;
    statistics::per_second(clients.ok, burst)
}

fn client_mode(manifest: &Manifest) -> Option<Mode> {
    manifest.settings.get("client")?.as_str()?.parse().ok()
}
