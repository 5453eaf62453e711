//! The cases of `tests/data`.
#![allow(dead_code, reason = "every test target uses a part of it")]

use std::collections::BTreeMap;

use baton_propagators::HeaderList;
use serde::Deserialize;

/// Headers, their meaning, and how real SDKs read them.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) headers: HeaderList,
    pub(crate) candidates: BTreeMap<String, Expected>,
    pub(crate) lists: BTreeMap<String, Continued>,
    pub(crate) observed: Vec<Observed>,
}

/// The expected result of one format.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Expected {
    pub(crate) status: String,
    pub(crate) header: String,
    pub(crate) trace_id: Option<String>,
    pub(crate) span_id: Option<String>,
    pub(crate) sampling: Option<String>,
    pub(crate) random: bool,
    pub(crate) tracestate: Option<String>,
    pub(crate) fault: Option<String>,
    pub(crate) at: Option<usize>,
    pub(crate) spec: Option<String>,
    pub(crate) objection: Option<String>,
}

/// The context that a list of formats continues.
#[derive(Debug, Deserialize)]
pub(crate) struct Continued {
    pub(crate) continued: Option<String>,
    #[serde(default)]
    pub(crate) conflict: serde_json::Value,
}

/// What SDKs extracted.
#[derive(Debug, Deserialize)]
pub(crate) struct Observed {
    pub(crate) lists: Vec<String>,
    pub(crate) sdks: Vec<String>,
    pub(crate) found: Option<Found>,
}

/// A context that an SDK extracted.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) sampled: Option<bool>,
    #[serde(default)]
    pub(crate) debug: bool,
    pub(crate) tracestate: Option<String>,
    #[serde(default)]
    pub(crate) links: Vec<Link>,
}

/// A span link that an SDK made.
#[derive(Debug, Deserialize)]
pub(crate) struct Link {
    pub(crate) trace_id: String,
}

/// All cases of all files.
pub(crate) fn all() -> Vec<Case> {
    let files = [
        include_str!("../data/one_format.jsonl"),
        include_str!("../data/two_formats.jsonl"),
        include_str!("../data/one_malformed.jsonl"),
        include_str!("../data/traceparent.jsonl"),
        include_str!("../data/tracestate.jsonl"),
        include_str!("../data/b3.jsonl"),
        include_str!("../data/casing.jsonl"),
        include_str!("../data/jaeger.jsonl"),
        include_str!("../data/xray.jsonl"),
        include_str!("../data/datadog.jsonl"),
        include_str!("../data/ottrace.jsonl"),
    ];
    let lines = files.iter().flat_map(|file| file.lines());
    let cases: Vec<Case> = lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
        .collect();
    assert!(cases.len() > 330, "only {} cases were read", cases.len());
    cases
}
