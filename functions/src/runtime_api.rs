//! The loop of a function: asks the Lambda Runtime API for an event, handles it, and answers
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).
//!
//! The types are those of `lambda_runtime`. Its own loop sets `_X_AMZN_TRACE_ID` in the environment
//! for every event, and glibc keeps every value that a variable ever had. A function that never
//! rests would grow by about 160 bytes with each event. Here, the trace id is only in the context.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use lambda_runtime::{Config, Context, Diagnostic, LambdaEvent};
use reqwest::{Client, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of the API, the first part of every path.
const VERSION: &str = "2018-06-01";
const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";

/// Why the loop ended.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeApiError {
    /// `AWS_LAMBDA_RUNTIME_API` is not set.
    #[error("AWS_LAMBDA_RUNTIME_API is not set; Lambda sets it, and `baton up` does so too")]
    NoAddress,
    /// The Runtime API does not answer, or its connection broke.
    #[error(transparent)]
    Connection(#[from] reqwest::Error),
    /// An event came without what every event has.
    #[error("the Lambda Runtime API sent an event without {0}")]
    Event(String),
}

/// Hands every event to `handle`, and its answer to the Runtime API. An event that is not what the
/// function expects, or that makes it panic, is answered with an error.
///
/// # Errors
/// When the Runtime API goes away.
pub(crate) async fn run<E, A, F>(
    handle: impl Fn(LambdaEvent<E>) -> F,
) -> Result<(), RuntimeApiError>
where
    E: DeserializeOwned,
    A: Serialize,
    F: Future<Output = A>,
{
    let api = RuntimeApi::from_environment()?;
    loop {
        let (context, event) = api.next().await?;
        let request_id = context.request_id.clone();
        let answer = match serde_json::from_slice(&event) {
            Ok(payload) => answer(handle(LambdaEvent::new(payload, context))).await,
            Err(error) => Err(Diagnostic {
                error_type: "Runtime.InvalidEvent".to_owned(),
                error_message: format!("the event cannot be read: {error}"),
            }),
        };
        api.answer(&request_id, answer).await?;
    }
}

async fn answer<A: Serialize>(handling: impl Future<Output = A>) -> Result<Vec<u8>, Diagnostic> {
    let handled = AssertUnwindSafe(handling).catch_unwind().await;
    let handled = handled.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Diagnostic {
            error_type: "Runtime.Panic".to_owned(),
            error_message: format!("the function panicked: {}", text.unwrap_or_default()),
        }
    })?;
    serde_json::to_vec(&handled).map_err(|error| Diagnostic {
        error_type: "Runtime.InvalidAnswer".to_owned(),
        error_message: error.to_string(),
    })
}

struct RuntimeApi {
    client: Client,
    address: String,
    config: Arc<Config>,
}

impl RuntimeApi {
    fn from_environment() -> Result<Self, RuntimeApiError> {
        let address =
            std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(|_| RuntimeApiError::NoAddress)?;
        let variable = |name| std::env::var(name).unwrap_or_default();
        let config = Config {
            function_name: variable("AWS_LAMBDA_FUNCTION_NAME"),
            memory: variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
                .parse()
                .unwrap_or_default(),
            version: variable("AWS_LAMBDA_FUNCTION_VERSION"),
            log_stream: variable("AWS_LAMBDA_LOG_STREAM_NAME"),
            log_group: variable("AWS_LAMBDA_LOG_GROUP_NAME"),
        };
        Ok(RuntimeApi {
            // an event may come after any time
            client: Client::builder().no_proxy().build()?,
            address: format!("http://{address}/{VERSION}/runtime/invocation"),
            config: Arc::new(config),
        })
    }

    async fn next(&self) -> Result<(Context, Vec<u8>), RuntimeApiError> {
        let event = self.client.get(format!("{}/next", self.address));
        let event = event.send().await?.error_for_status()?;
        let header = |name: &str| event.headers().get(name)?.to_str().ok();
        let missing = |name: &str| RuntimeApiError::Event(format!("the header {name}"));
        let request_id = header(REQUEST_ID).ok_or_else(|| missing(REQUEST_ID))?;
        // without it, the context panics
        header(DEADLINE).ok_or_else(|| missing(DEADLINE))?;
        let context = Context::new(request_id, Arc::clone(&self.config), event.headers());
        let context = context.map_err(|error| RuntimeApiError::Event(error.to_string()))?;
        Ok((context, event.bytes().await?.into()))
    }

    /// Lambda refuses some answers, such as one that is too long. That is for its log, and the next
    /// event comes all the same.
    async fn answer(
        &self,
        request_id: &str,
        answer: Result<Vec<u8>, Diagnostic>,
    ) -> Result<Response, reqwest::Error> {
        let request = match answer {
            Ok(answer) => {
                let address = format!("{}/{request_id}/response", self.address);
                self.client.post(address).body(answer)
            }
            Err(diagnostic) => {
                let address = format!("{}/{request_id}/error", self.address);
                let report = serde_json::json!(diagnostic).to_string();
                self.client
                    .post(address)
                    .header("lambda-runtime-function-error-type", diagnostic.error_type)
                    .body(report)
            }
        };
        request
            .header("content-type", "application/json")
            .send()
            .await
    }
}
