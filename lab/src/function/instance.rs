//! One instance of a function: a process with its own Runtime API.
//!
//! Every instance has its own address, like every Lambda sandbox, so it is always clear which
//! process a request comes from.

mod runtime_api;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot};

use super::{Function, Next};
use crate::error::LabError;
use crate::function::invocation::{Invocation, InvocationError};
use crate::server::Listener;

/// Identifies an instance within its function.
pub(crate) type InstanceId = u64;

/// How often the time limit of running invocations is checked.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// How long a process may take until it asks for its first event; the same as on AWS
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>).
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many bytes at the end of a log are examined.
const MAX_LOG_END_BYTES: u64 = 4096;

/// The state of an instance in its Runtime API.
#[derive(Debug)]
pub(crate) struct Instance {
    function: Function,
    id: InstanceId,
    pid: Option<Pid>,
    spawned: Instant,
    /// Whether it has asked for an event.
    initialised: AtomicBool,
    running: Mutex<Option<Running>>,
    /// The process's reason why it cannot start.
    init_error: Mutex<Option<String>>,
    retired: Notify,
}

/// The invocation in progress.
#[derive(Debug)]
struct Running {
    request_id: String,
    deadline: Instant,
    reply: oneshot::Sender<Result<Bytes, InvocationError>>,
}

/// The outcome belongs to another request than the current one.
#[derive(Debug)]
pub(crate) struct UnknownRequest;

