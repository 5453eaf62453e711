//! The service that the W3C trace-context conformance harness drives
//! (<https://github.com/w3c/trace-context/tree/main/test>).
//!
//! A POST holds a JSON array of `{"url": …, "arguments": […]}`. For each element, in order, the
//! service POSTs `arguments` to `url`, with the context of a child of the incoming span.
//!
//! ```text
//! cargo run --example w3c_test_service -- --engine native --port 5000
//! python test.py http://127.0.0.1:5000/test
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{Router, post};
use baton_propagators::{Engine, Mode, Propagation, otel};
use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;

const USAGE: &str = "usage: w3c_test_service [--engine native|otel] [--port N]";

/// One request that the harness asks for.
#[derive(Deserialize)]
struct Action {
    url: String,
    #[serde(default)]
    arguments: Value,
}

#[derive(Clone)]
struct Service {
    propagation: Propagation,
    tracer: SdkTracer,
    client: reqwest::Client,
}

#[tokio::main]
async fn main() -> ExitCode {
    let (engine, port) = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(engine, port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(engine: Engine, port: u16) -> Result<(), Box<dyn std::error::Error>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, service(engine)?).await?;
    Ok(())
}

/// The engine and the port on the command line.
fn arguments(given: impl Iterator<Item = String>) -> Result<(Engine, u16), String> {
    let (mut engine, mut port) = (Engine::Native, 0);
    let mut given = given;
    while let Some(argument) = given.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, given.next()),
        };
        let value = value.ok_or_else(|| format!("{name} has no value"))?;
        let wrong = |reason: &dyn std::fmt::Display| format!("{name} {value}: {reason}");
        match name.as_str() {
            "--engine" => engine = value.parse().map_err(|reason| wrong(&reason))?,
            "--port" => port = value.parse().map_err(|reason| wrong(&reason))?,
            _ => return Err(format!("unknown argument {name}")),
        }
    }
    Ok((engine, port))
}

/// The service. It answers on every path.
pub(crate) fn service(engine: Engine) -> Result<Router, Box<dyn std::error::Error>> {
    let propagation = Propagation {
        engine,
        ..Propagation::from("tracecontext".parse::<Mode>()?)
    };
    let service = Service {
        propagation,
        tracer: SdkTracerProvider::builder()
            .build()
            .tracer("w3c_test_service"),
        client: reqwest::Client::builder().no_proxy().build()?,
    };
    Ok(Router::new().fallback_service(post(act).with_state(service)))
}

async fn act(
    State(service): State<Service>,
    headers: HeaderMap,
    Json(actions): Json<Vec<Action>>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let parent = otel::context(&service.propagation.extract(&headers), &Context::new());
    let server = service.tracer.start_with_context("POST", &parent);
    let server = parent.with_span(server);
    for Action { url, arguments } in actions {
        let client = service.tracer.start_with_context("callback", &server);
        let cx = server.with_span(client);
        let mut outgoing = HeaderMap::new();
        otel::inject(&service.propagation, &cx, &mut outgoing);
        let body = if arguments.is_null() {
            Value::Array(Vec::new())
        } else {
            arguments
        };
        let request = service.client.post(&url).headers(outgoing).json(&body);
        let answer = request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        answer.map_err(|error| (StatusCode::BAD_GATEWAY, format!("{url}: {error}")))?;
    }
    Ok(Json(Value::Null))
}
