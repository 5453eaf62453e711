//! Runs: keep one, list them, open a report, compare.

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Shared, fragments, sentence};
use crate::frame::{self, Frame, MessagePage};
use crate::runs::{self, Kept, KeptRun};
use crate::settings;

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    directory: String,
    minutes: [u32; 3],
    periods: Vec<(usize, String)>,
    runs: Vec<KeptRun>,
}

/// How many minutes the page offers to keep.
const MINUTES: [u32; 3] = [1, 5, 15];

/// What to keep: the number of a period, or `last:` and a number of minutes.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    period: String,
}

impl Asked {
    fn kept(&self) -> Option<Kept> {
        match self.period.strip_prefix("last:") {
            Some(minutes) => minutes.parse().ok().map(Kept::Minutes),
            None => self.period.parse().ok().map(Kept::Period),
        }
    }
}

/// The kept runs.
pub(super) async fn runs(State(shared): State<Shared>) -> Response {
    let periods = {
        let held = shared.page.live.held();
        let periods = held.periods().iter().map(|(number, period)| {
            let text = format!(
                "Since {}: client {}, {} to {}",
                fragments::time_of_day(period.since),
                period.client,
                settings::of_one(&period.producer),
                settings::of_one(&period.consumer)
            );
            (number, text)
        });
        periods.collect()
    };
    let directory = &shared.page.options.runs;
    frame::page(&RunsPage {
        frame: Frame::new(&shared.controls, "Runs", "Runs"),
        minutes: MINUTES,
        periods,
        runs: runs::list(directory),
        directory: directory.display().to_string(),
    })
}

/// Keeps what was sent in a period, or in the last minutes.
pub(super) async fn keep(State(shared): State<Shared>, Json(asked): Json<Asked>) -> Response {
    let Some(kept) = asked.kept() else {
        let wrong = "The period must be the number of a period, or last: and a number of minutes.";
        return sentence(StatusCode::BAD_REQUEST, wrong);
    };
    // what began before now is complete when it was delivered and its spans are written
    let now = Timestamp::now();
    let controls = &shared.controls;
    if !(controls.settle().await && controls.flush_spans().await) {
        let wrong =
            "Some records are not delivered yet, so the run would not be complete. Try again.";
        return sentence(StatusCode::CONFLICT, wrong);
    }
    let kept = tokio::task::spawn_blocking(move || {
        let Shared { page, controls } = &shared;
        let parent = &page.options.runs;
        runs::keep(&page.live, kept, now, controls.directory(), parent)
    });
    match kept.await {
        Ok(Ok((path, note))) => {
            let note = note.map_or_else(String::new, |note| format!(" {note}"));
            sentence(
                StatusCode::OK,
                format!("Saved as {}.{note}", path.display()),
            )
        }
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
            "There is no run of this name with a report",
        ),
    }
}

/// The comparison of the runs in the address, as `run=A&run=B`.
pub(super) async fn compare(
    State(shared): State<Shared>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Response {
    let named = asked.into_iter().filter(|(name, _)| name == "run");
    let names: Vec<String> = named.map(|(_, value)| value).collect();
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
    frame::message(status, message)
}
