//! Reads and unpacks the body of a request, with limits on the memory of all requests together.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName};
use flate2::read::MultiGzDecoder;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest body in bytes, as it is sent. The Collector's limit is 20 MiB too.
const MAX_BODY_BYTES: usize = 20 * 1024 * 1024;
/// The longest body in bytes after it was unpacked.
const MAX_UNPACKED_BYTES: usize = 64 * 1024 * 1024;
/// The most memory that a decoded body may take, in bytes.
pub(super) const MAX_DECODED_BYTES: usize = 128 * 1024 * 1024;
/// The most bytes of bodies that are being received at the same time.
const MAX_RECEIVED_BYTES: usize = 256 * 1024 * 1024;
/// How many bodies are decoded at the same time. The others wait.
const MAX_DECODING: usize = 2;
/// The memory of bodies is counted in pieces of this many bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// How long a sender may pause while it sends a body.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// The answer to a request that is refused.
pub(super) type Refusal = (StatusCode, String);

/// What all requests share.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pieces: Arc<Semaphore>,
    decoding: Arc<Semaphore>,
}

/// A body, and its share of the memory.
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

impl Limits {
    pub(super) fn new() -> Self {
        Limits {
            pieces: Arc::new(Semaphore::new(MAX_RECEIVED_BYTES / PIECE_BYTES)),
            decoding: Arc::new(Semaphore::new(MAX_DECODING)),
        }
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// 413 for a body that is too long, 503 if too much is being received, 400 or 408 for a body
    /// that breaks off.
    pub(super) async fn receive(&self, mut body: Body) -> Result<Received, Refusal> {
        let mut received = Received {
            bytes: Vec::new(),
            _share: None,
        };
        let mut counted = 0;
        loop {
            let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
            let data = match tokio::time::timeout(MAX_PAUSE, frame).await {
                Ok(None) => return Ok(received),
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
                Ok(Some(Err(_))) => {
                    let reason = "the body breaks off".to_owned();
                    return Err((StatusCode::BAD_REQUEST, reason));
                }
                Err(_) => {
                    let reason = "the rest of the body did not arrive".to_owned();
                    return Err((StatusCode::REQUEST_TIMEOUT, reason));
                }
            };
            let size = received.bytes.len() + data.len();
            if size > MAX_BODY_BYTES {
                return Err(too_large(format!(
                    "the body has more than {MAX_BODY_BYTES} bytes"
                )));
            }
            while counted < size {
                let piece = Arc::clone(&self.pieces).try_acquire_owned();
                let piece = piece.map_err(|_| {
                    let reason = "too much is being received at once; send it again later";
                    (StatusCode::SERVICE_UNAVAILABLE, reason.to_owned())
                })?;
                match &mut received._share {
                    Some(share) => share.merge(piece),
                    share => *share = Some(piece),
                }
                counted += PIECE_BYTES;
            }
            received.bytes.extend_from_slice(&data);
        }
    }

    /// Runs `decode` on a thread for blocking work, when it is its turn.
    ///
    /// # Errors
    /// Those of `decode`.
    pub(super) async fn decode<T: Send + 'static>(
        &self,
        decode: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        // the semaphore is never closed
        let _turn = self.decoding.acquire().await;
        let decoded = tokio::task::spawn_blocking(decode).await;
        decoded.unwrap_or_else(|error| Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())))
    }
}

/// The answer to a body that would take too much memory.
pub(super) fn too_large(reason: String) -> Refusal {
    (StatusCode::PAYLOAD_TOO_LARGE, reason)
}

/// The content type without its parameters; empty if there is none.
pub(super) fn content_type(headers: &HeaderMap) -> &str {
    let value = text(headers, CONTENT_TYPE);
    value.split(';').next().unwrap_or_default().trim()
}

/// The body, decompressed if its headers say that it is compressed.
///
/// # Errors
/// What is wrong with it.
pub(super) fn unpack<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
    match text(headers, CONTENT_ENCODING) {
        "" | "identity" => Ok(Cow::Borrowed(body)),
        "gzip" => gunzip(body).map(Cow::Owned),
        other => Err((
            StatusCode::BAD_REQUEST,
            format!("content-encoding is {other:?}; only gzip is understood"),
        )),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn gunzip(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut unpacked = Vec::new();
    // a body may have several members (RFC 1952, section 2.2)
    MultiGzDecoder::new(body)
        .take(MAX_UNPACKED_BYTES as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| {
            let reason = format!("the body is not valid gzip: {error}");
            (StatusCode::BAD_REQUEST, reason)
        })?;
    if unpacked.len() > MAX_UNPACKED_BYTES {
        return Err(too_large(format!(
            "the body unpacks to more than {MAX_UNPACKED_BYTES} bytes"
        )));
    }
    Ok(unpacked)
}
