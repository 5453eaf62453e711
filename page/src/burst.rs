//! Bursts that the page starts: one at a time, by the load generator of `baton burst`.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use baton_experiments::burst::{Endpoint, send};
use baton_experiments::{ExperimentError, Load, Observer, client_spans, requests};
use baton_lab::Controls;
use baton_loadgen::{AttackOutcome, Progress, Settings, Stop};
use baton_propagators::{Engine, Mode};
use baton_traces::shown::count;
use serde::Deserialize;
use tokio::sync::watch;

use crate::LabPage;

/// The most that a person can ask for.
const MAX_USERS: u16 = 64;
const MAX_RATE: u16 = 2000;
const MAX_SECONDS: u16 = 300;

/// The form. Numbers are text, as forms send them.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    users: String,
    rate: String,
    seconds: String,
}

/// A burst that can be started.
#[derive(Debug)]
pub(crate) struct BurstPlan {
    client: Mode,
    load: Load,
    settings: Settings,
    duration: Duration,
}

/// The burst that runs, and how the last one ended.
#[derive(Debug, Default)]
pub(crate) struct Bursts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    last: Option<String>,
}

#[derive(Debug)]
struct Running {
    stop: watch::Sender<bool>,
    duration: Duration,
    progress: Option<Progress>,
}

impl Bursts {
    fn state_now(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the running burst is, in percent and in words, and how the last one ended.
    pub(crate) fn state(&self) -> (Option<(u64, String)>, Option<String>) {
        let state = self.state_now();
        let running = state.running.as_ref().map(|running| {
            let Some(progress) = running.progress else {
                return (0, "starting".to_owned());
            };
            let share = progress.elapsed.as_secs_f64() / running.duration.as_secs_f64();
            let mut sentence = format!("{} requests", count(progress.requests.sent));
            if progress.requests.failed > 0 {
                sentence.push_str(&format!(", {} failed", count(progress.requests.failed)));
            }
            if let Some(latency) = progress.latency_ms {
                sentence.push_str(&format!(
                    ", p50 {:.1} ms, p99 {:.1} ms",
                    latency.p50, latency.p99
                ));
            }
            ((share * 100.0).clamp(0.0, 100.0) as u64, sentence)
        });
        (running, state.last.clone())
    }

    /// Asks the running burst to end. Gives whether one runs.
    pub(crate) fn stop(&self) -> bool {
        let state = self.state_now();
        let running = state.running.as_ref();
        running.is_some_and(|running| {
            running.stop.send_replace(true);
            true
        })
    }
}

impl BurstPlan {
    /// The burst that was asked for, by a client of this mode.
    pub(crate) fn of(asked: &Asked, client: Mode, endpoint: String) -> Result<BurstPlan, String> {
        let number = |text: &str, what: &str, most: u16| {
            let number = text.trim().parse::<u16>().ok();
            number
                .filter(|number| (1..=most).contains(number))
                .ok_or_else(|| format!("{what} is a whole number from 1 to {most}"))
        };
        let users = number(&asked.users, "the number of users", MAX_USERS)?;
        let rate = number(&asked.rate, "the rate", MAX_RATE)?;
        let seconds = number(&asked.seconds, "the time in seconds", MAX_SECONDS)?;
        let duration = Duration::from_secs(u64::from(seconds));
        let load = Load {
            users: usize::from(users),
            stop: Stop::Duration(duration),
            rate: Some(f64::from(rate)),
            ramp: Duration::ZERO,
            bursts: 1,
            gap: Duration::ZERO,
            engine: Engine::Native,
        };
        Ok(BurstPlan {
            settings: load.settings(&endpoint, client.clone()),
            client,
            load,
            duration,
        })
    }

