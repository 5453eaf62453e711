//! Carries a plan out with goose. Only this file and the folder beside it know goose, its
//! configuration and its statics.
//!
//! goose checks only twice a second whether its users are done. For a burst of a few hundred
//! milliseconds that is too coarse. So baton asks goose to start and stop all users at once, and
//! each user sends its requests while goose is stopping it: goose waits for each user as long as it
//! takes. In this way all users begin together, after goose has started the last one and reset its
//! metrics, and the attack ends when the last answer has been read.
//!
//! goose writes its own report before that. If the report is wanted, each user sends its requests
//! while it runs, and the last user to finish ends the attack. goose notices that up to half a
//! second later.

mod burst;
pub(crate) mod error;
mod pace;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{Scenario, Transaction, TransactionFunction};
use goose::metrics::GooseMetrics;
use goose::{GooseAttack, GooseError};
use serde_json::value::to_raw_value;
use tokio::time::{self, MissedTickBehavior};

use crate::attack::burst::{Burst, Phase};
use crate::attack::error::AttackError;
use crate::outcome::counter::Counter;
use crate::outcome::progress::Progress;
use crate::outcome::{AttackOutcome, Circumstances, Ending};
use crate::plan::{Plan, Stop};
use crate::request::spans::{SpanFile, Target};

/// How often progress is reported and goose is asked whether it was interrupted.
const TICK: Duration = Duration::from_millis(250);
/// How long requests in progress may take to end after the attack is interrupted.
const GRACE: Duration = Duration::from_secs(1);
/// How long a user without work waits before goose asks it for more.
const IDLE: Duration = Duration::from_millis(20);
/// The number of users that goose starts and stops per second. It is more than the highest number
/// of users, so that they start and stop at once.
const AT_ONCE: &str = "1000000";

/// Makes the attack that `plan` describes and returns its outcome.
///
/// `progress` is called several times a second, and once more at the end. When `cancelled`
/// completes, no further request is sent, requests in progress have a second to end, and all
/// measurements are kept. The first SIGINT, which goose catches, has the same effect; on the
/// second, goose ends the process. Pass [`std::future::pending()`] for an attack that is not
/// cancelled.
///
/// A single-threaded runtime with time and I/O enabled is enough, and leaves the other cores to the
/// system under test.
///
/// # Errors
/// If the attack could not be made at all; see [`AttackError`]. If all requests of an attack fail,
/// that is not an error; its outcome says so.
pub fn attack<'a>(
    plan: &'a Plan,
    progress: impl FnMut(Progress) + 'a,
    cancelled: impl Future<Output = ()> + 'a,
) -> LocalBoxFuture<'a, Result<AttackOutcome, AttackError>> {
    boxed(plan, Box::new(progress), Box::pin(cancelled))
}

/// Boxes the future here, so that goose is compiled in this crate and not again in every program.
fn boxed<'a>(
    plan: &'a Plan,
    progress: Box<dyn FnMut(Progress) + 'a>,
    cancelled: LocalBoxFuture<'a, ()>,
) -> LocalBoxFuture<'a, Result<AttackOutcome, AttackError>> {
    Box::pin(carry_out(plan, progress, cancelled))
}

