//! The figures of a comparison, and how to read them from a source.

use crate::figures::measure::Measured;
use crate::figures::summary::round::Round;
use crate::figures::summary::{Latencies, Summary};
use crate::hand_off::{Flag, Hop, Verdict};
use crate::percentiles::Percentiles;

use super::limits::Bounds;
use super::shares::Share;

/// At least this many durations of a round must be beyond a percentile. With fewer, it is one of
/// the longest durations and says little about the others.
const MIN_BEYOND: f64 = 5.0;

/// One figure of a source.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name in a comparison's `differences` and on the command line.
    pub name: &'static str,
    /// Which direction is better, or `None` if neither is.
    pub better: Option<Better>,
    /// What it counts or measures.
    pub(super) of: Of,
}

/// Which direction of a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More.
    Higher,
    /// Less.
    Lower,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A part of a whole, between 0 and 1.
    Share,
    /// A time.
    Milliseconds,
    /// A number per second.
    PerSecond,
    /// A size.
    Bytes,
    /// A number.
    Count,
}

/// The subject of a metric.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    Verdict(Hop, Verdict),
    Flag(Hop, Flag),
    RequestsSent,
    RequestsOk,
    RecordsDelivered,
    Duplicates,
    Latency(Stage, Quantile),
    Throughput,
    CarrierBytes,
}

/// The part of the pipeline that a latency covers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    Request,
    EndToEnd,
}

/// Which percentile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantile {
    P50,
    P90,
    P99,
    P999,
}

impl Stage {
    fn percentiles(self, latencies: &Latencies) -> Option<Percentiles> {
        match self {
            Stage::Request => latencies.request,
            Stage::EndToEnd => latencies.end_to_end,
        }
    }
}

impl Quantile {
    /// The share of values that are at most as large.
    pub(super) fn share(self) -> f64 {
        match self {
            Quantile::P50 => 0.5,
            Quantile::P90 => 0.9,
            Quantile::P99 => 0.99,
            Quantile::P999 => 0.999,
        }
    }

    fn milliseconds(self, percentiles: &Percentiles) -> f64 {
        match self {
            Quantile::P50 => percentiles.p50,
            Quantile::P90 => percentiles.p90,
            Quantile::P99 => percentiles.p99,
            Quantile::P999 => percentiles.p999,
        }
    }
}

/// A figure in one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RoundFigure {
    /// The figure.
    Of(f64),
    /// The round has too few durations for this percentile.
    TooFew,
    /// The round does not show it.
    None,
}

/// The value of a metric in one source.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    /// A count and its total.
    Share(Share),
    /// A number that the user set.
    Count(u64),
    /// A percentile of durations, in milliseconds.
    Latency(f64),
    /// A number per second.
    Rate(f64),
    /// Mean and maximum in bytes.
    Bytes { mean: f64, max: u64 },
}

impl Value {
    /// The figure as one number. A share is between 0 and 1.
    pub(super) fn number(self) -> f64 {
        match self {
            Value::Share(share) => share.ratio().unwrap_or_default(),
            Value::Count(count) => count as f64,
            Value::Latency(milliseconds) => milliseconds,
            Value::Rate(rate) => rate,
            Value::Bytes { mean, .. } => mean,
        }
    }
}

