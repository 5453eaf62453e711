//! What an OTLP server says about a request that it accepted only in part
//! (<https://opentelemetry.io/docs/specs/otlp/#partial-success>). The exporter does not report it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use prost::Message;

/// How much of the server's message is repeated, in characters.
const MAX_MESSAGE: usize = 300;

/// `ExportTraceServiceResponse`, as far as it matters here.
#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// `ExportTracePartialSuccess`.
#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// Spans that the server rejected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    pub(super) spans: usize,
    pub(super) message: String,
}

/// The rejection in the newest answer. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Rejection(Arc<Mutex<Option<Rejected>>>);

impl Rejection {
    /// The rejection in the newest answer, once.
    pub(super) fn take(&self) -> Option<Rejected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A client that notes rejections here.
    pub(super) fn noted_by<C: HttpClient>(&self, client: C) -> impl HttpClient + use<C> {
        NotingClient {
            client,
            rejection: self.clone(),
        }
    }
}

#[derive(Debug)]
struct NotingClient<C> {
    client: C,
    rejection: Rejection,
}

#[async_trait]
impl<C: HttpClient> HttpClient for NotingClient<C> {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.client.send_bytes(request).await?;
        let rejected = match response.status().is_success() {
            true => rejected(response.body()),
            false => None,
        };
        *self
            .rejection
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = rejected;
        Ok(response)
    }
}

/// The rejection in the body of an answer. A body that is not such an answer rejects nothing.
fn rejected(body: &[u8]) -> Option<Rejected> {
    let partial = Answer::decode(body).ok()?.partial_success?;
    let spans = usize::try_from(partial.rejected_spans).ok()?;
    let message = partial.error_message.chars().take(MAX_MESSAGE).collect();
    (spans > 0).then_some(Rejected { spans, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_spans_are_counted_with_the_message_of_the_server() {
        let answer = |rejected_spans, error_message: &str| Answer {
            partial_success: Some(PartialSuccess {
                rejected_spans,
                error_message: error_message.to_owned(),
            }),
        };
        let expected = Rejected {
            spans: 3,
            message: "quota".to_owned(),
        };
        assert_eq!(
            rejected(&answer(3, "quota").encode_to_vec()),
            Some(expected)
        );
        for body in [
            answer(0, "a warning").encode_to_vec(),
            answer(-1, "").encode_to_vec(),
            Vec::new(),
            b"<html>".to_vec(),
        ] {
            assert_eq!(rejected(&body), None, "{body:?}");
        }
    }
}
