//! A running lab, as `baton up` starts it.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::command::{Finished, Sandbox};
use super::{PATIENCE, processes, run, wait_until};

/// Flags with which the system chooses every port.
pub(crate) const FREE_PORTS: [&str; 10] = [
    "--port",
    "0",
    "--page-port",
    "0",
    "--kinesis-port",
    "0",
    "--otlp-port",
    "0",
    "--zipkin-port",
    "0",
];

/// The line with the addresses of a lab.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) endpoint: String,
    pub(crate) page: String,
    pub(crate) kinesis: String,
    pub(crate) otlp: String,
    pub(crate) zipkin: String,
    pub(crate) stream: String,
}

/// A lab that is not started yet.
pub(crate) struct Setup {
    sandbox: Arc<Sandbox>,
    saved: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// The longest that any file may become, in blocks of 512 bytes.
    file_limit: Option<u32>,
}

impl Setup {
    /// A lab in a new sandbox, on free ports, that saves what it sees.
    pub(crate) fn new() -> Self {
        Self::within(&Arc::new(Sandbox::new()), "saved")
    }

    /// A lab in this sandbox that saves to the folder `name` in it.
    pub(crate) fn within(sandbox: &Arc<Sandbox>, name: &str) -> Self {
        let saved = sandbox.path(name);
        let mut setup = Setup {
            sandbox: Arc::clone(sandbox),
            saved: saved.clone(),
            arguments: Vec::new(),
            variables: Vec::new(),
            file_limit: None,
        };
        setup.arguments.push("up".to_owned());
        setup.arguments.extend(FREE_PORTS.map(str::to_owned));
        setup
            .arguments
            .extend(["--save".to_owned(), saved.display().to_string()]);
        setup
    }

    /// Adds flags.
    pub(crate) fn flags<'a>(mut self, flags: impl IntoIterator<Item = &'a str>) -> Self {
        self.arguments.extend(flags.into_iter().map(str::to_owned));
        self
    }

    /// Sets a variable of the lab's environment.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Runs one of baton's own functions with variables that a lab would change or not pass on.
    pub(crate) fn function(self, name: &str, variables: &[(&str, &str)]) -> Self {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let command = format!(
            "{name}=env {} '{}' function {name}",
            variables.join(" "),
            super::command::baton()
        );
        self.flags(["--function", &command])
    }

    /// Lets no file grow beyond this many blocks of 512 bytes, as if the disk were full then.
    pub(crate) fn file_limit(mut self, blocks: u32) -> Self {
        self.file_limit = Some(blocks);
        self
    }

    /// Runs baton's example of a foreign consumer, whose failures the records choose. It writes
    /// what it has handled to the file `output`.
    pub(crate) fn fragile_consumer(self) -> Self {
        let output = self.path("output").display().to_string();
        let consumer = format!("consumer={}", super::example("fragile_consumer").display());
        self.variable("BATON_TEST_OUTPUT", output)
            .flags(["--function", &consumer])
    }

    /// Does not save what the lab sees.
    pub(crate) fn unsaved(mut self) -> Self {
        let save = self.arguments.iter().position(|flag| flag == "--save");
        let save = save.expect("labs save unless told otherwise");
        self.arguments.drain(save..save + 2);
        self
    }

    /// A file in the sandbox.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path(name)
    }

    /// Starts the lab, and returns when it answers.
    pub(crate) async fn start(self) -> Lab {
        let mut command = match self.file_limit {
            None => self.sandbox.program(&super::command::baton()),
            Some(blocks) => {
                let mut shell = self.sandbox.program("sh");
                // without the trap, the signal would end the lab instead of failing the write
                let limited = "trap '' XFSZ; ulimit -S -f \"$0\"; exec \"$@\"";
                shell.args(["-c", limited, &blocks.to_string()]);
                shell.arg(super::command::baton());
                shell
            }
        };
        let mut child = command
            .args(&self.arguments)
            .args(["--format", "json"])
            .envs(self.variables)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let pid = child.id().expect("it runs");
        let mut stderr = child.stderr.take().expect("a pipe");
        let stderr = tokio::spawn(async move {
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.expect("text");
            text
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = timeout(PATIENCE, stdout.next_line())
            .await
            .expect("a lab is up in time")
            .expect("text");
        let Some(first) = first else {
            panic!(
                "the lab did not come up: {}",
                stderr.await.expect("its reason")
            )
        };
        Lab {
            sandbox: self.sandbox,
            pid,
            addresses: serde_json::from_str(&first).expect("its addresses"),
            first_line: serde_json::from_str(&first).expect("JSON"),
            saved: self.saved,
            client: Client::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .build()
                .expect("a client"),
            child,
            stdout,
            stderr,
        }
    }
}

/// A running lab. Dropping this kills it.
pub(crate) struct Lab {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) pid: u32,
    pub(crate) addresses: Addresses,
    /// All that it has printed about them.
    pub(crate) first_line: Value,
    /// The run directory that it writes.
    pub(crate) saved: PathBuf,
    pub(crate) client: Client,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: JoinHandle<String>,
}

