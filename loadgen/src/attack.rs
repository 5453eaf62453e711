//! Carries a plan out with goose; the only file that knows goose, its configuration and its statics.
//!
//! goose looks twice a second whether its users are done, which a burst of a few hundred milliseconds would feel. It is
//! therefore asked to start all users at once and to stop them at once, and the burst is what each user does on being
//! stopped: goose tells every user, then waits for each as long as it takes. So all users begin together, once goose
//! has started the last and reset its metrics, and the attack is over the moment the last answer is read.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{
    GooseMethod, GooseRequest, GooseUser, Scenario, Transaction, TransactionFunction,
};
use goose::metrics::GooseMetrics;
use goose::{GooseAttack, GooseError};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use reqwest::{Client, Url};
use serde_json::value::to_raw_value;
use tokio::sync::watch;
use tokio::time::{self, MissedTickBehavior};

use crate::client;
use crate::error::Error;
use crate::failure::Failure;
use crate::headers::Headers;
use crate::outcome::{Circumstances, Outcome, Progress};
use crate::pace::Pace;
use crate::payload;
use crate::plan::{Plan, Stop};
use crate::spans::{ClientSpan, SpanFile, Target};
use crate::tally::Tally;

/// How often progress is reported, and goose asked whether it was interrupted.
const TICK: Duration = Duration::from_millis(250);
/// How long requests under way are waited for when the attack is interrupted.
const GRACE: Duration = Duration::from_secs(1);
/// How long a user waits after the endpoint could not be talked to: short enough for 500 requests to fail within a
/// second, long enough not to spend a core on an endpoint that is down.
const PAUSE: Duration = Duration::from_millis(10);
/// Users started and stopped per second, for goose: more than there can be, so that it is done in no time.
const AT_ONCE: &str = "1000000";

/// Makes the attack that `plan` describes and returns what came of it.
///
/// `progress` is told several times a second how far the attack has come, and once more at its end. When `cancelled`
/// completes, no further request is sent, those under way have a second to end, and everything measured is kept; so it
/// is on the first SIGINT, which goose catches (on the second, goose ends the process). Pass
/// [`std::future::pending()`] for an attack that nobody else cancels.
///
/// A single-threaded runtime with time and I/O enabled is enough, and leaves the other cores to the system under test.
///
/// # Errors
/// If the attack could not be made at all; see [`Error`]. An attack whose requests all fail is made, and its outcome
/// says so.
pub async fn attack(
    plan: &Plan,
    mut progress: impl FnMut(Progress),
    cancelled: impl Future<Output = ()>,
) -> Result<Outcome, Error> {
    static ATTACKED: AtomicBool = AtomicBool::new(false);
    if ATTACKED.swap(true, Ordering::Relaxed) {
        return Err(Error::SecondAttack);
    }
    silence_goose();

    let span_file = match plan.spans() {
        Some(path) => {
            let target = Target::new(plan.url(), plan.timeout());
            let file = SpanFile::create(path, target).map_err(|source| Error::SpanFile {
                path: path.to_owned(),
                source,
            })?;
            Some(file)
        }
        None => None,
    };
    let tally = Tally::new(span_file.as_ref().map(SpanFile::lines));
    let burst = Arc::new(Burst::new(plan, tally).map_err(|error| Error::Client(Box::new(error)))?);
    let goose = goose_attack(plan, &burst).map_err(refused)?;

    let (mut running, mut cancelled) = (pin!(goose.execute()), pin!(cancelled));
    let mut tick = time::interval_at(time::Instant::now() + TICK, TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut grace = pin!(time::sleep(GRACE));
    let mut interrupted = false;
    let mut metrics = loop {
        let interrupt = tokio::select! {
            result = &mut running => break result.map_err(refused)?,
            _ = tick.tick() => {
                progress(burst.progress());
                goose::is_killswitch_triggered()
            }
            () = &mut cancelled, if !interrupted => true,
            () = &mut grace, if interrupted && burst.phase() == Phase::Stopping => {
                burst.enter(Phase::Abandoned);
                false
            }
        };
        if interrupt && !interrupted {
            interrupted = true;
            burst.enter(Phase::Stopping);
            grace.as_mut().reset(time::Instant::now() + GRACE);
        }
    };

    let counted = burst.tally.finish();
    let (begun, started) = burst.begun();
    let duration = counted.ended.map_or(Duration::ZERO, |ended| ended - begun);
    progress(Progress {
        requests: counted.requests,
        elapsed: duration,
    });
    let span_file_error = match span_file {
        Some(file) => file.finish().await.err().map(|error| error.to_string()),
        None => None,
    };
    // goose reads its clock last when it stops the users, which is before the burst.
    metrics.duration = usize::try_from(duration.as_millis().div_ceil(1_000)).unwrap_or(usize::MAX);
    let circumstances = Circumstances {
        interrupted,
        started,
        duration,
        seed: burst.seed,
        span_file_error,
        goose: to_raw_value::<GooseMetrics>(&metrics).map_err(Error::Metrics)?,
    };
    Ok(Outcome::new(plan, counted, circumstances))
}

fn refused(error: GooseError) -> Error {
    Error::Goose(Box::new(error))
}

/// goose installs a logger that writes to standard output unless there is one; a library prints nothing. Where the
/// program has a logger of its own, goose's messages go there.
fn silence_goose() {
    struct Silent;
    impl log::Log for Silent {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            false
        }
        fn log(&self, _: &log::Record<'_>) {}
        fn flush(&self) {}
    }
    // An error means that there is a logger.
    let _ = log::set_logger(&Silent);
}

fn goose_attack(plan: &Plan, burst: &Arc<Burst>) -> Result<GooseAttack, GooseError> {
    // `users` with both rates, rather than a test plan or a number of iterations: those make goose print.
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(plan.url().origin().ascii_serialization());
    configuration.users = Some(plan.users());
    configuration.increase_rate = Some(AT_ONCE.to_owned());
    configuration.decrease_rate = Some(AT_ONCE.to_owned());
    configuration.no_print_metrics = true;
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    configuration.no_telnet = true;
    let until_stopped: TransactionFunction = Arc::new(|_| {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(())
        })
    });
    let burst = Arc::clone(burst);
    let once_stopped: TransactionFunction = Arc::new(move |user| {
        let burst = Arc::clone(&burst);
        Box::pin(async move {
            burst.run(user).await;
            Ok(())
        })
    });
    let scenario = Scenario::new("burst")
        .register_transaction(Transaction::new(until_stopped))
        .register_transaction(
            Transaction::new(once_stopped)
                .set_on_stop()
                .set_name_for_transaction_and_requests(plan.url().path()),
        );
    // Each user would otherwise be given a client of its own, of which none is used.
    GooseAttack::initialize_with_config(configuration)?
        .set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies())
        .map(|attack| attack.register_scenario(scenario))
}

