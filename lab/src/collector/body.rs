//! Unpacks the body of a request.

use std::borrow::Cow;
use std::io::Read;

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName};
use flate2::read::GzDecoder;

/// Bounds a request in bytes, before and after decompression.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// The content type without its parameters; empty if there is none.
pub(super) fn content_type(headers: &HeaderMap) -> &str {
    let value = text(headers, CONTENT_TYPE);
    value.split(';').next().unwrap_or_default().trim()
}

/// The body, decompressed if its headers say that it is compressed.
///
/// # Errors
/// What is wrong with it.
pub(super) fn unpack<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
    match text(headers, CONTENT_ENCODING) {
        "" | "identity" => Ok(Cow::Borrowed(body)),
        "gzip" => gunzip(body).map(Cow::Owned),
        other => Err(format!(
            "content-encoding is {other:?}; only gzip is understood"
        )),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn gunzip(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    GzDecoder::new(body)
        .take(MAX_BODY_BYTES as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| format!("the body is not valid gzip: {error}"))?;
    if unpacked.len() > MAX_BODY_BYTES {
        return Err(format!(
            "the body unpacks to more than {MAX_BODY_BYTES} bytes"
        ));
    }
    Ok(unpacked)
}
