//! Jaeger's and Zipkin's query APIs.
//!
//! This uses reqwest's blocking client: a source is read in one go, so the caller needs no async
//! runtime. It must not be called on a thread of an async runtime.

mod limits;

use std::collections::HashSet;
use std::fmt;
use std::io::{BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use baton_propagators::TraceId;
use reqwest::Url;
use reqwest::blocking::{Client, Response};
use serde::Deserialize;

use self::limits::{Limited, Limits};
use super::{Reading, SourceError};
use crate::readers;
use crate::span::{Span, Want};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The limit for an answer to begin, and for each further part of it.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How far back to query if the address has no `lookback`.
const DEFAULT_LOOKBACK: Duration = Duration::from_secs(60 * 60);
/// How many traces to ask for in one query if the address has no `limit`.
const DEFAULT_MAX_TRACES: usize = 1000;
/// A window of time with more traces than the limit is halved, down to this length.
const MIN_WINDOW: Duration = Duration::from_millis(2);
/// The longest accepted list of services, in bytes.
const MAX_SERVICES_BYTES: u64 = 16 << 20;

/// The address of a backend, and the parameters of the query.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Backend {
    api: Api,
    url: Url,
    services: Vec<String>,
    lookback: Duration,
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api {
    Jaeger,
    Zipkin,
}

impl Backend {
    /// Parses `jaeger+http://USER:PASSWORD@HOST:PORT/PATH?service=NAME&lookback=2h&limit=1000`, or
    /// the same with `zipkin` or `https`. Everything after the host is optional. An error says what
    /// is wrong.
    pub(super) fn parse(text: &str) -> Result<Backend, String> {
        let accepted =
            "jaeger+http://HOST, jaeger+https://HOST, zipkin+http://HOST or zipkin+https://HOST";
        let (api, address) = match text.split_once('+') {
            Some(("jaeger", address)) => (Api::Jaeger, address),
            Some(("zipkin", address)) => (Api::Zipkin, address),
            _ => return Err(format!("an address of spans is {accepted}")),
        };
        // The address may hold a password, so the error does not repeat it.
        let mut url = Url::parse(address).map_err(|error| {
            format!("the address of {api} cannot be read: {error}; it should be {accepted}")
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(format!("the address of {api} should be {accepted}"));
        }
        let mut backend = Backend {
            api,
            url: url.clone(),
            services: Vec::new(),
            lookback: DEFAULT_LOOKBACK,
            limit: DEFAULT_MAX_TRACES,
        };
        for (name, value) in url.query_pairs() {
            match &*name {
                "service" => backend.services.push(value.into_owned()),
                "lookback" => {
                    backend.lookback = duration(&value).ok_or_else(|| {
                        format!("lookback={value} is not a time; write one such as 30m, 2h or 1d")
                    })?;
                }
                "limit" => {
                    backend.limit = value.parse().ok().filter(|limit| *limit > 0).ok_or_else(
                        || {
                            format!(
                                "limit={value} is not a number of traces; write one such as 1000"
                            )
                        },
                    )?;
                }
                _ => {
                    return Err(format!(
                        "unknown parameter {name} of {api}'s address; accepted are service, lookback, limit"
                    ));
                }
            }
        }
        url.set_query(None);
        url.set_fragment(None);
        backend.url = url;
        Ok(backend)
    }

    /// The host, with the port if the address has one.
    pub(super) fn name(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Passes every span of the lookback period to `take`.
    pub(super) fn read(
        &self,
        want: Want,
        take: &mut (dyn FnMut(&Span<'_>) + Send),
    ) -> Result<Reading, SourceError> {
        self.read_within(Limits::OF_A_SOURCE, want, take)
    }

    fn read_within(
        &self,
        limits: Limits,
        want: Want,
        take: &mut (dyn FnMut(&Span<'_>) + Send),
    ) -> Result<Reading, SourceError> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(READ_TIMEOUT)
            .build()
            .map_err(|error| self.failed(error))?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // Zipkin's times are in milliseconds, so a window with a fraction would leave a gap
        let now = whole_milliseconds(now) + Duration::from_millis(1);
        let earliest = whole_milliseconds(now.saturating_sub(self.lookback));
        let mut session = Session {
            backend: self,
            client,
            limits,
            deadline: Instant::now() + limits.time,
            bytes: Arc::default(),
            want,
            queries: 0,
            seen: HashSet::new(),
            reached: None,
            reading: Reading::default(),
        };
        let services: Vec<Option<String>> = match (self.api, self.services.is_empty()) {
            (_, false) => self.services.iter().cloned().map(Some).collect(),
            (Api::Jaeger, true) => session.services()?.into_iter().map(Some).collect(),
            (Api::Zipkin, true) => vec![None],
        };
        for service in services {
            let mut windows = vec![(earliest, now)];
            while let Some((start, end)) = windows.pop() {
                if session.queries == limits.queries {
                    let queries = limits.queries;
                    let problem =
                        format!("{self} was asked {queries} times, and holds more traces");
                    session.reading.problems.push(problem);
                    return Ok(session.reading);
                }
                let traces = session.query(service.as_deref(), start, end, take)?;
                if let Some(limit) = &session.reached {
                    session.reading.problems.push(format!(
                        "{self} {limit}; the rest was not read: shorten lookback, or name a service"
                    ));
                    return Ok(session.reading);
                }
                let middle = whole_milliseconds(start + (end - start) / 2);
                if traces < self.limit {
                    continue;
                } else if end - start > MIN_WINDOW {
                    windows.extend([(start, middle), (middle, end)]);
                } else {
                    session.reading.problems.push(format!(
                        "{self} has {} traces or more within {} ms; those beyond its limit were not read",
                        self.limit,
                        MIN_WINDOW.as_millis()
                    ));
                }
            }
        }
        Ok(session.reading)
    }

    fn failed(&self, error: reqwest::Error) -> SourceError {
        let is_unreachable = error.is_connect() || error.is_timeout();
        // The error contains the address, which may hold a password.
        let error = error.without_url();
        let mut problem = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            problem = format!("{problem}: {error}");
            cause = error.source();
        }
        match is_unreachable {
            true => SourceError::Unreachable {
                backend: self.to_string(),
                problem,
            },
            false => self.problem(problem),
        }
    }

    fn problem(&self, problem: String) -> SourceError {
        SourceError::Backend {
            backend: self.to_string(),
            problem,
        }
    }
}

fn whole_milliseconds(time: Duration) -> Duration {
    Duration::new(time.as_secs(), time.subsec_millis() * 1_000_000)
}

/// One reading of a backend.
struct Session<'a> {
    backend: &'a Backend,
    client: Client,
    limits: Limits,
    deadline: Instant,
    /// Bytes of all answers so far.
    bytes: Arc<AtomicU64>,
    want: Want,
    queries: u64,
    /// The traces seen so far. A trace is in the answer for each of its services, and again in the
    /// answer for half a window.
    seen: HashSet<TraceId>,
    /// The limit that ended the reading, as a clause: what the backend did.
    reached: Option<String>,
    reading: Reading,
}

#[derive(Deserialize)]
struct Services {
    #[serde(default)]
    data: Option<Vec<String>>,
}

impl Session<'_> {
    fn services(&mut self) -> Result<Vec<String>, SourceError> {
        let mut answer = Vec::new();
        let body = self.get("api/services", &[])?;
        let read = body.take(MAX_SERVICES_BYTES).read_to_end(&mut answer);
        read.map_err(|error| self.backend.problem(error.to_string()))?;
        let services: Result<Services, _> = serde_json::from_slice(&answer);
        let services = services.map_err(|error| {
            let problem = format!("expected a list of services, but found: {error}");
            self.backend.problem(problem)
        })?;
        Ok(services.data.unwrap_or_default())
    }

    /// Passes on the spans of one window. Returns the number of traces in the answer.
    fn query(
        &mut self,
        service: Option<&str>,
        start: Duration,
        end: Duration,
        take: &mut (dyn FnMut(&Span<'_>) + Send),
    ) -> Result<usize, SourceError> {
        let limit = self.backend.limit.to_string();
        let (path, name, times) = match self.backend.api {
            Api::Jaeger => (
                "api/traces",
                "service",
                [
                    ("start", start.as_micros().to_string()),
                    ("end", end.as_micros().to_string()),
                ],
            ),
            Api::Zipkin => (
                "api/v2/traces",
                "serviceName",
                [
                    ("endTs", end.as_millis().to_string()),
                    ("lookback", (end - start).as_millis().to_string()),
                ],
            ),
        };
        let mut parameters = vec![("limit", limit.as_str())];
        parameters.extend(times.iter().map(|(name, value)| (*name, value.as_str())));
        parameters.extend(service.map(|service| (name, service)));
        let body = self.get(path, &parameters)?;

        let mut known = HashSet::new();
        let room = self.limits.traces - self.seen.len();
        let (seen, mut new, mut spans) = (&self.seen, HashSet::new(), 0);
        let mut is_full = false;
        let each = &mut |span: &Span<'_>| {
            let trace = span.reference.trace_id;
            if seen.contains(&trace) {
                known.insert(trace);
            } else if new.contains(&trace) || new.len() < room {
                new.insert(trace);
                spans += 1;
                take(span);
            } else {
                is_full = true;
            }
        };
        let name = self.backend.to_string();
        let read = readers::read(BufReader::new(body), &name, self.want, each);
        self.reading.spans += spans;
        self.reached = match is_full {
            true => Some(format!("has more than {} traces", self.limits.traces)),
            false => self.limits.reached(&self.bytes, self.deadline),
        };
        match read {
            Ok(reading) => {
                self.reading.form = reading.form;
                let cut = reading.truncated.map(|cut| cut.to_string());
                self.reading.problems.extend(cut);
                self.reading.problems.extend(reading.skipped);
            }
            // what came before the limit was passed on
            Err(_) if self.reached.is_some() => {}
            Err(error) => return Err(error.into()),
        }
        let count = known.len() + new.len();
        self.seen.extend(new);
        Ok(count)
    }

    fn get(
        &mut self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Limited<Response>, SourceError> {
        self.queries += 1;
        let mut url = self.backend.url.clone();
        let user = url.username().to_owned();
        let password = url.password().map(ToOwned::to_owned);
        // Neither call can fail: the address has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let mut request = self.client.get(url);
        if !user.is_empty() || password.is_some() {
            request = request.basic_auth(decoded(&user), password.as_deref().map(decoded));
        }
        let response = request.send().map_err(|error| self.backend.failed(error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.backend.problem(format!("{path} answered {status}")));
        }
        Ok(Limited {
            answer: response,
            limits: self.limits,
            deadline: self.deadline,
            bytes: Arc::clone(&self.bytes),
        })
    }
}

/// Decodes user or password: an address percent-encodes reserved characters.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Parses `90s`, `30m`, `2h` or `1d`.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
    count.checked_mul(seconds).map(Duration::from_secs)
}

impl fmt::Display for Api {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Api::Jaeger => "jaeger",
            Api::Zipkin => "zipkin",
        })
    }
}

impl fmt::Display for Backend {
    /// Writes the address without user, password and parameters.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.path().trim_end_matches('/');
        write!(
            formatter,
            "{}+{}://{}{path}",
            self.api,
            self.url.scheme(),
            self.name()
        )
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests;
