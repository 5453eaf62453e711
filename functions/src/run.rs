//! Starts a function and keeps it running until the Lambda Runtime API goes away.

use baton_propagators::lambda::Function;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use lambda_runtime::LambdaEvent;

use crate::configuration::Configuration;
use crate::consumer::Consumer;
use crate::http_event::HttpEvent;
use crate::kinesis_event::KinesisEvent;
use crate::log::{Event, Level, Log};
use crate::producer::Producer;
use crate::runtime_api::{self, RuntimeApiError};
use crate::stream::Stream;
use crate::telemetry::Telemetry;

/// Why a function did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment is wrong: all problems, one sentence each.
    #[error("{0}")]
    Configuration(String),
    /// The Runtime API could not be reached, or its connection broke.
    #[error("the Lambda Runtime API ended the function: {0}")]
    Runtime(#[source] RuntimeApiError),
}

/// Runs `function` with the configuration of the process environment until the Runtime API ends it.
///
/// # Errors
/// [`StartError::Configuration`] if the environment is wrong. It has been reported to the Runtime
/// API as an init error, and in the log. [`StartError::Runtime`] if the Runtime API goes away.
pub fn run(function: Function) -> BoxFuture<'static, Result<(), StartError>> {
    // boxed, so that it is compiled here and not again in every program
    Box::pin(run_here(function))
}

async fn run_here(function: Function) -> Result<(), StartError> {
    let (configuration, telemetry, stream) = match configure(function) {
        Ok(configured) => configured,
        Err(message) => {
            report_init_error(function, &message).await;
            return Err(StartError::Configuration(message));
        }
    };
    match stream {
        Some(stream) => {
            let producer = Arc::new(Producer::new(&configuration, stream, telemetry));
            let handle = move |event: LambdaEvent<HttpEvent>| {
                let producer = Arc::clone(&producer);
                async move { producer.handle(event).await }
            };
            runtime_api::run(handle).await
        }
        None => {
            let consumer = Arc::new(Consumer::new(&configuration, telemetry));
            let handle = move |event: LambdaEvent<KinesisEvent>| {
                let consumer = Arc::clone(&consumer);
                async move { consumer.handle(event).await }
            };
            runtime_api::run(handle).await
        }
    }
    .map_err(StartError::Runtime)
}

type Configured = (Configuration, Telemetry, Option<Stream>);

fn configure(function: Function) -> Result<Configured, String> {
    let configuration = Configuration::from_environment(function, |name| {
        // A value that is not UTF-8 becomes a value that no setting accepts.
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    })
    .map_err(|problems| {
        let sentences: Vec<_> = problems.iter().map(ToString::to_string).collect();
        sentences.join("; ")
    })?;
    let telemetry = Telemetry::new(&configuration.telemetry).map_err(|error| error.to_string())?;
    let stream = configuration.stream.as_ref().map(Stream::new);
    let stream = stream
        .transpose()
        .map_err(|error| format!("the client for Kinesis cannot be made: {error}"))?;
    Ok((configuration, telemetry, stream))
}

/// Reports why the function cannot start
/// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>).
async fn report_init_error(function: Function, message: &str) {
    let mut log = Log::new(function.service_name());
    log.line(Level::Error, message, Event::InitError, None);
    log.flush();
    let Ok(runtime_api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    let report =
        serde_json::json!({ "errorType": "Runtime.InvalidConfiguration", "errorMessage": message });
    // The process also ends with this message, for its parent.
    let Ok(client) = reqwest::Client::builder().no_proxy().build() else {
        return;
    };
    let _ = client
        .post(format!(
            "http://{runtime_api}/2018-06-01/runtime/init/error"
        ))
        .header("content-type", "application/json")
        .body(report.to_string())
        .send()
        .await;
}
