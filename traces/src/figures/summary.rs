//! The figures of a run: `summary.json`, and one element of `runs` in a comparison.
//!
//! An unknown figure is `null`.

pub mod round;

use std::collections::{BTreeMap, BTreeSet};

use baton_propagators::{Engine, Mode, Pairing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::round::Round;
use crate::audit::{Edge, Judged};
use crate::figures::known::{Known, UnseenRecords};
use crate::figures::tally::{ClientCounts, FlagCounts, HopCounts, Tally, TroubleCounts};
use crate::hand_off::{Flag, Hop, Verdict};
use crate::percentiles::{self, Durations, Percentiles, Sizes};
use crate::run::{self, Manifest, RunDirectory, RunError};
use crate::version::Version;

/// One run in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// The version of this document.
    #[serde(default)]
    pub version: Version,
    /// The run's name: the last part of its directory's path.
    pub name: String,
    /// The producer's mode and the consumer's; `None` if they changed during the run.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub pairing: Option<Pairing>,
    /// Whether the modes changed during the run.
    #[serde(default)]
    pub switched: bool,
    /// The engine that read and wrote the headers.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
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
    /// How many spans there are.
    pub spans: Option<u64>,
    /// How many hand-offs of each hop have each verdict. A verdict without hand-offs is absent. A
    /// verdict that the source cannot show is named in `unknown`.
    pub hops: BTreeMap<Hop, BTreeMap<Verdict, u64>>,
    /// How many hand-offs of each hop have each flag.
    pub flags: BTreeMap<Hop, FlagCounts>,
    /// Latencies, in milliseconds.
    pub latency_ms: Latencies,
    /// Successful requests per second, from the start of the first request to the end of the last.
    pub throughput_rps: Option<f64>,
    /// Size in bytes of the JSON object that carries the context in a record; 0 for a record
    /// without context.
    pub carrier_bytes: Option<Sizes>,

    /// The rounds, if the load took turns with those of other runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
    /// What this run has in common with the runs whose rounds took turns with its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interleaved: Option<String>,
    /// The edges, as in the answer of an audit.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// What an audit of an export found.
    #[serde(skip)]
    pub audit: Option<Judged>,
    /// The metrics that the source cannot show, under the names that a comparison uses.
    #[serde(default)]
    pub unknown: BTreeSet<String>,
    /// The client's mode, if the manifest's settings contain it.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub client: Option<Mode>,
    /// Deliveries of records whose sender has neither a span nor a log line.
    #[serde(default)]
    pub records_without_sender: u64,
    /// Successful requests without a request id. Their ingress could not be judged.
    #[serde(default)]
    pub requests_without_id: u64,
    /// Hand-offs that could not be judged, because neither end has a span, or because no span or
    /// log line of the receiver was found.
    #[serde(default)]
    pub unjudged: u64,
    /// The same by hop. In an export, they include the hand-offs that broke although it is unknown
    /// which.
    #[serde(default)]
    pub unjudged_by_hop: BTreeMap<Hop, u64>,
    /// The records among them that were delivered, but for which no span or log line was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_without_span: Option<UnseenRecords>,
    /// The problems that the functions' logs report.
    #[serde(default)]
    pub troubles: TroubleCounts,
    /// Lines of the functions' own logs that could not be read.
    #[serde(default)]
    pub log_problems: u64,
    /// What was wrong with the run's files: one sentence for each problem.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// The clients' requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Requests {
    /// How many were sent.
    pub sent: u64,
    /// How many succeeded.
    pub ok: u64,
    /// How many failed.
    pub failed: u64,
}

/// The records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Records {
    /// How many Kinesis accepted. For an export: how many messages with an id were sent.
    pub sent: u64,
    /// How many of them were delivered at least once; `None` for an export, which does not show it.
    pub delivered: Option<u64>,
    /// How many deliveries there were beyond the first.
    pub duplicates: u64,
    /// How many were never delivered, as far as spans and logs show; `None` for an export.
    pub lost: Option<u64>,
    /// How many a lab accepted and did not deliver, including those of senders without a span;
    /// `None` if no lab recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered: Option<u64>,
}

