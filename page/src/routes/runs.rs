//! Runs: keep one, list them, open a report, compare.

use askama::Template;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{Shared, fragments, sentence};
use crate::frame::{self, Frame, MessagePage};
use crate::runs::{self, KeptRun};

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    directory: String,
    periods: Vec<(usize, String)>,
    runs: Vec<KeptRun>,
}

/// The period to keep. The number is text, as forms send it.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    period: String,
}

/// The kept runs.
pub(super) async fn runs(State(shared): State<Shared>) -> Response {
    let periods = {
        let held = shared.page.live.held();
        let periods = held.periods().iter().enumerate();
        let periods = periods.map(|(number, period)| {
            let text = format!(
                "{}, {} to {}",
                fragments::time_of_day(period.since),
                fragments::in_words(&period.producer),
                fragments::in_words(&period.consumer)
            );
            (number, text)
        });
        periods.collect()
    };
    let directory = &shared.page.options.runs;
    frame::page(&RunsPage {
        frame: Frame::new(&shared.controls, "Runs", "Runs"),
        periods,
        runs: runs::list(directory),
        directory: directory.display().to_string(),
    })
}

/// Keeps what was sent in a period.
pub(super) async fn keep(State(shared): State<Shared>, Json(asked): Json<Asked>) -> Response {
    let Ok(number) = asked.period.parse() else {
        return sentence(StatusCode::BAD_REQUEST, "the period is a number");
    };
    // the functions' last lines and spans
    shared.controls.flush_spans().await;
    let kept = tokio::task::spawn_blocking(move || {
        let Shared { page, controls } = &shared;
        runs::keep(&page.live, number, controls.directory(), &page.options.runs)
    });
    match kept.await {
        Ok(Ok(path)) => sentence(StatusCode::OK, format!("Kept as {}.", path.display())),
        Ok(Err(problem)) => sentence(StatusCode::CONFLICT, problem),
        Err(error) => sentence(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// The report of one run.
pub(super) async fn report(State(shared): State<Shared>, Path(name): Path<String>) -> Response {
    match runs::report(&shared.page.options.runs, &name) {
        Some(report) => frame::report(report),
        None => refused(
            &shared,
            StatusCode::NOT_FOUND,
            "There is no report of such a run.",
        ),
    }
}

/// The comparison of the runs in the address, as `run=A&run=B`.
pub(super) async fn compare(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let names = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("run="));
    let names: Vec<String> = names.map(str::to_owned).collect();
    let parent = shared.page.options.runs.clone();
    let compared = tokio::task::spawn_blocking(move || runs::compare(&parent, &names));
    match compared.await {
        Ok(Ok(report)) => frame::report(report),
        Ok(Err(problem)) => refused(&shared, StatusCode::BAD_REQUEST, &problem),
        Err(error) => refused(
            &shared,
            StatusCode::INTERNAL_SERVER_ERROR,
            &error.to_string(),
        ),
    }
}

fn refused(shared: &Shared, status: StatusCode, problem: &str) -> Response {
    let message = MessagePage {
        frame: Frame::new(&shared.controls, "Runs", "Runs"),
        message: format!("{problem}."),
        address: "/runs".to_owned(),
        link: "All runs",
    };
    frame::html(status, frame::render(&message))
}
