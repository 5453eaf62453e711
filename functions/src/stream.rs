//! Puts records on the Kinesis stream.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::put_record::PutRecordError;
use aws_sdk_kinesis::primitives::Blob;

use crate::configuration::settings::StreamSettings;

mod transport;

/// Kinesis' limit for one record, data and partition key together, in bytes
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>).
pub(crate) const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// Error codes that mean that the stream has no room now. Kinesis' model lists none of them for
/// `PutRecord`.
const NO_ROOM: [&str; 2] = ["LimitExceededException", "ServiceUnavailable"];

/// A stream on which records are put.
#[derive(Debug)]
pub(crate) struct Stream {
    client: Client,
    name: String,
}

/// Where Kinesis put a record.
#[derive(Debug)]
pub(crate) struct Placement {
    pub(crate) shard_id: String,
    pub(crate) sequence_number: String,
}

/// Why Kinesis did not accept a record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutError {
    /// The shard has reached its throughput limit.
    #[error("the stream {stream} is over its throughput limit: {reason}")]
    Throttled { stream: String, reason: String },
    /// There is no such stream.
    #[error("the stream {stream} does not exist; create it or set KINESIS_STREAM to one that does")]
    NoSuchStream { stream: String },
    /// Anything else: refused, unreachable, timed out.
    #[error("Kinesis did not take the record for the stream {stream}: {reason}")]
    Other { stream: String, reason: String },
}

impl Stream {
    /// A client for a stream with the settings and credentials of the Lambda environment.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub(crate) fn new(settings: &StreamSettings) -> Result<Self, reqwest::Error> {
        let aws = &settings.aws;
        let mut config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(transport::client()?)
            .region(Region::new(aws.region.clone()))
            .credentials_provider(Credentials::new(
                aws.access_key_id.clone(),
                aws.secret_access_key.clone(),
                aws.session_token.clone(),
                None,
                "environment",
            ));
        if let Some(endpoint) = &aws.kinesis_endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(Stream {
            client: Client::from_conf(config.build()),
            name: settings.name.clone(),
        })
    }

    /// The stream's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Puts one record. The partition key chooses the shard. `xray_trace_id` is that of the
    /// invocation; AWS uses it to detect a function that calls itself in a loop.
    ///
    /// # Errors
    /// If Kinesis did not confirm the record, even after the SDK's retries.
    pub(crate) async fn put(
        &self,
        data: Vec<u8>,
        partition_key: &str,
        xray_trace_id: Option<&str>,
    ) -> Result<Placement, PutError> {
        let xray_trace_id = xray_trace_id.unwrap_or_default().to_owned();
        let output = self
            .client
            .put_record()
            .stream_name(&self.name)
            .partition_key(partition_key)
            .data(Blob::new(data))
            .customize()
            .mutate_request(move |request| {
                // the SDK would take it from the environment, where this runtime does not set it
                let is_valid = xray_trace_id.bytes().all(|byte| byte.is_ascii_graphic());
                if is_valid && !xray_trace_id.is_empty() {
                    let headers = request.headers_mut();
                    headers.insert("x-amzn-trace-id", xray_trace_id.clone());
                }
            })
            .send()
            .await
            .map_err(|error| self.explain(&error))?;
        Ok(Placement {
            shard_id: output.shard_id,
            sequence_number: output.sequence_number,
        })
    }

    fn explain(&self, error: &SdkError<PutRecordError>) -> PutError {
        let stream = self.name.clone();
        let reason = || DisplayErrorContext(error).to_string();
        let code = error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code);
        if code.is_some_and(|code| NO_ROOM.contains(&code)) {
            return PutError::Throttled {
                stream,
                reason: reason(),
            };
        }
        match error.as_service_error() {
            Some(PutRecordError::ResourceNotFoundException(_)) => PutError::NoSuchStream { stream },
            Some(
                PutRecordError::ProvisionedThroughputExceededException(_)
                | PutRecordError::KmsThrottlingException(_),
            ) => PutError::Throttled {
                stream,
                reason: reason(),
            },
            _ => PutError::Other {
                stream,
                reason: reason(),
            },
        }
    }
}
