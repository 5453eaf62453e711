//! What a source cannot tell, and what it tells all the same.

use super::{Measured, Unknown};
use crate::assemble::{HandOff, Structure};
use crate::hand_off::{Flag, Hop, Luggage, Verdict};
use crate::readers::Form;
use crate::shown::counted;
use crate::span::SpanFormat;
use crate::statistics::Durations;
use crate::tally::Tally;

const HOPS: [Hop; 2] = [Hop::Ingress, Hop::Record];
/// The metrics that are told by request ids alone, and those by message ids.
const OF_REQUESTS: [&str; 7] = [
    "requests",
    "ok",
    "request.p50",
    "request.p90",
    "request.p99",
    "request.p999",
    "rps",
];
const OF_RECORDS: [&str; 7] = [
    "delivered",
    "duplicates",
    "carrier_bytes",
    "end_to_end.p50",
    "end_to_end.p90",
    "end_to_end.p99",
    "end_to_end.p999",
];

/// How a hop of an export was judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    /// By the ids of its ends.
    ByIds,
    /// By parents and links.
    ByStructure,
    /// Not at all.
    Not,
}

/// Judges the hops of an export whose ends have no ids in common by parents and links, leaves out the figures that need
/// ids, and says what cannot be told.
pub(super) fn judge_by_structure(measured: &mut Measured, tally: &Tally, form: Form) {
    let judged = HOPS.map(|hop| (hop, by_structure(measured, tally, hop)));
    let [ingress, record] = judged.map(|(hop, judged)| {
        judged == Judged::ByStructure || judged == Judged::Not && !has_senders(tally, hop)
    });
    let summary = &mut measured.summary;
    if ingress {
        summary.requests = None;
        summary.requests_without_id = 0;
        summary.latency_ms.request = None;
        summary.throughput_rps = None;
        measured.request = Durations::default();
        measured.cannot_tell(
            "requests, their latency and throughput are unknown: they are counted by request ids",
            OF_REQUESTS.map(str::to_owned),
        );
    }
    let summary = &mut measured.summary;
    if record {
        summary.records = None;
        summary.records_without_sender = 0;
        summary.carrier_bytes = None;
        summary.latency_ms.end_to_end = None;
        measured.end_to_end = Durations::default();
        measured.cannot_tell(
            "records, their size and the latency from end to end are unknown: they are matched by message ids",
            OF_RECORDS.map(str::to_owned),
        );
    }
    let by_ids = judged.into_iter().filter(|(_, by)| *by == Judged::ByIds);
    let unsampled: Vec<String> = by_ids
        .map(|(hop, _)| format!("{hop}.{}", Verdict::Unsampled))
        .collect();
    if !unsampled.is_empty() {
        measured.cannot_tell(
            "unsampled cannot be told: an export holds no logs, and what was not sampled counts as lost",
            unsampled,
        );
    }
    lost_in(measured, form, tally);
    lost_on_the_way(measured, tally, &[]);
}

/// Says that nobody's client has left a span or figures.
pub(super) fn without_clients(measured: &mut Measured) {
    measured.cannot_tell(
        "requests, their latency and throughput are unknown: there is neither a client's span nor a load.json",
        OF_REQUESTS.map(str::to_owned),
    );
}

/// Says what is not judged of a source that is cut short, where the receivers' log does not tell of every delivery.
pub(super) fn cut_short(measured: &mut Measured, tally: &Tally) {
    for hop in HOPS {
        let count = tally.assembly().behind_the_cut(hop);
        if count == 0 {
            continue;
        }
        let sentence = format!(
            "{} of {hop} not judged: the receivers may be behind the cut",
            counted(count, "hand-off")
        );
        let mut metrics = vec![format!("{hop}.{}", Verdict::Lost)];
        if hop == Hop::Record {
            metrics.push("delivered".to_owned());
        }
        measured.cannot_tell(&sentence, metrics);
    }
}

