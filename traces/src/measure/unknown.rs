//! What an export cannot tell, and what it tells all the same.

use crate::assemble::Structure;
use crate::hand_off::{Hop, Verdict};
use crate::measure::Measured;
use crate::readers::Form;
use crate::statistics::Durations;
use crate::tally::Tally;

/// Judges the hops of an export whose ends have no ids in common by parents and links, leaves out the figures that need
/// ids, and says what cannot be told.
pub(super) fn judge_by_structure(measured: &mut Measured, tally: &Tally, form: Form) {
    let ingress = by_structure(measured, tally, Hop::Ingress);
    let record = by_structure(measured, tally, Hop::Record);
    let summary = &mut measured.summary;
    if ingress {
        summary.requests = None;
        summary.requests_without_id = 0;
        summary.latency_ms.request = None;
        summary.throughput_rps = None;
        measured.request = Durations::default();
        measured.unknown.push(
            "requests, their latency and throughput are unknown: they are counted by request ids"
                .to_owned(),
        );
    }
    if record {
        summary.records = None;
        summary.records_without_sender = 0;
        summary.carrier_bytes = None;
        summary.latency_ms.end_to_end = None;
        measured.end_to_end = Durations::default();
        measured.unknown.push(
            "records, their size and the latency from end to end are unknown: they are matched by message ids"
                .to_owned(),
        );
    }
    if !(ingress && record) {
        measured.unknown.push(
            "unsampled cannot be told: an export holds no logs, and what was not sampled counts as lost".to_owned(),
        );
    }
    measured.unknown.extend(lost_in(form, tally));
    measured.unknown.extend(lost_on_the_way(tally));
}

/// What the spans that came as Zipkin cannot tell, wherever they are kept now. Their sampling is known: what is not
/// sampled is not exported, and has its line in the log.
pub(super) fn lost_on_the_way(tally: &Tally) -> Vec<String> {
    let mut lost = Vec::new();
    let (spans, receivers) = (tally.from_zipkin(), tally.receivers_from_zipkin());
    if receivers > 0 {
        lost.push(format!(
            "linked cannot be told of {receivers} spans that came as Zipkin: it keeps no span links, and what was linked \
             counts as new_trace"
        ));
    }
    if spans > 0 {
        lost.push(format!(
            "tracestate_lost cannot be told of {spans} spans that came as Zipkin: it keeps no tracestate"
        ));
    }
    lost
}

/// What a form has no place for.
fn lost_in(form: Form, tally: &Tally) -> Vec<String> {
    if matches!(
        form,
        Form::OtlpJson | Form::OtlpProtobuf | Form::OtlpFrames | Form::OtlpDelimited
    ) {
        return Vec::new();
    }
    let mut lost = Vec::new();
    if form == Form::Zipkin && tally.links() == 0 {
        lost.push(format!(
            "linked cannot be told: {form} keeps no span links, and what was linked counts as new_trace"
        ));
    }
    if tally.trace_states() == 0 {
        lost.push(format!(
            "tracestate_lost cannot be told: {form} keeps no tracestate"
        ));
    }
    lost.push(format!(
        "sampled_changed cannot be told: {form} keeps no sampling flags of the spans it has"
    ));
    lost
}

/// Replaces the verdicts of `hop` where none was matched by id. Gives whether it did.
fn by_structure(measured: &mut Measured, tally: &Tally, hop: Hop) -> bool {
    let assembly = tally.assembly();
    if assembly.matched(hop) > 0 {
        return false;
    }
    let structure = assembly.structure(hop);
    let summary = &mut measured.summary;
    if structure.receivers() == 0 && summary.judged(hop) > 0 {
        // Senders with ids, and nobody who received: lost, as far as the export knows.
        return false;
    }
    let verdicts = [
        (Verdict::Connected, structure.connected),
        (Verdict::Linked, structure.linked),
    ];
    let verdicts = verdicts.into_iter().filter(|(_, count)| *count > 0);
    summary.hops.insert(hop, verdicts.collect());
    summary.flags.insert(hop, Default::default());
    measured.unknown.extend(sentences(hop, structure));
    measured.whole_only.insert(hop);
    true
}

fn sentences(hop: Hop, structure: Structure) -> Vec<String> {
    let (receivers, id, senders) = match hop {
        Hop::Ingress => ("server", "request ids (aws.request_id)", "clients"),
        Hop::Record => (
            "consumer",
            "message ids (messaging.message.id)",
            "producers",
        ),
    };
    if structure.receivers() == 0 {
        return vec![format!(
            "{hop} cannot be judged: there are no {receivers} spans"
        )];
    }
    let mut sentences = vec![format!(
        "{hop} is judged by parents and links alone, because both ends have no {id} in common: new_trace, wrong_parent, \
         wrong_trace, id_truncated, unsampled and lost cannot be told"
    )];
    let Structure { roots, orphans, .. } = structure;
    if roots > 0 {
        sentences.push(format!(
            "{roots} {receivers} {} without a parent: whether {senders} sent a context cannot be told",
            spans(roots)
        ));
    }
    if orphans > 0 {
        sentences.push(format!(
            "{orphans} {receivers} {} a parent that the source does not hold: whether it is the sender's cannot be told",
            if orphans == 1 { "span has" } else { "spans have" }
        ));
    }
    sentences
}

fn spans(count: u64) -> &'static str {
    if count == 1 { "span is" } else { "spans are" }
}
