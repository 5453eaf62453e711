//! A small language for runs: one line for each span or log line, then the expected summary.
//!
//! ```text
//! == title
//! client trace=1 span=c request=r1
//! server trace=1 span=p parent=c remote request=r1
//! --
//! ingress connected=1
//! ```
//! Ids are patterns that are repeated to their length: `trace=1` is 32 ones; `trace=0.2` has zeros
//! in its high half and twos in its low half. Words without `=` are switches. `log.request`,
//! `log.sent` and `log.received` are log lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use baton_traces::audit::Audit;
use baton_traces::figures::tally::Tally;
use baton_traces::hand_off::Hop;
use baton_traces::measure::Measured;
use baton_traces::readers::{log, otlp_json};
use baton_traces::run::{Function, Manifest, RunDirectory};
use baton_traces::source::extent::Extent;
use baton_traces::span::Want;
use baton_traces::summary::Summary;
use baton_traces::version::Version;
use serde_json::{Map, Value, json};

/// The start of a case's run, in milliseconds since the epoch.
const START_MS: u64 = 1_700_000_000_000;

/// One run and its expected summary.
pub(crate) struct Case {
    pub(crate) title: String,
    lines: Vec<Words>,
    pub(crate) expected: String,
    /// The expected drawing, as it was written.
    pub(crate) drawing: String,
}

/// The order in which spans and log lines are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    AsWritten,
    Reversed,
    /// Spans before logs. A run directory is read in the opposite order.
    SpansFirst,
}

#[derive(Clone)]
struct Words {
    kind: String,
    values: BTreeMap<String, String>,
}

/// The cases of all files in a folder, sorted by file name.
pub(crate) fn parse_folder(folder: &Path) -> Vec<Case> {
    let entries = fs::read_dir(folder).expect("the cases");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a file of cases").path())
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| parse(&fs::read_to_string(file).expect("a file of cases")))
        .collect()
}

/// All cases of a file.
pub(crate) fn parse(text: &str) -> Vec<Case> {
    let sections = text.split("\n== ").skip(1);
    let cases = sections.map(|section| {
        let (title, rest) = section.split_once('\n').expect("a title line");
        let (lines, expected) = rest.split_once("--\n").expect("what is expected");
        Case {
            title: title.to_owned(),
            lines: meaningful(lines).map(Words::parse).collect(),
            expected: meaningful(expected).fold(String::new(), |text, line| text + line + "\n"),
            drawing: expected.trim_end().to_owned(),
        }
    });
    cases.collect()
}