/// Says what was lost of hand-offs whose spans did not come as OTLP, wherever they are kept now: a link where the trace broke,
/// and the `tracestate` of whoever had one. Where the receivers' log is not among `logged` either, as in what was merged with
/// an export, nothing tells of sampling, baggage and the debug flag: what is not said may not have been asked.
pub(super) fn lost_on_the_way(measured: &mut Measured, tally: &Tally, logged: &[Hop]) {
    let foreign = tally.foreign();
    if foreign.spans == 0 {
        return;
    }
    for hop in HOPS {
        let losses = Losses::of(tally, hop);
        let Losses {
            links,
            trace_states,
            hand_offs,
            ..
        } = losses;
        let came_as = losses.came_as();
        if links > 0 {
            let sentence = format!(
                "linked cannot be told of {hop}: {links} of its receivers came as Zipkin, which keeps no span links, and what \
                 was linked counts as new_trace, wrong_trace or id_truncated"
            );
            measured.cannot_tell(&sentence, [format!("{hop}.linked")]);
        }
        if trace_states > 0 {
            let sentence = format!(
                "tracestate_lost cannot be told of {hop}: {trace_states} of its hand-offs came as {came_as}, which keeps no \
                 tracestate"
            );
            measured.cannot_tell(&sentence, [format!("{hop}.tracestate_lost")]);
        }
        if hand_offs == 0 || logged.contains(&hop) {
            continue;
        }
        let sentence = format!(
            "sampled_changed cannot be told of {hop}: {hand_offs} of its hand-offs came as {came_as}, which keeps no sampling \
             flags"
        );
        measured.cannot_tell(&sentence, [format!("{hop}.sampled_changed")]);
        if foreign.baggage_counts == 0 {
            let sentence = format!(
                "baggage_lost cannot be told of {hop}: no span that came as {came_as} says how many baggage entries it had \
                 (baton.baggage.entries)"
            );
            measured.cannot_tell(&sentence, [format!("{hop}.baggage_lost")]);
        }
        if losses.has_no_debug && foreign.debug_marks == 0 {
            let sentence = format!(
                "debug_lost cannot be told of {hop}: no span that came as {came_as} says that its context had the debug flag \
                 (baton.context.debug)"
            );
            measured.cannot_tell(&sentence, [format!("{hop}.debug_lost")]);
        }
    }
}

/// The hand-offs of a hop that did not come as OTLP, at one end at least, and what their formats have no place for.
#[derive(Default)]
struct Losses {
    /// How many there are.
    hand_offs: u64,
    /// How many may have had a link.
    links: u64,
    /// How many may have had a `tracestate` that is not known at one end.
    trace_states: u64,
    /// Whether a format is among them that has no place for the debug flag.
    has_no_debug: bool,
    formats: Vec<SpanFormat>,
}

impl Losses {
    fn of(tally: &Tally, hop: Hop) -> Losses {
        let mut losses = Losses::default();
        let hand_offs = tally.assembly().hand_offs();
        for hand_off in hand_offs.filter(|hand_off| hand_off.hop == hop) {
            let HandOff {
                verdict, sender, ..
            } = hand_off;
            let arrived_as = hand_off.receiver.and_then(|receiver| receiver.format);
            let formats: Vec<_> = sender.format.into_iter().chain(arrived_as).collect();
            if formats.is_empty() {
                continue;
            }
            let is_apart = matches!(
                verdict,
                Some(Verdict::NewTrace | Verdict::WrongTrace | Verdict::IdTruncated)
            );
            let has_trace_state = |luggage: Option<&Luggage>| {
                luggage.is_some_and(|luggage| !luggage.trace_state.is_empty())
            };
            let had_trace_state = has_trace_state(sender.luggage.as_deref());
            let arrived = hand_off
                .receiver
                .and_then(|receiver| receiver.luggage.as_deref());
            // where a Collector came before, it may be there all the same
            let is_unknown = match had_trace_state {
                true => arrived_as.is_some() && !has_trace_state(arrived),
                false => sender.format.is_some(),
            };
            losses.hand_offs += 1;
            losses.links += u64::from(arrived_as == Some(SpanFormat::Zipkin) && is_apart);
            losses.trace_states += u64::from(is_unknown);
            losses.has_no_debug |= formats.contains(&SpanFormat::XRay);
            for format in formats {
                if !losses.formats.contains(&format) {
                    losses.formats.push(format);
                }
            }
        }
        losses
    }

    /// The formats by name: Zipkin or Jaeger.
    fn came_as(&self) -> String {
        let names: Vec<_> = self.formats.iter().map(ToString::to_string).collect();
        names.join(" or ")
    }
}

/// Leaves out a hop of whose receivers the source holds nothing, and says so.
pub(super) fn leave_out(measured: &mut Measured, tally: &Tally, hop: Hop) {
    let half = match (has_senders(tally, hop), hop) {
        (true, Hop::Ingress) => {
            "the source has the clients' half alone, and nothing of the functions that they called"
        }
        (true, Hop::Record) => {
            "the source has the producers' half alone, and nothing of the consumers"
        }
        (false, Hop::Ingress) => "there are no server spans",
        (false, Hop::Record) => "there are no consumer spans",
    };
    measured.cannot_tell(
        &format!("{hop} cannot be judged: {half}"),
        metrics_of_hop(hop),
    );
    measured.summary.hops.insert(hop, Default::default());
    if hop == Hop::Record {
        measured.summary.records = None;
        let delivery = OF_RECORDS.iter().filter(|name| **name != "carrier_bytes");
        let delivery = delivery.map(ToString::to_string);
        measured.cannot_tell(
            "deliveries are unknown: they are the consumers' to tell",
            delivery,
        );
    }
}

/// Whether the source holds nothing of the receivers of `hop`.
pub(super) fn is_absent(tally: &Tally, hop: Hop) -> bool {
    !tally.assembly().has_receivers(hop)
}

fn has_senders(tally: &Tally, hop: Hop) -> bool {
    tally.assembly().has_senders(hop)
}

