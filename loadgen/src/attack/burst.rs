//! What the users of an attack do together.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;
use goose::goose::{GooseRequest, GooseUser};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use reqwest::{Client, Url};
use tokio::sync::watch;
use tokio::time;

use crate::attack::pace::Pace;
use crate::outcome::counter::{Counted, Counter};
use crate::outcome::progress::Progress;
use crate::plan::method::Method;
use crate::plan::payload::Bodies;
use crate::plan::{Plan, Stop};
use crate::request::client;
use crate::request::failure::RequestFailure;
use crate::request::headers::Headers;
use crate::request::spans::{ClientSpan, Traffic};

/// How long a user waits after it could not reach the endpoint. This is short enough for 500
/// requests to fail within a second, and long enough not to keep a core busy while the endpoint is
/// down.
const PAUSE: Duration = Duration::from_millis(10);

/// What the users of an attack do together.
pub(super) struct Burst {
    client: Client,
    endpoint: Url,
    method: Method,
    stop: Stop,
    pace: Option<Pace>,
    users: usize,
    ramp: Duration,
    /// One for each scenario.
    headers: Vec<Headers>,
    spans_list_headers: bool,
    /// The headers that every request has.
    all_headers: HeaderMap,
    bodies: Bodies,
    seed: u64,
    /// How many requests users have taken.
    taken: AtomicU64,
    /// How many users have begun, and how many are done.
    users_begun: AtomicUsize,
    users_done: AtomicUsize,
    gave_up: AtomicBool,
    begun: OnceLock<(Instant, Timestamp)>,
    phase: watch::Sender<Phase>,
    counter: Counter,
}

/// The phase of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Requests are sent.
    Sending,
    /// No request starts. Requests in progress may end.
    Stopping,
    /// Requests in progress are dropped.
    Abandoned,
}

/// A request in progress.
struct UnderWay {
    span: ClientSpan,
    since: Instant,
}

/// A request to be sent.
struct Turn {
    number: u64,
    /// How late it is sent.
    behind: Duration,
}

impl Burst {
    pub(super) fn new(plan: &Plan, counter: Counter) -> reqwest::Result<Self> {
        let mut all_headers = HeaderMap::new();
        if plan.method().has_body() {
            let json = HeaderValue::from_static("application/json");
            all_headers.insert(CONTENT_TYPE, json);
        }
        all_headers.extend(plan.headers());
        Ok(Self {
            client: client::build(plan)?,
            endpoint: plan.url().clone(),
            method: plan.method(),
            stop: plan.stop(),
            pace: plan.rate().map(|rate| Pace::new(rate, plan.ramp())),
            users: plan.users(),
            ramp: plan.ramp(),
            headers: plan
                .scenarios()
                .iter()
                .map(|scenario| Headers::new(scenario, plan.engine()))
                .collect(),
            spans_list_headers: plan.spans_list_headers(),
            all_headers,
            bodies: plan.bodies(),
            seed: plan.seed().unwrap_or_else(fresh_seed),
            taken: AtomicU64::new(0),
            users_begun: AtomicUsize::new(0),
            users_done: AtomicUsize::new(0),
            gave_up: AtomicBool::new(false),
            begun: OnceLock::new(),
            phase: watch::Sender::new(Phase::Sending),
            counter,
        })
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// The seed of trace ids, span ids and bodies.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether the users gave up, because requests were not answered.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up.load(Ordering::Relaxed)
    }

    /// Whether every user is done.
    pub(super) fn is_over(&self) -> bool {
        self.users_done.load(Ordering::Relaxed) >= self.users
    }

    /// How many requests were due but never taken, after the duration is over.
    pub(super) fn unsent(&self) -> u64 {
        match (self.stop, &self.pace) {
            (Stop::Duration(duration), Some(pace)) => {
                let taken = self.counter.progress(Duration::ZERO).requests.sent;
                pace.count(duration).saturating_sub(taken)
            }
            _ => 0,
        }
    }

    /// When the first request was taken.
    pub(super) fn begun(&self) -> (Instant, Timestamp) {
        *self
            .begun
            .get_or_init(|| (Instant::now(), Timestamp::now()))
    }

    pub(super) fn progress(&self) -> Progress {
        let begun = self.begun.get();
        self.counter
            .progress(begun.map_or(Duration::ZERO, |(begun, _)| begun.elapsed()))
    }

    /// The result, once every user is done.
    pub(super) fn finish(&self) -> Counted {
        self.counter.finish()
    }

