//! Scenarios of client headers, as they arrive at a server and as the spans record them.

use std::collections::BTreeMap;

use baton_loadgen::{Conflict, Malformed, Scenario, SentRequest, Settings, Side, Stop};
use baton_propagators::{Mode, Sampling};

use crate::support::{Attacker, Server, settings};

fn named(name: &str, mode: &str) -> Scenario {
    Scenario {
        name: Some(name.to_owned()),
        ..Scenario::from(mode.parse::<Mode>().unwrap())
    }
}

#[tokio::test]
async fn scenarios_are_sent_in_turn_and_the_spans_tell_them_apart() {
    let server = Server::well().await;
    let scenarios = vec![
        Scenario {
            conflict: Some(Conflict::Trace),
            ..named("conflicting", "tracecontext,b3")
        },
        Scenario {
            malformed: Some(Malformed {
                percent: 50.0,
                side: Side::First,
                defect: None,
            }),
            ..named("malformed", "b3")
        },
        Scenario {
            sampling: Sampling::Drop,
            tracestate: Some("vendor=1".to_owned()),
            ..named("unsampled", "tracecontext")
        },
    ];
    let attacked = Attacker::start(Settings {
        scenarios,
        stop: Stop::Requests(120),
        ..settings(server.endpoint())
    })
    .end()
    .await;
    let seen = server.seen();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for span in attacked.spans() {
        let attributes = span.attributes();
        // the n-th request was answered with the id id-n
        let (_, number) = attributes["aws.request_id"].split_once('-').unwrap();
        let request = &seen[number.parse::<usize>().unwrap()];
        let own = [span.text("traceId"), span.text("spanId")].join("-");
        let scenario = attributes["baton.scenario"];
        match scenario {
            "conflicting" => {
                assert_eq!(
                    request.header("traceparent").unwrap(),
                    format!("00-{own}-01")
                );
                let b3 = request.header("b3").unwrap();
                assert!(!b3.contains(span.text("traceId")), "{b3}");
            }
            "malformed" => {
                let is_whole = request.header("b3").unwrap() == format!("{own}-1");
                assert_eq!(is_whole, !attributes.contains_key("baton.defect"));
                *counts.entry(format!("whole: {is_whole}")).or_default() += 1;
            }
            _ => {
                assert_eq!(
                    request.header("traceparent").unwrap(),
                    format!("00-{own}-00")
                );
                assert_eq!(request.header("tracestate"), Some("vendor=1"));
                assert_eq!(
                    (span.text("traceState"), &span.0["flags"]),
                    ("vendor=1", &0x100.into())
                );
            }
        }
        *counts.entry(scenario.to_owned()).or_default() += 1;
    }
    let expected = [
        ("conflicting", 40),
        ("malformed", 40),
        ("unsampled", 40),
        ("whole: false", 20),
        ("whole: true", 20),
    ];
    assert_eq!(
        counts,
        expected
            .map(|(name, count)| (name.to_owned(), count))
            .into()
    );
}

#[tokio::test]
async fn the_headers_that_were_sent_can_be_read_back() {
    let server = Server::well().await;
    let folder = tempfile::tempdir().unwrap();
    let spans = folder.path().join("client.jsonl");
    let attacked = Attacker::start(Settings {
        scenarios: vec![
            named("both", "tracecontext,b3"),
            Scenario::from("none".parse::<Mode>().unwrap()),
        ],
        stop: Stop::Requests(20),
        spans: Some(spans.clone()),
        spans_list_headers: true,
        ..settings(server.endpoint())
    })
    .end()
    .await;
    drop(attacked);
    let seen = server.seen();
    let requests = SentRequest::read_file(&spans).unwrap();
    assert_eq!(requests.len(), 20);
    for request in requests {
        let (_, number) = request.request_id.split_once('-').unwrap();
        let arrived = &seen[number.parse::<usize>().unwrap()];
        let headers: Vec<_> = request.headers.iter().collect();
        let of = |name: &'static str| Some((name, arrived.header(name)?));
        match request.scenario.as_deref() {
            Some("both") => {
                let mut headers = headers;
                headers.sort_unstable();
                assert_eq!(headers, [of("b3").unwrap(), of("traceparent").unwrap()]);
            }
            other => assert_eq!((other, headers, of("traceparent")), (None, vec![], None)),
        }
    }
}
