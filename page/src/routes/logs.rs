//! The functions' logs, following.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use baton_traces::run::Function;
use baton_traces::shown::visible;
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::events::event;
use super::{Shared, sentence};
use crate::frame::{self, Frame, MessagePage};
use crate::log_tail::complete_lines;

/// How many lines the page shows at first, and how many bytes of the file are read for them.
const MAX_LINES: usize = 300;
const MAX_TAIL: u64 = 512 << 10;
/// How many bytes one update reads at most.
const MAX_UPDATE: u64 = 256 << 10;
/// The characters of a time of day to the millisecond.
const MILLISECONDS: usize = 12;
/// How many digits of a trace id are shown.
const SHORT_ID: usize = 8;
/// How often the file is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);
/// The fields that the line shows in another way, and those that repeat another field.
const LEFT_OUT: [&str; 7] = [
    "timestamp",
    "level",
    "message",
    "event",
    "service",
    "parent_is_remote",
    "parent_span_id",
];
/// The fields that a line shows at once. All unfold.
const MAIN: [&str; 5] = ["error", "reason", "status", HEADERS, "record"];
/// The field with the headers of a record.
const HEADERS: &str = "tracecontext";

#[derive(Template)]
#[template(path = "logs.html")]
struct LogsPage {
    frame: Frame,
    functions: [&'static str; 2],
    function: &'static str,
    shown: usize,
    offset: u64,
    lines: String,
}

#[derive(Template)]
#[template(path = "fragments/log_lines.html")]
struct LogLines {
    lines: Vec<Line>,
}

/// One line of a log.
struct Line {
    time: String,
    level: String,
    message: String,
    /// What is shown at once: names, with what separates them from the value, and values.
    main: Vec<(String, String)>,
    /// What unfolds: every field that the line does not show in full.
    others: Vec<(String, String)>,
    /// The address of its trace, and the beginning of that trace's id.
    trace: Option<(String, String)>,
}

/// Where to go on.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    from: u64,
}

fn named(name: &str) -> Option<Function> {
    Function::BOTH
        .into_iter()
        .find(|function| function.name() == name)
}

/// The last lines of a function's log.
pub(super) async fn logs(State(shared): State<Shared>, Path(name): Path<String>) -> Response {
    let Some(function) = named(&name) else {
        return frame::message(
            StatusCode::NOT_FOUND,
            MessagePage {
                frame: Frame::new(&shared.controls, "Logs", "Logs"),
                message: "The lab has two functions: producer and consumer.".to_owned(),
                address: "/logs/consumer".to_owned(),
                link: "The log of the consumer",
            },
        );
    };
    let path = shared.controls.directory().log_path(function);
    let end = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let start = end.saturating_sub(MAX_TAIL);
    let (mut lines, offset) = complete_lines(&path, start, MAX_TAIL).unwrap_or_default();
    if start > 0 && !lines.is_empty() {
        // the first one may be cut
        lines.remove(0);
    }
    let shown = lines.len().min(MAX_LINES);
    let lines = lines.split_off(lines.len() - shown);
    frame::page(&LogsPage {
        frame: Frame::new(&shared.controls, format!("Log of the {name}"), "Logs"),
        functions: Function::BOTH.map(Function::name),
        function: function.name(),
        shown,
        offset,
        lines: render(&lines),
    })
}

/// A log that is followed.
struct Following {
    path: PathBuf,
    offset: u64,
    stopping: watch::Receiver<bool>,
}

/// New lines as events.
pub(super) async fn events(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let Some(function) = named(&name) else {
        return sentence(
            StatusCode::NOT_FOUND,
            "The lab has two functions: producer and consumer.",
        );
    };
    let last = headers.get("last-event-id");
    let last = last.and_then(|last| last.to_str().ok()?.parse().ok());
    let following = Following {
        path: shared.controls.directory().log_path(function),
        offset: last.unwrap_or(asked.from),
        stopping: shared.controls.stopping(),
    };
    let events = unfold(following, async |mut following| {
        loop {
            let read = complete_lines(&following.path, following.offset, MAX_UPDATE);
            let (lines, offset) = read.unwrap_or((Vec::new(), following.offset));
            following.offset = offset;
            if !lines.is_empty() {
                // a browser that connects again asks for what comes after this
                let event = event("lines", &render(&lines)).id(offset.to_string());
                return Some((Ok::<Event, Infallible>(event), following));
            }
            tokio::select! {
                _ = following.stopping.wait_for(|stopping| *stopping) => return None,
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    });
    Sse::new(Box::pin(events))
        .keep_alive(KeepAlive::default())
        .into_response()
}

fn render(lines: &[String]) -> String {
    frame::render(&LogLines {
        lines: lines.iter().map(|line| Line::of(line)).collect(),
    })
}

impl Line {
    fn of(line: &str) -> Line {
        let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else {
            return Line {
                time: String::new(),
                level: String::new(),
                message: visible(line),
                main: Vec::new(),
                others: Vec::new(),
                trace: None,
            };
        };
        let text = |name: &str| fields.get(name).map(plain).unwrap_or_default();
        let given = |name| fields.get(name).filter(|value| !value.is_null());
        let main = MAIN.into_iter();
        let main = main.filter_map(|name| Some((name, given(name)?)));
        let others = fields
            .iter()
            .filter(|(name, value)| !LEFT_OUT.contains(&name.as_str()) && !value.is_null());
        let time = text("timestamp");
        let trace_id = fields.get("trace_id").and_then(Value::as_str);
        let trace_id = trace_id.filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        Line {
            time: time.split_once('T').map_or(time.clone(), |(_, time)| {
                time.trim_end_matches('Z')
                    .chars()
                    .take(MILLISECONDS)
                    .collect()
            }),
            level: text("level")
                .chars()
                .filter(char::is_ascii_alphabetic)
                .collect(),
            message: text("message"),
            main: main.flat_map(|(name, value)| shown(name, value)).collect(),
            others: others
                .map(|(name, value)| (visible(name), plain(value)))
                .collect(),
            trace: trace_id.map(|id| {
                let short = id.chars().take(SHORT_ID).collect();
                (format!("/traces/{id}"), short)
            }),
        }
    }
}

/// A field as it is shown at once: headers as they are on the wire, anything else as `name=value`.
fn shown(name: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(headers) if name == HEADERS => {
            let headers = headers.iter();
            headers
                .map(|(name, value)| (format!("{}: ", visible(name)), plain(value)))
                .collect()
        }
        _ => vec![(format!("{name}="), plain(value))],
    }
}

/// A value: a string without its quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text),
        other => visible(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_line_stays_text() {
        let lines = [
            r#"{"timestamp":"2026-11-23T05:00:00Z","level":"INFO","message":"<script>alert(1)</script>","x":"\"><img src=x>"}"#
                .to_owned(),
            "<b>plain</b>".to_owned(),
        ];
        let html = render(&lines);
        assert!(
            !html.contains("<script") && !html.contains("<img"),
            "{html}"
        );
        assert!(!html.contains("<b>plain"), "{html}");
    }
}
