//! The consumer: reads a batch of records and continues the trace of each.

use std::time::SystemTime;

use baton_propagators::lambda::envelope::{self, Record};
use baton_propagators::{Extraction, HeaderList, Propagation, otel};
use lambda_runtime::LambdaEvent;
use opentelemetry::trace::{SpanContext, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use crate::configuration::Configuration;
use crate::configuration::settings::Relation;
use crate::invocation::{self, ColdStart};
use crate::kinesis_event::{KinesisEvent, KinesisEventResponse, KinesisRecord};
use crate::log::{Event, Level, Log};
use crate::record;
use crate::telemetry::{self, Telemetry};

/// The name of the span of one record, as in the workshop.
const RECORD_SPAN_NAME: &str = "Kinesis.getRecord";

/// The consumer Lambda.
pub(crate) struct Consumer {
    propagation: Propagation,
    relation: Relation,
    telemetry: Telemetry,
    service_name: String,
    cold_start: ColdStart,
}

/// A record with readable data, and its context.
struct Arrival<'a> {
    source: &'a KinesisRecord,
    record: Record<'a>,
    size: usize,
    extraction: Extraction,
    arrived: SystemTime,
}

impl Arrival<'_> {
    /// The context of the span that sent the record, if the consumer continues it.
    fn sender(&self) -> Option<SpanContext> {
        self.extraction.context().map(otel::span_context)
    }
}

impl Consumer {
    pub(crate) fn new(configuration: &Configuration, telemetry: Telemetry) -> Self {
        Consumer {
            propagation: configuration.propagation.clone(),
            relation: configuration.relation,
            telemetry,
            service_name: configuration.telemetry.service_name.clone(),
            cold_start: ColdStart::default(),
        }
    }

    /// Handles one batch. A record that cannot be read is reported as a batch item failure, and the
    /// batch ends there, because Lambda delivers everything from the first failure again.
    pub(crate) async fn handle(&self, event: LambdaEvent<KinesisEvent>) -> KinesisEventResponse {
        let started = SystemTime::now();
        let mut log = Log::new(&self.service_name);
        let mut response = KinesisEventResponse::default();
        let mut data = Vec::with_capacity(event.payload.records.len());
        for record in &event.payload.records {
            match record.data() {
                Ok(bytes) => data.push((record, bytes)),
                Err(error) => {
                    let failed = Event::RecordFailed {
                        stream: record.stream(),
                        shard_id: record.shard_id(),
                        sequence_number: record.sequence_number(),
                    };
                    let message =
                        format!("the record's data is not base64 ({error}); asking for it again");
                    log.line(Level::Error, &message, failed, None);
                    response.add_failure(record);
                    break;
                }
            }
        }
        let arrivals: Vec<_> = data
            .iter()
            .map(|(record, data)| self.arrival(record, data))
            .collect();

        let invocation = self.start_invocation_span(&arrivals, started, &event);
        for arrival in &arrivals {
            self.handle_record(arrival, &invocation, &mut log);
        }
        if response.has_failures() {
            invocation
                .span()
                .set_attribute(KeyValue::new("error.type", "batch_item_failure"));
        }
        invocation.span().end();
        self.telemetry
            .flush(invocation::time_left(&event.context), &mut log)
            .await;
        log.flush();
        response
    }

    fn arrival<'a>(&self, source: &'a KinesisRecord, data: &'a [u8]) -> Arrival<'a> {
        let arrived = SystemTime::now();
        let record = envelope::decode(data);
        let extraction = match record.headers() {
            Some(headers) => self.propagation.extract(headers),
            None => self.propagation.extract(&HeaderList::new()),
        };
        Arrival {
            source,
            record,
            size: data.len(),
            extraction,
            arrived,
        }
    }

