//! The parts of a page that change, again whenever something changes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Deserialize;
use tokio::sync::watch;

use super::fragments::MapParts;
use super::traces::{self, Asked as AskedTraces};
use super::{Shared, fragments, matrix, sentence};
use crate::live::Search;

/// The shortest time between two updates. During a burst, more would only cost the lab.
const UPDATE_INTERVAL: Duration = Duration::from_secs(1);
/// How long a change waits for those that belong to it: the spans of one request come from two
/// functions.
const GATHERING: Duration = Duration::from_millis(100);
/// The longest time between two updates while nothing arrives, and nothing on the page changes with
/// time.
const QUIET_INTERVAL: Duration = Duration::from_secs(5);
/// A search among many traces takes long. It may take this share of one core.
const SEARCH_SHARE: u32 = 20;

/// Which period the first page shows.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    period: Option<usize>,
}

/// Whose parts are sent.
#[derive(Clone, Debug)]
enum View {
    /// The first page, with the number of a past period or the present one.
    Live(Option<usize>),
    /// The matrix.
    Matrix,
    /// The traces that meet a search.
    Traces(Search),
}

/// What one open page has been sent.
struct Open {
    shared: Shared,
    view: View,
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// The last of each part.
    sent: HashMap<&'static str, String>,
    waiting: Vec<Event>,
    /// How long to wait before the parts are drawn again.
    pause: Duration,
    /// The longest time to wait for a change. Rates fall while nothing arrives.
    patience: Duration,
}

/// Events named after the parts of the first page: `answer`, `map`, `edges`, `burst`, `periods`,
/// `newest`.
pub(super) async fn events(
    State(shared): State<Shared>,
    Query(asked): Query<Asked>,
) -> impl IntoResponse {
    stream(shared, View::Live(asked.period))
}

/// Events named `matrix`: the matrix that is measured.
pub(super) async fn of_matrix(State(shared): State<Shared>) -> impl IntoResponse {
    stream(shared, View::Matrix)
}

/// Events named `list`: the traces that meet the search in the address.
pub(super) async fn of_traces(
    State(shared): State<Shared>,
    Query(asked): Query<AskedTraces>,
) -> Response {
    match asked.search() {
        Ok(search) => stream(shared, View::Traces(search)).into_response(),
        Err(problem) => sentence(StatusCode::BAD_REQUEST, problem),
    }
}

fn stream(shared: Shared, view: View) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let open = Open {
        changes: shared.page.live.changes(),
        stopping: shared.controls.stopping(),
        shared,
        view,
        sent: HashMap::new(),
        waiting: Vec::new(),
        pause: UPDATE_INTERVAL,
        patience: QUIET_INTERVAL,
    };
    Sse::new(unfold(open, next)).keep_alive(KeepAlive::default())
}

/// The next event; `None` when the lab stops.
async fn next(mut open: Open) -> Option<(Result<Event, Infallible>, Open)> {
    loop {
        if let Some(event) = open.waiting.pop() {
            return Some((Ok(event), open));
        }
        if !open.sent.is_empty() {
            tokio::select! {
                _ = open.stopping.wait_for(|stopping| *stopping) => return None,
                () = tokio::time::sleep(open.pause) => {}
            }
            let has_changed = tokio::select! {
                _ = open.stopping.wait_for(|stopping| *stopping) => return None,
                _ = open.changes.changed() => true,
                () = tokio::time::sleep(open.patience) => false,
            };
            if has_changed {
                tokio::time::sleep(GATHERING).await;
            }
        }
        open.changes.mark_unchanged();
        open.look().await;
    }
}

impl Open {
    /// Draws the parts again, and keeps those that differ from what was sent.
    async fn look(&mut self) {
        let start = Instant::now();
        let parts = self.parts().await;
        self.pause = UPDATE_INTERVAL.max(start.elapsed() * SEARCH_SHARE);
        for (name, part) in parts {
            if self.sent.get(name) != Some(&part) {
                self.waiting.push(event(name, &part));
                self.sent.insert(name, part);
            }
        }
        // the last one is sent first
        self.waiting.reverse();
    }

    async fn parts(&mut self) -> Vec<(&'static str, String)> {
        let Shared { page, controls } = &self.shared;
        let period = match &self.view {
            View::Live(period) => *period,
            View::Matrix => return vec![("matrix", matrix::fragment(page))],
            View::Traces(search) => {
                let list = traces::list(page, search.clone());
                return vec![("list", list.await)];
            }
        };
        let MapParts {
            answer,
            picture,
            edges,
            is_moving,
        } = fragments::map(page, controls, period);
        self.patience = match is_moving {
            // every look is followed by a pause anyway
            true => Duration::ZERO,
            false => QUIET_INTERVAL,
        };
        vec![
            ("answer", answer),
            ("map", picture),
            ("edges", edges),
            ("burst", fragments::burst(page)),
            ("periods", fragments::periods(page, period)),
            ("newest", fragments::newest(page)),
        ]
    }
}

/// An event. A carriage return would end a line of it.
pub(super) fn event(name: &str, html: &str) -> Event {
    Event::default().event(name).data(html.replace('\r', ""))
}
