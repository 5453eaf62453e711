//! What an attack is to do, checked before anything is sent.
//!
//! [`Settings`] is what somebody asked for; [`Plan`] is the same, known to be possible. Both have one JSON form, so
//! that a plan can be handed to the process that carries it out, which checks it again as it reads it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_propagators::mode::Engine;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Faults};
use crate::scenario::Scenario;

/// The most users an attack may have: each holds a connection, and a process may open 1,024 files by default.
pub const MAX_USERS: usize = 1_000;
/// The longest an attack may last.
pub const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest a request may take.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// The shortest a request may be given.
pub const MIN_TIMEOUT: Duration = Duration::from_millis(1);
/// The lowest rate cap, in requests per second over all users.
pub const MIN_RATE: f64 = 0.001;
/// The highest rate cap, in requests per second over all users.
pub const MAX_RATE: f64 = 1_000_000.0;

/// What ends an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// After exactly this many requests, over all users.
    Requests(u64),
    /// After this time: no request starts later, those under way are waited for.
    Duration(Duration),
}

/// What somebody asks of an attack; [`Plan::new`] says whether it can be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the requests go, as a full `http` or `https` URL.
    pub endpoint: String,
    /// How many users send at the same time, each waiting for its answer before it sends again; 1 to [`MAX_USERS`].
    pub users: usize,
    /// When to stop.
    pub stop: Stop,
    /// At most this many requests per second over all users, [`MIN_RATE`] to [`MAX_RATE`]; as fast as the answers
    /// come without it.
    #[serde(default)]
    pub rate: Option<f64>,
    /// What the client sends: the requests take the scenarios in turn, the first request the first.
    pub scenarios: Vec<Scenario>,
    /// Whose code writes the client's headers.
    pub engine: Engine,
    /// What trace ids, span ids and bodies are drawn from: the same seed gives the same requests. A fresh one for
    /// each attack without it, as two runs that are to be compared should not share trace ids.
    #[serde(default)]
    pub seed: Option<u64>,
    /// How long one request may take, [`MIN_TIMEOUT`] to [`MAX_TIMEOUT`].
    pub timeout: Duration,
    /// The file that the client's spans are written to, created or emptied; none are written without it.
    #[serde(default)]
    pub spans: Option<PathBuf>,
    /// Whether these spans list the headers that were sent, as the attributes `http.request.header.<name>` that the
    /// semantic conventions have for that.
    #[serde(default)]
    pub spans_list_headers: bool,
}

impl Settings {
    /// Settings for `endpoint` with baton's defaults: 8 users, 500 requests, no rate cap, a timeout of 30 seconds and
    /// no span file. `scenario` is what the client sends: a [`Scenario`], or just a mode; the native engine writes it.
    pub fn new(endpoint: impl Into<String>, scenario: impl Into<Scenario>) -> Self {
        Self {
            endpoint: endpoint.into(),
            users: 8,
            stop: Stop::Requests(500),
            rate: None,
            scenarios: vec![scenario.into()],
            engine: Engine::Native,
            seed: None,
            timeout: Duration::from_secs(30),
            spans: None,
            spans_list_headers: false,
        }
    }
}

/// An attack that can be carried out: [`Settings`] without faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct Plan {
    settings: Settings,
    url: Url,
}