/// Every metric, in the order of a comparison: verdicts, delivery, flags, latency, throughput,
/// bytes.
pub const METRICS: [Metric; 38] = [
    verdict("ingress.connected", Hop::Ingress, Verdict::Connected),
    verdict("ingress.linked", Hop::Ingress, Verdict::Linked),
    verdict("ingress.new_trace", Hop::Ingress, Verdict::NewTrace),
    verdict("ingress.wrong_parent", Hop::Ingress, Verdict::WrongParent),
    verdict("ingress.wrong_trace", Hop::Ingress, Verdict::WrongTrace),
    verdict("ingress.id_truncated", Hop::Ingress, Verdict::IdTruncated),
    verdict("ingress.unsampled", Hop::Ingress, Verdict::Unsampled),
    verdict("ingress.lost", Hop::Ingress, Verdict::Lost),
    verdict("record.connected", Hop::Record, Verdict::Connected),
    verdict("record.linked", Hop::Record, Verdict::Linked),
    verdict("record.new_trace", Hop::Record, Verdict::NewTrace),
    verdict("record.wrong_parent", Hop::Record, Verdict::WrongParent),
    verdict("record.wrong_trace", Hop::Record, Verdict::WrongTrace),
    verdict("record.id_truncated", Hop::Record, Verdict::IdTruncated),
    verdict("record.unsampled", Hop::Record, Verdict::Unsampled),
    verdict("record.lost", Hop::Record, Verdict::Lost),
    metric("requests", None, Of::RequestsSent),
    metric("ok", HIGHER, Of::RequestsOk),
    metric("delivered", HIGHER, Of::RecordsDelivered),
    metric("duplicates", LOWER, Of::Duplicates),
    flag(
        "ingress.sampled_changed",
        Hop::Ingress,
        Flag::SampledChanged,
    ),
    flag(
        "ingress.tracestate_lost",
        Hop::Ingress,
        Flag::TracestateLost,
    ),
    flag("ingress.baggage_lost", Hop::Ingress, Flag::BaggageLost),
    flag("ingress.debug_lost", Hop::Ingress, Flag::DebugLost),
    flag("record.sampled_changed", Hop::Record, Flag::SampledChanged),
    flag("record.tracestate_lost", Hop::Record, Flag::TracestateLost),
    flag("record.baggage_lost", Hop::Record, Flag::BaggageLost),
    flag("record.debug_lost", Hop::Record, Flag::DebugLost),
    latency("request.p50", Stage::Request, Quantile::P50),
    latency("request.p90", Stage::Request, Quantile::P90),
    latency("request.p99", Stage::Request, Quantile::P99),
    latency("request.p999", Stage::Request, Quantile::P999),
    latency("end_to_end.p50", Stage::EndToEnd, Quantile::P50),
    latency("end_to_end.p90", Stage::EndToEnd, Quantile::P90),
    latency("end_to_end.p99", Stage::EndToEnd, Quantile::P99),
    latency("end_to_end.p999", Stage::EndToEnd, Quantile::P999),
    metric("rps", HIGHER, Of::Throughput),
    metric("carrier_bytes", None, Of::CarrierBytes),
];

const HIGHER: Option<Better> = Some(Better::Higher);
const LOWER: Option<Better> = Some(Better::Lower);

const fn metric(name: &'static str, better: Option<Better>, of: Of) -> Metric {
    Metric { name, better, of }
}

const fn verdict(name: &'static str, hop: Hop, verdict: Verdict) -> Metric {
    let better = match verdict {
        Verdict::Connected => HIGHER,
        // neither is better, because a receiver may link on purpose
        Verdict::Linked => None,
        _ => LOWER,
    };
    metric(name, better, Of::Verdict(hop, verdict))
}

const fn flag(name: &'static str, hop: Hop, flag: Flag) -> Metric {
    metric(name, LOWER, Of::Flag(hop, flag))
}

const fn latency(name: &'static str, stage: Stage, quantile: Quantile) -> Metric {
    metric(name, LOWER, Of::Latency(stage, quantile))
}

impl Metric {
    /// The metric of that name.
    pub fn from_name(name: &str) -> Option<&'static Metric> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// Its unit.
    pub fn unit(&self) -> Unit {
        match self.of {
            Of::Verdict(..)
            | Of::Flag(..)
            | Of::RequestsOk
            | Of::RecordsDelivered
            | Of::Duplicates => Unit::Share,
            Of::Latency(..) => Unit::Milliseconds,
            Of::Throughput => Unit::PerSecond,
            Of::CarrierBytes => Unit::Bytes,
            Of::RequestsSent => Unit::Count,
        }
    }

    /// The figure of a source as one number: a share from 0 to 1, milliseconds, or a plain number.
    /// `None` if the source does not show it.
    pub fn number(&self, measured: &Measured) -> Option<f64> {
        self.value(measured).map(Value::number)
    }

    /// The figure in one round, if a round can have it.
    pub(super) fn in_round(&self, round: &Round) -> RoundFigure {
        match self.of {
            Of::Latency(stage, quantile) => {
                let count = match stage {
                    Stage::Request => round.requests.ok,
                    Stage::EndToEnd => round.records,
                };
                if (count as f64) * (1.0 - quantile.share()) < MIN_BEYOND {
                    return RoundFigure::TooFew;
                }
                let percentiles = stage.percentiles(&round.latency_ms);
                let milliseconds = percentiles.map(|all| quantile.milliseconds(&all));
                milliseconds.map_or(RoundFigure::None, RoundFigure::Of)
            }
            Of::Throughput => RoundFigure::Of(round.throughput_rps),
            _ => RoundFigure::None,
        }
    }