/// What the users of an attack do together.
struct Burst {
    client: Client,
    endpoint: Url,
    stop: Stop,
    pace: Option<Pace>,
    /// One for each scenario.
    headers: Vec<Headers>,
    spans_list_headers: bool,
    seed: u64,
    /// How many requests have been taken up by users.
    taken: AtomicU64,
    begun: OnceLock<(Instant, Timestamp)>,
    phase: watch::Sender<Phase>,
    tally: Tally,
}

/// How much of an attack goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Requests are sent.
    Sending,
    /// No request is begun; those under way may end.
    Stopping,
    /// Requests under way are dropped.
    Abandoned,
}

/// A request under way.
struct UnderWay {
    span: ClientSpan,
    since: Instant,
}

impl Burst {
    fn new(plan: &Plan, tally: Tally) -> reqwest::Result<Self> {
        Ok(Self {
            client: client::build(plan)?,
            endpoint: plan.url().clone(),
            stop: plan.stop(),
            pace: plan.rate().map(Pace::new),
            headers: plan
                .scenarios()
                .iter()
                .map(|scenario| Headers::new(scenario, plan.engine()))
                .collect(),
            spans_list_headers: plan.spans_list_headers(),
            seed: plan.seed().unwrap_or_else(|| fastrand::u64(..)),
            taken: AtomicU64::new(0),
            begun: OnceLock::new(),
            phase: watch::Sender::new(Phase::Sending),
            tally,
        })
    }

    fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// When the first request was taken up.
    fn begun(&self) -> (Instant, Timestamp) {
        *self
            .begun
            .get_or_init(|| (Instant::now(), Timestamp::now()))
    }

    fn progress(&self) -> Progress {
        Progress {
            requests: self.tally.so_far(),
            elapsed: self
                .begun
                .get()
                .map_or(Duration::ZERO, |(begun, _)| begun.elapsed()),
        }
    }

