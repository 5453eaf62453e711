//! The list of traces, and the search in it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use baton_traces::hand_off::Verdict;
use baton_traces::shown::counted;
use baton_traces::trace::index::Wanted;
use serde::Deserialize;

use super::{Shared, fragments};
use crate::LabPage;
use crate::frame::{self, Frame};
use crate::live::Search;
use crate::map::address;

/// How many traces the list shows.
const MAX_LISTED: usize = 100;
/// How many names the fields of the search offer.
const MAX_NAMES: usize = 200;

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
    /// The address of the list's events, if it follows.
    events: Option<String>,
    names: Vec<String>,
    list: String,
}

#[derive(Template)]
#[template(path = "fragments/list.html")]
struct ListFragment {
    count: String,
    facts: String,
    rows: String,
}

impl Asked {
    /// The address of the events of this list. A search for an attribute reads every span, so its
    /// list does not follow.
    fn events(&self) -> Option<String> {
        let fields = [
            ("id", &self.id),
            ("service", &self.service),
            ("from", &self.from),
            ("to", &self.to),
            ("verdict", &self.verdict),
        ];
        let fields = fields.map(|(name, value)| (name, value.clone()));
        let follows = self.attribute.trim().is_empty();
        follows.then(|| address("/traces/events", &fields))
    }

    /// The search, or what is wrong with it.
    pub(super) fn search(&self) -> Result<Search, String> {
        let given = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let id = given(&self.id).map(|id| {
            Wanted::parse(&id)
                .ok_or_else(|| format!("{id:?} is neither a trace id nor the beginning of one"))
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
                .ok_or_else(|| format!("{text:?} is not an attribute; write name=value"))
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

/// The newest traces that match the search in the address.
pub(super) async fn traces(State(shared): State<Shared>, Query(asked): Query<Asked>) -> Response {
    let (list, problem) = match asked.search() {
        Ok(search) => (list(&shared.page, search).await, None),
        Err(problem) => (String::new(), Some(problem)),
    };
    let names = shared.page.live.held().some_names(MAX_NAMES);
    frame::page(&TracesPage {
        frame: Frame::new(&shared.controls, "Traces", "Traces"),
        verdicts: Verdict::ALL.map(Verdict::name).into(),
        events: asked.events().filter(|_| problem.is_none()),
        names,
        problem,
        list,
        asked,
    })
}

/// The list, as a part of the page.
pub(super) async fn list(page: &Arc<LabPage>, search: Search) -> String {
    let live = Arc::clone(&page.live);
    // a search may look at every trace, and one for an attribute at every span
    let found = tokio::task::spawn_blocking(move || live.list(&search, MAX_LISTED));
    let (mut listed, count) = found.await.unwrap_or_default();
    fragments::newest_first(&mut listed);
    let shown = listed.len();
    let facts = fragments::forgotten(&page.live.held());
    frame::render(&ListFragment {
        count: match count {
            Some(count) if count == shown => {
                format!("{}, newest first.", counted(count as u64, "trace"))
            }
            Some(count) => format!("The newest {shown} of {}.", counted(count as u64, "trace")),
            None => format!("The newest {shown} that match. Older ones match too."),
        },
        facts,
        rows: fragments::rows(listed, "No trace in memory matches the search."),
    })
}
