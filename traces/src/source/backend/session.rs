//! One reading of a backend: its queries, and what they have found so far.

use std::collections::HashSet;
use std::io::{BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use baton_propagators::TraceId;
use reqwest::blocking::{Client, Response};
use serde::Deserialize;

use super::limits::{Limited, Limits};
use super::{Api, Backend};
use crate::readers;
use crate::source::{Reading, SourceError};
use crate::span::{Span, Want};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The limit for an answer to begin, and for each further part of it.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest accepted list of services, in bytes.
const MAX_SERVICES_BYTES: u64 = 16 << 20;

/// One reading of a backend.
pub(super) struct Session<'a> {
    backend: &'a Backend,
    client: Client,
    limits: Limits,
    deadline: Instant,
    /// Bytes of all answers so far.
    bytes: Arc<AtomicU64>,
    want: Want,
    pub(super) queries: u64,
    /// The traces seen so far. A trace is in the answer for each of its services, and again in the
    /// answer for half a window.
    seen: HashSet<TraceId>,
    /// The limit that ended the reading, as a clause: what the backend did.
    pub(super) reached: Option<String>,
    pub(super) reading: Reading,
}

#[derive(Deserialize)]
struct Services {
    #[serde(default)]
    data: Option<Vec<String>>,
}

impl<'a> Session<'a> {
    /// Begins a reading. Its time counts from now.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub(super) fn new(
        backend: &'a Backend,
        limits: Limits,
        want: Want,
    ) -> Result<Self, SourceError> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(READ_TIMEOUT)
            .build()
            .map_err(|error| backend.failed(error))?;
        Ok(Session {
            backend,
            client,
            limits,
            deadline: Instant::now() + limits.time,
            bytes: Arc::default(),
            want,
            queries: 0,
            seen: HashSet::new(),
            reached: None,
            reading: Reading::default(),
        })
    }

    /// The names of all services.
    pub(super) fn services(&mut self) -> Result<Vec<String>, SourceError> {
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
    pub(super) fn query(
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