/// Latencies in milliseconds; `None` if no span has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Latencies {
    /// Latencies of the successful requests, as the client measured them.
    pub request: Option<Percentiles>,
    /// From the client's start to the end of the record's first handling. If the client has no
    /// span, from the producer's start.
    pub end_to_end: Option<Percentiles>,
}

/// How many spans and traces a source has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeenSpans {
    traces: u64,
    spans: u64,
}

impl SeenSpans {
    /// The spans and traces that an audit found.
    pub(crate) fn of(judged: &Judged) -> SeenSpans {
        SeenSpans {
            traces: judged.traces,
            spans: judged.spans + judged.left_out,
        }
    }
}

impl Summary {
    /// Sums up the spans and lines that `tally` has counted so far, for the run that `manifest`
    /// describes.
    /// `judged` is the audit of the same spans.
    pub fn of_tally(name: String, manifest: &Manifest, tally: &Tally, judged: &Judged) -> Summary {
        let (verdicts, end_to_end) = (tally.verdicts(), tally.end_to_end());
        let (seen, known) = (SeenSpans::of(judged), Known::default());
        Summary::of(name, tally, seen, verdicts, &known, &end_to_end).described_by(manifest)
    }

    /// Adds what a manifest says about the run.
    pub(crate) fn described_by(self, manifest: &Manifest) -> Summary {
        let duration = manifest.end.map(|end| end.duration_since(manifest.start));
        Summary {
            name: numbered(self.name, manifest),
            pairing: manifest.pairing.clone().filter(|_| !manifest.switched()),
            switched: manifest.switched(),
            records: records(self.records, manifest),
            engine: Some(manifest.engine),
            started: Some(manifest.start),
            duration_s: duration.map(|duration| percentiles::rounded(duration.as_secs_f64(), 3)),
            client: client_mode(manifest),
            interleaved: manifest.interleaved().map(str::to_owned),
            ..self
        }
    }

    /// Adds what an audit of an export found: its hops are its requests and its messages.
    pub(crate) fn audited(mut self, judged: Judged) -> Summary {
        self.hops = judged.hops();
        for hop in Hop::BOTH {
            let counts = self.hops.entry(hop).or_default();
            let is_judged = !counts.is_empty();
            let flags = self.flags.entry(hop).or_default();
            let found = judged.flags(hop);
            for flag in Flag::ALL {
                let count = flags.get_mut(flag);
                *count = count
                    .filter(|_| is_judged)
                    .map(|_| found.get(&flag).copied().unwrap_or(0));
            }
        }
        self.unjudged = judged.not_judged();
        self.unjudged_by_hop = Hop::BOTH.map(|hop| (hop, judged.not_judged_of(hop))).into();
        if let Some(records) = &mut self.records {
            (records.delivered, records.lost) = (None, None);
        }
        self.audit = Some(judged);
        self
    }

