//! The page's addresses: one file for each group.

mod assets;
mod events;
mod explain;
mod fragments;
mod index;
mod logs;
mod matrix;
mod modes;
mod runs;
mod send;
mod trace;
mod traces;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use baton_lab::{Controls, Routes};
use baton_traces::shown::visible;

use crate::LabPage;
use crate::frame::{self, Frame, MessagePage};

/// What handlers get.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// The page.
    pub(crate) page: Arc<LabPage>,
    /// The lab.
    pub(crate) controls: Arc<Controls>,
}

/// All routes of the page.
pub(crate) fn all(page: Arc<LabPage>, controls: Arc<Controls>) -> Routes {
    let shared = Shared { page, controls };
    let reading = Router::new()
        .route("/", get(index::index))
        .route("/page.js", get(assets::script))
        .route("/icon.svg", get(assets::icon))
        .route("/events", get(events::events))
        .route("/modes", get(modes::preview))
        .route("/send/preview", get(send::preview::preview))
        .route("/traces", get(traces::traces))
        .route("/traces/events", get(events::of_traces))
        .route("/traces/{id}", get(trace::trace))
        .route("/requests/{id}", get(trace::of_request))
        .route("/explain", get(explain::linked).post(explain::pasted))
        .route("/logs/{function}", get(logs::logs))
        .route("/logs/{function}/events", get(logs::events))
        .route("/matrix", get(matrix::matrix))
        .route("/matrix/events", get(events::of_matrix))
        .route("/runs", get(runs::runs))
        .route("/runs/compare", get(runs::compare))
        .route("/runs/{name}/report", get(runs::report))
        .fallback(unknown)
        .with_state(shared.clone());
    let changing = Router::new()
        .route("/modes", post(modes::switch))
        .route("/send", post(send::send))
        .route("/burst", post(send::burst))
        .route("/burst/stop", post(send::stop))
        .route("/matrix", post(matrix::start))
        .route("/matrix/stop", post(matrix::stop))
        .route("/runs", post(runs::keep))
        .with_state(shared);
    Routes { reading, changing }
}

/// Whether the request comes from a browser, and not from `curl` or the page's script.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// The answer to an address that does not exist.
async fn unknown(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let message = format!("The lab has no page at {}.", visible(uri.path()));
    if !wants_html(&headers) {
        return sentence(StatusCode::NOT_FOUND, message);
    }
    frame::message(
        StatusCode::NOT_FOUND,
        MessagePage {
            frame: Frame::new(&shared.controls, "No such page", ""),
            message,
            address: "/".to_owned(),
            link: "The live page",
        },
    )
}

/// An answer to the script: a sentence.
fn sentence(status: StatusCode, message: impl Into<String>) -> Response {
    let message: String = message.into();
    (status, Json(serde_json::json!({ "message": message }))).into_response()
}
