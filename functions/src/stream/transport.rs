//! Sends the requests of the AWS SDK with reqwest, which also sends the spans. The SDK's own client
//! would be a second HTTP stack in every function, and takes long to build.

use std::time::Duration;

use aws_sdk_kinesis::config::SharedHttpClient;
use aws_sdk_kinesis::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use reqwest::Client;

use crate::http_client;

/// As in the SDK's own client, which has no other timeout for one attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);

/// An HTTP client for the SDK's configuration.
///
/// # Errors
/// If TLS cannot be set up.
pub(super) fn client() -> Result<SharedHttpClient, reqwest::Error> {
    let client = http_client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .build()?;
    let connector = SharedHttpConnector::new(Transport(client));
    Ok(http_client_fn(move |_, _| connector.clone()))
}

#[derive(Debug)]
struct Transport(Client);

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = convert(request).map_err(ConnectorError::user)?;
            let response = client.execute(request).await.map_err(kind)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.bytes().await.map_err(kind)?;
            let mut response = http::Response::new(body.into());
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            HttpResponse::try_from(response)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Kinesis' requests are in memory, so that a retry can send them again.
fn convert(
    request: HttpRequest,
) -> Result<reqwest::Request, Box<dyn std::error::Error + Send + Sync>> {
    let request = request.try_into_http1x()?;
    let request = request.map(|body| body.bytes().map(<[u8]>::to_vec));
    if request.body().is_none() {
        return Err("the request's body is a stream".into());
    }
    let request = request.map(Option::unwrap_or_default);
    Ok(request.try_into()?)
}

/// The SDK retries what is a timeout or a broken connection.
fn kind(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
