//! The plan of an attack, checked before anything is sent.
//!
//! [`Settings`] are what the caller asks for; a [`Plan`] is valid. Both have the same JSON form. So
//! a plan can be handed to another process, which checks it again when it reads it.

pub(crate) mod extra_header;
pub(crate) mod invalid_settings;
pub(crate) mod limits;
pub(crate) mod method;
pub(crate) mod payload;
pub(crate) mod scenario;
pub(crate) mod seconds;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_propagators::Engine;
use http::HeaderMap;
use reqwest::{Certificate, Url};
use serde::{Deserialize, Serialize};

use self::extra_header::Header;
use self::invalid_settings::{InvalidSetting, InvalidSettings};
use self::limits::{MAX_DURATION, MAX_RATE, MAX_TIMEOUT, MAX_USERS, MIN_RATE, MIN_TIMEOUT};
use self::method::Method;
use self::payload::{Bodies, Payload};
use self::scenario::Scenario;

/// The path of a lab's endpoint.
const LAB_PATH: &str = "/dev/producer";

/// What ends an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// After exactly this many requests, over all users.
    Requests(u64),
    /// After this time. No request starts later; requests in progress may end.
    #[serde(rename = "duration_s", with = "seconds")]
    Duration(Duration),
}

/// The settings of an attack. [`Plan::new`] checks them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the requests go, as a full `http` or `https` URL.
    pub endpoint: String,
    /// How many users send at the same time, 1 to [`MAX_USERS`]. Each waits for its answer before
    /// it sends again.
    pub users: usize,
    /// When to stop.
    pub stop: Stop,
    /// This many requests per second over all users, [`MIN_RATE`] to [`MAX_RATE`], on a fixed
    /// schedule. If all users are waiting when a request is due, it is sent as soon as one is free,
    /// and its latency counts from its due time. `None` sends requests as fast as the answers come.
    #[serde(default)]
    pub rate: Option<f64>,
    /// The time over which the users start, evenly one after the other. The rate rises with them.
    /// Zero starts all at once.
    #[serde(default, rename = "ramp_s", with = "seconds")]
    pub ramp: Duration,
    /// What the client sends. The requests take the scenarios in turn, starting with the first.
    pub scenarios: Vec<Scenario>,
    /// The engine that writes the client's headers.
    pub engine: Engine,
    /// The method of the requests.
    #[serde(default)]
    pub method: Method,
    /// Whether any certificate of the endpoint is accepted, even an invalid one.
    #[serde(default)]
    pub insecure: bool,
    /// Further certificate authorities that may have signed the endpoint's certificate, as PEM.
    #[serde(default)]
    pub certificates: Option<String>,
    /// The bodies of the requests. Only some methods have one.
    #[serde(default)]
    pub payload: Payload,
    /// Further headers of every request. A content type here replaces `application/json`.
    #[serde(default)]
    pub headers: Vec<Header>,
    /// The seed of trace ids, span ids and bodies. The same seed gives the same requests. `None`
    /// draws a new seed for each attack, because two runs to be compared should not share trace
    /// ids.
    #[serde(default)]
    pub seed: Option<u64>,
    /// How long one request may take, [`MIN_TIMEOUT`] to [`MAX_TIMEOUT`].
    #[serde(rename = "timeout_s", with = "seconds")]
    pub timeout: Duration,
    /// The file for the client's spans, which is created or emptied. `None` writes no spans.
    #[serde(default)]
    pub spans: Option<PathBuf>,
    /// Whether these spans list the headers that were sent, as attributes
    /// `http.request.header.<name>` (OpenTelemetry's semantic conventions).
    #[serde(default)]
    pub spans_list_headers: bool,
    /// The file for goose's own HTML report. With it, the attack takes up to a second longer, goose
    /// measures in whole seconds and prints that its users have started.
    #[serde(default)]
    pub goose_report: Option<PathBuf>,
}

impl Settings {
    /// Settings for `endpoint` with baton's defaults: 8 users, 500 requests, no rate, a timeout of
    /// 30 seconds and no span file. `scenario` is a [`Scenario`] or just a mode. The native engine
    /// writes the headers.
    pub fn new(endpoint: impl Into<String>, scenario: impl Into<Scenario>) -> Self {
        Self {
            endpoint: endpoint.into(),
            users: 8,
            stop: Stop::Requests(500),
            rate: None,
            ramp: Duration::ZERO,
            scenarios: vec![scenario.into()],
            engine: Engine::Native,
            method: Method::default(),
            insecure: false,
            certificates: None,
            payload: Payload::default(),
            headers: Vec::new(),
            seed: None,
            timeout: Duration::from_secs(30),
            spans: None,
            spans_list_headers: false,
            goose_report: None,
        }
    }
}

