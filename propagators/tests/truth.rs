//! Compares baton with real SDKs and with the specifications: `native` must answer as the
//! specifications say, `otel` as the measured Rust SDK did.

use std::collections::BTreeMap;

use crate::cases::{self, Case, Expected};
use baton_propagators::otel;
use baton_propagators::{
    Candidate, Engine, Extracted, Extraction, Fault, HeaderList, Mode, Outcome, Propagation,
    Sampling,
};
use opentelemetry::Context;

fn extract(case: &Case, list: &str, engine: Engine) -> Extraction {
    let mode: Mode = list.parse().expect("a list of formats");
    let propagation = Propagation {
        engine,
        ..Propagation::from(mode)
    };
    propagation.extract(&case.headers)
}

fn sampling(sampling: Sampling) -> &'static str {
    match sampling {
        Sampling::Deferred => "deferred",
        Sampling::Drop => "drop",
        Sampling::Keep => "keep",
        Sampling::Debug => "debug",
    }
}

/// Whether the upstream crates have a propagator for every format of a list.
fn upstream_reads(list: &str) -> bool {
    let propagation = Propagation {
        engine: Engine::Otel,
        ..Propagation::from(list.parse::<Mode>().expect("a list of formats"))
    };
    propagation.check().is_ok()
}

/// A candidate in the terms of the data files.
fn describe(candidate: &Candidate) -> Expected {
    let text = |text: &dyn std::fmt::Display| Some(text.to_string());
    // The names of the faults. Their fields are only wording.
    let name = |reject: &baton_propagators::Reject| {
        let debug = format!("{:?}", reject.fault);
        debug.split([' ', '{']).next().map(str::to_owned)
    };
    let mut found = Expected {
        header: candidate.header.to_owned(),
        objection: candidate.objection.as_deref().and_then(name),
        ..Expected::default()
    };
    match &candidate.outcome {
        Outcome::Absent => found.status = "absent".to_owned(),
        Outcome::Malformed(reject) => {
            found.status = "malformed".to_owned();
            found.fault = name(reject);
            found.at = reject.position;
            found.spec = text(&reject.spec);
            assert_eq!(reject.header, candidate.header);
            assert_eq!(reject.format, candidate.format);
        }
        Outcome::Valid(extracted) => {
            found.status = "valid".to_owned();
            match extracted {
                Extracted::Context(context) => {
                    found.trace_id = text(&context.trace_id);
                    found.span_id = text(&context.span_id);
                    found.sampling = text(&sampling(context.sampling));
                    found.random = context.random;
                    found.tracestate =
                        (!context.tracestate.is_empty()).then(|| context.tracestate.to_string());
                }
                Extracted::SamplingOnly(alone) => found.sampling = text(&sampling(*alone)),
                Extracted::Baggage(_) => {}
            }
        }
    }
    found
}

#[test]
fn native_finds_in_every_case_what_the_specifications_say() {
    for case in cases::all() {
        for (format, expected) in &case.candidates {
            let extraction = extract(&case, format, Engine::Native);
            let found = describe(&extraction.candidates[0]);
            assert_eq!(&found, expected, "{}, {format}", case.id);
        }
    }
}

#[test]
fn native_continues_the_last_valid_context_and_names_the_conflict() {
    for case in cases::all() {
        for (list, expected) in &case.lists {
            let extraction = extract(&case, list, Engine::Native);
            let continued = extraction.continued().map(|candidate| candidate.format);
            assert_eq!(
                continued,
                expected.continued.as_deref(),
                "{}, {list}",
                case.id
            );
            let conflict = serde_json::to_value(&extraction.conflict).expect("JSON");
            assert_eq!(conflict, expected.conflict, "{}, {list}", case.id);
        }
    }
}

