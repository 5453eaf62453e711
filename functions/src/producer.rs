//! The producer: puts a request's body on the stream, together with the trace context.

use baton_propagators::lambda::envelope;
use baton_propagators::{Extraction, HeaderList, Propagation, otel};
use lambda_runtime::LambdaEvent;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use serde_json::value::RawValue;

use crate::configuration::Configuration;
use crate::http_event::{HttpAnswer, HttpEvent, HttpRequest};
use crate::invocation::{self, ColdStart};
use crate::log::{Event, Level, Log};
use crate::record;
use crate::stream::{MAX_RECORD_BYTES, PutError, Stream};
use crate::telemetry::{self, Telemetry};

/// The producer Lambda.
pub(crate) struct Producer {
    propagation: Propagation,
    stream: Stream,
    telemetry: Telemetry,
    service_name: String,
    cold_start: ColdStart,
}

/// The status and message of the HTTP answer.
struct Answer {
    status: u16,
    message: String,
}

impl Answer {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Answer {
            status,
            message: message.into(),
        }
    }
}

impl Producer {
    pub(crate) fn new(configuration: &Configuration, stream: Stream, telemetry: Telemetry) -> Self {
        Producer {
            propagation: configuration.propagation.clone(),
            stream,
            telemetry,
            service_name: configuration.telemetry.service_name.clone(),
            cold_start: ColdStart::default(),
        }
    }