impl Plan {
    /// Checks `settings`.
    ///
    /// # Errors
    /// Every [`Fault`] they have, not only the first.
    pub fn new(settings: Settings) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let url = parse_endpoint(&settings.endpoint)
            .map_err(|fault| faults.push(fault))
            .ok();
        if !(1..=MAX_USERS).contains(&settings.users) {
            faults.push(Fault::Users(settings.users));
        }
        match settings.stop {
            Stop::Requests(0) => faults.push(Fault::Requests),
            Stop::Requests(_) => {}
            Stop::Duration(duration) => {
                if duration.is_zero() || duration > MAX_DURATION {
                    faults.push(Fault::Duration(duration));
                }
            }
        }
        if let Some(rate) = settings.rate
            && !(MIN_RATE..=MAX_RATE).contains(&rate)
        {
            faults.push(Fault::Rate(rate));
        }
        if !(MIN_TIMEOUT..=MAX_TIMEOUT).contains(&settings.timeout) {
            faults.push(Fault::Timeout(settings.timeout));
        }
        if settings.scenarios.is_empty() {
            faults.push(Fault::Scenarios);
        }
        for scenario in &settings.scenarios {
            faults.extend(scenario.faults(settings.engine));
        }
        if settings
            .spans
            .as_deref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            faults.push(Fault::Spans);
        }
        match url {
            Some(url) if faults.is_empty() => Ok(Self { settings, url }),
            _ => Err(Faults::new(faults)),
        }
    }

    /// Where the requests go, as the URL is sent.
    pub fn endpoint(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// How many users send at the same time: those asked for, but never more than there are requests.
    pub fn users(&self) -> usize {
        match self.settings.stop {
            Stop::Requests(requests) => usize::try_from(requests)
                .unwrap_or(usize::MAX)
                .min(self.settings.users),
            Stop::Duration(_) => self.settings.users,
        }
    }

    /// When to stop.
    pub fn stop(&self) -> Stop {
        self.settings.stop
    }

    /// The cap on requests per second over all users.
    pub fn rate(&self) -> Option<f64> {
        self.settings.rate
    }

    /// What the client sends, in turn; never empty.
    pub fn scenarios(&self) -> &[Scenario] {
        &self.settings.scenarios
    }

    /// Whose code writes the client's headers.
    pub fn engine(&self) -> Engine {
        self.settings.engine
    }

    /// What trace ids, span ids and bodies are drawn from, if that was chosen.
    pub fn seed(&self) -> Option<u64> {
        self.settings.seed
    }

    /// How long one request may take.
    pub fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// The file that the client's spans are written to.
    pub fn spans(&self) -> Option<&Path> {
        self.settings.spans.as_deref()
    }

    /// Whether the client's spans list the headers that were sent.
    pub fn spans_list_headers(&self) -> bool {
        self.settings.spans_list_headers
    }
}

impl TryFrom<Settings> for Plan {
    type Error = Faults;

    fn try_from(settings: Settings) -> Result<Self, Faults> {
        Self::new(settings)
    }
}

impl From<Plan> for Settings {
    fn from(plan: Plan) -> Self {
        plan.settings
    }
}

