//! Pasted text, explained.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Shared;
use crate::explain::{CarrierView, explained};
use crate::frame::{self, Frame};
use crate::map::address;

/// The longest text that goes into an address, in bytes.
const MAX_LINKED: usize = 4096;

#[derive(Template)]
#[template(path = "explain.html")]
struct ExplainPage {
    frame: Frame,
    text: String,
    nothing: Option<&'static str>,
    in_common: Option<String>,
    carriers: Vec<CarrierView>,
    notes: Vec<String>,
}

/// The text in the address or in the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    text: String,
}

/// The text in the address, for links.
pub(super) async fn linked(State(shared): State<Shared>, Query(asked): Query<Asked>) -> Response {
    answer(&shared, asked.text).await
}

/// The text in the form. It changes nothing, so it needs no token. A short text gets an address.
pub(super) async fn pasted(State(shared): State<Shared>, Form(asked): Form<Asked>) -> Response {
    if asked.text.len() <= MAX_LINKED {
        return Redirect::to(&address("/explain", &[("text", asked.text)])).into_response();
    }
    answer(&shared, asked.text).await
}

async fn answer(shared: &Shared, text: String) -> Response {
    let is_empty = text.trim().is_empty();
    let read = text.clone();
    // a long text takes a while
    let explained = tokio::task::spawn_blocking(move || explained(read.as_bytes()));
    let explained = explained.await.unwrap_or_default();
    let nothing = match (is_empty, explained.carriers.is_empty()) {
        (false, true) => Some("The text has no trace header, and no value that looks like one."),
        _ => None,
    };
    frame::page(&ExplainPage {
        frame: Frame::new(&shared.controls, "Explain", "Explain"),
        text,
        nothing,
        in_common: explained.in_common,
        carriers: explained.carriers,
        notes: explained.notes,
    })
}
