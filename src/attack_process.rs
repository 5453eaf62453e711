//! Runs an attack in a process of its own and listens to it.

use std::process::Stdio;

use baton_loadgen::Plan;
use baton_loadgen::{Outcome, Progress};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::commands::attack::Message;
use crate::failure::Failure;

/// Carries out `plan`. When `cancelled` completes, the attack ends early and keeps what it measured.
pub(crate) async fn attack(
    plan: &Plan,
    mut progress: impl FnMut(Progress),
    cancelled: impl Future<Output = ()>,
) -> Result<Outcome, Failure> {
    let program = std::env::current_exe().map_err(Failure::check)?;
    let mut child = Command::new(program)
        .arg("attack")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-C is handled here: closing the pipe cancels the attack
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            Failure::check(format!("the load generator cannot be started: {error}"))
        })?;
    let mut stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let (Some(pipe), Some(stdout)) = (stdin.as_mut(), stdout) else {
        return Err(Failure::check("the load generator's pipes are missing"));
    };
    let mut line = serde_json::to_string(plan).map_err(Failure::check)?;
    line.push('\n');
    pipe.write_all(line.as_bytes())
        .await
        .map_err(Failure::check)?;

    let mut lines = BufReader::new(stdout).lines();
    let mut outcome = None;
    let mut cancelled = std::pin::pin!(cancelled);
    let mut is_cancelled = false;
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Some(line) = line.map_err(Failure::check)? else { break };
                // where its report is asked for, goose says that its users have begun
                if !line.starts_with('{') {
                    continue;
                }
                match serde_json::from_str(&line) {
                    Ok(Message::Progress(news)) => progress(news),
                    Ok(Message::Outcome(result)) => outcome = Some(*result),
                    Err(error) => return Err(Failure::check(format!("the load generator speaks nonsense: {error}"))),
                }
            }
            () = &mut cancelled, if !is_cancelled => {
                is_cancelled = true;
                drop(stdin.take());
            }
        }
    }
    let status = child.wait().await.map_err(Failure::check)?;
    outcome.ok_or_else(|| {
        Failure::check(format!(
            "the load generator ended without a result: {status}"
        ))
    })
}
