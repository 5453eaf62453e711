//! The destinations of spans: one sink for each exporter in the settings.

use opentelemetry_http::HttpClient;
use opentelemetry_otlp::{ExporterBuildError, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::partial_success::{Rejected, Rejection};
use super::zipkin::ZipkinExporter;
use crate::configuration::settings::{Exporter, TelemetrySettings};
use crate::http_client;
use crate::splunk::SplunkIngest;

/// One exporter. It has no `Debug`, because an exporter's `Debug` shows its headers, and one holds
/// the token.
pub(super) enum SpanSink {
    Otlp(Box<opentelemetry_otlp::SpanExporter>, Rejection),
    Zipkin(ZipkinExporter),
    Console(opentelemetry_stdout::SpanExporter),
}

/// An exporter that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the {exporter} exporter cannot be set up: {reason}")]
pub(crate) struct ExporterError {
    exporter: Exporter,
    reason: String,
}

impl SpanSink {
    /// The sink of `exporter`.
    ///
    /// # Errors
    /// When the exporter refuses its own settings, for example an endpoint that is not a URL.
    pub(super) fn new(
        exporter: Exporter,
        settings: &TelemetrySettings,
    ) -> Result<Self, ExporterError> {
        let explain = |reason: String| ExporterError { exporter, reason };
        match exporter {
            Exporter::Otlp => {
                let splunk = settings.splunk.as_ref();
                let client = otlp_client(splunk).map_err(|error| explain(error.to_string()))?;
                let rejection = Rejection::default();
                let exporter = otlp(splunk, rejection.noted_by(client));
                let exporter = exporter.map_err(|error| explain(error.to_string()))?;
                Ok(SpanSink::Otlp(Box::new(exporter), rejection))
            }
            Exporter::Zipkin => ZipkinExporter::new(&settings.service_name)
                .map(SpanSink::Zipkin)
                .map_err(explain),
            Exporter::Console => Ok(SpanSink::Console(
                opentelemetry_stdout::SpanExporter::default(),
            )),
        }
    }

    pub(super) async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self {
            SpanSink::Otlp(exporter, _) => exporter.export(batch).await,
            SpanSink::Zipkin(exporter) => exporter.export(batch).await,
            SpanSink::Console(exporter) => exporter.export(batch).await,
        }
    }

    /// Spans of the last export that the server rejected although it took the request.
    pub(super) fn rejected(&self) -> Option<Rejected> {
        match self {
            SpanSink::Otlp(_, rejection) => rejection.take(),
            SpanSink::Zipkin(_) | SpanSink::Console(_) => None,
        }
    }

    pub(super) fn set_resource(&mut self, resource: &Resource) {
        match self {
            SpanSink::Otlp(exporter, _) => exporter.set_resource(resource),
            // of a resource, Zipkin only has the service's name, which the exporter already knows
            SpanSink::Zipkin(_) => {}
            SpanSink::Console(exporter) => exporter.set_resource(resource),
        }
    }
}

/// The client for OTLP. For Splunk it sends the token.
fn otlp_client(splunk: Option<&SplunkIngest>) -> Result<reqwest::Client, reqwest::Error> {
    let client = http_client::builder();
    let client = match splunk {
        Some(ingest) => client.default_headers(ingest.headers()),
        None => client,
    };
    client.build()
}