    /// Whether it is measured in each round, and not counted over all.
    pub(super) fn is_of_rounds(&self) -> bool {
        matches!(self.of, Of::Latency(..) | Of::Throughput)
    }

    /// The share of a verdict in a source, with what the hand-offs that were not judged could make
    /// of it. `None` for other metrics, or if the source does not show it.
    pub(super) fn bounds(&self, measured: &Measured) -> Option<Bounds> {
        let Of::Verdict(hop, verdict) = self.of else {
            return None;
        };
        self.value(measured)?;
        share_bounds(&measured.summary, hop, &[verdict])
    }

    /// The value in a source, or `None` if the source does not show it.
    pub(super) fn value(&self, measured: &Measured) -> Option<Value> {
        let summary = &measured.summary;
        let share = |part, of| (of > 0).then_some(Value::Share(Share { part, of }));
        match self.of {
            _ if summary.unknown.contains(self.name) => None,
            Of::Verdict(hop, verdict) => share(summary.count(hop, verdict), summary.judged(hop)),
            Of::Flag(hop, flag) => {
                let counts = summary.flags.get(&hop)?;
                share(counts.get(flag)?, summary.judged(hop))
            }
            Of::RequestsSent => summary.requests.map(|requests| Value::Count(requests.sent)),
            Of::RequestsOk => {
                let requests = summary.requests?;
                share(requests.ok, requests.sent)
            }
            Of::RecordsDelivered => {
                let records = summary.records?;
                share(records.delivered?, records.sent)
            }
            Of::Duplicates => {
                let records = summary.records?;
                let deliveries = records.delivered? + records.duplicates;
                share(records.duplicates, deliveries)
            }
            Of::Latency(stage, quantile) => {
                let percentiles = stage.percentiles(&summary.latency_ms)?;
                Some(Value::Latency(quantile.milliseconds(&percentiles)))
            }
            Of::Throughput => summary.throughput_rps.map(Value::Rate),
            Of::CarrierBytes => summary.carrier_bytes.map(|sizes| Value::Bytes {
                mean: sizes.mean,
                max: sizes.max,
            }),
        }
    }
}

/// The share of hand-offs of `hop` that have one of `verdicts`, with what those that were not judged
/// could make of it. `None` if none was judged.
pub(super) fn share_bounds(summary: &Summary, hop: Hop, verdicts: &[Verdict]) -> Option<Bounds> {
    let counts = verdicts.iter().map(|verdict| summary.count(hop, *verdict));
    let judged = summary.judged(hop);
    let unjudged = summary.unjudged_by_hop.get(&hop).copied().unwrap_or(0);
    // of an export, they include those that broke although it is unknown which
    let edges = summary.audit.iter().flat_map(|judged| &judged.edges);
    let edges = edges.filter(|edge| edge.channel.hop() == hop);
    let broken: u64 = match verdicts.iter().all(|verdict| verdict.holds()) {
        true => edges.map(|edge| edge.ambiguous.at_least).sum(),
        false => 0,
    };
    let unknown = unjudged.saturating_sub(broken);
    Bounds::of_share(counts.sum(), judged + broken, unknown).filter(|_| judged > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_its_name() {
        for metric in &METRICS {
            let found = Metric::from_name(metric.name).expect(metric.name);
            assert!(std::ptr::eq(found, metric) || found.name == metric.name);
        }
        assert!(Metric::from_name("record").is_none());
    }

    #[test]
    fn verdicts_are_named_after_their_hop_and_verdict() {
        let mut verdicts = 0;
        for metric in &METRICS {
            if let Of::Verdict(hop, verdict) = metric.of {
                assert_eq!(metric.name, format!("{hop}.{verdict}"));
                verdicts += 1;
            }
        }
        assert_eq!(verdicts, 2 * Verdict::ALL.len());
    }

    #[test]
    fn an_empty_source_shows_nothing() {
        let measured = Measured::default();
        for metric in &METRICS {
            assert_eq!(metric.number(&measured), None, "{}", metric.name);
        }
    }
}