/// What a form has no place for, and what no span of an export says.
fn lost_in(measured: &mut Measured, form: Form, tally: &Tally) {
    let on_both_hops = |what: &str| HOPS.map(|hop| format!("{hop}.{what}"));
    let has_flags = matches!(
        form,
        Form::OtlpJson
            | Form::OtlpProtobuf
            | Form::OtlpFrames
            | Form::OtlpDelimited
            | Form::OtlpLogLines
            | Form::CloudWatch
    );
    if form == Form::Zipkin && tally.links() == 0 {
        measured.cannot_tell(
            &format!("linked cannot be told: {form} keeps no span links, and what was linked counts as new_trace"),
            on_both_hops("linked"),
        );
    }
    if form.mark().is_some() && tally.trace_states() == 0 {
        measured.cannot_tell(
            &format!("tracestate_lost cannot be told: {form} keeps no tracestate"),
            on_both_hops("tracestate_lost"),
        );
    }
    if !has_flags {
        measured.cannot_tell(
            &format!(
                "sampled_changed cannot be told: {form} keeps no sampling flags of the spans it has"
            ),
            on_both_hops("sampled_changed"),
        );
    }
    if tally.baggage_counts() == 0 {
        measured.cannot_tell(
            "baggage_lost cannot be told: no span says how many baggage entries it had (baton.baggage.entries)",
            on_both_hops("baggage_lost"),
        );
    }
    // these two have a place for it, so without it there was none
    if tally.debug_marks() == 0 && !matches!(form, Form::Zipkin | Form::Jaeger) {
        measured.cannot_tell(
            "debug_lost cannot be told: no span says that its context had the debug flag (baton.context.debug)",
            on_both_hops("debug_lost"),
        );
    }
}

/// Replaces the verdicts of `hop` where none was matched by id.
fn by_structure(measured: &mut Measured, tally: &Tally, hop: Hop) -> Judged {
    let assembly = tally.assembly();
    if assembly.matched(hop) > 0 {
        return Judged::ByIds;
    }
    let structure = assembly.structure(hop);
    if structure.receivers() == 0 {
        leave_out(measured, tally, hop);
        return Judged::Not;
    }
    let verdicts = [
        (Verdict::Connected, structure.connected),
        (Verdict::Linked, structure.linked),
    ];
    let verdicts = verdicts.into_iter().filter(|(_, count)| *count > 0);
    measured.summary.hops.insert(hop, verdicts.collect());
    say_what_structure_tells(measured, hop, structure);
    Judged::ByStructure
}

/// The counts of what is whole are no shares of anything, and of what is not there are none.
fn say_what_structure_tells(measured: &mut Measured, hop: Hop, structure: Structure) {
    let (receivers, id, senders) = match hop {
        Hop::Ingress => ("server", "request ids (aws.request_id)", "clients"),
        Hop::Record => (
            "consumer",
            "message ids (messaging.message.id)",
            "producers",
        ),
    };
    measured.cannot_tell(
        &format!(
            "{hop} is judged by parents and links alone, because both ends have no {id} in common: new_trace, \
             wrong_parent, wrong_trace, id_truncated, unsampled and lost cannot be told, nor the share that is connected"
        ),
        metrics_of_hop(hop),
    );
    let Structure { roots, orphans, .. } = structure;
    if roots > 0 {
        let sentence = format!(
            "{roots} {receivers} {} without a parent: whether {senders} sent a context cannot be told",
            spans(roots)
        );
        measured.cannot_tell(&sentence, []);
    }
    if orphans > 0 {
        let sentence = format!(
            "{orphans} {receivers} {} a parent that the source does not hold: whether it is the sender's cannot be told",
            if orphans == 1 {
                "span has"
            } else {
                "spans have"
            }
        );
        measured.cannot_tell(&sentence, []);
    }
}

fn spans(count: u64) -> &'static str {
    if count == 1 { "span is" } else { "spans are" }
}

/// The metrics of verdicts and flags on a hop.
fn metrics_of_hop(hop: Hop) -> impl Iterator<Item = String> {
    let verdicts = Verdict::ALL.map(|verdict| format!("{hop}.{verdict}"));
    verdicts
        .into_iter()
        .chain(Flag::ALL.map(|flag| format!("{hop}.{flag}")))
}

impl Measured {
    /// Says that the source cannot tell `metrics`, and takes away what stands for their flags.
    fn cannot_tell(&mut self, sentence: &str, metrics: impl IntoIterator<Item = String>) {
        let metrics: Vec<String> = metrics.into_iter().collect();
        for (hop, counts) in &mut self.summary.flags {
            for flag in Flag::ALL {
                if metrics.contains(&format!("{hop}.{flag}")) {
                    *counts.get_mut(flag) = None;
                }
            }
        }
        self.summary.unknown.extend(metrics.iter().cloned());
        self.unknown.push(Unknown {
            sentence: sentence.to_owned(),
            metrics,
        });
    }
}
