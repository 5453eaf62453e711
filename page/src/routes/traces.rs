//! The list of traces, and the search in it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use baton_traces::hand_off::Verdict;
use baton_traces::shown::counted;
use baton_traces::trace_index::Wanted;
use serde::Deserialize;

use super::{Shared, fragments};
use crate::frame::{self, Frame};
use crate::live::Search;

/// How many traces the list shows.
const MAX_LISTED: usize = 100;

/// The search in the address. An empty field asks for nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    id: String,
    service: String,
    from: String,
    to: String,
    verdict: String,
    attribute: String,
}

#[derive(Template)]
#[template(path = "traces.html")]
struct TracesPage {
    frame: Frame,
    asked: Asked,
    verdicts: Vec<&'static str>,
    problem: Option<String>,
    count: String,
    facts: String,
    rows: String,
}

impl Asked {
    /// The search, or what is wrong with it.
    fn search(&self) -> Result<Search, String> {
        let given = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let id = given(&self.id).map(|id| {
            Wanted::parse(&id).ok_or_else(|| format!("{id:?} is not a trace id or its beginning"))
        });
        let verdict = given(&self.verdict).map(|name| {
            let mut verdicts = Verdict::ALL.into_iter();
            verdicts
                .find(|verdict| verdict.name() == name)
                .ok_or_else(|| format!("{name:?} is not a verdict"))
        });
        let attribute = given(&self.attribute).map(|text| {
            text.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or_else(|| format!("{text:?} is not name=value"))
        });
        let edge = (self.from.trim().to_owned(), self.to.trim().to_owned());
        Ok(Search {
            id: id.transpose()?,
            service: given(&self.service),
            edge: Some(edge).filter(|(from, to)| !(from.is_empty() && to.is_empty())),
            verdict: verdict.transpose()?,
            attribute: attribute.transpose()?,
        })
    }
}

/// The newest traces that meet the search in the address.
pub(super) async fn traces(State(shared): State<Shared>, Query(asked): Query<Asked>) -> Response {
    let (search, problem) = match asked.search() {
        Ok(search) => (Some(search), None),
        Err(problem) => (None, Some(problem)),
    };
    let page = shared.page.clone();
    // a search for an attribute reads every span
    let found = tokio::task::spawn_blocking(move || {
        search.map(|search| page.live.list(&search, MAX_LISTED))
    });
    let (listed, count) = found.await.ok().flatten().unwrap_or_default();
    let more = count > listed.len();
    frame::page(&TracesPage {
        frame: Frame::new(&shared.controls, "Traces", "Traces"),
        verdicts: Verdict::ALL.map(Verdict::name).into(),
        problem,
        count: match more {
            true => format!(
                "The newest {MAX_LISTED} of {}.",
                counted(count as u64, "trace")
            ),
            false => format!("{}, the newest first.", counted(count as u64, "trace")),
        },
        facts: fragments::forgotten(&shared.page.live.held()),
        rows: fragments::rows(listed, "No held trace meets the search."),
        asked,
    })
}
