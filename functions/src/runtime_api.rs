//! The loop of a function: asks the Lambda Runtime API for an event, handles it, and answers
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).
//!
//! The types are those of `lambda_runtime`. Its own loop sets `_X_AMZN_TRACE_ID` in the environment
//! for every event, and glibc keeps every value that a variable ever had. So a function that
//! handles many events would grow by about 160 bytes with each. Here, the trace id is only in the
//! context.

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
    /// An event lacks a header that every event has.
    #[error("the Lambda Runtime API sent an event without {0}")]
    Event(String),
}

/// Passes every event to `handle`, and the answer to the Runtime API. If the event cannot be read,
/// or the function panics, the answer is an error.
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
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API");
    let address = address.map_err(|_| RuntimeApiError::NoAddress)?;
    serve(&RuntimeApi::at(&address)?, handle).await
}

async fn serve<E, A, F>(
    api: &RuntimeApi,
    handle: impl Fn(LambdaEvent<E>) -> F,
) -> Result<(), RuntimeApiError>
where
    E: DeserializeOwned,
    A: Serialize,
    F: Future<Output = A>,
{
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
    /// The Runtime API at `address`, a host with its port.
    fn at(address: &str) -> Result<Self, reqwest::Error> {
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
            // without a timeout, because the next event may come at any time
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

    /// Lambda refuses some answers, such as one that is too long. It logs the refusal, and the next
    /// event still comes.
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::{StatusCode, Uri};
    use axum::response::IntoResponse;
    use axum::routing::{get, post};

    use super::*;

    #[tokio::test]
    async fn every_event_is_answered_and_the_environment_stays_as_it_is() {
        // a number is handled, text is not a number, and the third number makes it panic
        const EVENTS: [&str; 3] = ["1", "\"x\"", "3"];
        let given = Arc::<AtomicUsize>::default();
        let next = move || {
            let number = given.fetch_add(1, Ordering::Relaxed);
            let headers = [
                (REQUEST_ID, format!("r{number}")),
                (DEADLINE, "4102444800000".to_owned()),
                ("lambda-runtime-trace-id", format!("Root=1-{number}")),
            ];
            std::future::ready(match EVENTS.get(number) {
                Some(event) => (headers, *event).into_response(),
                None => StatusCode::GONE.into_response(),
            })
        };
        let seen = Arc::<Mutex<Vec<(String, String)>>>::default();
        let answers = Arc::clone(&seen);
        let answer = move |uri: Uri, body: String| {
            let path = uri.path().rsplit("invocation/").next().unwrap_or_default();
            let mut answers = answers.lock().expect("no panic");
            answers.push((path.to_owned(), body));
            std::future::ready(StatusCode::ACCEPTED)
        };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .fallback(post(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });

        let api = RuntimeApi::at(&address).expect("a client");
        let handle = |event: LambdaEvent<u32>| async move {
            assert!(event.payload < 3, "three is too much");
            format!("{} {:?}", event.payload, event.context.xray_trace_id)
        };
        let ended = serve(&api, handle).await.expect_err("no more events");
        assert!(ended.to_string().contains("410"), "{ended}");
        let seen = seen.lock().expect("no panic");
        let [first, second, third] = &seen[..] else {
            panic!("{seen:?}")
        };
        assert_eq!(first.0, "r0/response");
        assert_eq!(first.1, r#""1 Some(\"Root=1-0\")""#);
        assert_eq!(second.0, "r1/error");
        assert!(second.1.contains("the event cannot be read"), "{second:?}");
        assert_eq!(third.0, "r2/error");
        assert!(third.1.contains("three is too much"), "{third:?}");
        // glibc would keep every value that this variable ever had
        assert_eq!(std::env::var_os("_X_AMZN_TRACE_ID"), None);
    }
}
