//! Finds a running lab and talks to it.

use std::time::Duration;

use baton_lab::registry::{self, Note};
use baton_lab::{LabStatus, SwitchRequest};
use baton_traces::source::Source;
use reqwest::{RequestBuilder, Response};
use serde::Deserialize;

use crate::arguments::LabChoice;
use crate::failure::Failure;
use crate::runtime;

/// A switch waits for processes to start. If it takes longer than this, something is stuck.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The lab that the user means: the one with the given port, the only one, or the only one that was
/// started in this folder.
pub(crate) fn find(choice: &LabChoice) -> Result<Note, Failure> {
    let labs = registry::labs().map_err(|error| {
        Failure::usage(format!("the labs that are up cannot be listed: {error}"))
    })?;
    let endpoints: Vec<_> = labs.iter().map(named).collect();
    let mut chosen: Vec<Note> = labs
        .into_iter()
        .filter(|lab| {
            choice
                .port
                .is_none_or(|port| endpoint_port(lab) == Some(port))
        })
        .collect();
    let here = std::env::current_dir().ok();
    let is_here = |lab: &Note| here.is_some() && lab.folder == here;
    if chosen.iter().filter(|lab| is_here(lab)).count() == 1 {
        chosen.retain(is_here);
    }
    let mut chosen = chosen.into_iter();
    match (chosen.next(), chosen.next()) {
        (Some(lab), None) => Ok(lab),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "several labs are up, and this folder does not tell which is meant; choose one with --lab and the port of its \
             endpoint: {}",
            endpoints.join(", ")
        ))),
        (None, _) => Err(Failure::usage(match (choice.port, endpoints.as_slice()) {
            (Some(port), [_, ..]) => {
                format!(
                    "--lab: no lab has an endpoint on port {port}; the labs that are up have {}",
                    endpoints.join(", ")
                )
            }
            _ => "no lab is up; start one with `baton up`".to_owned(),
        })),
    }
}

/// The lab's endpoint, and the folder in which it was started.
fn named(lab: &Note) -> String {
    let endpoint = &lab.addresses.endpoint;
    match &lab.folder {
        Some(folder) => format!("{endpoint} (started in {})", folder.display()),
        None => endpoint.clone(),
    }
}

fn endpoint_port(lab: &Note) -> Option<u16> {
    reqwest::Url::parse(&lab.addresses.endpoint).ok()?.port()
}

/// Asks the lab to change modes.
pub(crate) async fn switch(lab: &Note, request: &SwitchRequest) -> Result<LabStatus, Failure> {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let response = ask(lab, "switch", |address| address.json(request)).await?;
    let unreachable = |error| unreachable(lab, &error);
    if response.status().is_success() {
        return response.json().await.map_err(unreachable);
    }
    let refusal: Refusal = response.json().await.map_err(unreachable)?;
    Err(Failure::not_carried_out(refusal.message))
}

/// If a running lab saves to one of these sources, asks it to write its spans.
pub(crate) fn flush_named(sources: &[Source]) -> Result<(), Failure> {
    let paths = sources.iter().filter_map(Source::path);
    let paths: Vec<_> = paths.filter_map(|path| path.canonicalize().ok()).collect();
    // if the labs cannot be listed, the sources are read as they are
    for lab in registry::labs().unwrap_or_default() {
        let directory = lab.directory.canonicalize();
        if directory.is_ok_and(|directory| paths.contains(&directory)) {
            flush(&lab)?;
        }
    }
    Ok(())
}

/// Asks the lab to write every span that it has received to its directory.
pub(crate) fn flush(lab: &Note) -> Result<(), Failure> {
    let response = runtime::on_this_thread()?.block_on(ask(lab, "flush", |request| request))?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(Failure::not_carried_out(format!(
        "the lab of process {} cannot write its spans to {}",
        lab.pid,
        lab.directory.display()
    )))
}

/// Posts to the lab's page.
async fn ask(
    lab: &Note,
    what: &str,
    complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> Result<Response, Failure> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(MAX_WAIT)
        .build()
        .map_err(Failure::not_carried_out)?;
    let request = complete(client.post(format!("{}/{what}", lab.addresses.page)));
    request
        .send()
        .await
        .map_err(|error| unreachable(lab, &error))
}

fn unreachable(lab: &Note, error: &reqwest::Error) -> Failure {
    Failure::not_carried_out(format!(
        "the lab of process {} does not answer at {}: {error}",
        lab.pid, lab.addresses.page
    ))
}
