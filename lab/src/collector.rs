//! The OTLP/HTTP collector: takes spans as protobuf or JSON, gzipped or not, and keeps them in a file.
//!
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>. The file is what the OpenTelemetry Collector's file
//! exporter writes: OTLP/JSON, one request per line.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use baton_traces::span_file::SpanFile;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::error::LabError;

/// Where OTLP/HTTP takes traces.
pub(crate) const TRACES_PATH: &str = "/v1/traces";
/// Bounds a request in bytes, before and after decompression.
const REQUEST_SIZE_LIMIT: usize = 64 * 1024 * 1024;
/// Requests that wait to be written; a sender waits when there are more.
const WRITE_QUEUE: usize = 256;
/// How long received spans may stay out of the file while more arrive.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Why spans are refused.
const REJECTION: &str = "a trace id has 16 bytes, a span id 8, not all of them zero";

/// The collector's state; clones are the same collector.
#[derive(Clone, Debug)]
pub(crate) struct Collector {
    writes: mpsc::Sender<Write>,
    spans: Arc<AtomicU64>,
}

/// What the writer is asked for, in this order.
#[derive(Debug)]
enum Write {
    /// Keep these spans.
    Spans(ExportTraceServiceRequest),
    /// Let readers of the file see everything so far, and say so.
    Flush(oneshot::Sender<()>),
}

/// The thread that writes the file. It ends when the last [`Collector`] is gone.
#[derive(Debug)]
pub(crate) struct Writer(std::thread::JoinHandle<Result<(), std::io::Error>>);

impl Collector {
    /// A collector that appends to the span file `path`.
    pub(crate) fn new(path: &Path) -> Result<(Self, Writer), LabError> {
        let explain = |reason| LabError::File {
            path: path.to_owned(),
            reason,
        };
        let file = SpanFile::append(path).map_err(explain)?;
        let (writes, queue) = mpsc::channel(WRITE_QUEUE);
        let writer = std::thread::Builder::new()
            .name("span-writer".to_owned())
            .spawn(move || write(file, queue))
            .map_err(explain)?;
        let collector = Collector {
            writes,
            spans: Arc::default(),
        };
        Ok((collector, Writer(writer)))
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route(TRACES_PATH, post(export))
            .layer(DefaultBodyLimit::max(REQUEST_SIZE_LIMIT))
            .with_state(self.clone())
    }

    /// Waits until every span received so far can be read from the file. Gives whether it can; not if writing
    /// failed.
    pub(crate) async fn flush(&self) -> bool {
        let (done, flushed) = oneshot::channel();
        self.writes.send(Write::Flush(done)).await.is_ok() && flushed.await.is_ok()
    }

    /// Spans received so far.
    pub(crate) fn spans(&self) -> u64 {
        self.spans.load(Ordering::Relaxed)
    }
}

impl Writer {
    /// Waits until everything is on disk; to be called when no [`Collector`] is left.
    pub(crate) async fn finish(self) -> Result<(), std::io::Error> {
        tokio::task::spawn_blocking(move || self.0.join())
            .await
            .map_err(std::io::Error::other)?
            .map_err(|_| std::io::Error::other("the span writer ended early"))?
    }
}

fn write(mut file: SpanFile, mut queue: mpsc::Receiver<Write>) -> Result<(), std::io::Error> {
    let mut json = Vec::new();
    let mut flushed = Instant::now();
    while let Some(write) = queue.blocking_recv() {
        match write {
            Write::Spans(request) => {
                json.clear();
                serde_json::to_writer(&mut json, &request)?;
                file.write_request(&json)?;
                if flushed.elapsed() > FLUSH_INTERVAL {
                    file.flush()?;
                    flushed = Instant::now();
                }
            }
            Write::Flush(done) => {
                file.flush()?;
                // whoever asked may have gone away
                let _ = done.send(());
            }
        }
    }
    file.finish()
}

/// The two encodings of OTLP/HTTP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

async fn export(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> Response {
    let (encoding, mut request) = match read(&headers, &body) {
        Ok(read) => read,
        Err((status, message)) => return (status, message).into_response(),
    };
    let (accepted, rejected) = keep_valid(&mut request);
    if accepted > 0 && collector.writes.send(Write::Spans(request)).await.is_err() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the spans cannot be written to disk",
        )
            .into_response();
    }
    collector.spans.fetch_add(accepted, Ordering::Relaxed);
    match encoding {
        Encoding::Protobuf => {
            let response = ExportTraceServiceResponse {
                partial_success: (rejected > 0).then(|| ExportTracePartialSuccess {
                    rejected_spans: rejected,
                    error_message: REJECTION.to_owned(),
                }),
            };
            let content_type = [(CONTENT_TYPE, "application/x-protobuf")];
            (content_type, response.encode_to_vec()).into_response()
        }
        Encoding::Json if rejected == 0 => Json(json!({})).into_response(),
        // OTLP/JSON writes 64-bit numbers as text, which the generated types do not
        Encoding::Json => Json(json!({
            "partialSuccess": { "rejectedSpans": rejected.to_string(), "errorMessage": REJECTION },
        }))
        .into_response(),
    }
}

/// Takes out the spans whose ids are none; gives how many are left and how many were taken out.
fn keep_valid(request: &mut ExportTraceServiceRequest) -> (u64, i64) {
    let is_id = |id: &[u8], length: usize| id.len() == length && id.iter().any(|byte| *byte != 0);
    let (mut accepted, mut rejected) = (0, 0);
    let scopes = request
        .resource_spans
        .iter_mut()
        .flat_map(|resource| &mut resource.scope_spans);
    for scope in scopes {
        scope.spans.retain(|span| {
            let valid = is_id(&span.trace_id, 16) && is_id(&span.span_id, 8);
            if valid {
                accepted += 1;
            } else {
                rejected += 1;
            }
            valid
        });
    }
    (accepted, rejected)
}

fn read(
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<(Encoding, ExportTraceServiceRequest), (StatusCode, String)> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let content_type = text(CONTENT_TYPE)
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let encoding = match content_type {
        "application/x-protobuf" => Encoding::Protobuf,
        "application/json" => Encoding::Json,
        other => {
            let message = format!(
                "content-type is {other:?}; OTLP/HTTP is application/x-protobuf or application/json"
            );
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
    };
    let bad = |reason: String| (StatusCode::BAD_REQUEST, reason);
    let unpacked;
    let body: &[u8] = match text(CONTENT_ENCODING) {
        "" | "identity" => body,
        "gzip" => {
            unpacked = gunzip(body).map_err(bad)?;
            &unpacked
        }
        other => {
            return Err(bad(format!(
                "content-encoding is {other:?}; only gzip is understood"
            )));
        }
    };
    let request = match encoding {
        Encoding::Protobuf => ExportTraceServiceRequest::decode(body)
            .map_err(|error| bad(format!("the body is no ExportTraceServiceRequest: {error}")))?,
        Encoding::Json => serde_json::from_slice(body).map_err(|error| {
            bad(format!(
                "the body is no ExportTraceServiceRequest in JSON: {error}"
            ))
        })?,
    };
    Ok((encoding, request))
}

fn gunzip(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    GzDecoder::new(body)
        .take(REQUEST_SIZE_LIMIT as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| format!("the body is not valid gzip: {error}"))?;
    if unpacked.len() > REQUEST_SIZE_LIMIT {
        return Err(format!(
            "the body unpacks to more than {REQUEST_SIZE_LIMIT} bytes"
        ));
    }
    Ok(unpacked)
}
