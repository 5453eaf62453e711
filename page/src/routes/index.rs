//! The first page: the map, the modes, what can be sent, and the newest traces.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::VARY;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::fragments::MapParts;
use super::modes::{Choice, Chosen};
use super::{Shared, fragments, modes, wants_html};
use crate::frame::{self, Frame};
use crate::settings;

#[derive(Template)]
#[template(path = "index.html")]
struct IndexPage {
    frame: Frame,
    events: String,
    /// Whether no trace has come yet.
    is_new: bool,
    map: MapParts,
    /// The lists of modes.
    modes: Vec<Choice>,
    /// The lists of engine, selection and policy.
    settings: Vec<Choice>,
    /// Their values.
    settings_in_short: String,
    /// Whether one of them is not the default.
    settings_differ: bool,
    prediction: String,
    curl: String,
    burst: String,
    periods: String,
    newest: String,
}

/// What the address of the first page can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// The number of a past period to show; without it, the present one.
    period: Option<String>,
    #[serde(flatten)]
    chosen: Chosen,
}

/// The page for a browser, and the plain status for everything else.
pub(super) async fn index(
    State(shared): State<Shared>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    if !wants_html(&headers) {
        return ([(VARY, "accept")], shared.controls.in_words()).into_response();
    }
    let Shared { page, controls } = &shared;
    let chosen = modes::chosen(&shared, &asked.chosen);
    let endpoint = &controls.addresses().endpoint;
    let period = asked.period.and_then(|period| period.parse::<usize>().ok());
    let events = match period {
        Some(period) => format!("/events?period={period}"),
        None => "/events".to_owned(),
    };
    // before the parts, which look at what is held themselves
    let (held, _) = page.live.held().traces();
    let is_new = held == 0;
    let index = IndexPage {
        frame: Frame::new(controls, "Live", "Live"),
        events,
        is_new,
        map: fragments::map(page, controls, period),
        modes: modes::modes(&chosen),
        settings: modes::settings(&chosen),
        settings_in_short: settings::in_short(chosen.engine, chosen.select, chosen.on_conflict),
        settings_differ: modes::settings_differ(&chosen),
        prediction: modes::prediction(&chosen),
        curl: format!(
            "curl -d '{{\"name\":\"Kate\",\"superpower\":\"Distributed Tracing\"}}' {endpoint}"
        ),
        burst: fragments::burst(page),
        periods: fragments::periods(page, period),
        newest: fragments::newest(page),
    };
    ([(VARY, "accept")], frame::page(&index)).into_response()
}
