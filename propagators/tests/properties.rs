//! Properties of all contexts and all headers.

use std::collections::HashMap;

use baton_propagators::carrier::NOT_TEXT;
use baton_propagators::context::baggage::Entry;
use baton_propagators::lambda::envelope::{self, Record};
use baton_propagators::{
    Baggage, Engine, Extracted, FORMATS, HeaderList, Mode, Outcome, Outgoing, Propagation,
    Propagator, Sampling, Select, SpanId, TraceContext, TraceId, TraceState, Usual, formats, otel,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use proptest::prelude::*;

fn any_tracestate() -> impl Strategy<Value = TraceState> {
    let key = "[a-z0-9][a-z0-9_*/@-]{0,20}";
    let value = "[ -+--<>-~]{0,30}[!-+--<>-~]";
    prop::collection::btree_map(key, value, 0..=32).prop_map(|members| {
        let members: Vec<_> = members
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        members.join(",").parse().expect("it follows the grammar")
    })
}

fn any_context() -> impl Strategy<Value = TraceContext> {
    let sampling = prop::sample::select(vec![
        Sampling::Deferred,
        Sampling::Drop,
        Sampling::Keep,
        Sampling::Debug,
    ]);
    (
        any::<[u8; 16]>(),
        any::<[u8; 8]>(),
        sampling,
        any::<bool>(),
        any_tracestate(),
    )
        .prop_filter_map(
            "zeros",
            |(trace_id, span_id, sampling, random, tracestate)| {
                Some(TraceContext {
                    trace_id: TraceId::from_bytes(trace_id)?,
                    span_id: SpanId::from_bytes(span_id)?,
                    sampling,
                    random,
                    tracestate,
                })
            },
        )
}

/// A header's value: random text, or a valid value with some changed characters.
fn any_value() -> impl Strategy<Value = String> {
    let valid = prop::sample::select(vec![
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more",
        "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-d-05e3ac9a4f6e3b90",
        "463ac35c9f6413ad48485a3953bb6124",
        "a2fb4a1d1a96d312",
        "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
        "key1=value1;property1;property2, key2 = value%C3%A9",
        "1",
        "463ac35c9f6413ad48485a3953bb6124:a2fb4a1d1a96d312:0:1",
        "Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312;Sampled=1",
        "5208512171318403364",
        "_dd.p.dm=-1,_dd.p.tid=463ac35c9f6413ad",
        "true",
    ]);
    let changed = (
        valid,
        prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 0..3),
    );
    prop_oneof![
        any::<String>(),
        "[0-9a-f-]{0,80}",
        "[a-z=,; %-]{0,80}",
        changed.prop_map(|(valid, changes)| {
            let mut characters: Vec<char> = valid.chars().collect();
            for (place, character) in changes {
                let place = place.index(characters.len());
                characters[place] = character;
            }
            characters.into_iter().collect()
        }),
    ]
}

fn any_headers() -> impl Strategy<Value = HeaderList> {
    let names: Vec<&str> = FORMATS
        .iter()
        .flat_map(|format| format.fields())
        .copied()
        .chain(["uberctx-user", "ot-baggage-user", "UberCtx-other"])
        .collect();
    prop::collection::vec((prop::sample::select(names), any_value()), 0..10)
        .prop_map(|headers| headers.into_iter().collect())
}

/// Headers as OpenTelemetry's extractor gives them: values of visible ASCII; of other headers only
/// that they arrived.
fn seen_by_the_extractor(headers: &HeaderMap) -> HeaderList {
    let mut seen = HeaderList::new();
    for name in headers.keys() {
        let values = headers.get_all(name).iter();
        let readable: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
        if readable.is_empty() {
            seen.push(name.as_str(), NOT_TEXT);
        }
        readable
            .into_iter()
            .for_each(|value| seen.push(name.as_str(), value));
    }
    seen
}

fn all_formats(engine: Engine) -> Propagation {
    let names: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();
    let mode: Mode = names.join(",").parse().expect("all formats");
    Propagation {
        engine,
        ..Propagation::from(mode)
    }
}

