//! The contents of a run directory, read independently of baton's own readers.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

/// One span of `spans.jsonl.zst`.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) name: String,
    /// The number of the kind in OTLP.
    pub(crate) kind: u64,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    /// Empty for a root.
    pub(crate) parent_span_id: String,
    pub(crate) trace_state: String,
    /// Whether the parent is in another process (bit 0x200 of the flags).
    pub(crate) parent_is_remote: bool,
    /// Trace id and span id of each link.
    pub(crate) links: Vec<(String, String)>,
    pub(crate) attributes: BTreeMap<String, Value>,
    /// The attributes of the resource.
    pub(crate) resource: BTreeMap<String, Value>,
}

/// OTLP's number of a span's kind.
pub(crate) mod kind {
    pub(crate) const SERVER: u64 = 2;
    pub(crate) const CLIENT: u64 = 3;
    pub(crate) const PRODUCER: u64 = 4;
    pub(crate) const CONSUMER: u64 = 5;
}

impl Span {
    /// A text attribute; empty when there is none.
    pub(crate) fn text(&self, attribute: &str) -> &str {
        self.attributes
            .get(attribute)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Trace id and span id, which identify the span.
    pub(crate) fn ids(&self) -> (String, String) {
        (self.trace_id.clone(), self.span_id.clone())
    }

    /// Whether `child` is in this span's trace and directly under it.
    pub(crate) fn is_parent_of(&self, child: &Span) -> bool {
        (&self.trace_id, &self.span_id) == (&child.trace_id, &child.parent_span_id)
    }
}

/// All spans of a run that has ended.
pub(crate) fn spans(directory: &Path) -> Vec<Span> {
    let file = File::open(directory.join("spans.jsonl.zst")).expect("spans");
    if file.metadata().expect("its size").len() == 0 {
        return Vec::new();
    }
    let lines = BufReader::new(zstd::stream::read::Decoder::new(file).expect("zstd"));
    let mut spans = Vec::new();
    for line in lines.lines() {
        let request: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        for resource_spans in list(&request["resourceSpans"]) {
            let resource = attributes(&resource_spans["resource"]["attributes"]);
            for scope in list(&resource_spans["scopeSpans"]) {
                spans.extend(
                    list(&scope["spans"])
                        .iter()
                        .map(|value| span(value, &resource)),
                );
            }
        }
    }
    spans
}

/// The spans of a service.
pub(crate) fn of<'a>(spans: &'a [Span], service: &str, kind: u64) -> Vec<&'a Span> {
    spans
        .iter()
        .filter(|span| span.service == service && span.kind == kind)
        .collect()
}

/// The consumer's spans of single records.
pub(crate) fn records(spans: &[Span]) -> Vec<&Span> {
    let mut records = of(spans, "consumer-lambda", kind::CONSUMER);
    records.retain(|span| span.name == "Kinesis.getRecord");
    records
}

/// Spans by an attribute whose values are unique.
pub(crate) fn by_attribute<'a>(spans: Vec<&'a Span>, attribute: &str) -> HashMap<String, &'a Span> {
    let mut found = HashMap::new();
    for span in spans {
        let value = span.text(attribute).to_owned();
        assert_ne!(value, "", "{span:?} has no {attribute}");
        let other = found.insert(value, span);
        assert!(
            other.is_none(),
            "{attribute} is the same: {span:?}, {other:?}"
        );
    }
    found
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn attributes(value: &Value) -> BTreeMap<String, Value> {
    list(value)
        .iter()
        .map(|attribute| {
            let (kind, value) = attribute["value"]
                .as_object()
                .and_then(|value| value.iter().next())
                .expect("a value");
            let value = match kind.as_str() {
                // OTLP/JSON writes 64-bit numbers as text
                "intValue" => text(value).parse::<i64>().expect("a number").into(),
                _ => value.clone(),
            };
            (text(&attribute["key"]), value)
        })
        .collect()
}

fn span(value: &Value, resource: &BTreeMap<String, Value>) -> Span {
    Span {
        service: resource.get("service.name").map(text).unwrap_or_default(),
        name: text(&value["name"]),
        kind: value["kind"].as_u64().expect("a number"),
        trace_id: text(&value["traceId"]),
        span_id: text(&value["spanId"]),
        parent_span_id: text(&value["parentSpanId"]),
        trace_state: text(&value["traceState"]),
        parent_is_remote: value["flags"]
            .as_u64()
            .is_some_and(|flags| flags & 0x200 != 0),
        links: list(&value["links"])
            .iter()
            .map(|link| (text(&link["traceId"]), text(&link["spanId"])))
            .collect(),
        attributes: attributes(&value["attributes"]),
        resource: resource.clone(),
    }
}

/// The lines of a function's log that report `event`.
pub(crate) fn log(directory: &Path, function: &str, event: &str) -> Vec<Value> {
    let mut lines = json_lines(&directory.join("logs").join(format!("{function}.log")));
    lines.retain(|line| line["event"] == event);
    lines
}

/// The lines of a file, each of which must be JSON. No lines if there is no such file.
pub(crate) fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // the last line may still be incomplete
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// A file of a run that holds one JSON value.
pub(crate) fn json(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).expect("JSON")
}
