//! What the headers in the form would do, before they are sent.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use baton_propagators::{HeaderList, Mode, Propagation};
use serde::Deserialize;

use super::{context, headers};
use crate::explain::{self, ModeRow};
use crate::frame;
use crate::map::address;
use crate::routes::Shared;
use crate::settings;

/// The longest text that goes into an address, in bytes.
const MAX_LINKED: usize = 4096;
/// How many digits of a trace id are shown.
const SHORT_ID: usize = 8;

/// The text in the form.
#[derive(Debug, Deserialize)]
pub(in crate::routes) struct Asked {
    #[serde(default)]
    headers: String,
}

#[derive(Default, Template)]
#[template(path = "fragments/send_preview.html")]
struct PreviewFragment {
    /// What is wrong with the text.
    problem: Option<String>,
    /// What arrives, in a sentence.
    summary: String,
    is_one_trace: bool,
    /// What the producer would do.
    producer: String,
    /// What each mode continues: the modes, and the answer.
    answers: Vec<(String, String)>,
    /// The address of the whole explanation.
    address: String,
}

/// Says what the headers would do.
pub(in crate::routes) async fn preview(
    State(shared): State<Shared>,
    Query(asked): Query<Asked>,
) -> Response {
    let text = asked.headers.trim();
    let fragment = match text.is_empty() {
        true => String::new(),
        false => frame::render(&fragment(&shared, text)),
    };
    frame::html(StatusCode::OK, fragment)
}

fn fragment(shared: &Shared, text: &str) -> PreviewFragment {
    let problem = |problem: &str| PreviewFragment {
        problem: Some(problem.to_owned()),
        ..PreviewFragment::default()
    };
    if text.len() > MAX_LINKED {
        return problem(
            "These headers are too long to be explained here. Paste them under Explain.",
        );
    }
    let sent = match headers(text) {
        Ok(sent) => sent,
        Err(wrong) => return problem(&wrong),
    };
    let explained = explain::explained(text.as_bytes());
    let Some(carrier) = explained.carriers.into_iter().next() else {
        return problem("None of these headers is for tracing.");
    };
    let mut list = HeaderList::new();
    for (name, value) in &sent {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        list.0.push((name.as_str().to_owned(), value));
    }
    let client = shared.page.client();
    if let Some((_, own)) = context(&client) {
        list.0.extend(own.0);
    }
    let set = settings::of(&shared.controls.status().producer.propagation);
    PreviewFragment {
        summary: carrier.summary,
        is_one_trace: carrier.is_one_trace,
        producer: set.map_or_else(String::new, |set| producer(&set, &list, &client)),
        answers: answers(&carrier.modes),
        address: address("/explain", &[("text", text.to_owned())]),
        problem: None,
    }
}

/// What the producer would do with these headers.
fn producer(set: &Propagation, headers: &HeaderList, client: &Mode) -> String {
    let own = match client.is_none() {
        true => String::new(),
        false => format!("The client adds its own headers ({client}). "),
    };
    let extraction = set.extract(headers);
    let found = extraction.continued();
    let continues = found.and_then(|found| Some((found.header, found.context()?)));
    let does = match continues {
        Some((header, context)) => format!(
            "The producer ({}) would continue trace {} of {header}",
            set.extract,
            short(&context.trace_id.to_string())
        ),
        None => format!("The producer ({}) would start a new trace", set.extract),
    };
    format!("{own}{does}.")
}

/// The beginning of an id.
fn short(id: &str) -> String {
    let digits: String = id.chars().take(SHORT_ID).collect();
    format!("{digits}…")
}

/// The modes by their answers, each answer once.
fn answers(modes: &[ModeRow]) -> Vec<(String, String)> {
    let mut answers: Vec<(String, String)> = Vec::new();
    for row in modes {
        let answer = match &row.ids {
            Some((trace_id, _)) => format!("trace {} of {}", short(trace_id), row.continues),
            None => row.continues.clone(),
        };
        match answers.iter_mut().find(|(_, known)| *known == answer) {
            Some((modes, _)) => *modes = format!("{modes}; {}", row.mode),
            None => answers.push((row.mode.clone(), answer)),
        }
    }
    answers
}
