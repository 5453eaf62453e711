//! The lab's page: its state, and the switch for its modes.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use baton_propagators::mode::Mode;
use baton_traces::shown::counted;
use serde::{Deserialize, Serialize};

use crate::controls::Controls;
use crate::status::{FunctionStatus, LabStatus};

/// The body of `POST /switch`: a mode for either function or both.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchRequest {
    /// The producer's new mode, as in `tracecontext,b3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// The consumer's new mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
}

/// `GET /` for people, `GET /status` for programs, `POST /switch` to change modes, `POST /flush`
/// before spans are read from the lab's directory.
pub(crate) fn router(controls: Arc<Controls>) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/status", get(status))
        .route("/switch", post(switch))
        .route("/flush", post(flush))
        .with_state(controls)
}

async fn status(State(controls): State<Arc<Controls>>) -> Json<LabStatus> {
    Json(controls.status())
}

async fn switch(
    State(controls): State<Arc<Controls>>,
    Json(request): Json<SwitchRequest>,
) -> Response {
    let mode = |text: Option<String>| text.map(|text| text.parse::<Mode>()).transpose();
    let refused = |status: StatusCode, message: String| {
        (status, Json(serde_json::json!({ "message": message }))).into_response()
    };
    match (mode(request.producer), mode(request.consumer)) {
        (Err(error), _) | (_, Err(error)) => refused(StatusCode::BAD_REQUEST, error.to_string()),
        (Ok(producer), Ok(consumer)) => {
            match Arc::clone(&controls).switch(producer, consumer).await {
                Ok(()) => Json(controls.status()).into_response(),
                Err(error) => refused(StatusCode::CONFLICT, error.to_string()),
            }
        }
    }
}

async fn flush(State(controls): State<Arc<Controls>>) -> StatusCode {
    if controls.flush_spans().await {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn front(State(controls): State<Arc<Controls>>) -> String {
    let LabStatus {
        version: _,
        addresses,
        producer,
        consumer,
        switches: _,
        records_delivered,
        records_undeliverable,
        spans,
        disk_problems,
    } = controls.status();
    let mut text = format!(
        "baton lab\n\n\
         endpoint   {}\n\
         Kinesis    {} (stream {})\n\
         collector  {}\n\
         Zipkin     {}\n\n",
        addresses.endpoint, addresses.kinesis, addresses.stream, addresses.otlp, addresses.zipkin
    );
    for (name, function) in [("producer", &producer), ("consumer", &consumer)] {
        describe(&mut text, name, function);
    }
    let _ = write!(
        text,
        "\nrecords delivered      {records_delivered}\n\
         records undeliverable  {records_undeliverable}\n\
         spans collected        {spans}\n"
    );
    for problem in disk_problems {
        let _ = writeln!(text, "\nthe disk: {problem}");
    }
    text
}

fn describe(text: &mut String, name: &str, function: &FunctionStatus) {
    let variables: Vec<_> = function
        .propagation
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let _ = writeln!(
        text,
        "{name}   {}; {}, {}, {}, {} waiting",
        match variables.is_empty() {
            true => "tracecontext,baggage".to_owned(),
            false => variables.join(" "),
        },
        counted(function.instances as u64, "instance"),
        counted(function.invocations, "invocation"),
        counted(function.errors, "error"),
        function.waiting
    );
}