/// The plan of an attack: valid [`Settings`].
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
    /// Every [`InvalidSetting`] among them, not only the first.
    pub fn new(settings: Settings) -> Result<Self, InvalidSettings> {
        let mut faults = Vec::new();
        let url = parse_endpoint(&settings.endpoint)
            .map_err(|fault| faults.push(fault))
            .ok();
        if !(1..=MAX_USERS).contains(&settings.users) {
            faults.push(InvalidSetting::Users(settings.users));
        }
        match settings.stop {
            Stop::Requests(0) => faults.push(InvalidSetting::Requests),
            Stop::Requests(_) => {}
            Stop::Duration(duration) => {
                if duration.is_zero() || duration > MAX_DURATION {
                    faults.push(InvalidSetting::Duration(duration));
                }
            }
        }
        if let Some(rate) = settings.rate
            && !(MIN_RATE..=MAX_RATE).contains(&rate)
        {
            faults.push(InvalidSetting::Rate(rate));
        }
        if !(MIN_TIMEOUT..=MAX_TIMEOUT).contains(&settings.timeout) {
            faults.push(InvalidSetting::Timeout(settings.timeout));
        }
        let limit = match settings.stop {
            Stop::Duration(duration) => duration,
            Stop::Requests(_) => MAX_DURATION,
        };
        if settings.ramp >= limit && !settings.ramp.is_zero() {
            let ramp = settings.ramp;
            faults.push(InvalidSetting::Ramp { ramp, limit });
        }
        faults.extend(settings.payload.bodies().err());
        if settings.payload != Payload::default() && !settings.method.has_body() {
            faults.push(InvalidSetting::Body(settings.method.name()));
        }
        if settings.certificates.is_some() && certificates(&settings).is_none() {
            faults.push(InvalidSetting::Certificates);
        }
        faults.extend(extra_header::read_all(&settings.headers).1);
        if let Some(report) = &settings.goose_report
            && report
                .extension()
                .is_none_or(|extension| extension != "html")
        {
            faults.push(InvalidSetting::Report(report.clone()));
        }
        if settings.scenarios.is_empty() {
            faults.push(InvalidSetting::Scenarios);
        }
        for scenario in &settings.scenarios {
            faults.extend(scenario.faults(settings.engine));
        }
        if settings
            .spans
            .as_deref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            faults.push(InvalidSetting::Spans);
        }
        match url {
            Some(url) if faults.is_empty() => Ok(Self { settings, url }),
            _ => Err(InvalidSettings::new(faults)),
        }
    }

    /// Where the requests go, in a form that may be shown: without the values of the query, which
    /// may be keys.
    pub fn endpoint(&self) -> String {
        let mut shown = self.url.clone();
        if shown.query().is_some() {
            shown.set_query(Some("REDACTED"));
        }
        shown.into()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// How many users send at the same time: as many as asked for, but at most one per request.
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

    /// The rate of requests per second over all users.
    pub fn rate(&self) -> Option<f64> {
        self.settings.rate
    }

    /// The time over which the users start.
    pub fn ramp(&self) -> Duration {
        self.settings.ramp
    }

    /// What the client sends, in turn. Never empty.
    pub fn scenarios(&self) -> &[Scenario] {
        &self.settings.scenarios
    }

    /// The engine that writes the client's headers.
    pub fn engine(&self) -> Engine {
        self.settings.engine
    }

    /// The seed of trace ids, span ids and bodies, if one was chosen.
    pub fn seed(&self) -> Option<u64> {
        self.settings.seed
    }

    /// How long one request may take.
    pub fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// The method of the requests.
    pub fn method(&self) -> Method {
        self.settings.method
    }

    /// Whether any certificate of the endpoint is accepted.
    pub(crate) fn is_insecure(&self) -> bool {
        self.settings.insecure
    }

    /// Further certificate authorities.
    pub(crate) fn certificates(&self) -> Option<Vec<Certificate>> {
        certificates(&self.settings)
    }

    /// Whether the endpoint has the address of a lab.
    pub(crate) fn is_lab(&self) -> bool {
        is_loopback(&self.url) && self.url.path() == LAB_PATH
    }

    /// The bodies of the requests.
    pub(crate) fn bodies(&self) -> Bodies {
        self.settings.payload.bodies().unwrap_or_default()
    }

    /// The further headers of every request.
    pub(crate) fn headers(&self) -> HeaderMap {
        extra_header::read_all(&self.settings.headers).0
    }

    /// The file for goose's own report.
    pub fn goose_report(&self) -> Option<&Path> {
        self.settings.goose_report.as_deref()
    }

    /// The file for the client's spans.
    pub fn spans(&self) -> Option<&Path> {
        self.settings.spans.as_deref()
    }

    /// Whether the client's spans list the headers that were sent.
    pub fn spans_list_headers(&self) -> bool {
        self.settings.spans_list_headers
    }
}

impl TryFrom<Settings> for Plan {
    type Error = InvalidSettings;

    fn try_from(settings: Settings) -> Result<Self, InvalidSettings> {
        Self::new(settings)
    }
}

impl From<Plan> for Settings {
    fn from(plan: Plan) -> Self {
        plan.settings
    }
}

/// The certificate authorities of the settings; `None` if there are none, or they cannot be read.
fn certificates(settings: &Settings) -> Option<Vec<Certificate>> {
    let pem = settings.certificates.as_ref()?;
    let certificates = Certificate::from_pem_bundle(pem.as_bytes()).ok()?;
    (!certificates.is_empty()).then_some(certificates)
}

fn parse_endpoint(text: &str) -> Result<Url, InvalidSetting> {
    // The part before an @ may be a password.
    let shown = || match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    };
    let mut url = Url::parse(text).map_err(|error| InvalidSetting::NotUrl {
        endpoint: shown(),
        reason: error.to_string(),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(InvalidSetting::Scheme {
            endpoint: shown(),
            scheme: url.scheme().to_owned(),
        });
    }
    // The URL is an attribute of every span, and semantic conventions forbid credentials there.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidSetting::Credentials);
    }
    // A fragment is never sent.
    url.set_fragment(None);
    Ok(url)
}

/// Whether the URL's host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests;
