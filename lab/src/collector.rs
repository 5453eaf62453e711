//! The collector: receives spans as OTLP and in Zipkin's format, and writes them to a file.
//!
//! The file has the form of the OpenTelemetry Collector's file exporter: OTLP/JSON, one request per
//! line.

mod body;
mod otlp;
mod zipkin;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use baton_traces::run::span_file::SpanFile;
use baton_traces::shown::counted;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::error::LabError;
use crate::monitoring::{Disk, Kept, Watcher, disk};

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
    refused: Arc<AtomicU64>,
    disk: Disk,
    decoding: body::Limits,
}

/// The writer's tasks, in this order.
#[derive(Debug)]
enum Write {
    /// Keep these spans. The number is how many they are.
    Spans(Request, u64),
    /// Make everything so far readable in the file, and tell whether that worked.
    Flush(oneshot::Sender<bool>),
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
pub(crate) struct Writer {
    thread: std::thread::JoinHandle<Result<(), Unsaved>>,
    refused: Arc<AtomicU64>,
}

/// Spans that could not be written.
#[derive(Debug)]
struct Unsaved {
    spans: u64,
    reason: std::io::Error,
}

impl Collector {
    pub(crate) fn new(
        path: &Path,
        disk: Disk,
        watcher: Option<Arc<dyn Watcher>>,
    ) -> Result<(Self, Writer), LabError> {
        let explain = |reason| LabError::File {
            path: path.to_owned(),
            reason,
        };
        let file = SpanFile::append(path).map_err(explain)?;
        let (writes, queue) = mpsc::channel(WRITE_QUEUE);
        let writing = Writing {
            file,
            path: path.to_owned(),
            disk: disk.clone(),
            waiting: 0,
            flushed: Instant::now(),
            watcher,
        };
        let thread = std::thread::Builder::new()
            .name("span-writer".to_owned())
            .spawn(move || writing.write(queue))
            .map_err(explain)?;
        let refused = Arc::<AtomicU64>::default();
        let collector = Collector {
            writes,
            spans: Arc::default(),
            refused: Arc::clone(&refused),
            disk,
            decoding: body::Limits::new(),
        };
        Ok((collector, Writer { thread, refused }))
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
        router.with_state(self.clone())
    }

    /// Keeps the `count` spans of a request.
    ///
    /// # Errors
    /// The HTTP answer, if they cannot be kept.
    async fn keep(&self, request: Request, count: u64) -> Result<(), (StatusCode, String)> {
        // while the disk is full, the sender is told, and may send them again
        let is_kept = !self.disk.fails(Kept::Spans) || self.flush().await;
        let write = Write::Spans(request, count);
        if count > 0 && !(is_kept && self.writes.send(write).await.is_ok()) {
            self.refused.fetch_add(count, Ordering::Relaxed);
            let reason = "the spans cannot be written to disk".to_owned();
            return Err((StatusCode::SERVICE_UNAVAILABLE, reason));
        }
        self.spans.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    /// Keeps the `count` spans of a request in OTLP/JSON.
    ///
    /// # Errors
    /// The HTTP answer, if they cannot be kept.
    pub(crate) async fn keep_converted(
        &self,
        request: serde_json::Value,
        count: u64,
    ) -> Result<(), (StatusCode, String)> {
        self.keep(Request::Converted(request), count).await
    }

    /// Waits until every span received so far can be read from the file. Returns `false` if writing
    /// failed.
    pub(crate) async fn flush(&self) -> bool {
        let (done, flushed) = oneshot::channel();
        self.writes.send(Write::Flush(done)).await.is_ok() && flushed.await.unwrap_or(false)
    }

    /// Spans received so far.
    pub(crate) fn spans(&self) -> u64 {
        self.spans.load(Ordering::Relaxed)
    }
}

impl Writer {
    /// Waits until everything is on disk. Call this when no [`Collector`] is left. Returns what was
    /// not saved, as a sentence.
    pub(crate) async fn finish(self) -> Option<String> {
        let refused = self.refused.load(Ordering::Relaxed);
        let ended = tokio::task::spawn_blocking(move || self.thread.join()).await;
        let (spans, reason) = match ended {
            Ok(Ok(Ok(()))) if refused == 0 => return None,
            Ok(Ok(Ok(()))) => (refused, "the disk was full for a time".to_owned()),
            Ok(Ok(Err(unsaved))) => (refused + unsaved.spans, unsaved.reason.to_string()),
            _ => return Some("spans are missing: the span writer ended early".to_owned()),
        };
        Some(format!("{} not saved: {reason}", counted(spans, "span")))
    }
}

/// The state of the writer's thread.
struct Writing {
    file: SpanFile,
    path: PathBuf,
    disk: Disk,
    /// Spans that are not in the file yet.
    waiting: u64,
    /// When the last attempt to write was made.
    flushed: Instant,
    watcher: Option<Arc<dyn Watcher>>,
}

impl Writing {
    fn write(mut self, mut queue: mpsc::Receiver<Write>) -> Result<(), Unsaved> {
        let mut json = Vec::new();
        while let Some(write) = queue.blocking_recv() {
            match write {
                Write::Spans(request, count) => {
                    json.clear();
                    // the types of OTLP and JSON values always serialize
                    if serde_json::to_writer(&mut json, &request).is_ok() {
                        self.waiting += count;
                        let written = self.file.write_request(&json);
                        let _ = self.note(written);
                        if let Some(watcher) = &self.watcher {
                            watcher.spans(&json);
                        }
                    }
                    if self.flushed.elapsed() > FLUSH_INTERVAL {
                        let _ = self.flush();
                    }
                }
                Write::Flush(done) => {
                    // the caller may be gone
                    let _ = done.send(self.flush().is_ok());
                }
            }
        }
        self.flush().map_err(|reason| Unsaved {
            spans: self.waiting,
            reason,
        })?;
        let finished = self.file.finish();
        finished.map_err(|error| Unsaved {
            spans: 0,
            reason: disk::about(&self.path, &error),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        let written = self.file.flush();
        self.note(written)?;
        self.waiting = 0;
        Ok(())
    }

    fn note(&self, written: io::Result<()>) -> io::Result<()> {
        let written = written.map_err(|error| disk::about(&self.path, &error));
        self.disk.note(Kept::Spans, written)
    }
}
