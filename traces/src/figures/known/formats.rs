//! Which figures the forms of spans cannot show.

use std::collections::BTreeSet;

use super::Known;
use crate::figures::tally::Tally;
use crate::hand_off::{Hop, Luggage, Verdict};
use crate::matching::by_id::HandOff;
use crate::readers::Form;
use crate::span::SpanFormat;

/// Adds what the export's form cannot hold, and what none of its spans contains.
pub(super) fn lost_in(known: &mut Known, form: Form, tally: &Tally) {
    let on_both_hops = |what: &str| Hop::BOTH.map(|hop| format!("{hop}.{what}"));
    let has_flags = matches!(
        form,
        Form::OtlpJson
            | Form::OtlpProtobuf
            | Form::OtlpFrames
            | Form::OtlpDelimited
            | Form::OtlpLogLines
            | Form::CloudWatch
    );
    if form == Form::Zipkin && !tally.has_links() {
        known.cannot_tell(
            &format!("linked is unknown: {form} keeps no span links, and what was linked counts as new_trace"),
            on_both_hops("linked"),
        );
    }
    if form.mark().is_some() && !tally.has_trace_states() {
        known.cannot_tell(
            &format!("tracestate_lost is unknown: {form} keeps no tracestate"),
            on_both_hops("tracestate_lost"),
        );
    }
    if !has_flags {
        known.cannot_tell(
            &format!(
                "sampled_changed is unknown: {form} keeps no sampling flags of the spans it has"
            ),
            on_both_hops("sampled_changed"),
        );
    }
    known.cannot_tell(
        "baggage_lost and debug_lost are unknown: an export is judged by ids, and ids do not show them",
        ["baggage_lost", "debug_lost"].into_iter().flat_map(on_both_hops),
    );
}

/// Adds the losses of hand-offs whose spans arrived in a foreign form, wherever they are stored
/// now: span links and `tracestate`. Without the receivers' log, sampling, baggage and the debug
/// flag are unknown too.
pub(super) fn lost_on_the_way(known: &mut Known, tally: &Tally, logged: &BTreeSet<Hop>) {
    let foreign = tally.foreign();
    if foreign.spans == 0 {
        return;
    }
    for hop in Hop::BOTH {
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
                "linked is unknown for {hop}: {links} of its receivers came as Zipkin, which keeps no span links, and what \
                 was linked counts as new_trace, wrong_trace or id_truncated"
            );
            known.cannot_tell(&sentence, [format!("{hop}.linked")]);
        }
        if trace_states > 0 {
            let sentence = format!(
                "tracestate_lost is unknown for {hop}: {trace_states} of its hand-offs came as {came_as}, which keeps no \
                 tracestate"
            );
            known.cannot_tell(&sentence, [format!("{hop}.tracestate_lost")]);
        }
        if hand_offs == 0 || logged.contains(&hop) {
            continue;
        }
        let sentence = format!(
            "sampled_changed is unknown for {hop}: {hand_offs} of its hand-offs came as {came_as}, which keeps no sampling \
             flags"
        );
        known.cannot_tell(&sentence, [format!("{hop}.sampled_changed")]);
        if foreign.baggage_counts == 0 {
            let sentence = format!(
                "baggage_lost is unknown for {hop}: no span that came as {came_as} says how many baggage entries it had \
                 (baton.baggage.entries)"
            );
            known.cannot_tell(&sentence, [format!("{hop}.baggage_lost")]);
        }
        if losses.has_no_debug && foreign.debug_marks == 0 {
            let sentence = format!(
                "debug_lost is unknown for {hop}: no span that came as {came_as} says that its context had the debug flag \
                 (baton.context.debug)"
            );
            known.cannot_tell(&sentence, [format!("{hop}.debug_lost")]);
        }
    }
}

/// The hand-offs of a hop with at least one end in another form than OTLP, and what these forms
/// cannot hold.
#[derive(Default)]
struct Losses {
    /// How many there are.
    hand_offs: u64,
    /// How many may have had a span link.
    links: u64,
    /// How many may have had a `tracestate` that one end does not show.
    trace_states: u64,
    /// Whether one of the formats cannot hold the debug flag.
    has_no_debug: bool,
    formats: Vec<SpanFormat>,
}

impl Losses {
    fn of(tally: &Tally, hop: Hop) -> Losses {
        let mut losses = Losses::default();
        let hand_offs = tally.assembly().hand_offs();
        for hand_off in hand_offs.filter(|hand_off| hand_off.hop == hop) {
            let HandOff {
                verdict,
                sender,
                receiver,
                ..
            } = hand_off;
            let arrived_as = receiver.as_ref().and_then(|receiver| receiver.format);
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
            let arrived = receiver.as_ref();
            let arrived = arrived.and_then(|receiver| receiver.luggage.as_deref());
            // a Collector may have kept it as a tag
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

    /// The names of the forms: Zipkin or Jaeger.
    fn came_as(&self) -> String {
        let names: Vec<_> = self.formats.iter().map(ToString::to_string).collect();
        names.join(" or ")
    }
}
