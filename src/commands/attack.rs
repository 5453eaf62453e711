//! `baton attack`: carries out one plan of the load generator in a process of its own, since goose allows one
//! attack per process. Reads the plan as the first line of standard input and is cancelled when that closes;
//! prints a [`Message`] per line.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use baton_loadgen::Plan;
use baton_loadgen::attack as carry_out;
use baton_loadgen::{Outcome, Progress};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::commands::sandbox;
use crate::failure::Failure;

/// What the process says about its attack.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Message {
    /// How far it has come.
    Progress(Progress),
    /// It is over.
    Outcome(Box<Outcome>),
}

/// Carries out the plan on standard input.
pub(crate) fn attack() -> Result<ExitCode, Failure> {
    sandbox::end_with_parent();
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Failure::usage)?;
    let plan: Plan = serde_json::from_str(&line)
        .map_err(|error| Failure::usage(format!("standard input holds no plan: {error}")))?;

    let (cancel, cancelled) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        // returns when whoever gave the plan closes the pipe
        let _ = std::io::stdin().lock().read_line(&mut String::new());
        drop(cancel);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::check)?;
    let cancelled = async {
        let _ = cancelled.await;
    };
    let outcome = runtime
        .block_on(carry_out(
            &plan,
            |progress| say(&Message::Progress(progress)),
            cancelled,
        ))
        .map_err(Failure::check)?;
    say(&Message::Outcome(Box::new(outcome)));
    Ok(ExitCode::SUCCESS)
}

fn say(message: &Message) {
    if let Ok(text) = serde_json::to_string(message) {
        let mut stdout = std::io::stdout().lock();
        let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }
}
