//! Zipkin v2 JSON, by the `opentelemetry-zipkin` crate.
#![expect(
    deprecated,
    reason = "Zipkin takes OTLP too, which the crate recommends; those who need its own format still have it"
)]

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use serde_json::{Map, Value, json};

/// The crate's exporter, plus what it leaves out.
pub(super) struct ZipkinExporter(opentelemetry_zipkin::ZipkinExporter);

impl ZipkinExporter {
    /// Exports spans of the service `service_name` to the endpoint in the environment.
    ///
    /// # Errors
    /// What is wrong with the endpoint, or why the HTTP client cannot be made.
    pub(super) fn new(service_name: &str) -> Result<Self, String> {
        let client = crate::http_client::builder().build();
        let client = NamingClient {
            client: client.map_err(|error| error.to_string())?,
            service_name: service_name.to_owned(),
        };
        opentelemetry_zipkin::ZipkinExporter::builder()
            .with_http_client(client)
            .build()
            .map(ZipkinExporter)
            .map_err(|error| error.to_string())
    }

    pub(super) async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.export(batch).await
    }
}

/// Names the service in every span. The crate knows no resource, and in Zipkin a span's service is
/// in its local endpoint
/// (<https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/#resource>).
#[derive(Debug)]
struct NamingClient {
    client: reqwest::Client,
    service_name: String,
}

#[async_trait]
impl HttpClient for NamingClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut spans: Vec<Map<String, Value>> = serde_json::from_slice(request.body())?;
        for span in &mut spans {
            let local_endpoint = json!({ "serviceName": self.service_name });
            span.insert("localEndpoint".to_owned(), local_endpoint);
        }
        // built from the address, so that a user and password in it become a header and do not
        // appear in errors
        let sent = self
            .client
            .post(request.uri().to_string())
            .headers(request.headers().clone())
            .body(serde_json::to_vec(&spans)?)
            .send()
            .await
            .map_err(reqwest::Error::without_url)?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = sent.status();
        Ok(response)
    }
}
