//! Jaeger's and Zipkin's query APIs.
//!
//! This uses reqwest's blocking client: a source is read in one go, so the caller needs no async
//! runtime. It must not be called on a thread of an async runtime.

mod limits;
mod session;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::Url;

use self::limits::Limits;
use self::session::Session;
use super::{Reading, SourceError};
use crate::span::{Span, Want};

/// How far back to query if the address has no `lookback`.
const DEFAULT_LOOKBACK: Duration = Duration::from_secs(60 * 60);
/// How many traces to ask for in one query if the address has no `limit`.
const DEFAULT_MAX_TRACES: usize = 1000;
/// A window of time with more traces than the limit is halved, down to this length.
const MIN_WINDOW: Duration = Duration::from_millis(2);

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
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // Zipkin's times are in milliseconds, so a window with a fraction would leave a gap
        let now = whole_milliseconds(now) + Duration::from_millis(1);
        let earliest = whole_milliseconds(now.saturating_sub(self.lookback));
        let mut session = Session::new(self, limits, want)?;
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
