//! Writes a difference as a sentence.

use std::time::Duration;

use crate::figures::summary::Summary;
use crate::hand_off::{Flag, Hop, Verdict};
use crate::shown;

use super::metrics::{Metric, Of, Quantile, Stage, Value};
use super::shares::Share;

/// The figures of two runs in one sentence, as in
/// "In b3, 1000 of 1000 records start a new trace (tracecontext: 0 of 1000)."
pub(super) fn of(
    metric: &Metric,
    (baseline, before): (&Summary, Value),
    (run, after): (&Summary, Value),
) -> String {
    let noun = |hop| match baseline.is_of_export() {
        true => baseline.noun(hop),
        false => run.noun(hop),
    };
    let (baseline, run) = (&baseline.name, &run.name);
    if let (Value::Share(before), Value::Share(after)) = (before, after) {
        let (noun, predicate) = predicate(metric.of, noun);
        return format!(
            "In {run}, {} ({baseline}: {} of {}).",
            clause(after, noun, predicate),
            before.part,
            before.of
        );
    }
    let (from, to) = (before.number(), after.number());
    match metric.of {
        Of::Latency(stage, quantile) => {
            let share = match quantile {
                Quantile::P50 => "half of the",
                Quantile::P90 => "90 % of the",
                Quantile::P99 => "99 % of the",
                Quantile::P999 => "99.9 % of the",
            };
            let what = match stage {
                Stage::Request => "requests are answered",
                Stage::EndToEnd => "records reach the consumer",
            };
            let [to, from] = [to, from]
                .map(|milliseconds| shown::duration(Duration::from_secs_f64(milliseconds / 1e3)));
            format!("In {run}, {share} {what} within {to} ({baseline}: {from}).")
        }
        Of::Throughput => {
            format!("In {run}, {to} requests succeed per second ({baseline}: {from}).")
        }
        Of::CarrierBytes => {
            format!("In {run}, the context takes {to} bytes per record ({baseline}: {from}).")
        }
        _ => format!("In {run}, {to} requests were sent ({baseline}: {from})."),
    }
}

/// A noun for the counted things, and a predicate for them.
fn predicate(of: Of, noun: impl Fn(Hop) -> &'static str) -> (&'static str, &'static str) {
    match of {
        Of::Verdict(hop, verdict) => {
            let predicate = match (verdict, hop) {
                (Verdict::Connected, _) => "stay connected",
                (Verdict::Linked, _) => "keep a link to their sender",
                (Verdict::NewTrace, _) => "start a new trace",
                (Verdict::WrongParent, _) => "get a parent that is not their sender",
                (Verdict::WrongTrace, _) => "continue a trace that is not their sender's",
                (Verdict::IdTruncated, _) => "keep only the low 64 bits of the trace id",
                (Verdict::Unsampled, _) => "stay unsampled against their sender's decision",
                (Verdict::Lost, Hop::Ingress) => {
                    "leave neither a span nor a log line in the producer"
                }
                (Verdict::Lost, Hop::Record) => "get lost",
            };
            (noun(hop), predicate)
        }
        Of::Flag(hop, flag) => {
            let predicate = match flag {
                Flag::SampledChanged => "change their sampling decision",
                Flag::TracestateLost => "lose their tracestate",
                Flag::BaggageLost => "lose their baggage",
                Flag::DebugLost => "lose their debug flag",
            };
            (noun(hop), predicate)
        }
        Of::RequestsOk => ("request", "succeed"),
        Of::RecordsDelivered => ("record", "arrive"),
        _ => ("delivery", "repeat an earlier one"),
    }
}

/// `1000 of 1000 records start a new trace`.
fn clause(share: Share, noun: &str, predicate: &str) -> String {
    let nouns = match (noun.strip_suffix('y'), share.of) {
        (_, 1) => noun.to_owned(),
        (Some(stem), _) => format!("{stem}ies"),
        (None, _) => format!("{noun}s"),
    };
    let (verb, rest) = predicate.split_once(' ').unwrap_or((predicate, ""));
    let singular = if share.part == 1 { "s" } else { "" };
    let Share { part, of } = share;
    format!("{part} of {of} {nouns} {verb}{singular} {rest}")
        .trim_end()
        .to_owned()
}