    /// Handles one request: extract, server span, put, answer. When it returns, spans and log lines
    /// have left the process or were dropped.
    pub(crate) async fn handle(&self, event: LambdaEvent<HttpEvent>) -> HttpAnswer {
        let request = HttpRequest::from(event.payload);
        let mut log = Log::new(&self.service_name);
        let extraction = self
            .propagation
            .extract_with_environment(&request.headers, event.context.xray_trace_id.as_deref());
        let parent = otel::context(&extraction, &Context::new());
        let context = self.start_server_span(&request, &extraction, &parent, &event.context);

        let xray_trace_id = event.context.xray_trace_id.as_deref();
        let Answer { status, message } = self
            .produce(&request, &context, xray_trace_id, &mut log)
            .await;

        let span = context.span();
        span.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(status),
        ));
        if status >= 500 {
            span.set_attribute(KeyValue::new("error.type", status.to_string()));
            span.set_status(Status::error(message.clone()));
        }
        span.end();
        let ids = self
            .telemetry
            .ids(span.span_context(), parent.span().span_context());
        let level = match status {
            0..500 => Level::Info,
            _ => Level::Error,
        };
        let answered = Event::Request {
            request_id: request.request_id.as_deref(),
            status,
        };
        log.line(level, &message, answered, ids.as_ref());
        log.refusals(&extraction, ids.as_ref());
        self.telemetry
            .flush(invocation::time_left(&event.context), &mut log)
            .await;
        log.flush();
        request.answer(status, &message)
    }

    fn start_server_span(
        &self,
        request: &HttpRequest,
        extraction: &Extraction,
        parent: &Context,
        invocation: &lambda_runtime::Context,
    ) -> Context {
        let route = request.route.as_deref();
        let name = match route {
            Some(route) => format!("{} {route}", request.method),
            None => request.method.clone(),
        };
        let mut attributes = Vec::with_capacity(16);
        attributes.extend(invocation::attributes(
            invocation,
            "http",
            self.cold_start.is_first(),
        ));
        attributes.extend([
            KeyValue::new("http.request.method", request.method.clone()),
            KeyValue::new("url.path", request.path.clone()),
            KeyValue::new("url.scheme", request.scheme.clone()),
        ]);
        let optional = [
            ("http.route", route),
            ("aws.request_id", request.request_id.as_deref()),
            ("server.address", request.host.as_deref()),
            (
                "network.protocol.version",
                request.protocol_version.as_deref(),
            ),
            ("client.address", request.client_address.as_deref()),
            ("user_agent.original", request.user_agent.as_deref()),
        ];
        attributes.extend(
            optional
                .into_iter()
                .filter_map(|(key, value)| Some(KeyValue::new(key, value?.to_owned()))),
        );
        attributes.extend(telemetry::context_attributes(parent));
        if let Ok(body) = &request.body {
            attributes.extend(record::attributes(body));
        }
        let span = self
            .telemetry
            .tracer()
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes)
            .with_links(telemetry::links(otel::links(
                extraction,
                self.propagation.on_conflict,
            )));
        parent.with_span(self.telemetry.tracer().build_with_context(span, parent))
    }

    /// Checks the body and puts it on the stream, with a send span.
    async fn produce(
        &self,
        request: &HttpRequest,
        context: &Context,
        xray_trace_id: Option<&str>,
        log: &mut Log,
    ) -> Answer {
        let body = match &request.body {
            Ok(body) => body,
            Err(fault) => return Answer::new(400, fault.to_string()),
        };
        let body: &RawValue = match serde_json::from_str(body) {
            Ok(body) => body,
            Err(error) => {
                return Answer::new(400, format!("The message body is not valid JSON: {error}"));
            }
        };

        let send = self.start_send_span(context);
        let span = send.span();
        let mut carrier = HeaderList::new();
        otel::inject(&self.propagation, &send, &mut carrier);
        let carrier_bytes =
            (!self.propagation.inject.is_none()).then(|| envelope::carrier_bytes(&carrier));
        let record = envelope::record(&self.propagation.inject, body.get(), &carrier);
        let partition_key = match request.request_id.as_deref() {
            Some(request_id) if !request_id.is_empty() => request_id.to_owned(),
            _ => span.span_context().span_id().to_string(),
        };
        let size = record.len() + partition_key.len();
        if size > MAX_RECORD_BYTES {
            let message = format!(
                "The record has {size} bytes with its trace context and partition key; Kinesis takes at most {MAX_RECORD_BYTES}"
            );
            span.set_status(Status::error(message.clone()));
            span.end();
            return Answer::new(413, message);
        }
        span.set_attribute(KeyValue::new(
            "messaging.message.envelope.size",
            record.len() as i64,
        ));
        if let Some(bytes) = carrier_bytes {
            span.set_attribute(KeyValue::new("baton.carrier_bytes", bytes as i64));
        }

        let ids = self
            .telemetry
            .ids(span.span_context(), context.span().span_context());
        let request_id = request.request_id.as_deref();
        let stream = self.stream.name();
        match self
            .stream
            .put(record.as_bytes().to_vec(), &partition_key, xray_trace_id)
            .await
        {
            Ok(placement) => {
                span.set_attribute(KeyValue::new(
                    "messaging.message.id",
                    placement.sequence_number.clone(),
                ));
                span.set_attribute(KeyValue::new(
                    "messaging.destination.partition.id",
                    placement.shard_id.clone(),
                ));
                span.end();
                let event = Event::RecordSent {
                    request_id,
                    stream,
                    shard_id: &placement.shard_id,
                    sequence_number: &placement.sequence_number,
                    carrier_bytes,
                    record: serde_json::from_str(&record).ok(),
                };
                log.line(
                    Level::Info,
                    "message placed in the event stream",
                    event,
                    ids.as_ref(),
                );
                Answer::new(200, format!("Message placed in the Event Stream: {stream}"))
            }
            Err(error) => {
                span.set_status(Status::error(error.to_string()));
                span.end();
                let event = Event::RecordRefused { request_id, stream };
                log.line(Level::Error, &error.to_string(), event, ids.as_ref());
                match error {
                    PutError::Throttled { .. } => Answer::new(
                        503,
                        "The stream is over its throughput limit; try again later",
                    ),
                    PutError::NoSuchStream { .. } | PutError::Other { .. } => {
                        Answer::new(500, "Internal server error")
                    }
                }
            }
        }
    }

    fn start_send_span(&self, context: &Context) -> Context {
        let stream = self.stream.name();
        let span = self
            .telemetry
            .tracer()
            .span_builder(format!("send {stream}"))
            .with_kind(SpanKind::Producer)
            .with_attributes(telemetry::context_attributes(context).chain([
                KeyValue::new("messaging.system", "aws_kinesis"),
                KeyValue::new("messaging.operation.type", "send"),
                KeyValue::new("messaging.operation.name", "PutRecord"),
                KeyValue::new("messaging.destination.name", stream.to_owned()),
            ]));
        context.with_span(self.telemetry.tracer().build_with_context(span, context))
    }
}
