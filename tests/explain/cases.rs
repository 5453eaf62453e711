//! Every case of the propagators' test data, as input of the command.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{explain, piped};
use crate::support::command::Sandbox;

/// The cases of the propagators' test data: headers, the result of each format, and what each list
/// continues.
fn cases() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("propagators/tests/data");
    let mut cases = Vec::new();
    for file in std::fs::read_dir(folder).expect("the data's folder") {
        let path = file.expect("a file").path();
        // the libraries' answers are in another folder
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("text");
        let lines = text.lines().filter(|line| line.starts_with('{'));
        let of_file = lines.map(|line| serde_json::from_str::<Value>(line).expect("a case"));
        cases.extend(of_file.filter(|case| case["candidates"].is_object()));
    }
    assert!(cases.len() > 330, "only {} cases were read", cases.len());
    cases
}

/// Headers as lines. A header that arrives several times has several lines.
fn lines(headers: &Map<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        let values = value
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![value.clone()]);
        lines.extend(
            values
                .iter()
                .map(|value| format!("{name}: {}", value.as_str().expect("text"))),
        );
    }
    lines
}

/// Converts a candidate of the data files to the form of the answer.
fn candidate(format: &str, expected: &Value) -> Value {
    let sampling = expected["sampling"].as_str();
    json!({
        "format": format,
        "status": expected["status"],
        "header": expected["header"],
        "trace_id": expected["trace_id"],
        "span_id": expected["span_id"],
        "sampled": match sampling {
            Some("keep" | "debug") => Some(true),
            Some("drop") => Some(false),
            _ => None,
        },
        "debug": sampling == Some("debug"),
        "tracestate": expected["tracestate"],
        "spec": expected["spec"],
        "position": expected["at"],
    })
}

#[tokio::test]
async fn every_case_is_answered_as_the_specifications_say() {
    let sandbox = Sandbox::new();
    for case in cases() {
        let id = &case["id"];
        let headers = case["headers"].as_object().expect("headers");
        let lists: Vec<&str> = case["lists"]
            .as_object()
            .expect("lists")
            .keys()
            .map(String::as_str)
            .collect();
        let mut options = vec!["--format", "json"];
        options.extend(lists.iter().flat_map(|list| ["--mode", *list]));

        let object = piped(&sandbox, &options, case["headers"].to_string()).await;
        assert_eq!(object.code, Some(0), "{id}: {object:?}");
        let answer = object.json();
        // Only JSON can contain a name that HTTP does not allow.
        if headers.keys().all(|name| !name.contains(' ')) {
            let lines = lines(headers);
            let text = piped(&sandbox, &options, lines.join("\r\n")).await;
            assert_eq!(text.json()["candidates"], answer["candidates"], "{id}");
            let arguments: Vec<&str> = options
                .iter()
                .copied()
                .chain(lines.iter().map(String::as_str))
                .collect();
            let given = explain(&sandbox, &arguments).await.json();
            assert_eq!(given["candidates"], answer["candidates"], "{id}");
        }

        let found = |format: &str| {
            let mut all = answer["candidates"].as_array().expect("a list").iter();
            all.find(|candidate| candidate["format"] == format)
                .expect("each format has one")
                .clone()
        };
        for (format, expected) in case["candidates"].as_object().expect("candidates") {
            let mut found = found(format);
            let found = found.as_object_mut().expect("an object");
            let malformed = expected["status"] == "malformed";
            assert_eq!(
                found.remove("reason").expect("there").is_string(),
                malformed,
                "{id}, {format}"
            );
            for beside in ["random", "baggage"] {
                found.remove(beside).expect("there");
            }
            let objection = found.remove("objection").expect("there");
            assert_eq!(
                objection.is_null(),
                expected["objection"].is_null(),
                "{id}, {format}"
            );
            assert_eq!(
                Value::from(found.clone()),
                candidate(format, expected),
                "{id}, {format}"
            );
        }
        for (mode, list) in answer["modes"]
            .as_array()
            .expect("a list")
            .iter()
            .zip(&lists)
        {
            let expected = &case["lists"][list];
            assert_eq!(
                mode["extract"],
                json!(list.split(',').collect::<Vec<_>>()),
                "{id}"
            );
            assert_eq!(
                [&mode["select"], &mode["engine"]],
                ["last", "native"],
                "{id}, {list}"
            );
            assert_eq!(mode["conflict"], expected["conflict"], "{id}, {list}");
            assert_eq!(
                mode["chosen"]["format"], expected["continued"],
                "{id}, {list}"
            );
            for field in ["trace_id", "span_id", "sampled", "debug", "tracestate"] {
                if let Some(format) = expected["continued"].as_str() {
                    assert_eq!(
                        mode["chosen"][field],
                        found(format)[field],
                        "{id}, {list}, {field}"
                    );
                }
            }
        }
        assert!(
            answer["summary"]
                .as_str()
                .is_some_and(|summary| summary.ends_with('.')),
            "{id}"
        );
    }
}