fn parse_endpoint(text: &str) -> Result<Url, Fault> {
    let mut url = Url::parse(text).map_err(|error| Fault::NotUrl {
        endpoint: text.to_owned(),
        reason: error.to_string(),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Fault::Scheme {
            endpoint: text.to_owned(),
            scheme: url.scheme().to_owned(),
        });
    }
    // The URL is an attribute of every span, and semantic conventions forbid credentials there.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::Credentials);
    }
    // A fragment is never sent.
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use baton_propagators::mode::Mode;

    use super::*;

    const ENDPOINT: &str = "http://127.0.0.1:3000/dev/producer";

    fn settings() -> Settings {
        Settings::new(ENDPOINT, "tracecontext".parse::<Mode>().unwrap())
    }

    fn faults(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = settings();
        change(&mut settings);
        Plan::new(settings).unwrap_err().to_string()
    }

    #[test]
    fn faults_say_what_is_wrong_and_what_would_be_right() {
        type Change = fn(&mut Settings);
        let cases: &[(Change, &str)] = &[
            (
                |s| s.endpoint = "127.0.0.1:3000/dev/producer".into(),
                "endpoint `127.0.0.1:3000/dev/producer` is not a URL (relative URL without a base); write it in full, like http://127.0.0.1:3000/dev/producer",
            ),
            (
                |s| s.endpoint = String::new(),
                "endpoint `` is not a URL (relative URL without a base); write it in full, like http://127.0.0.1:3000/dev/producer",
            ),
            (
                |s| s.endpoint = "localhost:3000/dev/producer".into(),
                "endpoint `localhost:3000/dev/producer` begins with `localhost:`; it has to begin with http:// or https://",
            ),
            (
                |s| s.endpoint = "http://me:secret@127.0.0.1/".into(),
                "the endpoint holds a user name or a password; every span would repeat it, so leave it out",
            ),
            (|s| s.users = 0, "0 users cannot attack; use 1 to 1000"),
            (
                |s| s.users = 1001,
                "1001 users cannot attack; use 1 to 1000",
            ),
            (
                |s| s.stop = Stop::Requests(0),
                "0 requests would measure nothing; send 1 or more",
            ),
            (
                |s| s.stop = Stop::Duration(Duration::ZERO),
                "an attack cannot last 0ns; use more than 0s, and at most 86400s",
            ),
            (
                |s| s.stop = Stop::Duration(Duration::from_secs(86_401)),
                "an attack cannot last 86401s; use more than 0s, and at most 86400s",
            ),
            (
                |s| s.rate = Some(0.0),
                "a rate of 0 requests per second is out of range; use 0.001 to 1000000",
            ),
            (
                |s| s.rate = Some(f64::NAN),
                "a rate of NaN requests per second is out of range; use 0.001 to 1000000",
            ),
            (
                |s| s.rate = Some(f64::INFINITY),
                "a rate of inf requests per second is out of range; use 0.001 to 1000000",
            ),
            (
                |s| s.timeout = Duration::ZERO,
                "a request timeout of 0ns is out of range; use 1ms to 3600s",
            ),
            (
                |s| s.scenarios.clear(),
                "there is no scenario, so nothing says what the client sends; add one",
            ),
            (
                |s| s.spans = Some(PathBuf::new()),
                "the name of the span file is empty; name a file, or leave it out to write no spans",
            ),
        ];
        for (change, sentence) in cases {
            assert_eq!(faults(change), *sentence);
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let text = faults(|s| {
            s.users = 0;
            s.endpoint = "ftp://127.0.0.1/".into();
        });
        assert_eq!(
            text,
            "endpoint `ftp://127.0.0.1/` begins with `ftp:`; it has to begin with http:// or https://\n0 users cannot attack; use 1 to 1000"
        );
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        for (users, rate, timeout) in [
            (1, MIN_RATE, MIN_TIMEOUT),
            (MAX_USERS, MAX_RATE, MAX_TIMEOUT),
        ] {
            let plan = Plan::new(Settings {
                users,
                rate: Some(rate),
                timeout,
                stop: Stop::Duration(MAX_DURATION),
                ..settings()
            });
            assert_eq!(plan.map(|plan| plan.users()), Ok(users));
        }
    }

    #[test]
    fn there_are_never_more_users_than_requests() {
        let plan = Plan::new(Settings {
            users: 8,
            stop: Stop::Requests(3),
            ..settings()
        });
        assert_eq!(plan.map(|plan| plan.users()), Ok(3));
    }

    #[test]
    fn a_fragment_is_no_part_of_the_endpoint() {
        let plan = Plan::new(Settings::new(
            format!("{ENDPOINT}?a=b#c"),
            settings().scenarios.remove(0),
        ))
        .unwrap();
        assert_eq!(plan.endpoint(), format!("{ENDPOINT}?a=b"));
    }

    #[test]
    fn a_plan_survives_json() {
        let plan = Plan::new(Settings {
            rate: Some(12.5),
            seed: Some(u64::MAX),
            stop: Stop::Duration(Duration::from_millis(1_500)),
            spans: Some("client.jsonl".into()),
            ..settings()
        })
        .unwrap();
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
    }

    #[test]
    fn a_plan_read_from_json_is_checked() {
        let mut json = serde_json::to_value(settings()).unwrap();
        json["users"] = 0.into();
        let error = serde_json::from_value::<Plan>(json).unwrap_err();
        assert_eq!(error.to_string(), "0 users cannot attack; use 1 to 1000");
    }
}
