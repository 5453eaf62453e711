use baton_propagators::{Engine, Mode, XraySource};

use super::*;

/// A client's span in W3C's header, with a `tracestate` if `headers` contain one.
fn client(sampled: bool) -> Sender {
    Sender {
        reference: Some(SpanReference {
            trace_id: trace_id(0x11),
            span_id: span_id(0x22),
        }),
        recorded: true,
        sampled: Some(sampled),
        luggage: Some(Box::new(Luggage {
            trace_state: "baton=1".into(),
            ..Luggage::default()
        })),
        ..Sender::default()
    }
}

fn propagation(mode: &str, engine: Engine) -> Propagation {
    Propagation {
        engine,
        ..Propagation::from(mode.parse::<Mode>().expect("a mode"))
    }
}

struct Case {
    producer: &'static str,
    consumer: &'static str,
    engine: Engine,
    headers: &'static [(&'static str, &'static str)],
    ingress: (Verdict, &'static str),
    record: (Verdict, &'static str),
}

const W3C: (&str, &str) = (
    "traceparent",
    "00-11111111111111111111111111111111-2222222222222222-01",
);
const STATE: (&str, &str) = ("tracestate", "baton=1");
const B3: (&str, &str) = ("b3", "11111111111111111111111111111111-2222222222222222-1");

fn lost(flags: Flags) -> &'static str {
    match (flags.sampled_changed, flags.tracestate_lost) {
        (false, false) => "",
        (true, false) => "sampled",
        (false, true) => "tracestate",
        (true, true) => "both",
    }
}

#[test]
fn the_verdicts_of_a_request_are_predicted() {
    use Verdict::{Connected, IdTruncated, NewTrace, Unsampled, WrongTrace};
    let native = |producer, consumer, headers, ingress, record| Case {
        producer,
        consumer,
        engine: Engine::Native,
        headers,
        ingress,
        record,
    };
    let otel = |producer, consumer, headers, ingress, record| Case {
        engine: Engine::Otel,
        ..native(producer, consumer, headers, ingress, record)
    };
    let cases = [
        native(
            "tracecontext",
            "tracecontext",
            &[W3C, STATE],
            (Connected, ""),
            (Connected, ""),
        ),
        native(
            "tracecontext",
            "b3",
            &[W3C, STATE],
            (Connected, ""),
            (NewTrace, "tracestate"),
        ),
        native(
            "none",
            "none",
            &[W3C, STATE],
            (NewTrace, "tracestate"),
            (NewTrace, ""),
        ),
        // B3 wins and has no tracestate, so the next hand-off has none to lose
        native(
            "tracecontext,b3",
            "b3",
            &[W3C, STATE, B3],
            (Connected, "tracestate"),
            (Connected, ""),
        ),
        native(
            "b3,tracecontext",
            "b3",
            &[W3C, STATE, B3],
            (Connected, ""),
            (Connected, "tracestate"),
        ),
        native(
            "b3",
            "b3",
            &[("b3", "33333333333333333333333333333333-2222222222222222-1")],
            (WrongTrace, "tracestate"),
            (Connected, ""),
        ),
        native(
            "b3",
            "ottrace",
            &[("b3", "1111111111111111-2222222222222222-1")],
            (IdTruncated, "tracestate"),
            (NewTrace, ""),
        ),
        native(
            "ottrace",
            "ottrace",
            &[
                ("ot-tracer-traceid", "1111111111111111"),
                ("ot-tracer-spanid", "2222222222222222"),
                ("ot-tracer-sampled", "true"),
            ],
            (IdTruncated, "tracestate"),
            (Connected, ""),
        ),
        native(
            "b3",
            "b3",
            &[("b3", "11111111111111111111111111111111-2222222222222222-0")],
            (Unsampled, "sampled"),
            (Connected, ""),
        ),
        native(
            "b3",
            "b3",
            &[("b3", "11111111111111111111111111111111-2222222222222222-d")],
            (Connected, "tracestate"),
            (Connected, ""),
        ),
        native(
            "b3",
            "b3",
            &[("b3", "11111111111111111111111111111111-2222222222222222")],
            (Connected, "tracestate"),
            (Connected, ""),
        ),
        otel(
            "b3",
            "b3",
            &[("b3", "11111111111111111111111111111111-2222222222222222-d")],
            (Unsampled, "sampled"),
            (Connected, ""),
        ),
        otel(
            "b3",
            "b3multi",
            &[B3],
            (Connected, "tracestate"),
            (Connected, ""),
        ),
    ];
    for case in cases {
        let (producer, consumer) = (
            propagation(case.producer, case.engine),
            propagation(case.consumer, case.engine),
        );
        let headers: HeaderList = case.headers.iter().copied().collect();
        let prediction = predict(&client(true), &headers, &producer, &consumer);
        let said = |judgement: Judgement| (judgement.verdict, lost(judgement.flags));
        let expected = |(verdict, lost)| (Some(verdict), lost);
        assert_eq!(
            (said(prediction.ingress), said(prediction.record)),
            (expected(case.ingress), expected(case.record)),
            "{} to {}:{} by {}",
            headers.len(),
            case.producer,
            case.consumer,
            case.engine
        );
    }
}

#[test]
fn the_debug_state_is_lost_where_a_format_has_none() {
    let b3 = propagation("b3", Engine::Native);
    let both = Propagation {
        inject: "tracecontext".parse().expect("a mode"),
        ..b3.clone()
    };
    let headers = HeaderList::from([("b3", "11111111111111111111111111111111-2222222222222222-d")]);
    let tracecontext = propagation("tracecontext", Engine::Native);
    let kept = predict(&client(true), &headers, &b3, &b3);
    let lost = predict(&client(true), &headers, &both, &tracecontext);
    assert_eq!(
        (kept.record.flags.debug_lost, lost.record.flags.debug_lost),
        (false, true)
    );
    assert_eq!(lost.record.verdict, Some(Verdict::Connected));
}

#[test]
fn lambdas_environment_turns_sampling_off_where_it_is_read() {
    let headers = HeaderList::from([W3C]);
    let xray = Propagation {
        xray_source: XraySource::Environment,
        ..propagation("tracecontext,xray", Engine::Native)
    };
    let verdict = |producer: &Propagation| {
        predict(&client(true), &headers, producer, producer)
            .ingress
            .verdict
    };
    assert_eq!(verdict(&xray), Some(Verdict::Unsampled));
    let header = propagation("tracecontext,xray", Engine::Native);
    assert_eq!(verdict(&header), Some(Verdict::Connected));
}