    /// Starts it. It ends by itself, when it is stopped, or when the lab stops.
    pub(crate) fn start(self, page: Arc<LabPage>, controls: Arc<Controls>) -> Result<(), String> {
        let folder = tempfile::tempdir()
            .map_err(|error| format!("a temporary directory cannot be made: {error}"))?;
        let (stop, stopped) = watch::channel(false);
        {
            let mut state = page.bursts.state_now();
            if state.running.is_some() {
                return Err("a burst runs already; stop it first".to_owned());
            }
            state.running = Some(Running {
                stop: stop.clone(),
                duration: self.duration,
                progress: None,
            });
        }
        page.live.changed();
        let mut stopping = controls.stopping();
        tokio::spawn(async move {
            let burst = self.run(&page, folder.path(), stopped);
            let mut burst = std::pin::pin!(burst);
            let lab_stops = async {
                let _ = stopping.wait_for(|stopping| *stopping).await;
            };
            let outcome = tokio::select! {
                outcome = &mut burst => outcome,
                () = lab_stops => {
                    stop.send_replace(true);
                    burst.await
                }
            };
            let spans = keep_client_spans(folder.path(), &controls).await;
            let last = match (outcome, spans) {
                (Ok(outcomes), Ok(())) => ended(&outcomes),
                (Ok(outcomes), Err(problem)) => {
                    format!(
                        "{} The client's spans are missing: {problem}.",
                        ended(&outcomes)
                    )
                }
                (Err(error), _) => format!("The burst failed: {error}."),
            };
            let mut state = page.bursts.state_now();
            state.running = None;
            state.last = Some(last);
            drop(state);
            page.live.changed();
        });
        Ok(())
    }

    async fn run(
        &self,
        page: &Arc<LabPage>,
        folder: &Path,
        stopped: watch::Receiver<bool>,
    ) -> Result<Vec<AttackOutcome>, ExperimentError> {
        // without a mode, the page sends as `curl` does, also one request at a time
        let has_mode = !self.client.is_none();
        let settings = Settings {
            spans: has_mode.then(|| client_spans(folder)),
            ..self.settings.clone()
        };
        let endpoint = Endpoint {
            name: "burst".to_owned(),
            settings,
            directory: None,
            goose_reports: Vec::new(),
        };
        let observer = Watching(Arc::clone(page));
        let program = &page.options.program;
        let sent = send(&[endpoint], &self.load, 1, program, &observer, stopped).await?;
        Ok(sent.into_iter().flatten().collect())
    }
}

/// Adds the client's spans to the lab's, if it has written any.
async fn keep_client_spans(folder: &Path, controls: &Controls) -> Result<(), String> {
    let text = match std::fs::read_to_string(client_spans(folder)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(|error| error.to_string())?,
    };
    for line in text.lines() {
        let request: serde_json::Value =
            serde_json::from_str(line).map_err(|error| error.to_string())?;
        controls
            .keep_spans(request.clone(), spans_in(&request))
            .await?;
    }
    Ok(())
}

fn spans_in(request: &serde_json::Value) -> u64 {
    let list =
        |value: &serde_json::Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let resources = list(request, "resourceSpans");
    let scopes = resources
        .iter()
        .flat_map(|resource| list(resource, "scopeSpans"));
    scopes.map(|scope| list(&scope, "spans").len() as u64).sum()
}

fn ended(outcomes: &[AttackOutcome]) -> String {
    let all = requests(outcomes);
    let rate = outcomes
        .first()
        .map_or(0.0, |outcome| outcome.throughput_rps);
    format!(
        "The last burst sent {} requests, {} failed, {rate:.0} a second.",
        count(all.sent),
        count(all.failed)
    )
}

/// Keeps the progress for the page.
struct Watching(Arc<LabPage>);

impl Observer for Watching {
    fn stage(&self, _name: &str) {}

    fn turn(&self, _name: &str) {}

    fn advance(&self, progress: &Progress) {
        if let Some(running) = &mut self.0.bursts.state_now().running {
            running.progress = Some(*progress);
        }
        self.0.live.changed();
    }

    fn stage_done(&self, _requests: u64) {}

    fn add(&self, _requests: u64) {}

    fn note(&self, _text: &str) {}

    fn detail(&self, _text: &str) {}
}
