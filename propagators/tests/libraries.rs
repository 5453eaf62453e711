//! Compares the profiles' answers with the measured answers of the libraries.
//!
//! The first line of `data/libraries/<name>.jsonl` names the measured lists of formats, in baton's
//! names. Each further line is a case of `data/*.jsonl`. It maps each answer, written as `trace
//! id-span id-sampled` (`none` for no parent, `?` for an open decision), to the positions of the
//! lists that gave it. A list that is not named found nothing. `measured` holds the positions of the
//! lists that were tried, if not all were.

use std::collections::BTreeMap;

use baton_propagators::libraries::{self, Answer, LIBRARIES, Library, Sending};
use baton_propagators::{HeaderList, Mode, SpanId};
use proptest::prelude::*;
use serde::Deserialize;

use crate::cases;

#[derive(Deserialize)]
struct Lists {
    lists: Vec<String>,
}

#[derive(Deserialize)]
struct Measured {
    id: String,
    measured: Option<Vec<usize>>,
    found: BTreeMap<String, Vec<usize>>,
}

/// A profile's answer and the measured one.
struct Compared {
    case: String,
    list: String,
    measured: String,
    answered: String,
}

impl Compared {
    fn same(&self) -> bool {
        self.measured == self.answered
    }
}

const NONE: &str = "none";

fn in_words(answer: &Answer) -> String {
    let Some(found) = &answer.continues else {
        return NONE.to_owned();
    };
    let sampled = match found.sampled {
        Some(true) => '1',
        Some(false) => '0',
        None => '?',
    };
    let span = found.span_id.map_or(NONE.to_owned(), |id| id.to_string());
    format!("{}-{span}-{sampled}", found.trace_id)
}

fn compare(library: &Library, headers: &BTreeMap<String, HeaderList>) -> Vec<Compared> {
    let path = format!(
        "{}/tests/data/libraries/{}.jsonl",
        env!("CARGO_MANIFEST_DIR"),
        library.name
    );
    let data = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut lines = data.lines();
    let first = lines.next().expect("the lists");
    let Lists { lists } = serde_json::from_str(first).expect("the lists");
    let modes: Vec<Mode> = lists
        .iter()
        .map(|list| list.parse().expect("a mode"))
        .collect();
    let mut compared = Vec::new();
    for line in lines {
        let case: Measured = serde_json::from_str(line).expect("a case");
        let tried = case.measured.unwrap_or_else(|| (0..lists.len()).collect());
        for place in tried {
            let found = case
                .found
                .iter()
                .find(|(_, places)| places.contains(&place));
            let answer = library.continues(&headers[&case.id], &modes[place]);
            compared.push(Compared {
                case: case.id.clone(),
                list: lists[place].clone(),
                measured: found.map_or(NONE, |(found, _)| found).to_owned(),
                answered: in_words(&answer),
            });
        }
    }
    compared
}

fn headers() -> BTreeMap<String, HeaderList> {
    cases::all()
        .into_iter()
        .map(|case| (case.id, case.headers))
        .collect()
}

/// Profiles' answers that differ from the measured ones on purpose, by library and case, with the
/// reason.
const OTHERWISE: &[(&str, &str, &str)] = &[(
    "datadog-python",
    "f.b3-span-17",
    "it keeps a span id of 68 bits, for which there is no place in a context",
)];

/// The share of each library's answers that must agree with the measured ones.
const LEAST: f64 = 0.99;