    /// The work of one user: one request after the other, until there are no more.
    pub(super) async fn run(&self, user: &mut GooseUser) {
        user.client = self.client.clone();
        let number = self.users_begun.fetch_add(1, Ordering::Relaxed);
        // goose may call a finished user again
        if number < self.users {
            self.run_user(number, user).await;
            self.users_done.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn run_user(&self, number: usize, user: &mut GooseUser) {
        let mut under_way = None;
        let mut phase = self.phase.subscribe();
        tokio::select! {
            biased;
            () = self.send_all(number, user, &mut under_way) => return,
            _ = phase.wait_for(|phase| *phase == Phase::Abandoned) => {}
        }
        if let Some(UnderWay { mut span, since }) = under_way {
            let now = Instant::now();
            span.duration = now - since;
            // goose counts a request when the head of its answer arrives. Report this one, unless
            // goose has counted it.
            if span.status.is_none() {
                let (path, error) = (self.endpoint.path(), Some("interrupted"));
                // goose refuses only after it has ended, and then this report is not needed.
                let _ = user
                    .record_custom_request_duration(
                        self.method.name(),
                        path,
                        span.duration,
                        false,
                        None,
                        error,
                    )
                    .await;
            }
            span.failure = Some(RequestFailure::Interrupted);
            self.counter.end(span, now);
        }
    }

    async fn send_all(
        &self,
        number: usize,
        user: &mut GooseUser,
        under_way: &mut Option<UnderWay>,
    ) {
        let (begun, _) = self.begun();
        #[expect(clippy::cast_precision_loss, reason = "there are few users")]
        let place = number as f64 / self.users as f64;
        if !self.wait_until(begun + self.ramp.mul_f64(place)).await {
            return;
        }
        while let Some(turn) = self.take().await {
            let now = self.send(user, under_way, turn).await;
            if let Some(UnderWay { span, .. }) = under_way.take() {
                let pause = span
                    .failure
                    .as_ref()
                    .is_some_and(RequestFailure::is_connection);
                let unanswered = span.status.is_none();
                self.counter.end(span, now);
                if unanswered && self.counter.is_hopeless(self.users) {
                    self.gave_up.store(true, Ordering::Relaxed);
                    self.enter(Phase::Stopping);
                }
                if pause {
                    time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits for the next request's due time and takes it; `None` if there are no more.
    async fn take(&self) -> Option<Turn> {
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
        let due = self
            .pace
            .as_ref()
            .map_or(now, |pace| begun + pace.due(number));
        if deadline.is_some_and(|deadline| due.max(now) >= deadline) {
            return None;
        }
        // a user that waited is late only by the precision of a timer, which is not the endpoint's
        // fault
        let behind = now.saturating_duration_since(due);
        let sends = self.wait_until(due).await;
        sends.then_some(Turn { number, behind })
    }

    /// Waits until `moment`. Returns whether requests may still be sent.
    async fn wait_until(&self, moment: Instant) -> bool {
        if moment <= Instant::now() {
            return true;
        }
        let mut phase = self.phase.subscribe();
        tokio::select! {
            () = time::sleep_until(moment.into()) => true,
            _ = phase.wait_for(|phase| *phase != Phase::Sending) => false,
        }
    }

    /// Sends one request and keeps its result in `under_way`. Returns the time when it ended.
    async fn send(
        &self,
        user: &mut GooseUser,
        under_way: &mut Option<UnderWay>,
        Turn { number, behind }: Turn,
    ) -> Instant {
        let mut rng = request_rng(self.seed, number);
        let scenarios = self.headers.len() as u64;
        let scenario = &self.headers[(number % scenarios) as usize];
        let (sent, mut headers) = scenario.next(number / scenarios, &mut rng);
        let listed = self.spans_list_headers.then(|| headers.clone());
        for (name, value) in &self.all_headers {
            headers.append(name, value.clone());
        }
        let mut request = self
            .client
            .request(self.method.http(), self.endpoint.clone())
            .headers(headers);
        let mut traffic = Traffic::default();
        if self.method.has_body() {
            let body = self.bodies.draw(&mut rng);
            traffic.sent = body.len() as u64;
            request = request.body(body);
        }
        let request = GooseRequest::builder()
            .method(self.method.goose())
            .set_request_builder(request)
            .build();

        self.counter.begin();
        let UnderWay { span, since } = under_way.insert(UnderWay {
            span: ClientSpan {
                sent,
                headers: listed,
                start: SystemTime::now(),
                duration: Duration::ZERO,
                behind,
                request_id: None,
                status: None,
                failure: None,
                traffic,
            },
            since: Instant::now(),
        });
        match user.request(request).await {
            Ok(answer) => {
                let mut measured = answer.request;
                span.failure = match answer.response {
                    Ok(response) => client::read(response, span).await,
                    Err(error) => Some(RequestFailure::from_error(&error)),
                };
                if let Some(failure) = &span.failure
                    && measured.success
                {
                    // goose counts an answer when its head arrives. A failure reported to goose
                    // comes back as an error.
                    let _ = user.set_failure(&failure.error_type(), &mut measured, None, None);
                }
            }
            // No request was sent: goose could not build it, or its own channels refused it.
            Err(error) => {
                span.failure = Some(RequestFailure::NotConnected {
                    step: None,
                    cause: error.to_string(),
                })
            }
        }
        let now = Instant::now();
        span.duration = now - *since;
        now
    }
}

/// Draws a seed for an attack without one. It is below 2^53, so that every reader of JSON and TOML
/// keeps it exactly.
fn fresh_seed() -> u64 {
    fastrand::u64(..1 << 53)
}

/// The random numbers of request `number`. They do not depend on which user sends it, or when.
fn request_rng(seed: u64, number: u64) -> Rng {
    // SplitMix64's increment. It gives neighbouring numbers very different seeds.
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
    fn a_fresh_seed_is_exact_as_a_double() {
        for _ in 0..100 {
            let seed = fresh_seed();
            assert_eq!(seed as f64 as u64, seed);
        }
    }

    #[test]
    fn a_request_depends_on_seed_and_number_alone() {
        let draw = |seed, number| request_rng(seed, number).u64(..);
        assert_eq!(draw(1, 1), draw(1, 1));
        assert_ne!(draw(1, 1), draw(1, 2));
        assert_ne!(draw(1, 1), draw(2, 1));
    }
}
