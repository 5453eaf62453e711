//! The parts of the first page again, whenever something changes.

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
use super::{Shared, fragments};

/// The shortest time between two updates. During a burst, more would only cost the lab.
const UPDATE_INTERVAL: Duration = Duration::from_millis(400);
/// The longest time between two updates: rates fall while nothing arrives.
const QUIET_INTERVAL: Duration = Duration::from_secs(5);

/// Which period the page shows.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    period: Option<usize>,
}

/// What one open page has been sent.
struct Open {
    shared: Shared,
    period: Option<usize>,
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    sent: [String; 6],
    waiting: Vec<Event>,
}

/// Events named after the parts of the page: `answer`, `map`, `edges`, `burst`,
/// `periods`, `newest`.
pub(super) async fn events(
    State(shared): State<Shared>,
    Query(asked): Query<Asked>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let open = Open {
        changes: shared.page.live.changes(),
        stopping: shared.controls.stopping(),
        shared,
        period: asked.period,
        sent: Default::default(),
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
        if open.sent.iter().any(|part| !part.is_empty()) {
            tokio::select! {
                _ = open.stopping.wait_for(|stopping| *stopping) => return None,
                () = tokio::time::sleep(UPDATE_INTERVAL) => {}
            }
            tokio::select! {
                _ = open.stopping.wait_for(|stopping| *stopping) => return None,
                _ = open.changes.changed() => {}
                () = tokio::time::sleep(QUIET_INTERVAL) => {}
            }
        }
        open.changes.mark_unchanged();
        open.look();
    }
}

impl Open {
    /// Draws the parts again, and keeps those that differ from what was sent.
    fn look(&mut self) {
        let Shared { page, controls } = &self.shared;
        let MapParts {
            answer,
            picture,
            edges,
        } = fragments::map(page, controls, self.period);
        let parts = [
            ("answer", answer),
            ("map", picture),
            ("edges", edges),
            ("burst", fragments::burst(page)),
            ("periods", fragments::periods(page)),
            ("newest", fragments::newest(page)),
        ];
        for ((name, part), sent) in parts.into_iter().zip(&mut self.sent) {
            if part != *sent {
                self.waiting.push(event(name, &part));
                *sent = part;
            }
        }
        // the last one is sent first
        self.waiting.reverse();
    }
}

/// An event. A carriage return would end a line of it.
pub(super) fn event(name: &str, html: &str) -> Event {
    Event::default().event(name).data(html.replace('\r', ""))
}
