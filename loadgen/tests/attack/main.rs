//! Attacks on servers that answer well, badly, late or never.
//!
//! goose allows one attack per process, so each test starts this binary again to run the ignored
//! test `attacker`.

mod ending;
mod failures;
mod requests;
mod scenarios;
mod support;

use std::io::Read;
use std::path::PathBuf;

use baton_loadgen::{AttackError, Plan, attack};
use support::Report;
use tokio::sync::oneshot;

#[test]
#[ignore = "the attacking process, which the other tests start"]
fn attacker() {
    let Some(directory) = std::env::var_os(support::DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let plan = std::fs::read(support::plan(&directory)).unwrap();
    let plan: Plan = serde_json::from_slice(&plan).unwrap();
    let (cancel, cancelled) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = cancel.send(());
    });
    let mut report = Report::default();
    // One thread would do; several show what users do to each other.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let again = runtime.block_on(async {
        let progress = |progress| report.progress.push(progress);
        let cancelled = async { cancelled.await.unwrap_or_default() };
        match attack(&plan, progress, cancelled).await {
            Ok(outcome) => report.outcome = Some(outcome),
            Err(error) => report.error = Some(error.to_string()),
        }
        attack(&plan, |_| {}, std::future::pending()).await
    });
    std::fs::write(
        support::report(&directory),
        serde_json::to_vec(&report).unwrap(),
    )
    .unwrap();
    assert!(matches!(again, Err(AttackError::SecondAttack)), "{again:?}");
}