#[test]
fn otel_continues_what_the_measured_rust_sdk_did() {
    let mut compared = 0;
    for case in cases::all() {
        for observed in &case.observed {
            if !observed.sdks.iter().any(|sdk| sdk == "otel-rust") {
                continue;
            }
            for list in observed.lists.iter().filter(|list| upstream_reads(list)) {
                let extraction = extract(&case, list, Engine::Otel);
                let found = extraction.context();
                let place = format!("{}, {list}", case.id);
                compared += 1;
                let Some(expected) = &observed.found else {
                    assert_eq!(found, None, "{place}");
                    continue;
                };
                let found = found.unwrap_or_else(|| panic!("{place}: nothing found"));
                assert_eq!(found.trace_id.to_string(), expected.trace_id, "{place}");
                assert_eq!(found.span_id.to_string(), expected.span_id, "{place}");
                assert_eq!(found.sampling.decision(), expected.sampled, "{place}");
                let debug = extraction.continued().is_some_and(Candidate::debug);
                assert_eq!(debug, expected.debug, "{place}");
                let tracestate = expected.tracestate.as_deref().unwrap_or_default();
                assert_eq!(found.tracestate.as_str(), tracestate, "{place}");
            }
        }
    }
    assert!(compared > 500, "only {compared} observations were compared");
}

#[test]
fn otel_says_why_it_found_nothing_wherever_a_header_arrived() {
    for case in cases::all() {
        for (format, expected) in &case.candidates {
            let extraction = extract(&case, format, Engine::Otel);
            let candidate = &extraction.candidates[0];
            let place = format!("{}, {format}", case.id);
            if !upstream_reads(format) {
                let arrived = candidate.reject().map(|reject| reject.fault);
                let expected = (expected.status != "absent").then_some(Fault::NoUpstream);
                assert_eq!(arrived, expected, "{place}");
                continue;
            }
            assert_eq!(
                candidate.outcome == Outcome::Absent,
                expected.status == "absent",
                "{place}"
            );
            match &candidate.outcome {
                Outcome::Malformed(reject) => {
                    assert!(
                        reject
                            .to_string()
                            .starts_with("the upstream propagator ignores it: "),
                        "{place}"
                    );
                }
                Outcome::Valid(_) if expected.status == "malformed" => {
                    let overlooked = candidate.objection.as_deref();
                    assert!(
                        overlooked.is_some(),
                        "{place}: what upstream overlooks is not reported"
                    );
                }
                _ => {}
            }
        }
    }
}

#[test]
fn the_casing_of_header_names_does_not_matter_to_any_list() {
    for case in cases::all() {
        let shouted: HeaderList = case
            .headers
            .iter()
            .map(|(name, value)| (name.to_uppercase(), value))
            .collect();
        for list in case.lists.keys() {
            let mode: Mode = list.parse().expect("a list of formats");
            let propagation = Propagation::from(mode);
            assert_eq!(
                propagation.extract(&shouted),
                propagation.extract(&case.headers),
                "{}, {list}",
                case.id
            );
        }
    }
}

/// Arriving headers, their modes, and the headers that are injected from them without a span in
/// between.
#[derive(serde::Deserialize)]
struct Injection {
    id: String,
    arrived: HeaderList,
    extract: Mode,
    inject: Mode,
    /// Measured. Absent if the upstream crates have no propagator.
    otel: Option<HeaderList>,
    native: HeaderList,
}

#[test]
fn what_arrived_goes_out_as_the_specifications_say_and_as_the_measured_sdk_did() {
    for line in include_str!("data/injections.jsonl").lines() {
        let case: Injection = serde_json::from_str(line).expect("a case");
        let native = Some((Engine::Native, &case.native));
        let otel = case.otel.as_ref().map(|otel| (Engine::Otel, otel));
        for (engine, expected) in native.into_iter().chain(otel) {
            let propagation = Propagation {
                inject: case.inject.clone(),
                engine,
                ..Propagation::from(case.extract.clone())
            };
            let extraction = propagation.extract(&case.arrived);
            let cx = otel::context(&extraction, &Context::new());
            let mut written = BTreeMap::new();
            otel::inject(&propagation, &cx, &mut written);
            let expected: BTreeMap<_, _> = expected.clone().into_iter().collect();
            assert_eq!(written, expected, "{}, {}, {engine}", case.id, case.inject);
        }
    }
}
