//! Tests of carriers: names in any case, repeated headers, values that are not text; and of the
//! envelope.

use std::collections::{BTreeMap, HashMap};

use baton_propagators::lambda::envelope::{self, Record};
use baton_propagators::{
    Engine, Getter, HeaderList, Mode, Outcome, Outgoing, Propagation, Setter, formats,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn values(carrier: &dyn Getter, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    carrier.get_all(name, &mut |value| values.push(value.to_owned()));
    assert_eq!(carrier.get(name), values.first().map(String::as_str));
    values
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

#[test]
fn names_ignore_case_in_every_carrier() {
    let list = HeaderList::from([("X-B3-TraceId", "1")]);
    let hash_map = HashMap::from([("X-B3-TraceId".to_owned(), "1".to_owned())]);
    let tree_map: BTreeMap<_, _> = hash_map.clone().into_iter().collect();
    let json = object(json!({"X-B3-TraceId": "1"}));
    let mut http = HeaderMap::new();
    http.insert(
        HeaderName::from_static("x-b3-traceid"),
        HeaderValue::from_static("1"),
    );
    let carriers: [&dyn Getter; 5] = [&list, &hash_map, &tree_map, &json, &http];
    for carrier in carriers {
        for name in ["x-b3-traceid", "X-B3-TRACEID", "X-B3-TraceId"] {
            assert_eq!(values(carrier, name), ["1"]);
        }
        assert_eq!(values(carrier, "x-b3-spanid"), [""; 0]);
        let mut keys = 0;
        carrier.keys(&mut |key| keys += usize::from(key.eq_ignore_ascii_case("x-b3-traceid")));
        assert_eq!(keys, 1);
    }
}

#[test]
fn several_headers_of_a_name_arrive_in_order() {
    let list = HeaderList::from([("tracestate", "a=1"), ("TraceState", "b=2")]);
    let json = object(json!({"tracestate": ["a=1", 7, "b=2"], "other": {}}));
    let maps = [("tracestate", "b=2"), ("TraceState", "a=1")];
    let hash_map: HashMap<_, _> = maps
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let tree_map: BTreeMap<_, _> = hash_map.clone().into_iter().collect();
    let mut http = HeaderMap::new();
    http.append("tracestate", HeaderValue::from_static("a=1"));
    http.append("tracestate", HeaderValue::from_static("b=2"));
    let carriers: [&dyn Getter; 5] = [&list, &json, &hash_map, &tree_map, &http];
    for carrier in carriers {
        assert_eq!(values(carrier, "tracestate"), ["a=1", "b=2"]);
    }
}

#[test]
fn setting_a_header_replaces_all_of_its_name() {
    let mut list = HeaderList::from([("B3", "0"), ("other", "x"), ("b3", "1")]);
    list.set("b3", "d");
    assert_eq!(list, HeaderList::from([("B3", "d"), ("other", "x")]));

    let mut hash_map = HashMap::from([("B3".to_owned(), "0".to_owned())]);
    let mut tree_map: BTreeMap<_, _> = hash_map.clone().into_iter().collect();
    let mut json = object(json!({"B3": ["0", "1"]}));
    let mut http = HeaderMap::new();
    http.append("b3", HeaderValue::from_static("0"));
    http.append("b3", HeaderValue::from_static("1"));
    hash_map.set("b3", "d");
    tree_map.set("b3", "d");
    json.set("b3", "d");
    Setter::set(&mut http, "b3", "d");
    let carriers: [&dyn Getter; 4] = [&hash_map, &tree_map, &json, &http];
    for carrier in carriers {
        assert_eq!(values(carrier, "b3"), ["d"]);
    }
}

#[test]
fn a_value_that_is_not_text_is_malformed_and_harms_nothing_else() {
    let names: Vec<_> = formats().collect();
    let mode: Mode = names.join(",").parse().expect("all formats");
    for engine in [Engine::Native, Engine::Otel] {
        let propagation = Propagation {
            engine,
            ..Propagation::from(mode.clone())
        };
        for bytes in [&b"\xff\xfe"[..], b"00-\xc3(", b"a=1,b=\xe9", &[0x80; 55]] {
            let value = HeaderValue::from_bytes(bytes).expect("HTTP lets them through");
            let mut headers = HeaderMap::new();
            for field in propagation
                .extract
                .formats()
                .iter()
                .flat_map(|format| format.fields())
            {
                headers.insert(HeaderName::from_static(field), value.clone());
            }
            let extraction = propagation.extract(&headers);
            for candidate in &extraction.candidates {
                assert!(
                    matches!(candidate.outcome, Outcome::Malformed(_)),
                    "{candidate:?}"
                );
            }

            headers.insert("traceparent", HeaderValue::from_static(TRACEPARENT));
            let extraction = propagation.extract(&headers);
            let context = extraction.context().expect("the traceparent is fine");
            assert!(context.tracestate.is_empty());
            let objection = extraction.candidates[0].objection.is_some();
            assert!(objection, "the tracestate was dropped silently");
        }
    }
}

#[test]
fn a_header_that_http_cannot_hold_is_left_out() {
    let mut headers = HeaderMap::new();
    Setter::set(&mut headers, "b3", "a\nb");
    Setter::set(&mut headers, "no name", "1");
    assert!(headers.is_empty());
}

#[test]
fn a_list_of_headers_is_an_object_in_json() {
    let headers = HeaderList::from([("b3", "0"), ("tracestate", "a=1"), ("tracestate", "b=2")]);
    let json = serde_json::to_string(&headers).expect("JSON");
    assert_eq!(json, r#"{"b3":"0","tracestate":["a=1","b=2"]}"#);
    assert_eq!(
        serde_json::from_str::<HeaderList>(&json).expect("headers"),
        headers
    );
    let odd: HeaderList =
        serde_json::from_str(r#"{"b3":7,"a":null,"c":"1","c":"2"}"#).expect("headers");
    assert_eq!(odd, HeaderList::from([("c", "1"), ("c", "2")]));
}

#[test]
fn an_envelope_holds_the_body_byte_for_byte() {
    let body = "{ \"tag\" : \"Ünïcode\", \"n\": 1.0e2,\"n\":2 }";
    let headers = HeaderList::from([("traceparent", TRACEPARENT)]);
    let record = envelope::encode(body, &headers);
    let expected =
        format!("{{\"tracecontext\":{{\"traceparent\":\"{TRACEPARENT}\"}},\"record\":{body}}}");
    assert_eq!(record, expected);
    assert_eq!(envelope::carrier_bytes(&headers), 73);
    let decoded = envelope::decode(record.as_bytes());
    assert_eq!(decoded.body(), Some(body));
    assert_eq!(decoded.headers(), Some(&headers));
    assert!(matches!(
        decoded,
        Record::Envelope {
            carrier_bytes: 73,
            ..
        }
    ));
}

#[test]
fn under_none_the_body_goes_as_it_came() {
    let headers = HeaderList::new();
    assert_eq!(envelope::record(&Mode::NONE, " [1] ", &headers), " [1] ");
    let mode: Mode = "b3".parse().expect("a mode");
    assert_eq!(
        envelope::record(&mode, "[1]", &headers),
        r#"{"tracecontext":{},"record":[1]}"#
    );
}

#[test]
fn a_record_is_what_it_looks_like() {
    // The record, whether it is an envelope, and its body.
    for (record, is_envelope, body) in [
        (r#"{"tracecontext":{},"record":1}"#, true, Some("1")),
        (
            r#" {"record":null,"more":[],"tracecontext":{"b3":"0"}} "#,
            true,
            Some("null"),
        ),
        (
            r#"{"tracecontext":{"b3":0,"a":["x"],"c":{},"d":null},"record":{}}"#,
            true,
            Some("{}"),
        ),
        (
            r#"{"tracecontext":{}}"#,
            false,
            Some(r#"{"tracecontext":{}}"#),
        ),
        (r#"{"record":1}"#, false, Some(r#"{"record":1}"#)),
        (
            r#"{"tracecontext":"b3","record":1}"#,
            false,
            Some(r#"{"tracecontext":"b3","record":1}"#),
        ),
        (
            r#"[{"tracecontext":{},"record":1}]"#,
            false,
            Some(r#"[{"tracecontext":{},"record":1}]"#),
        ),
        (r#"[{},1]"#, false, Some(r#"[{},1]"#)),
        ("7", false, Some("7")),
        ("", false, None),
        ("{", false, None),
        ("{} {}", false, None),
        ("not json", false, None),
    ] {
        let decoded = envelope::decode(record.as_bytes());
        assert_eq!(decoded.headers().is_some(), is_envelope, "{record}");
        assert_eq!(decoded.body(), body, "{record}");
    }
    assert!(matches!(envelope::decode(b"\"\xff\""), Record::NotJson));
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(
        envelope::decode(deep.as_bytes()).body(),
        Some(deep.as_str())
    );
    let deep = format!("{{\"tracecontext\":{{}},\"record\":{deep}}}");
    assert!(envelope::decode(deep.as_bytes()).headers().is_some());
}

#[test]
fn headers_survive_the_envelope_and_are_read_from_it() {
    let propagation = Propagation::from("tracecontext,b3,b3multi".parse::<Mode>().expect("a mode"));
    let arrived = HeaderList::from([("traceparent", TRACEPARENT), ("tracestate", "a=\"\\")]);
    let context = propagation
        .extract(&arrived)
        .context()
        .cloned()
        .expect("a context");
    let mut headers = HeaderList::new();
    propagation.inject(&Outgoing::from(context.clone()), &mut headers);
    let record = envelope::encode("{}", &headers);
    let decoded = envelope::decode(record.as_bytes());
    let found = propagation.extract(decoded.headers().expect("an envelope"));
    let ids = |context: &baton_propagators::TraceContext| (context.trace_id, context.span_id);
    assert_eq!(found.context().map(ids), Some(ids(&context)));
    assert_eq!(
        found.candidates[0].context().map(|found| &found.tracestate),
        Some(&context.tracestate)
    );
}
