//! The modes: what is set, what the chosen ones would do, and the switch.

use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use baton_lab::SwitchRequest;
use baton_propagators::{Engine, Mode, OnConflict, Propagation, Select};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Shared, fragments, sentence};
use crate::frame;
use crate::mode_forecast::{Hop, Modes};
use crate::settings;

/// The modes that the page offers, besides the present ones.
pub(super) const OFFERED: [&str; 12] = [
    "none",
    "tracecontext",
    "b3",
    "b3multi",
    "tracecontext,b3",
    "b3,tracecontext",
    "tracecontext,baggage",
    "jaeger",
    "xray",
    "datadog",
    "ottrace",
    "tracecontext,b3multi",
];

/// What was chosen in the form; what is missing is as the lab has it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Chosen {
    client: Option<String>,
    producer: Option<String>,
    consumer: Option<String>,
    engine: Option<String>,
    select: Option<String>,
    on_conflict: Option<String>,
}

/// One list of the form.
pub(super) struct Choice {
    pub(super) label: &'static str,
    pub(super) name: &'static str,
    pub(super) options: Vec<String>,
    pub(super) chosen: String,
    /// What the options mean; may be empty.
    pub(super) help: &'static str,
}

#[derive(Template)]
#[template(path = "fragments/prediction.html")]
struct PredictionFragment {
    hops: Vec<Hop>,
    refused: Option<String>,
}

/// The chosen modes. A choice that is not valid counts as not made.
pub(super) fn chosen(shared: &Shared, chosen: &Chosen) -> Modes {
    let status = shared.controls.status();
    let producer = settings::of(&status.producer.propagation).unwrap_or_default();
    let consumer = settings::of(&status.consumer.propagation).unwrap_or_default();
    Modes {
        client: read(chosen.client.as_ref(), || shared.page.client()),
        producer: read(chosen.producer.as_ref(), || producer.inject.clone()),
        consumer: read(chosen.consumer.as_ref(), || consumer.extract.clone()),
        engine: read(chosen.engine.as_ref(), || consumer.engine),
        select: read(chosen.select.as_ref(), || consumer.select),
        on_conflict: read(chosen.on_conflict.as_ref(), || consumer.on_conflict),
    }
}

fn read<T: std::str::FromStr>(text: Option<&String>, otherwise: impl Fn() -> T) -> T {
    let read = text.and_then(|text| text.parse().ok());
    read.unwrap_or_else(otherwise)
}

/// Whether engine, selection or policy is not the default.
pub(super) fn settings_differ(modes: &Modes) -> bool {
    let plain = Propagation::default();
    (modes.engine, modes.select, modes.on_conflict)
        != (plain.engine, plain.select, plain.on_conflict)
}

/// The form's lists of modes, in the order of the hand-offs.
pub(super) fn modes(modes: &Modes) -> Vec<Choice> {
    let list = |label, name, mode: &Mode, help| {
        let chosen = mode.to_string();
        let mut options: Vec<String> = OFFERED.map(str::to_owned).into();
        if !options.contains(&chosen) {
            options.insert(0, chosen.clone());
        }
        Choice {
            label,
            name,
            options,
            chosen,
            help,
        }
    };
    let as_curl = "With none the page sends as curl does: without trace headers, and without a span. The first hop is then not judged.";
    vec![
        list("Client", "client", &modes.client, as_curl),
        list("Producer", "producer", &modes.producer, ""),
        list("Consumer", "consumer", &modes.consumer, ""),
    ]
}

/// The form's lists of engine, selection and policy.
pub(super) fn settings(modes: &Modes) -> Vec<Choice> {
    let setting = |label, name, options: &[&str], chosen: &str, help| Choice {
        label,
        name,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        chosen: chosen.to_owned(),
        help,
    };
    vec![
        setting(
            "Engine",
            "engine",
            Engine::NAMES,
            modes.engine.as_str(),
            "Whose code reads and writes headers. native is baton's own. otel is that of OpenTelemetry's Rust crates.",
        ),
        setting(
            "Selection",
            "select",
            Select::NAMES,
            modes.select.as_str(),
            "Which context a function continues if several are valid: that of the last format in its mode, \
             as OpenTelemetry does, or of the first, as Datadog does.",
        ),
        setting(
            "Conflicts",
            "on_conflict",
            OnConflict::NAMES,
            modes.on_conflict.as_str(),
            "What a function does if valid contexts disagree. keep continues the selected one. link also links \
             to the others. restart starts a new trace with links to all.",
        ),
    ]
}

/// What the modes will do, as a part of the page.
pub(super) fn prediction(modes: &Modes) -> String {
    let prediction = modes.predict();
    frame::render(&PredictionFragment {
        hops: prediction
            .ingress
            .into_iter()
            .chain(prediction.record)
            .collect(),
        refused: prediction.refused,
    })
}

/// What the modes in the address would do.
pub(super) async fn preview(State(shared): State<Shared>, Query(asked): Query<Chosen>) -> Response {
    let modes = chosen(&shared, &asked);
    frame::html(StatusCode::OK, prediction(&modes))
}

/// Switches to the chosen modes, as `baton switch` does.
pub(super) async fn switch(State(shared): State<Shared>, Json(asked): Json<Chosen>) -> Response {
    let client = match asked.client.as_deref().map(str::parse::<Mode>).transpose() {
        Ok(client) => client,
        Err(error) => return sentence(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let Shared { page, controls } = &shared;
    let request = SwitchRequest {
        producer: asked.producer,
        consumer: asked.consumer,
        engine: asked.engine,
        select: asked.select,
        on_conflict: asked.on_conflict,
    };
    match controls.clone().switch(&request).await {
        Ok(_) => {
            let now = fragments::time_of_day(Timestamp::now());
            let mut said = format!("In effect since {now}.");
            if let Some(client) = client {
                let (running, _) = page.bursts.state();
                // a period names the mode with which its requests were sent
                if running.is_some_and(|burst| *burst.client() != client) {
                    said.push_str(
                        " The client's mode stays until the burst ends. Switch again then.",
                    );
                } else {
                    page.live.set_client(client);
                }
            }
            sentence(StatusCode::OK, said)
        }
        Err(error) => sentence(error.http_status(), error.to_string()),
    }
}
