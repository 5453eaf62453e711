//! The parts of the first page again, whenever something changes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Deserialize;
use tokio::sync::watch;

use super::fragments::MapParts;
use super::{Shared, fragments, matrix};

/// The shortest time between two updates. During a burst, more would only cost the lab.
const UPDATE_INTERVAL: Duration = Duration::from_secs(1);
/// How long a change waits for those that belong to it: the spans of one request come from two
/// functions.
const GATHERING: Duration = Duration::from_millis(100);
/// The longest time between two updates: rates fall while nothing arrives.
const QUIET_INTERVAL: Duration = Duration::from_secs(5);

/// Which period the page shows, or which other page it is.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    period: Option<usize>,
    view: Option<View>,
}

/// A page with parts of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum View {
    /// The matrix.
    Matrix,
}

/// What one open page has been sent.
struct Open {
    shared: Shared,
    period: Option<usize>,
    view: Option<View>,
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// The last of each part.
    sent: HashMap<&'static str, String>,
    waiting: Vec<Event>,
}

/// Events named after the parts of the page: `answer`, `map`, `edges`, `burst`,
/// `periods`, `newest`; of the matrix `matrix`.
pub(super) async fn events(
    State(shared): State<Shared>,
    Query(asked): Query<Asked>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let open = Open {
        changes: shared.page.live.changes(),
        stopping: shared.controls.stopping(),
        shared,
        period: asked.period,
        view: asked.view,
        sent: HashMap::new(),
        waiting: Vec::new(),
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
                () = tokio::time::sleep(UPDATE_INTERVAL) => {}
            }
            let has_changed = tokio::select! {
                _ = open.stopping.wait_for(|stopping| *stopping) => return None,
                _ = open.changes.changed() => true,
                () = tokio::time::sleep(QUIET_INTERVAL) => false,
            };
            if has_changed {
                tokio::time::sleep(GATHERING).await;
            }
        }
        open.changes.mark_unchanged();
        open.look();
    }
}

impl Open {
    /// Draws the parts again, and keeps those that differ from what was sent.
    fn look(&mut self) {
        for (name, part) in self.parts() {
            if self.sent.get(name) != Some(&part) {
                self.waiting.push(event(name, &part));
                self.sent.insert(name, part);
            }
        }
        // the last one is sent first
        self.waiting.reverse();
    }

    fn parts(&self) -> Vec<(&'static str, String)> {
        let Shared { page, controls } = &self.shared;
        if self.view == Some(View::Matrix) {
            return vec![("matrix", matrix::fragment(page))];
        }
        let MapParts {
            answer,
            picture,
            edges,
        } = fragments::map(page, controls, self.period);
        vec![
            ("answer", answer),
            ("map", picture),
            ("edges", edges),
            ("burst", fragments::burst(page)),
            ("periods", fragments::periods(page)),
            ("newest", fragments::newest(page)),
        ]
    }
}

/// An event. A carriage return would end a line of it.
pub(super) fn event(name: &str, html: &str) -> Event {
    Event::default().event(name).data(html.replace('\r', ""))
}