    fn start_invocation_span(
        &self,
        arrivals: &[Arrival<'_>],
        started: SystemTime,
        event: &LambdaEvent<KinesisEvent>,
    ) -> Context {
        let stream = event
            .payload
            .records
            .first()
            .map_or("", KinesisRecord::stream);
        let shard_id = event
            .payload
            .records
            .first()
            .map_or("", KinesisRecord::shard_id);
        let senders = arrivals.iter().filter_map(Arrival::sender);
        let mut attributes = Vec::with_capacity(12);
        attributes.extend(invocation::attributes(
            &event.context,
            "pubsub",
            self.cold_start.is_first(),
        ));
        attributes.extend(messaging_attributes(stream, shard_id));
        attributes.push(KeyValue::new(
            "messaging.batch.message_count",
            event.payload.records.len() as i64,
        ));
        let span = self
            .telemetry
            .tracer()
            .span_builder(format!("process {stream}"))
            .with_kind(SpanKind::Consumer)
            .with_start_time(started)
            .with_attributes(attributes)
            .with_links(telemetry::links(senders));
        let root = Context::new();
        root.with_span(self.telemetry.tracer().build_with_context(span, &root))
    }

    /// Makes one span and one log line for the record. The span's parent is the context that
    /// arrived with it. Without a context, or if the relation is a link, the record stays in the
    /// invocation's trace.
    fn handle_record(&self, arrival: &Arrival<'_>, invocation: &Context, log: &mut Log) {
        let extraction = &arrival.extraction;
        let on_conflict = self.propagation.on_conflict;
        let sender = arrival.sender();
        let mut links = otel::links(extraction, on_conflict);
        let arriving = otel::context(extraction, &Context::new());
        let parent = match (&sender, self.relation) {
            (Some(_), Relation::Parent) => arriving.clone(),
            (Some(sender), Relation::Link) => {
                links.push(sender.clone());
                invocation.clone()
            }
            // a restarted trace is new, not part of the invocation's trace
            (None, _) if !links.is_empty() => Context::new(),
            (None, _) => otel::context(extraction, invocation),
        };
        let tracecontext = arrival.record.headers();
        let body = arrival.record.body();

        let (stream, shard_id) = (arrival.source.stream(), arrival.source.shard_id());
        let sequence_number = arrival.source.sequence_number();
        let mut attributes = Vec::with_capacity(12);
        attributes.extend(messaging_attributes(stream, shard_id));
        attributes.push(KeyValue::new(
            "messaging.message.id",
            sequence_number.to_owned(),
        ));
        attributes.push(KeyValue::new(
            "messaging.message.envelope.size",
            arrival.size as i64,
        ));
        attributes.extend(telemetry::context_attributes(&arriving));
        attributes.extend(body.into_iter().flat_map(record::attributes));
        let span = self
            .telemetry
            .tracer()
            .span_builder(RECORD_SPAN_NAME)
            .with_kind(SpanKind::Consumer)
            .with_start_time(arrival.arrived)
            .with_attributes(attributes)
            .with_links(telemetry::links(links));
        let context = parent.with_span(self.telemetry.tracer().build_with_context(span, &parent));
        let message = match (&sender, body) {
            (_, None) => "record received, it is not JSON",
            (Some(_), _) => "record received with its trace context",
            (None, _) if tracecontext.is_some() => {
                "record received, no trace context could be read from it"
            }
            (None, _) => "record received without trace context",
        };
        let event = Event::RecordReceived {
            stream,
            shard_id,
            sequence_number,
            tracecontext,
            record: body.and_then(|body| serde_json::from_str(body).ok()),
        };
        let ids = self
            .telemetry
            .ids(context.span().span_context(), parent.span().span_context());
        log.line(Level::Info, message, event, ids.as_ref());
        log.refusals(extraction, ids.as_ref());
        context.span().end();
    }
}

fn messaging_attributes(stream: &str, shard_id: &str) -> [KeyValue; 5] {
    [
        KeyValue::new("messaging.system", "aws_kinesis"),
        KeyValue::new("messaging.operation.type", "process"),
        KeyValue::new("messaging.operation.name", "process"),
        KeyValue::new("messaging.destination.name", stream.to_owned()),
        KeyValue::new("messaging.destination.partition.id", shard_id.to_owned()),
    ]
}