proptest! {
    #[test]
    fn b3_gives_back_all_but_what_only_w3c_has(sent in any_context()) {
        for name in ["b3", "b3multi"] {
            let format = formats::find(name).expect("a format");
            let mut headers = HeaderList::new();
            format.inject(&sent.clone().into(), &mut headers);
            let expected = TraceContext::new(sent.trace_id, sent.span_id, sent.sampling);
            let found = format.extract(&headers);
            prop_assert_eq!(found.context(), Some(&expected));
        }
    }

    #[test]
    fn tracecontext_gives_back_all_but_debug_and_deferral(sent in any_context()) {
        let format = formats::find("tracecontext").expect("a format");
        let mut headers = HeaderList::new();
        format.inject(&sent.clone().into(), &mut headers);
        let expected = TraceContext {
            sampling: Sampling::from_sampled(sent.sampling.decision() == Some(true)),
            ..sent
        };
        let found = format.extract(&headers);
        prop_assert_eq!(found.context(), Some(&expected));
        prop_assert_eq!(found.objection, None);
    }

    #[test]
    fn the_others_give_back_the_ids_and_what_they_have_of_sampling(sent in any_context()) {
        prop_assume!(sent.trace_id.low_64() != [0; 8]);
        for (name, lost) in [
            ("jaeger", Sampling::Deferred),
            ("xray", Sampling::Debug),
            ("datadog", Sampling::Debug),
            ("ottrace", Sampling::Debug),
        ] {
            let format = formats::find(name).expect("a format");
            let mut headers = HeaderList::new();
            format.inject(&sent.clone().into(), &mut headers);
            let trace_id = match name {
                "ottrace" => TraceId::from_low_64(sent.trace_id.low_64()).expect("not zero"),
                _ => sent.trace_id,
            };
            let sampling = match sent.sampling {
                state if state != lost => state,
                state => Sampling::from_sampled(state.decision() == Some(true)),
            };
            let expected = TraceContext::new(trace_id, sent.span_id, sampling);
            let found = format.extract(&headers);
            prop_assert_eq!(found.context(), Some(&expected));
            prop_assert_eq!(found.objection, None);
        }
    }

    #[test]
    fn baggage_gives_back_any_text(entries in prop::collection::vec(("[!#-'*+.0-9A-Z^-z|~-]{1,10}", any::<String>()), 1..10)) {
        let sent: Baggage = entries.iter().map(|(key, value)| Entry::new(key, value)).collect();
        let outgoing = Outgoing { context: None, baggage: Some(sent.clone()) };
        let format = formats::find("baggage").expect("a format");
        let mut headers = HeaderList::new();
        format.inject(&outgoing, &mut headers);
        prop_assume!(headers.iter().all(|(_, value)| value.len() < 8000));
        prop_assert_eq!(format.extract(&headers).outcome, Outcome::Valid(Extracted::Baggage(sent)));
    }

    #[test]
    fn no_headers_make_it_panic_and_every_refusal_has_its_place_within_the_value(headers in any_headers()) {
        for engine in [Engine::Native, Engine::Otel] {
            let extraction = all_formats(engine).extract(&headers);
            prop_assert_eq!(extraction.candidates.len(), FORMATS.len());
            for candidate in &extraction.candidates {
                for reject in candidate.reject().into_iter().chain(candidate.objection.as_deref()) {
                    let arrived: Vec<_> = headers.iter().filter(|(name, _)| *name == reject.header).map(|(_, value)| value).collect();
                    prop_assert!(reject.position.is_none_or(|at| at <= arrived.join(",").len()), "{}", reject);
                    prop_assert!(!reject.to_string().is_empty());
                }
            }
        }
    }

    #[test]
    fn what_native_continues_goes_out_and_comes_back(headers in any_headers()) {
        let mut propagation = all_formats(Engine::Native);
        // This format halves trace ids, and as the last in the list it would determine the result.
        let others: Vec<_> = propagation.inject.names().filter(|name| *name != "ottrace").collect();
        propagation.inject = others.join(",").parse().expect("formats");
        let first = propagation.extract(&headers);
        let outgoing = Outgoing { context: first.context().cloned(), baggage: first.baggage.clone() };
        let mut written = HeaderList::new();
        propagation.inject(&outgoing, &mut written);
        let second = propagation.extract(&written);
        prop_assert_eq!(first.context().map(|context| (context.trace_id, context.span_id)), second.context().map(|context| (context.trace_id, context.span_id)));
        prop_assert!(second.candidates.iter().all(|candidate| candidate.reject().is_none()));
    }

    #[test]
    fn the_usual_way_answers_what_the_thorough_one_does(headers in any_headers(), sent in any_context()) {
        let mut injected = headers.clone();
        all_formats(Engine::Native).inject(&sent.into(), &mut injected);
        for headers in [headers, injected] {
            for format in FORMATS {
                let found = format.extract(&headers);
                match format.usual(&headers) {
                    Usual::Other => {}
                    Usual::Absent => prop_assert_eq!((found.context(), &found.baggage), (None, &None)),
                    Usual::Context(context) => {
                        prop_assert_eq!(found.context(), Some(&context));
                        prop_assert_eq!((found.objection, found.baggage), (None, None));
                    }
                }
            }
            for select in [Select::First, Select::Last] {
                let propagation = Propagation { select, ..all_formats(Engine::Native) };
                let thorough = otel::context(&propagation.extract(&headers), &Context::new());
                let fast = otel::extract(&propagation, &headers, &Context::new());
                prop_assert_eq!(otel::outgoing(&fast), otel::outgoing(&thorough));
            }
        }
    }

    #[test]
    fn over_http_the_propagator_continues_what_the_thorough_way_does(headers in any_headers(), sent in any_context()) {
        let mut injected = headers.clone();
        all_formats(Engine::Native).inject(&sent.into(), &mut injected);
        for headers in [headers, injected] {
            let mut http = HeaderMap::new();
            for (name, value) in headers.iter() {
                let name: HeaderName = name.parse().expect("a name");
                if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                    http.append(name, value);
                }
            }
            let seen = seen_by_the_extractor(&http);
            for format in FORMATS {
                let propagation = Propagation::from(format.name().parse::<Mode>().expect("a format"));
                let thorough = otel::context(&propagation.extract(&seen), &Context::new());
                let propagator = Propagator::new(propagation);
                let fast = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&http));
                prop_assert_eq!(otel::outgoing(&fast), otel::outgoing(&thorough), "{}", format.name());
            }
        }
    }

    #[test]
    fn a_map_answers_as_a_list_does(value in any_value(), upper in any::<bool>()) {
        for format in FORMATS {
            for field in format.fields() {
                let name = if upper { field.to_uppercase() } else { (*field).to_owned() };
                let map = HashMap::from([(name.clone(), value.clone())]);
                let list = HeaderList::from([(name, value.clone())]);
                prop_assert_eq!(format.extract(&map), format.extract(&list));
            }
        }
    }

    #[test]
    fn any_bytes_are_some_record(bytes in any::<Vec<u8>>()) {
        let record = envelope::decode(&bytes);
        let json = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
        prop_assert_eq!(json, !matches!(record, Record::NotJson));
    }

    #[test]
    fn an_envelope_gives_back_body_and_headers(
        headers in prop::collection::btree_map("[a-z-]{1,12}", any::<String>(), 0..5),
        body in prop::sample::select(vec!["{}", " {\"a\" : 1.50 } ", "[1,2]", "\"text\"", "null", "1e400", "{\"a\":1,\"a\":2}"]),
    ) {
        let headers: HeaderList = headers.into_iter().collect();
        let record = envelope::encode(body, &headers);
        let Record::Envelope { tracecontext, record, carrier_bytes } = envelope::decode(record.as_bytes()) else {
            panic!("an envelope is an envelope");
        };
        prop_assert_eq!(&tracecontext, &headers);
        prop_assert_eq!(record.get(), body.trim());
        prop_assert_eq!(carrier_bytes, envelope::carrier_bytes(&headers));
    }
}