/// OTLP over HTTP with `client`: to Splunk, or to the endpoint in the environment.
fn otlp(
    splunk: Option<&SplunkIngest>,
    client: impl HttpClient + 'static,
) -> Result<opentelemetry_otlp::SpanExporter, ExporterBuildError> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary);
    let exporter = match splunk {
        Some(ingest) => exporter.with_endpoint(ingest.endpoint()),
        None => exporter,
    };
    exporter.build()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::response::IntoResponse;
    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_http::{Bytes, HttpError, Request, Response};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;
    use crate::telemetry::FinishedSpans;

    /// A test cannot have the ingest's name and certificate, so its requests go unchanged to a
    /// local server.
    #[derive(Debug)]
    struct Rerouted {
        client: reqwest::Client,
        to: SocketAddr,
        addresses: Arc<Mutex<Vec<String>>>,
    }

    #[async_trait]
    impl HttpClient for Rerouted {
        async fn send_bytes(
            &self,
            mut request: Request<Bytes>,
        ) -> Result<Response<Bytes>, HttpError> {
            let address = std::mem::take(request.uri_mut());
            *request.uri_mut() = format!("http://{}{}", self.to, address.path()).parse()?;
            self.addresses
                .lock()
                .expect("no panic")
                .push(address.to_string());
            self.client.send_bytes(request).await
        }
    }

    type Seen = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

    /// A server that answers with this status, puts the token into its answer, and redirects to
    /// itself.
    async fn ingest(status: StatusCode) -> (SocketAddr, Seen) {
        let seen = Seen::default();
        let remembered = Arc::clone(&seen);
        let handler = move |uri: axum::http::Uri, headers: HeaderMap, body: Bytes| {
            let mut seen = remembered.lock().expect("no panic");
            seen.push((uri.path().to_owned(), headers, body));
            let answer = (status, [("location", "/elsewhere")], "no hush-hush");
            std::future::ready(answer.into_response())
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0");
        let listener = listener.await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, app).await });
        (address, seen)
    }

    fn span() -> Vec<SpanData> {
        let finished = FinishedSpans::default();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(finished.clone())
            .build();
        drop(provider.tracer("test").start("something"));
        finished.take()
    }

    #[tokio::test]
    async fn no_redirect_is_followed() {
        for status in [StatusCode::FOUND, StatusCode::TEMPORARY_REDIRECT] {
            let (to, seen) = ingest(status).await;
            let client = Rerouted {
                client: otlp_client(None).expect("a client"),
                to,
                addresses: Arc::default(),
            };
            let exporter = otlp(None, client).expect("an exporter");
            let exported = exporter.export(span()).await;
            let said = exported.expect_err("it did not arrive").to_string();
            assert!(said.contains(status.as_str()), "{said}");
            let answered = http_client::builder().build().expect("a client");
            let answered = answered.get(format!("http://{to}")).send().await;
            assert_eq!(answered.expect("an answer").status(), status);
            let seen = seen.lock().expect("no panic");
            assert!(seen.iter().all(|(path, ..)| path != "/elsewhere"));
        }
    }

    #[tokio::test]
    async fn splunk_alone_gets_protobuf_with_the_token() {
        let splunk = SplunkIngest::new("us0", "hush-hush").expect("valid");
        for (status, error) in [
            (StatusCode::OK, None),
            (StatusCode::UNAUTHORIZED, Some("status code: 401")),
            (StatusCode::PERMANENT_REDIRECT, Some("status code: 308")),
        ] {
            let (to, seen) = ingest(status).await;
            let addresses = Arc::default();
            let client = Rerouted {
                client: otlp_client(Some(&splunk)).expect("a client"),
                to,
                addresses: Arc::clone(&addresses),
            };
            let exporter = otlp(Some(&splunk), client).expect("an exporter");
            assert!(!format!("{exporter:?}").contains("hush"));
            let exported = exporter.export(span()).await;
            match error {
                None => exported.expect("it arrives"),
                Some(words) => {
                    let said = exported.expect_err("it does not");
                    let said = format!("{said} {said:?}");
                    assert!(said.contains(words) && !said.contains("hush"), "{said}");
                }
            }
            assert_eq!(
                *addresses.lock().expect("no panic"),
                ["https://ingest.us0.signalfx.com/v2/trace/otlp"]
            );
            let seen = seen.lock().expect("no panic");
            assert_eq!(seen.len(), 1, "{status}: no redirect is followed");
            let (path, headers, body) = &seen[0];
            assert_eq!(path, "/v2/trace/otlp");
            assert_eq!(headers["content-type"], "application/x-protobuf");
            assert_eq!(headers["x-sf-token"], "hush-hush");
            let name = b"something";
            assert!(body.windows(name.len()).any(|part| part == name));
            assert!(!body.windows(4).any(|part| part == b"hush"));
        }
    }
}
