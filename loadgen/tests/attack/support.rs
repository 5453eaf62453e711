//! A server that answers as it is told, and an attack in a process of its own.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use baton_loadgen::{AttackOutcome, Progress, Settings};
use baton_propagators::Mode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The variable that names the attacking process's plan and report.
pub(crate) const DIRECTORY: &str = "BATON_LOADGEN_TEST_DIRECTORY";
/// The longest a test waits for the attacking process, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A server on a port of its own that remembers every request.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers the n-th request, counted from 0, with `answer(n)`.
    pub(crate) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(usize) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let remembered = Arc::clone(&seen);
        let handler = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let number = {
                let mut seen = remembered.lock().unwrap();
                seen.push(Seen { uri, headers, body });
                seen.len() - 1
            };
            let answer = answer.clone();
            async move { answer(number).await }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, Router::new().fallback(handler)).into_future());
        Self { address, seen }
    }

    /// Answers every request as the producer does when all is well, with the request id `id-<n>`.
    pub(crate) async fn well() -> Self {
        Self::start(|number| async move { well(number) }).await
    }

    pub(crate) fn endpoint(&self) -> String {
        endpoint(self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

pub(crate) fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}/dev/producer")
}

pub(crate) fn well(number: usize) -> Response {
    answer(
        200,
        number,
        r#"{"message":"Message placed in the Event Stream: baton"}"#,
    )
}

pub(crate) fn answer(status: u16, number: usize, body: &'static str) -> Response {
    Response::builder()
        .status(status)
        .header("x-amzn-requestid", format!("id-{number}"))
        .body(body.into())
        .unwrap()
}

/// Settings for `endpoint` with client headers of W3C Trace Context.
pub(crate) fn settings(endpoint: String) -> Settings {
    Settings::new(endpoint, "tracecontext".parse::<Mode>().unwrap())
}

/// What the attacking process reports.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) progress: Vec<Progress>,
    pub(crate) outcome: Option<AttackOutcome>,
    pub(crate) error: Option<String>,
}

/// An attack under way in another process.
pub(crate) struct Attacker {
    child: Child,
    directory: TempDir,
}

/// An attack that has ended.
pub(crate) struct Attacked {
    pub(crate) report: Report,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    directory: TempDir,
}

impl Attacker {
    /// Starts an attack; its spans are written unless `settings` name another file.
    pub(crate) fn start(mut settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        settings
            .spans
            .get_or_insert_with(|| spans(directory.path()));
        std::fs::write(
            plan(directory.path()),
            serde_json::to_vec(&settings).unwrap(),
        )
        .unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "attacker", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, directory }
    }

    /// Cancels the attack through the future that was given to it.
    pub(crate) fn cancel(&mut self) {
        self.child.stdin = None;
    }

    /// The process, while it runs.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Attacked {
        // `wait_with_output` would close it, which cancels.
        let stdin = self.child.stdin.take();
        let output = timeout(PATIENCE, self.child.wait_with_output())
            .await
            .expect("the attack ends")
            .unwrap();
        drop(stdin);
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        let report = std::fs::read(report(self.directory.path()))
            .unwrap_or_else(|error| panic!("no report ({error}), but:\n{stdout}\n{stderr}"));
        Attacked {
            report: serde_json::from_slice(&report).unwrap(),
            status: output.status,
            stdout,
            stderr,
            directory: self.directory,
        }
    }
}

impl Attacked {
    pub(crate) fn outcome(&self) -> &AttackOutcome {
        self.report
            .outcome
            .as_ref()
            .unwrap_or_else(|| panic!("{:?}", self.report))
    }

    /// The lines of the span file.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(spans(self.directory.path())).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The spans of the span file.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let spans = |line: &Value| {
            let spans = line["resourceSpans"][0]["scopeSpans"][0]["spans"]
                .as_array()
                .unwrap()
                .clone();
            spans.into_iter().map(Span)
        };
        self.lines().iter().flat_map(spans).collect()
    }
}

/// One span in OTLP/JSON.
#[derive(Debug)]
pub(crate) struct Span(pub(crate) Value);

impl Span {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap()
    }

    /// Its attributes; a number is its digits.
    pub(crate) fn attributes(&self) -> BTreeMap<&str, &str> {
        let attributes = self.0["attributes"].as_array().unwrap();
        attributes
            .iter()
            .map(|attribute| {
                let value = &attribute["value"];
                let text = value["stringValue"].as_str().or(value["intValue"].as_str());
                (attribute["key"].as_str().unwrap(), text.unwrap())
            })
            .collect()
    }
}

/// Where the attacking process finds its plan.
pub(crate) fn plan(directory: &Path) -> PathBuf {
    directory.join("plan.json")
}

/// Where the attacking process leaves its report.
pub(crate) fn report(directory: &Path) -> PathBuf {
    directory.join("report.json")
}

fn spans(directory: &Path) -> PathBuf {
    directory.join("client.jsonl")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
