//! The matrix of chosen modes.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use baton_propagators::Engine;
use serde::Deserialize;

use super::modes::OFFERED;
use super::{Shared, sentence};
use crate::LabPage;
use crate::frame::{self, Frame};
use crate::matrix::{self, GridView};

/// The modes that are chosen at first.
const CHOSEN: [&str; 3] = ["tracecontext", "b3", "tracecontext,b3"];

#[derive(Template)]
#[template(path = "matrix.html")]
struct MatrixPage {
    frame: Frame,
    modes: Vec<(&'static str, bool)>,
    engines: &'static [&'static str],
    matrix: String,
}

#[derive(Template)]
#[template(path = "fragments/matrix.html")]
struct MatrixFragment {
    running: Option<u64>,
    problem: Option<String>,
    answer: Option<String>,
    notes: Vec<String>,
    grids: Vec<GridView>,
}

/// The chosen modes, separated by spaces, and the engine.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    mode: String,
    engine: String,
}

/// The form, and the last matrix.
pub(super) async fn matrix(State(shared): State<Shared>) -> Response {
    let modes = OFFERED.map(|mode| (mode, CHOSEN.contains(&mode)));
    frame::page(&MatrixPage {
        frame: Frame::new(&shared.controls, "Matrix", "Matrix"),
        modes: modes.into(),
        engines: Engine::NAMES,
        matrix: fragment(&shared.page),
    })
}

/// The matrix that is measured, and the last one.
pub(super) fn fragment(page: &LabPage) -> String {
    let (running, last) = page.matrices.state();
    let (matrix, problem) = match last {
        Some(Ok(matrix)) => (Some(matrix), None),
        Some(Err(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    let matrix = matrix.as_deref();
    let notes = matrix.map(|matrix| [&matrix.left_out[..], &matrix.problems].concat());
    frame::render(&MatrixFragment {
        running: running.map(|matrix| matrix.percent()),
        problem,
        answer: matrix.map(|matrix| matrix.answer.clone()),
        notes: notes.unwrap_or_default(),
        grids: matrix.map(matrix::grids).unwrap_or_default(),
    })
}

/// Starts to measure the chosen modes.
pub(super) async fn start(State(shared): State<Shared>, Json(asked): Json<Asked>) -> Response {
    let Shared { page, controls } = &shared;
    match matrix::start(page, controls, &asked.mode, &asked.engine) {
        Ok(()) => sentence(StatusCode::OK, "The measurement has started."),
        Err(problem) => sentence(StatusCode::BAD_REQUEST, problem),
    }
}

/// Stops the measurement.
pub(super) async fn stop(State(shared): State<Shared>) -> Response {
    match shared.page.matrices.stop() {
        true => sentence(StatusCode::OK, "The measurement is stopping."),
        false => sentence(StatusCode::CONFLICT, "No measurement is running."),
    }
}
