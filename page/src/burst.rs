//! Bursts that the page starts: one at a time, by the load generator of `baton burst`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use baton_experiments::burst::{Endpoint, send};
use baton_experiments::{ExperimentError, Load, Observer, client_spans, requests};
use baton_lab::Controls;
use baton_loadgen::{AttackOutcome, Progress, Settings, Stop};
use baton_propagators::{Engine, Mode};
use baton_traces::readers::otlp_json;
use baton_traces::shown::count;
use baton_traces::span::Want;
use serde::Deserialize;
use tokio::sync::watch;

use crate::LabPage;
use crate::job::Job;
use crate::log_tail::complete_lines;

/// The most that a person can ask for.
const MAX_USERS: u16 = 64;
const MAX_RATE: u16 = 2000;
const MAX_SECONDS: u16 = 300;
/// How long a burst may take to end when it is stopped, and its spans to be added.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the client's spans are looked for, and how many bytes are read at once.
const SPANS_INTERVAL: Duration = Duration::from_secs(1);
const MAX_BYTES: u64 = 4 << 20;

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
pub(crate) type Bursts = Job<BurstProgress, String>;

/// How far a burst is.
#[derive(Clone, Debug)]
pub(crate) struct BurstProgress {
    client: Mode,
    duration: Duration,
    sent: Option<Progress>,
}

impl BurstProgress {
    /// The mode of its client.
    pub(crate) fn client(&self) -> &Mode {
        &self.client
    }

    /// In percent and in words.
    pub(crate) fn in_words(&self) -> (u64, String) {
        let Some(progress) = self.sent else {
            return (0, "starting".to_owned());
        };
        let share = progress.elapsed.as_secs_f64() / self.duration.as_secs_f64();
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
        let progress = BurstProgress {
            client: self.client.clone(),
            duration: self.duration,
            sent: None,
        };
        let lost = "The burst ended early, for an unknown reason.".to_owned();
        let begun = page.bursts.begin(progress, lost);
        let begun = begun.ok_or("a burst is already running; stop it first")?;
        page.live.changed();
        tokio::spawn(async move {
            let most = self.duration + self.settings.timeout + PATIENCE;
            let deadline = begun.deadline(controls.stopping(), most, PATIENCE);
            let mut spans = ClientSpans::of(folder.path());
            let outcome = {
                let burst = self.run(&page, folder.path(), begun.stopped());
                spans.keep_until(burst, deadline, &controls).await
            };
            let mut last = match outcome {
                Some(Ok(outcomes)) => ended(&outcomes),
                Some(Err(error)) => format!("The burst failed: {error}."),
                None => "The load generator did not end, and was killed.".to_owned(),
            };
            if let Some(problem) = spans.finish(&controls).await {
                last.push_str(&format!(" Spans of the client are missing: {problem}."));
            }
            begun.end(Some(last));
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

/// The client's spans, which the load generator writes while it sends. They are added to the lab's
/// while the burst goes on, so that the page can judge its requests.
struct ClientSpans {
    path: PathBuf,
    offset: u64,
    /// The first that went wrong.
    problem: Option<String>,
}

impl ClientSpans {
    fn of(folder: &Path) -> ClientSpans {
        ClientSpans {
            path: client_spans(folder),
            offset: 0,
            problem: None,
        }
    }

    /// Waits for a burst, and keeps its spans meanwhile. `None` if the deadline comes first.
    async fn keep_until<T>(
        &mut self,
        burst: impl Future<Output = T>,
        deadline: impl Future<Output = ()>,
        controls: &Controls,
    ) -> Option<T> {
        let (mut burst, mut deadline) = (std::pin::pin!(burst), std::pin::pin!(deadline));
        loop {
            tokio::select! {
                done = &mut burst => return Some(done),
                () = &mut deadline => return None,
                () = tokio::time::sleep(SPANS_INTERVAL) => {}
            }
            tokio::select! {
                () = self.keep_new(controls) => {}
                () = &mut deadline => return None,
            }
        }
    }

    /// Keeps the rest. Returns what went wrong, in a clause.
    async fn finish(mut self, controls: &Controls) -> Option<String> {
        let rest = tokio::time::timeout(PATIENCE, self.keep_new(controls));
        if rest.await.is_err() {
            return Some("they could not be added in time".to_owned());
        }
        self.problem
    }

    /// Adds the spans in all complete lines that were written since the last call.
    async fn keep_new(&mut self, controls: &Controls) {
        loop {
            // without a mode, and at first, there is no file
            let read = complete_lines(&self.path, self.offset, MAX_BYTES);
            let (lines, end) = match read {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
                Err(error) => {
                    self.problem.get_or_insert(error.to_string());
                    return;
                }
            };
            if end == self.offset {
                return;
            }
            self.offset = end;
            for line in lines {
                if let Err(problem) = keep_line(&line, controls).await {
                    self.problem.get_or_insert(problem);
                }
            }
        }
    }
}

async fn keep_line(line: &str, controls: &Controls) -> Result<(), String> {
    let spans = otlp_json::read_request(line.as_bytes(), Want::Judging, &mut |_| {})?;
    let request = serde_json::from_str(line).map_err(|error| error.to_string())?;
    controls.keep_spans(request, spans).await
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
    fn advance(&self, progress: &Progress) {
        self.0.bursts.update(|burst| burst.sent = Some(*progress));
        self.0.live.changed();
    }
}