#[test]
fn profiles_answer_as_the_libraries_did() {
    let headers = headers();
    let mut unexplained = Vec::new();
    for library in LIBRARIES {
        let compared = compare(library, &headers);
        let wrong: Vec<&Compared> = compared
            .iter()
            .filter(|compared| !compared.same())
            .collect();
        let unknown = wrong
            .iter()
            .filter(|wrong| !is_known(library.name, &wrong.case));
        unexplained.extend(unknown.map(|wrong| {
            let Compared {
                case,
                list,
                measured,
                answered,
            } = wrong;
            let name = library.name;
            format!("{name}, {case}, {list}: measured {measured}, answered {answered}")
        }));
        let share = 1.0 - wrong.len() as f64 / compared.len() as f64;
        assert!(share >= LEAST, "{}: {share}", library.name);
        assert!(
            compared.len() > 900,
            "{}: only {} answers",
            library.name,
            compared.len()
        );
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}

fn is_known(library: &str, case: &str) -> bool {
    OTHERWISE
        .iter()
        .any(|(known, id, _)| *known == library && *id == case)
}

#[test]
fn what_is_listed_as_wrong_is_wrong() {
    let headers = headers();
    for (name, case, _) in OTHERWISE {
        let library = LIBRARIES
            .iter()
            .find(|library| library.name == *name)
            .expect("a library");
        let compared = compare(library, &headers);
        assert!(
            compared
                .iter()
                .any(|compared| compared.case == *case && !compared.same()),
            "{name}, {case}"
        );
    }
}

/// The headers that a library wrote for the next hop, when it injected the extracted context
/// unchanged.
#[derive(Deserialize)]
struct Sent {
    library: String,
    arrived: HeaderList,
    extract: Mode,
    inject: Mode,
    sent: BTreeMap<String, String>,
}

#[test]
fn libraries_send_on_what_they_sent() {
    let lines = include_str!("data/libraries/sent.jsonl").lines();
    let mut compared = 0;
    for line in lines {
        let case: Sent = serde_json::from_str(line).expect("a case");
        let library = libraries::find(&case.library).expect("a library");
        let answer = library.continues(&case.arrived, &case.extract);
        let continued = answer.continues.expect("a context");
        let mut sending = Sending::under(&continued, continued.span_id.expect("a span"));
        sending.parent_id = None;
        let sent = library.sends_on(&sending, &case.inject);
        let sent: BTreeMap<String, String> = sent.into_iter().collect();
        assert_eq!(sent, case.sent, "{line}");
        compared += 1;
    }
    assert!(compared > 250, "only {compared}");
}

/// The headers that any library reads.
const NAMES: &[&str] = &[
    "traceparent",
    "tracestate",
    "b3",
    "X-B3-TraceId",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
    "x-b3-parentspanid",
    "uber-trace-id",
    "uberctx-user",
    "x-amzn-trace-id",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "ot-tracer-traceid",
    "ot-tracer-spanid",
    "baggage",
];

/// Values like those in use, and random values.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9a-fA-F]{1,33}([-:][0-9a-f]{0,33}){0,4}",
        "(Root=|Parent=|Sampled=|1-|;| |[0-9a-f]{0,24}|=|%3A|\\PC){0,9}",
        "([a-z]{1,3}=[!-~]{0,3},?){0,40}",
        "\\PC{0,60}",
    ]
}

proptest! {
    #[test]
    fn any_headers_give_an_answer(
        headers in prop::collection::vec((prop::sample::select(NAMES), value()), 0..8),
    ) {
        let headers: HeaderList = headers.into_iter().collect();
        let lists = ["tracecontext,b3", "b3multi,datadog", "xray,tracecontext", "jaeger,ottrace"];
        for library in LIBRARIES {
            for list in lists {
                let mode: Mode = list.parse().expect("a mode");
                let answer = library.continues(&headers, &mode);
                let Some(continued) = &answer.continues else {
                    continue;
                };
                prop_assert!(mode.names().any(|name| name == continued.format));
                let span_id = SpanId::from_bytes([1; 8]).expect("an id");
                let sending = library.sending(&answer, span_id).expect("it continues");
                // A library continues what it sends. Formats with 64 bits cut the trace id.
                let sent = library.sends_on(&sending, &mode);
                let again = library.continues(&sent, &mode);
                let same = again.continues.is_some_and(|again| again.trace_id == continued.trace_id);
                let lossy = matches!(list, "jaeger,ottrace" | "xray,tracecontext" | "b3multi,datadog");
                prop_assert!(same || lossy, "{}: {:?} {:?}", library.name, headers, sent);
            }
        }
    }
}