async fn carry_out(
    plan: &Plan,
    mut progress: Box<dyn FnMut(Progress) + '_>,
    mut cancelled: LocalBoxFuture<'_, ()>,
) -> Result<AttackOutcome, AttackError> {
    static ATTACKED: AtomicBool = AtomicBool::new(false);
    if ATTACKED.swap(true, Ordering::Relaxed) {
        return Err(AttackError::SecondAttack);
    }
    silence_goose();

    let span_file = match plan.spans() {
        Some(path) => {
            let file = SpanFile::create(path, Target::new(plan)).map_err(|source| {
                AttackError::SpanFile {
                    path: path.to_owned(),
                    source,
                }
            })?;
            Some(file)
        }
        None => None,
    };
    let counter = Counter::new(
        span_file.as_ref().map(SpanFile::lines),
        plan.rate().is_some(),
    );
    let burst =
        Arc::new(Burst::new(plan, counter).map_err(|error| AttackError::Client(Box::new(error)))?);
    let goose = goose_attack(plan, &burst).map_err(refused)?;

    let mut running = pin!(goose.execute());
    let mut tick = time::interval_at(time::Instant::now() + TICK, TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut grace = pin!(time::sleep(GRACE));
    let mut interrupted = false;
    let mut stopping = false;
    let mut metrics = loop {
        tokio::select! {
            result = &mut running => break result.map_err(refused)?,
            _ = tick.tick() => {
                progress(burst.progress());
                // With a report, the end of the burst stops goose like an interrupt.
                interrupted |= goose::is_killswitch_triggered() && !burst.is_over();
            }
            () = &mut cancelled, if !interrupted => interrupted = true,
            () = &mut grace, if stopping && burst.phase() == Phase::Stopping => {
                burst.enter(Phase::Abandoned);
            }
        }
        if interrupted && burst.phase() == Phase::Sending {
            burst.enter(Phase::Stopping);
        }
        // A signal can stop the attack here, and so can a user that gives up.
        if burst.phase() == Phase::Stopping && !stopping {
            stopping = true;
            grace.as_mut().reset(time::Instant::now() + GRACE);
        }
    };

    let (begun, started) = burst.begun();
    let last = burst.progress();
    let counted = burst.finish();
    let duration = counted.ended.map_or(Duration::ZERO, |ended| ended - begun);
    progress(Progress {
        requests: counted.requests,
        elapsed: duration,
        ..last
    });
    let span_file_error = match span_file {
        Some(file) => file.finish().await.err().map(|error| error.to_string()),
        None => None,
    };
    let has_sent_all = plan.stop() == Stop::Requests(counted.requests.sent);
    let ending = match (interrupted, burst.gave_up()) {
        (true, _) => Ending::Interrupted,
        (false, true) if !has_sent_all => Ending::GaveUp,
        _ => Ending::Complete,
    };
    // goose reads its clock for the last time when it stops the users, which is before the burst.
    metrics.duration = usize::try_from(duration.as_millis().div_ceil(1_000)).unwrap_or(usize::MAX);
    let circumstances = Circumstances {
        ending,
        unsent: match (plan.stop(), ending) {
            (Stop::Duration(_), Ending::Complete) => burst.unsent(),
            _ => 0,
        },
        started,
        duration,
        seed: burst.seed(),
        span_file_error,
        goose: to_raw_value::<GooseMetrics>(&metrics).map_err(AttackError::Metrics)?,
    };
    Ok(AttackOutcome::new(plan, counted, circumstances))
}

fn refused(error: GooseError) -> AttackError {
    AttackError::Goose(Box::new(error))
}

/// Keeps goose from printing. goose installs a logger that writes to standard output, unless there
/// is one. If the program has its own logger, goose's messages go there.
fn silence_goose() {
    struct Silent;
    impl log::Log for Silent {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            false
        }
        fn log(&self, _: &log::Record<'_>) {}
        fn flush(&self) {}
    }
    // An error means that there is a logger already.
    let _ = log::set_logger(&Silent);
}

fn goose_attack(plan: &Plan, burst: &Arc<Burst>) -> Result<GooseAttack, GooseError> {
    // `users` with both rates instead of a test plan or a number of iterations, because with those
    // goose prints.
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(plan.url().origin().ascii_serialization());
    configuration.users = Some(plan.users());
    configuration.increase_rate = Some(AT_ONCE.to_owned());
    configuration.decrease_rate = Some(AT_ONCE.to_owned());
    configuration.no_print_metrics = true;
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    configuration.no_telnet = true;
    if let Some(report) = plan.goose_report() {
        configuration.report_file = vec![report.to_string_lossy().into_owned()];
        configuration.no_reset_metrics = true;
    }
    let has_report = plan.goose_report().is_some();
    let burst = Arc::clone(burst);
    let all_requests: TransactionFunction = Arc::new(move |user| {
        let burst = Arc::clone(&burst);
        Box::pin(async move {
            burst.run(user).await;
            if has_report {
                if burst.is_over() {
                    goose::trigger_killswitch("the burst is over");
                }
                time::sleep(IDLE).await;
            }
            Ok(())
        })
    });
    let all_requests =
        Transaction::new(all_requests).set_name_for_transaction_and_requests(plan.url().path());
    let scenario = Scenario::new("burst");
    let scenario = if has_report {
        scenario.register_transaction(all_requests)
    } else {
        let until_stopped: TransactionFunction = Arc::new(|_| {
            Box::pin(async {
                tokio::task::yield_now().await;
                Ok(())
            })
        });
        scenario
            .register_transaction(Transaction::new(until_stopped))
            .register_transaction(all_requests.set_on_stop())
    };
    // Otherwise goose would give each user its own client, which is never used.
    GooseAttack::initialize_with_config(configuration)?
        .set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies())
        .map(|attack| attack.register_scenario(scenario))
}