    /// What one user does: requests, one after the other, until there are no more.
    async fn run(&self, user: &mut GooseUser) {
        user.client = self.client.clone();
        let mut under_way = None;
        let mut phase = self.phase.subscribe();
        tokio::select! {
            biased;
            () = self.send_all(user, &mut under_way) => return,
            _ = phase.wait_for(|phase| *phase == Phase::Abandoned) => {}
        }
        if let Some(UnderWay { mut span, since }) = under_way {
            let now = Instant::now();
            span.duration = now - since;
            // goose hears of a request when the head of its answer is there; of this one it is told, unless it knows.
            if span.status.is_none() {
                let (path, error) = (self.endpoint.path(), Some("interrupted"));
                // Refusing to count it would mean that goose has ended, and nobody would be left to tell.
                let _ = user
                    .record_custom_request_duration("POST", path, span.duration, false, None, error)
                    .await;
            }
            span.failure = Some(Failure::Interrupted);
            self.tally.end(span, now);
        }
    }

    async fn send_all(&self, user: &mut GooseUser, under_way: &mut Option<UnderWay>) {
        while let Some(number) = self.take().await {
            let now = self.send(user, under_way, number).await;
            if let Some(UnderWay { span, .. }) = under_way.take() {
                let pause = span.failure.as_ref().is_some_and(Failure::is_connection);
                self.tally.end(span, now);
                if pause {
                    time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// The number of the next request, once it is time to send it; `None` if no more are to be sent.
    async fn take(&self) -> Option<u64> {
        if self.phase() != Phase::Sending {
            return None;
        }
        let (begun, _) = self.begun();
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let deadline = match self.stop {
            Stop::Requests(requests) if number >= requests => return None,
            Stop::Requests(_) => None,
            Stop::Duration(duration) => Some(begun + duration),
        };
        let now = Instant::now();
        let turn = self.pace.as_ref().map_or(now, |pace| pace.turn(now));
        if deadline.is_some_and(|deadline| turn >= deadline) {
            return None;
        }
        if turn > now {
            let mut phase = self.phase.subscribe();
            tokio::select! {
                () = time::sleep_until(turn.into()) => {}
                _ = phase.wait_for(|phase| *phase != Phase::Sending) => return None,
            }
        }
        Some(number)
    }

    /// Sends one request and notes in `under_way` what comes of it; returns when it ended.
    async fn send(
        &self,
        user: &mut GooseUser,
        under_way: &mut Option<UnderWay>,
        number: u64,
    ) -> Instant {
        let mut rng = request_rng(self.seed, number);
        let scenarios = self.headers.len() as u64;
        let scenario = &self.headers[(number % scenarios) as usize];
        let (sent, mut headers) = scenario.next(number / scenarios, &mut rng);
        let listed = self.spans_list_headers.then(|| headers.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = self
            .client
            .post(self.endpoint.clone())
            .headers(headers)
            .body(payload::body(&mut rng));
        let request = GooseRequest::builder()
            .method(GooseMethod::Post)
            .set_request_builder(request)
            .build();

        self.tally.begin();
        let UnderWay { span, since } = under_way.insert(UnderWay {
            span: ClientSpan {
                sent,
                headers: listed,
                start: SystemTime::now(),
                duration: Duration::ZERO,
                request_id: None,
                status: None,
                failure: None,
            },
            since: Instant::now(),
        });
        match user.request(request).await {
            Ok(answer) => {
                let mut measured = answer.request;
                span.failure = match answer.response {
                    Ok(response) => client::read(response, span).await,
                    Err(error) => Some(Failure::from_error(&error)),
                };
                if let Some(failure) = &span.failure
                    && measured.success
                {
                    // goose counts an answer as soon as its head is there. It returns the failure it is told as an error.
                    let _ = user.set_failure(&failure.error_type(), &mut measured, None, None);
                }
            }
            // No request was made: goose could not build it, or was refused by its own channels.
            Err(error) => {
                span.failure = Some(Failure::NotConnected {
                    cause: error.to_string(),
                })
            }
        }
        let now = Instant::now();
        span.duration = now - *since;
        now
    }
}

/// What request `number` is drawn from, whichever user sends it and when.
fn request_rng(seed: u64, number: u64) -> Rng {
    // SplitMix64's increment: neighbouring numbers give seeds far apart.
    Rng::with_seed(seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_requests_draw_the_same() {
        let drawn: HashSet<u128> = (0..100_000)
            .map(|number| request_rng(7, number).u128(..))
            .collect();
        assert_eq!(drawn.len(), 100_000);
    }

    #[test]
    fn a_request_depends_on_seed_and_number_alone() {
        let draw = |seed, number| request_rng(seed, number).u64(..);
        assert_eq!(draw(1, 1), draw(1, 1));
        assert_ne!(draw(1, 1), draw(1, 2));
        assert_ne!(draw(1, 1), draw(2, 1));
    }
}