fn meaningful(lines: &str) -> impl Iterator<Item = &str> {
    let lines = lines.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

impl Case {
    /// Writes the case as a run directory and gives its summary.
    pub(crate) fn summary(&self, order: Order) -> Summary {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let run = self.write(directory.path(), order);
        match order {
            Order::AsWritten | Order::Reversed => {
                Measured::of_run(&run).expect("a whole run").summary
            }
            Order::SpansFirst => spans_first(&run),
        }
    }

    /// The trace of the first line that has one.
    pub(crate) fn first_trace(&self) -> String {
        let mut traces = self.lines.iter().filter_map(Words::trace_id);
        traces.next().expect("a line of a trace")
    }

    /// Writes the case as a run directory.
    pub(crate) fn write(&self, path: &Path, order: Order) -> RunDirectory {
        let run = RunDirectory::create(path).expect("a run directory");
        run.write_manifest(&manifest("tracecontext")).expect("room");
        let mut lines = self.lines.clone();
        if matches!(order, Order::Reversed) {
            lines.reverse();
        }
        let mut spans = run.append_spans().expect("a span file");
        let mut logs = BTreeMap::from([("producer", String::new()), ("consumer", String::new())]);
        for line in &lines {
            match line.log() {
                Some((function, json)) => {
                    let log = logs.get_mut(function).expect("a function");
                    writeln!(log, "{json}").expect("memory");
                }
                None => {
                    let request = line.request().to_string();
                    spans.write_request(request.as_bytes()).expect("room");
                    // Every span in a separate frame. Several frames read as one.
                    spans.flush().expect("room");
                }
            }
        }
        spans.finish().expect("room");
        for (function, path) in [
            ("producer", run.log_path(Function::Producer)),
            ("consumer", run.log_path(Function::Consumer)),
        ] {
            fs::write(path, &logs[function]).expect("room");
        }
        run
    }
}

fn spans_first(run: &RunDirectory) -> Summary {
    let (mut tally, mut audit) = (Tally::default(), Audit::default());
    let spans = run.spans_path();
    if spans.exists() {
        otlp_json::read_file(&spans, Want::Judging, &mut |span| {
            tally.add_span(span);
            audit.add(span);
        })
        .expect("a span file");
    }
    for function in [Function::Consumer, Function::Producer] {
        let path = run.log_path(function);
        log::read_file(&path, &mut |line| tally.add_log_line(line)).expect("a log");
    }
    tally.finish(&Extent {
        logged: Hop::BOTH.into(),
        is_run: true,
        ..Extent::default()
    });
    let manifest = run.manifest().expect("a manifest");
    Summary::of_tally(run.name(), &manifest, &tally, &audit.judge())
}

/// The manifest of a run under `pairing` that took five seconds.
pub(crate) fn manifest(pairing: &str) -> Manifest {
    let start = jiff::Timestamp::from_millisecond(START_MS as i64).expect("a time");
    Manifest {
        version: Version::default(),
        pairing: Some(pairing.parse().expect("a pairing")),
        engine: "native".parse().expect("an engine"),
        settings: Map::new(),
        versions: BTreeMap::new(),
        records: None,
        start,
        end: Some(start + jiff::SignedDuration::from_secs(5)),
    }
}

impl Words {
    fn parse(line: &str) -> Words {
        let mut words = line.split_whitespace();
        let kind = words.next().expect("a kind").to_owned();
        let values = words.map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((word, "yes"));
            (name.to_owned(), value.to_owned())
        });
        Words {
            kind,
            values: values.collect(),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn is(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn trace_id(&self) -> Option<String> {
        self.get("trace").map(trace_id)
    }

    fn span_id(&self, name: &str) -> Option<String> {
        self.get(name).map(|pattern| repeated(pattern, 16))
    }

    /// The message's `messaging.*` attributes, or the fields of the log.
    fn message(&self) -> Option<[String; 3]> {
        let stream = self.get("stream").unwrap_or("stream");
        let shard = self.get("shard").unwrap_or("shardId-000000000000");
        let number = self.get("message")?;
        Some([stream.into(), shard.into(), number.into()])
    }

    /// The line as a log line, and the function in whose log it is.
    fn log(&self) -> Option<(&'static str, Value)> {
        let (function, event) = match self.kind.as_str() {
            "log.request" => ("producer", "request"),
            "log.sent" => ("producer", "record.sent"),
            "log.received" => ("consumer", "record.received"),
            _ => return None,
        };
        let mut line = json!({
            "timestamp": "2023-11-14T22:13:20Z", "level": "INFO", "event": event, "message": "…",
            "service": format!("{function}-lambda"),
            "parent_span_id": self.span_id("parent"),
            "parent_is_remote": self.is("remote"),
            "sampled": !self.is("unsampled"),
            "request_id": self.get("request"),
            "tracecontext": self.get("carried").map(|header| json!({ header: "…" })),
            "carrier_bytes": self.get("carrier").map(|bytes| bytes.parse::<u64>().expect("a size")),
        });
        let fields = line.as_object_mut().expect("an object");
        if let (Some(trace), Some(span)) = (self.trace_id(), self.span_id("span")) {
            fields.insert("trace_id".into(), trace.into());
            fields.insert("span_id".into(), span.into());
        }
        if let Some([stream, shard, number]) = self.message() {
            fields.insert("stream".into(), stream.into());
            fields.insert("shard_id".into(), shard.into());
            fields.insert("sequence_number".into(), number.into());
        }
        Some((function, line))
    }

    /// The line as an `ExportTraceServiceRequest` of one span.
    fn request(&self) -> Value {
        // The service, the kind, and the default times, in milliseconds.
        let (service, kind, at) = match self.kind.as_str() {
            "client" => ("client", 3, "0..40"),
            "server" => ("producer-lambda", 2, "10..30"),
            "send" => ("producer-lambda", 4, "20..25"),
            "inner" => ("producer-lambda", 1, "12..28"),
            "invocation" => ("consumer-lambda", 5, "50..70"),
            "record" => ("consumer-lambda", 5, "55..60"),
            "sdk" | "http" => ("producer-lambda", 3, "21..24"),
            other => panic!("unknown kind of line: {other}"),
        };
        let (start, end) = self
            .get("at")
            .unwrap_or(at)
            .split_once("..")
            .expect("two times");
        let nanoseconds = |at: &str| {
            let at = START_MS + at.parse::<u64>().expect("milliseconds");
            (at * 1_000_000).to_string()
        };
        let sampled = u32::from(!self.is("unsampled"));
        let remote = if self.is("remote") { 0x200 } else { 0 };
        let mut span = json!({
            "traceId": self.trace_id(), "spanId": self.span_id("span"),
            "parentSpanId": self.span_id("parent").unwrap_or_default(),
            "traceState": self.get("tracestate").unwrap_or_default(),
            "name": self.get("name").unwrap_or(&self.kind), "kind": kind,
            "startTimeUnixNano": nanoseconds(start), "endTimeUnixNano": nanoseconds(end),
            "attributes": self.attributes(), "links": self.links(),
        });
        if !self.is("noflags") {
            span["flags"] = json!(0x100 | remote | sampled);
        }
        let service = self.get("service").unwrap_or(service);
        json!({"resourceSpans": [{
            "resource": {"attributes": [text("service.name", service)]},
            "scopeSpans": [{"spans": [span]}],
        }]})
    }

    fn attributes(&self) -> Vec<Value> {
        let mut attributes = Vec::new();
        let integer = |name: &str, value: &str| json!({"key": name, "value": {"intValue": value}});
        if let Some(request) = self.get("request") {
            attributes.push(text("aws.request_id", request));
        }
        if matches!(&*self.kind, "client" | "http") && self.get("status") != Some("none") {
            let status = self.get("status").unwrap_or("200");
            attributes.push(integer("http.response.status_code", status));
        }
        if self.kind == "sdk" {
            attributes.push(text("rpc.system", "aws-api"));
        }
        if let Some([stream, shard, number]) = self.message() {
            attributes.push(text("messaging.destination.name", &stream));
            attributes.push(text("messaging.destination.partition.id", &shard));
            attributes.push(text("messaging.message.id", &number));
        }
        if let Some(bytes) = self.get("carrier") {
            attributes.push(integer("baton.carrier_bytes", bytes));
        }
        if let Some(entries) = self.get("baggage") {
            attributes.push(integer("baton.baggage.entries", entries));
        }
        if self.is("zipkin") {
            let format = json!({"stringValue": "zipkin"});
            attributes.push(json!({"key": "baton.span.format", "value": format}));
        }
        if self.is("debug") {
            attributes.push(json!({"key": "baton.context.debug", "value": {"boolValue": true}}));
        }
        if self.is("deferred") {
            attributes.push(json!({"key": "baton.context.deferred", "value": {"boolValue": true}}));
        }
        if let Some(error) = self.get("error") {
            attributes.push(text("error.type", error));
        }
        attributes
    }

    /// `link=TRACE/SPAN` or `link=TRACE/SPAN/TRACESTATE`.
    fn links(&self) -> Vec<Value> {
        let links = self.get("link").into_iter().map(|link| {
            let mut parts = link.splitn(3, '/');
            let mut part = || parts.next().unwrap_or_default();
            let (trace, span, state) = (part(), part(), part());
            json!({"traceId": trace_id(trace), "spanId": repeated(span, 16), "traceState": state})
        });
        links.collect()
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn trace_id(pattern: &str) -> String {
    match pattern.split_once('.') {
        Some((high, low)) => repeated(high, 16) + &repeated(low, 16),
        None => repeated(pattern, 32),
    }
}

/// `pattern` repeated to `digits` characters. Letters that are not hex digits become hex digits.
fn repeated(pattern: &str, digits: usize) -> String {
    let hex = pattern.chars().map(|letter| match letter {
        '0'..='9' | 'a'..='f' => letter,
        other => char::from_digit(u32::from(other) % 6 + 10, 16).expect("a hex digit"),
    });
    hex.cycle().take(digits).collect()
}

/// A summary in the words of the cases: hops, and figures that are not zero.
pub(crate) fn shown(summary: &Summary) -> String {
    let mut text = String::new();
    let mut line = |name: &str, figures: Vec<(String, u64)>| {
        let figures = figures.into_iter().filter(|(_, figure)| *figure > 0);
        let figures: String = figures
            .map(|(name, figure)| format!(" {name}={figure}"))
            .collect();
        if !figures.is_empty() {
            writeln!(text, "{name}{figures}").expect("memory");
        }
    };
    for (hop, verdicts) in &summary.hops {
        let verdicts = verdicts
            .iter()
            .map(|(verdict, count)| (verdict.to_string(), *count));
        line(&hop.to_string(), verdicts.collect());
    }
    for (hop, flags) in &summary.flags {
        let flags = [
            ("sampled_changed".into(), flags.sampled_changed.unwrap_or(0)),
            ("tracestate_lost".into(), flags.tracestate_lost.unwrap_or(0)),
            ("baggage_lost".into(), flags.baggage_lost.unwrap_or(0)),
            ("debug_lost".into(), flags.debug_lost.unwrap_or(0)),
        ];
        line(&format!("flags.{hop}"), flags.into());
    }
    let requests = summary.requests.unwrap_or_default();
    line(
        "requests",
        vec![
            ("ok".into(), requests.ok),
            ("failed".into(), requests.failed),
        ],
    );
    let records = summary.records.unwrap_or_default();
    let records = [
        ("sent".into(), records.sent),
        ("delivered".into(), records.delivered.unwrap_or(0)),
        ("duplicates".into(), records.duplicates),
        ("lost".into(), records.lost.unwrap_or(0)),
    ];
    line("records", records.into());
    line("unjudged", vec![("hand_offs".into(), summary.unjudged)]);
    line(
        "records_without_sender",
        vec![("records".into(), summary.records_without_sender)],
    );
    text
}