impl Instance {
    pub(crate) fn function(&self) -> &Function {
        &self.function
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next event. Returns `None` if the instance must end.
    pub(crate) async fn next(&self) -> Option<(String, Bytes)> {
        self.initialised.store(true, Ordering::Relaxed);
        self.fail("asked for its next event without answering the last one");
        let mut cold_start = Some(self.spawned.elapsed());
        loop {
            let invocation = match self.function.next(self.id, cold_start.take()) {
                Next::Invoke(invocation) => invocation,
                Next::Wait(event) => {
                    self.signal(Signal::STOP);
                    let event = event.await;
                    self.signal(Signal::CONT);
                    match event {
                        Ok(invocation) => invocation,
                        Err(_) => continue,
                    }
                }
                Next::Retire => {
                    self.retired.notify_one();
                    return None;
                }
            };
            let Invocation {
                request_id,
                event,
                reply,
            } = invocation;
            *self.running() = Some(Running {
                request_id: request_id.clone(),
                deadline: Instant::now() + self.function.settings().timeout,
                reply,
            });
            return Some((request_id, event));
        }
    }

    /// Freezes or thaws the process, if the lab is set to freeze.
    fn signal(&self, signal: Signal) {
        if let (true, Some(pid)) = (self.function.settings().freeze, self.pid) {
            // If the process has ended, the task that waits for it notices.
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Takes the function's answer to `request_id`, or the error that it reported.
    ///
    /// # Errors
    /// If the instance is not working on that request.
    pub(crate) fn answer(
        &self,
        request_id: &str,
        outcome: Result<Bytes, String>,
    ) -> Result<(), UnknownRequest> {
        let answered = self
            .running()
            .take_if(|running| running.request_id == request_id);
        let Running { reply, .. } = answered.ok_or(UnknownRequest)?;
        let outcome = outcome.map_err(|reason| InvocationError::Function {
            function: self.function.settings().name,
            reason,
        });
        // If this fails, the caller has gone.
        let _ = reply.send(outcome);
        Ok(())
    }

    /// Stores why the process cannot start.
    pub(crate) fn set_init_error(&self, reason: String) {
        *self
            .init_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    fn fail(&self, reason: &str) {
        if let Some(running) = self.running().take() {
            let _ = running.reply.send(Err(InvocationError::Function {
                function: self.function.settings().name,
                reason: reason.to_owned(),
            }));
        }
    }

    /// Returns when the process has not started in time, or an invocation has exceeded its time and
    /// its caller has been told.
    async fn watch(&self) {
        let mut interval =
            tokio::time::interval(WATCH_INTERVAL.min(self.function.settings().timeout));
        loop {
            interval.tick().await;
            if !self.initialised.load(Ordering::Relaxed) && self.spawned.elapsed() > INIT_TIMEOUT {
                self.set_init_error(format!(
                    "it did not ask for an event within {} s",
                    INIT_TIMEOUT.as_secs()
                ));
                return;
            }
            let overdue = self
                .running()
                .take_if(|running| running.deadline < Instant::now());
            if let Some(Running { reply, .. }) = overdue {
                let settings = self.function.settings();
                let _ = reply.send(Err(InvocationError::TimedOut {
                    function: settings.name,
                    timeout: settings.timeout,
                }));
                return;
            }
        }
    }
}

/// Starts an instance and watches it until its process has ended.
pub(crate) async fn run(
    function: Function,
    id: InstanceId,
    environment: Arc<BTreeMap<String, String>>,
) {
    let failure = match start(&function, id, &environment).await {
        Ok((instance, child, listener)) => stay(instance, child, listener).await,
        Err(reason) => reason,
    };
    function.ended(id, failure);
}

async fn start(
    function: &Function,
    id: InstanceId,
    environment: &BTreeMap<String, String>,
) -> Result<(Arc<Instance>, Child, Listener), String> {
    let listener = Listener::bind("Runtime API", "", 0)
        .await
        .map_err(|error: LabError| error.to_string())?;
    let settings = function.settings();
    let (program, arguments) = settings
        .command
        .split_first()
        .ok_or_else(|| "its command is empty".to_owned())?;
    let log = || {
        settings
            .log
            .try_clone()
            .map_err(|error| format!("its log cannot be opened: {error}"))
    };
    let spawned = Instant::now();
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .env("AWS_LAMBDA_RUNTIME_API", listener.address().to_string())
        .env(
            "AWS_LAMBDA_LOG_STREAM_NAME",
            format!("{}/{id}", settings.name),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::from(log()?))
        .stderr(Stdio::from(log()?))
        // a Ctrl-C in the terminal is meant for the lab, which lets requests finish first
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} cannot be run: {error}", program.to_string_lossy()))?;
    let pid = child
        .id()
        .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    let instance = Instance {
        function: function.clone(),
        id,
        pid,
        spawned,
        initialised: AtomicBool::new(false),
        running: Mutex::new(None),
        init_error: Mutex::new(None),
        retired: Notify::new(),
    };
    Ok((Arc::new(instance), child, listener))
}

/// A process and its descendants. Dropping this ends them all.
struct ProcessGroup(Option<Pid>);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // an error means that all of them have ended
        let _ = self.0.map(|pid| kill_process_group(pid, Signal::KILL));
    }
}

/// Serves the Runtime API until the process ends, is told to end, or runs out of time. Returns how
/// it ended.
async fn stay(instance: Arc<Instance>, mut child: Child, listener: Listener) -> String {
    let group = ProcessGroup(instance.pid);
    let server = listener.serve(runtime_api::router(Arc::clone(&instance)));
    let exit = tokio::select! {
        exit = child.wait() => Some(exit),
        () = instance.retired.notified() => None,
        () = instance.watch() => None,
    };
    drop(group);
    let status = match exit {
        Some(Ok(status)) => status.to_string(),
        Some(Err(error)) => error.to_string(),
        None => {
            let _ = child.wait().await;
            "ended by the lab".to_owned()
        }
    };
    drop(server);
    if let Some(running) = instance.running().take() {
        let _ = running.reply.send(Err(InvocationError::Exited {
            function: instance.function.settings().name,
            status: status.clone(),
        }));
    }
    let init_error = instance
        .init_error
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    init_error.unwrap_or_else(|| {
        let log_end = match telling_line(&instance.function.settings().log_path) {
            Some(line) if is_error(&line) => format!("its log says: {line}"),
            Some(line) => format!("its log ends with: {line}"),
            None => "its log is empty".to_owned(),
        };
        format!("its process ended before it asked for an event: {status}; {log_end}")
    })
}

/// Whether a line begins with the name of an error, as in `Error: …` or `TypeError: …`. (The last
/// line of Node.js is its version.)
fn is_error(line: &str) -> bool {
    let name = line.split_once(": ").map_or("", |(name, _)| name);
    name.ends_with("Error") && !name.contains(char::is_whitespace)
}

/// The last error in a log, or else its last line with text. The message repeats it, because the
/// log may be gone when a person looks for it.
fn telling_line(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let start = file
        .metadata()
        .ok()?
        .len()
        .saturating_sub(MAX_LOG_END_BYTES);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    let end = String::from_utf8_lossy(&end);
    let mut lines = end.lines().rev().map(str::trim);
    let error = lines.clone().find(|line| is_error(line));
    let line = error.or_else(|| lines.find(|line| !line.is_empty()))?;
    Some(
        line.chars()
            .filter(|character| !character.is_control())
            .collect(),
    )
}
