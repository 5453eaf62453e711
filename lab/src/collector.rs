//! The collector: receives spans as OTLP and in Zipkin's format, and writes them to a file.
//!
//! The file has the form of the OpenTelemetry Collector's file exporter: OTLP/JSON, one request per
//! line.

mod body;
mod otlp;
mod zipkin;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::post;
use baton_traces::span_file::SpanFile;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::error::LabError;

pub(crate) use self::otlp::TRACES_PATH;
pub(crate) use self::zipkin::SPANS_PATH;

/// How many requests may wait to be written. If there are more, senders wait.
const WRITE_QUEUE: usize = 256;
/// How long received spans may stay out of the file while more arrive.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// The collector's state. Clones are handles to the same collector.
#[derive(Clone, Debug)]
pub(crate) struct Collector {
    writes: mpsc::Sender<Write>,
    spans: Arc<AtomicU64>,
}

/// The writer's tasks, in this order.
#[derive(Debug)]
enum Write {
    /// Keep these spans.
    Spans(Request),
    /// Make everything so far readable in the file, and confirm it.
    Flush(oneshot::Sender<()>),
}

/// Spans to keep. As JSON, both kinds are an `ExportTraceServiceRequest`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Request {
    /// As they were received.
    Otlp(ExportTraceServiceRequest),
    /// Converted from another format.
    Converted(serde_json::Value),
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

    /// Receives OTLP/HTTP.
    pub(crate) fn otlp_router(&self) -> Router {
        self.router(Router::new().route(TRACES_PATH, post(otlp::export)))
    }

    /// Receives what Zipkin's API accepts.
    pub(crate) fn zipkin_router(&self) -> Router {
        self.router(Router::new().route(SPANS_PATH, post(zipkin::export)))
    }

    fn router(&self, router: Router<Collector>) -> Router {
        router
            .layer(DefaultBodyLimit::max(body::MAX_BODY_BYTES))
            .with_state(self.clone())
    }

    /// Keeps the `count` spans of a request.
    ///
    /// # Errors
    /// The HTTP answer, if they cannot be kept.
    async fn keep(&self, request: Request, count: u64) -> Result<(), (StatusCode, String)> {
        if count > 0 && self.writes.send(Write::Spans(request)).await.is_err() {
            let reason = "the spans cannot be written to disk".to_owned();
            return Err((StatusCode::SERVICE_UNAVAILABLE, reason));
        }
        self.spans.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until every span received so far can be read from the file. Gives `false` if writing
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
    /// Waits until everything is on disk. Call this when no [`Collector`] is left.
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
                // The caller may be gone.
                let _ = done.send(());
            }
        }
    }
    file.finish()
}