    /// Sums up what `tally` has counted and `known` allows. `end_to_end` holds the tally's own
    /// durations.
    pub(crate) fn of(
        name: String,
        tally: &Tally,
        seen: SeenSpans,
        counts: BTreeMap<Hop, HopCounts>,
        known: &Known,
        end_to_end: &Durations,
    ) -> Summary {
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
                delivered: Some(records.delivered),
                duplicates: records.duplicates,
                lost: Some(records.lost),
                undelivered: None,
            }),
            traces: Some(seen.traces),
            spans: Some(seen.spans),
            records_without_span: known.unseen.clone(),
            unjudged: counts.values().map(|counts| counts.unjudged).sum(),
            unjudged_by_hop: counts
                .iter()
                .map(|(hop, counts)| (*hop, counts.unjudged))
                .collect(),
            flags: flags(&counts, known),
            hops: verdicts(counts),
            latency_ms: Latencies {
                request: percentiles(&clients.durations, known.requests),
                end_to_end: percentiles(end_to_end, known.records),
            },
            throughput_rps: known.requests.then(|| throughput(clients)).flatten(),
            carrier_bytes: known
                .sizes
                .then(|| tally.assembly().carrier_bytes().sizes())
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
    /// If it cannot be read or is not a summary.
    pub fn read(run: &RunDirectory) -> Result<Summary, RunError> {
        run::read_json(&run.summary_path(), "a run's summary")
    }

    /// Writes `summary.json` of a run, completely or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, run: &RunDirectory) -> Result<(), RunError> {
        run::write_json(&run.summary_path(), self)
    }

    /// Whether the source is not a run.
    pub fn is_of_export(&self) -> bool {
        self.audit.is_some()
    }

    /// What is handed over at `hop`: a request, and in a run a record, else a message.
    pub fn noun(&self, hop: Hop) -> &'static str {
        match hop {
            Hop::Ingress => "request",
            Hop::Record if self.is_of_export() => "message",
            Hop::Record => "record",
        }
    }

    /// How many hand-offs of `hop` were judged.
    pub fn judged(&self, hop: Hop) -> u64 {
        self.hops
            .get(&hop)
            .map_or(0, |counts| counts.values().sum())
    }

    /// How many records a lab accepted and did not deliver; 0 if no lab recorded it.
    pub fn undelivered(&self) -> u64 {
        let records = self.records.and_then(|records| records.undelivered);
        records.unwrap_or(0)
    }

    /// How many records were not delivered: as a lab recorded, or as spans and logs show if that is
    /// more.
    pub fn undelivered_or_lost(&self) -> u64 {
        let lost = self.records.and_then(|records| records.lost);
        let lost = lost.unwrap_or(0);
        self.undelivered().max(lost)
    }

    /// Whether messages were handed over and none of them could be judged.
    pub fn has_nothing_judged(&self) -> bool {
        let judged = Hop::BOTH.iter().any(|hop| self.judged(*hop) > 0);
        let requests = self.requests.map_or(0, |requests| requests.ok);
        let records = self.records.and_then(|records| records.delivered);
        let records = records.unwrap_or(0);
        !judged && requests + records > 0
    }

    /// The records that were delivered and not judged, if no record could be judged.
    pub fn nothing_judged_of_records(&self) -> Option<&UnseenRecords> {
        let unseen = self.records_without_span.as_ref();
        unseen.filter(|_| self.judged(Hop::Record) == self.count(Hop::Record, Verdict::Lost))
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

/// The name of a run of a pairing that was run several times: `b3#2` for the directory `b3_2`.
fn numbered(name: String, manifest: &Manifest) -> String {
    let apart = manifest.number().and_then(|number| {
        let pairing = name.strip_suffix(&format!("_{number}"))?;
        Some(format!("{pairing}#{number}"))
    });
    apart.unwrap_or(name)
}

/// The records, with what a lab knows about them.
fn records(by_spans: Option<Records>, manifest: &Manifest) -> Option<Records> {
    let Some(lab) = manifest.records else {
        return by_spans;
    };
    let undelivered = Some(lab.undelivered);
    match by_spans.filter(|records| records.sent > 0) {
        Some(records) => Some(Records {
            undelivered,
            ..records
        }),
        // the producer left neither spans nor a log
        None => Some(Records {
            sent: lab.delivered + lab.undelivered,
            delivered: Some(lab.delivered),
            duplicates: by_spans.map_or(0, |records| records.duplicates),
            lost: Some(lab.undelivered),
            undelivered,
        }),
    }
}

/// How many hand-offs have each flag. A flag that the source cannot show is `None`.
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

fn verdicts(counts: BTreeMap<Hop, HopCounts>) -> BTreeMap<Hop, BTreeMap<Verdict, u64>> {
    let verdicts = counts.into_iter();
    verdicts
        .map(|(hop, counts)| (hop, counts.verdicts))
        .collect()
}

fn percentiles(durations: &Durations, are_known: bool) -> Option<Percentiles> {
    are_known.then(|| durations.percentiles()).flatten()
}

/// Successful requests per second of the burst.
fn throughput(clients: &ClientCounts) -> Option<f64> {
    let burst = clients.burst()?;
    percentiles::per_second(clients.ok, burst)
}

fn client_mode(manifest: &Manifest) -> Option<Mode> {
    manifest.settings.get("client")?.as_str()?.parse().ok()
}