/// An answer of the endpoint.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `x-amzn-requestid`
    pub(crate) request_id: String,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

impl Lab {
    /// The endpoint's port, by which commands choose a lab.
    pub(crate) fn port(&self) -> u16 {
        let url = reqwest::Url::parse(&self.addresses.endpoint).expect("a URL");
        url.port().expect("a port")
    }

    /// The secret that a request has to carry if it changes the lab, from the lab's note.
    pub(crate) fn token(&self) -> String {
        let note = run::json(
            &self
                .sandbox
                .path("runtime")
                .join(format!("{}.json", self.pid)),
        );
        note["token"].as_str().expect("a token").to_owned()
    }

    /// The beginning of a POST to the page that changes something.
    pub(crate) fn change(&self, path: &str) -> RequestBuilder {
        let address = format!("{}{path}", self.addresses.page);
        self.client.post(address).bearer_auth(self.token())
    }

    /// The beginning of a POST to the endpoint.
    pub(crate) fn request(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client.post(&self.addresses.endpoint).body(body)
    }

    /// POSTs a body to the endpoint.
    pub(crate) async fn post(&self, body: impl Into<reqwest::Body>) -> Answer {
        answer(self.request(body)).await
    }

    /// POSTs an empty object with these headers. The lab must accept it.
    pub(crate) async fn post_with(&self, headers: &[(&str, &str)]) -> Answer {
        let request = headers
            .iter()
            .fold(self.request("{}"), |request, (name, value)| {
                request.header(*name, *value)
            });
        let answer = answer(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    /// POSTs a body, which the lab must accept. Returns the id of the request.
    pub(crate) async fn accepted(&self, body: impl Into<reqwest::Body>) -> String {
        let answer = self.post(body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.request_id
    }

    /// The lab's status.
    pub(crate) async fn status(&self) -> Value {
        let answer = self
            .client
            .get(format!("{}/status", self.addresses.page))
            .send()
            .await
            .expect("an answer");
        serde_json::from_str(&answer.text().await.expect("text")).expect("JSON")
    }

    /// Waits until the lab's status is as expected.
    pub(crate) async fn wait_for(&self, what: &str, wished: impl Fn(&Value) -> bool) -> Value {
        wait_until(what, async || {
            Some(self.status().await).filter(|status| wished(status))
        })
        .await
    }

    /// Waits until this number of records is delivered.
    pub(crate) async fn wait_for_delivered(&self, records: u64) {
        self.wait_for(&format!("{records} records are delivered"), |status| {
            status["records_delivered"] == records
        })
        .await;
    }

    /// The processes of the functions, and all others that the lab has started.
    pub(crate) fn processes(&self) -> Vec<u32> {
        processes::descendants(self.pid)
    }

    /// Ends the limit of [`Setup::file_limit`], as if the disk had room again.
    pub(crate) fn lift_file_limit(&self) {
        for pid in [vec![self.pid], self.processes()].concat() {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let unlimited = Rlimit {
                current: None,
                maximum: None,
            };
            // a process may end at this moment
            let _ = prlimit(pid, Resource::Fsize, unlimited);
        }
    }

    /// Sends the lab a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        processes::send(self.pid, signal);
    }

    /// Waits until the lab has ended by itself.
    pub(crate) async fn ended(&mut self) -> Finished {
        self.ended_within(PATIENCE).await
    }

    /// Waits until the lab has ended by itself, and has much to do before.
    pub(crate) async fn ended_within(&mut self, patience: Duration) -> Finished {
        let status = timeout(patience, self.child.wait())
            .await
            .expect("the lab ends in time")
            .expect("its status");
        let mut stdout = String::new();
        while let Some(line) = self.stdout.next_line().await.expect("text") {
            stdout.push_str(&line);
            stdout.push('\n');
        }
        Finished {
            code: status.code(),
            stdout,
            stderr: (&mut self.stderr).await.expect("text"),
        }
    }

    /// Ends the lab as Ctrl-C does.
    pub(crate) async fn stop(&mut self) -> Finished {
        self.signal(Signal::INT);
        self.ended().await
    }

    /// Ends the lab as Ctrl-C does. It must exit with 0.
    pub(crate) async fn stop_well(&mut self) {
        let finished = self.stop().await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }

    /// Ends the lab as Ctrl-C does, with exit code 0. Returns the summary of everything that it
    /// saw.
    pub(crate) async fn stop_and_sum_up(&mut self) -> Value {
        self.stop_well().await;
        run::json(&self.saved.join("summary.json"))
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let answer = request.send().await.expect("an answer");
    let header = |name: &str| {
        let value = answer
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    Answer {
        status: answer.status().as_u16(),
        request_id: header("x-amzn-requestid"),
        content_type: header("content-type"),
        body: answer.text().await.expect("text"),
    }
}
