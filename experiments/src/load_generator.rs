//! Runs the load generator in a separate process, because goose allows one attack per process.

use std::process::{ExitStatus, Stdio};

use baton_loadgen::{AttackOutcome, Plan, Progress};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::error::ExperimentError;
use crate::functions::Program;

/// One line that the load generator's process prints.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// How far the attack has come.
    Progress(Box<Progress>),
    /// The attack is over.
    Outcome(Box<AttackOutcome>),
}

/// Carries out `plan` in a process of `program`. When `cancelled` completes, the attack ends early
/// and keeps its measurements.
pub(crate) async fn attack(
    program: &Program,
    plan: &Plan,
    mut progress: impl FnMut(Progress),
    cancelled: impl Future<Output = ()>,
) -> Result<AttackOutcome, ExperimentError> {
    let failed =
        |error: std::io::Error| ExperimentError::LoadGenerator(format!("does not answer: {error}"));
    let words = program.command(&["attack"]);
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-C is handled here: closing the pipe cancels the attack
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| ExperimentError::LoadGenerator(format!("cannot be started: {error}")))?;
    let (mut stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(pipe), Some(stdout)) = (stdin.as_mut(), stdout) else {
        return Err(ExperimentError::LoadGenerator("has no pipes".to_owned()));
    };
    let mut line = serde_json::to_string(plan)
        .map_err(|error| ExperimentError::Internal(format!("a plan is not JSON: {error}")))?;
    line.push('\n');
    pipe.write_all(line.as_bytes()).await.map_err(failed)?;

    let mut lines = BufReader::new(stdout).lines();
    let mut outcome = None;
    let mut cancelled = std::pin::pin!(cancelled);
    let mut is_cancelled = false;
    loop {
        tokio::select! {
            line = lines.next_line() => match line.map_err(failed)? {
                None => break,
                Some(line) => match message(&line)? {
                    Some(Message::Progress(news)) => progress(*news),
                    Some(Message::Outcome(result)) => outcome = Some(*result),
                    None => {}
                },
            },
            () = &mut cancelled, if !is_cancelled => {
                is_cancelled = true;
                drop(stdin.take());
            }
        }
    }
    let status = child.wait().await.map_err(failed)?;
    outcome.ok_or_else(|| without_result(status))
}

/// Parses a line of the process. `None` is text that goose prints if its report is wanted.
fn message(line: &str) -> Result<Option<Message>, ExperimentError> {
    if !line.starts_with('{') {
        return Ok(None);
    }
    serde_json::from_str(line).map(Some).map_err(|error| {
        ExperimentError::LoadGenerator(format!(
            "printed a line that is neither progress nor a result: {error}"
        ))
    })
}

fn without_result(status: ExitStatus) -> ExperimentError {
    ExperimentError::LoadGenerator(format!("ended without a result: {status}"))
}
