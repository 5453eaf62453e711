//! `baton attack`: carries out one plan of the load generator in a separate process, because goose
//! allows one attack per process. It reads the plan from the first line of standard input, ends
//! early when standard input closes, and prints one [`Message`] per line.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use baton_experiments::Message;
use baton_loadgen::Plan;
use baton_loadgen::attack as carry_out;
use tokio::sync::oneshot;

use crate::commands::sandbox;
use crate::failure::Failure;
use crate::runtime;

/// Carries out the plan on standard input.
pub(crate) fn attack() -> Result<ExitCode, Failure> {
    sandbox::end_with_parent();
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    let plan: Plan = serde_json::from_str(&line)
        .map_err(|error| Failure::usage(format!("standard input holds no plan: {error}")))?;

    let (cancel, cancelled) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        // returns when the parent process closes the pipe
        let _ = std::io::stdin().lock().read_line(&mut String::new());
        drop(cancel);
    });
    let cancelled = async {
        let _ = cancelled.await;
    };
    let outcome = runtime::on_this_thread()?
        .block_on(carry_out(
            &plan,
            |progress| say(&Message::Progress(Box::new(progress))),
            cancelled,
        ))
        .map_err(Failure::not_carried_out)?;
    say(&Message::Outcome(Box::new(outcome)));
    Ok(ExitCode::SUCCESS)
}

fn say(message: &Message) {
    if let Ok(text) = serde_json::to_string(message) {
        let mut stdout = std::io::stdout().lock();
        let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }
}
