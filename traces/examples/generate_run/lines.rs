//! The lines for a message, with the fields and their order as the lab's collector, the load
//! generator and the functions write them.

use std::fmt::Write as _;

use baton_propagators::lambda::envelope;
use baton_propagators::{HeaderList, SpanId, TraceId};
use jiff::Timestamp;
use serde_json::json;

const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const PRODUCER: u8 = 4;
const CONSUMER: u8 = 5;
/// The end of every span that has neither events nor links.
const NOTHING_MORE: &str = r#""droppedAttributesCount":0,"events":[],"droppedEventsCount":0,"links":[],"droppedLinksCount":0,"status":{"message":"","code":0}}"#;

/// A span's ids, its parent's id, and its times in nanoseconds since the epoch.
pub(crate) struct Work {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) parent_is_remote: bool,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// One message.
pub(crate) struct Message {
    pub(crate) request_id: String,
    pub(crate) shard: u64,
    pub(crate) instance: u64,
    pub(crate) sequence_number: String,
    pub(crate) name: &'static str,
    pub(crate) superpower: &'static str,
    pub(crate) headers: HeaderList,
    /// Whether the headers reached the consumer.
    pub(crate) arrived: bool,
    pub(crate) client: Work,
    pub(crate) server: Work,
    pub(crate) send: Work,
    pub(crate) record: Work,
    pub(crate) invocation: Work,
}

/// The producer's export for one request.
pub(crate) fn producer_request(message: &Message) -> String {
    let mut line = function_request("producer", message.instance);
    span(&mut line, &message.send, "send baton", PRODUCER);
    text(&mut line, "messaging.system", "aws_kinesis");
    text(&mut line, "messaging.operation.type", "send");
    text(&mut line, "messaging.operation.name", "PutRecord");
    text(&mut line, "messaging.destination.name", "baton");
    let envelope = message.envelope().len();
    number(&mut line, "messaging.message.envelope.size", envelope);
    if !message.headers.is_empty() {
        let bytes = envelope::carrier_bytes(&message.headers);
        number(&mut line, "baton.carrier_bytes", bytes);
    }
    text(&mut line, "messaging.message.id", &message.sequence_number);
    shard(&mut line, message);
    end_attributes(&mut line);
    line.push_str(NOTHING_MORE);
    line.push(',');
    span(&mut line, &message.server, "POST /producer", SERVER);
    text(&mut line, "faas.invocation_id", &message.invocation_id(1));
    text(&mut line, "faas.trigger", "http");
    line.push_str(r#"{"key":"faas.coldstart","value":{"boolValue":false}},"#);
    resource_id(&mut line, "producer");
    text(&mut line, "http.request.method", "POST");
    text(&mut line, "url.path", "/dev/producer");
    text(&mut line, "url.scheme", "http");
    text(&mut line, "http.route", "/producer");
    text(&mut line, "aws.request_id", &message.request_id);
    text(&mut line, "server.address", "127.0.0.1");
    text(&mut line, "network.protocol.version", "1.1");
    text(&mut line, "client.address", "127.0.0.1");
    text(&mut line, "user_agent.original", "baton/0.1.0");
    body(&mut line, message);
    number(&mut line, "http.response.status_code", 200);
    end_attributes(&mut line);
    line.push_str(NOTHING_MORE);
    line.push_str(r#"],"schemaUrl":""}],"schemaUrl":""}]}"#);
    line
}

/// The consumer's export for an invocation with one record.
pub(crate) fn consumer_request(message: &Message) -> String {
    let mut line = function_request("consumer", message.shard);
    span(&mut line, &message.record, "Kinesis.getRecord", CONSUMER);
    processing(&mut line, message);
    text(&mut line, "messaging.message.id", &message.sequence_number);
    let envelope = message.envelope().len();
    number(&mut line, "messaging.message.envelope.size", envelope);
    body(&mut line, message);
    end_attributes(&mut line);
    line.push_str(NOTHING_MORE);
    line.push(',');
    span(&mut line, &message.invocation, "process baton", CONSUMER);
    text(&mut line, "faas.invocation_id", &message.invocation_id(2));
    text(&mut line, "faas.trigger", "pubsub");
    line.push_str(r#"{"key":"faas.coldstart","value":{"boolValue":false}},"#);
    resource_id(&mut line, "consumer");
    processing(&mut line, message);
    number(&mut line, "messaging.batch.message_count", 1);
    end_attributes(&mut line);
    line.push_str(r#""droppedAttributesCount":0,"events":[],"droppedEventsCount":0,"links":["#);
    if let Some(parent) = message.record.parent {
        write!(
            line,
            r#"{{"traceId":"{}","spanId":"{parent}","traceState":"","attributes":[],"droppedAttributesCount":0,"flags":769}}"#,
            message.record.trace_id
        )
        .expect("memory");
    }
    line.push_str(r#"],"droppedLinksCount":0,"status":{"message":"","code":0}}"#);
    line.push_str(r#"],"schemaUrl":""}],"schemaUrl":""}]}"#);
    line
}

/// The load generator's line with some requests.
pub(crate) fn client_request(messages: impl Iterator<Item = Message>) -> String {
    let mut line = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"client"}}]},"scopeSpans":[{"scope":{"name":"baton-loadgen","version":"0.1.0"},"spans":["#.to_owned();
    for message in messages {
        let Work {
            trace_id, span_id, ..
        } = message.client;
        write!(
            line,
            r#"{{"traceId":"{trace_id}","spanId":"{span_id}","flags":257,"name":"POST","kind":{CLIENT},"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":["#,
            message.client.start, message.client.end
        )
        .expect("memory");
        text(&mut line, "aws.request_id", &message.request_id);
        text(&mut line, "http.request.method", "POST");
        text(&mut line, "url.full", "http://127.0.0.1:3000/dev/producer");
        text(&mut line, "server.address", "127.0.0.1");
        number(&mut line, "server.port", 3000);
        number(&mut line, "http.response.status_code", 200);
        end_attributes(&mut line);
        line.push_str(r#""status":{}},"#);
    }
    line.pop();
    line.push_str("]}]}]}");
    line
}

/// The producer's log lines for one request: the record that it sent, and the answer.
pub(crate) fn producer_log(message: &Message) -> String {
    let envelope = message.envelope();
    let carrier_bytes = match message.headers.is_empty() {
        true => String::new(),
        false => format!(
            r#""carrier_bytes":{},"#,
            envelope::carrier_bytes(&message.headers)
        ),
    };
    let Message {
        request_id,
        shard,
        sequence_number,
        ..
    } = message;
    format!(
        r#"{{"timestamp":"{}","level":"INFO","service":"producer-lambda","message":"message placed in the event stream","event":"record.sent","request_id":"{request_id}","stream":"baton","shard_id":"shardId-{shard:012}","sequence_number":"{sequence_number}",{carrier_bytes}"record":{envelope},{}}}
{{"timestamp":"{}","level":"INFO","service":"producer-lambda","message":"Message placed in the Event Stream: baton","event":"request","request_id":"{request_id}","status":200,{}}}
"#,
        timestamp(message.send.end),
        ids(&message.send),
        timestamp(message.server.end),
        ids(&message.server),
    )
}

/// The consumer's log line for one record.
pub(crate) fn consumer_log(message: &Message) -> String {
    let headers = message.headers.iter().filter(|_| message.arrived);
    let headers: serde_json::Map<_, _> = headers
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    format!(
        r#"{{"timestamp":"{}","level":"INFO","service":"consumer-lambda","message":"record received with its trace context","event":"record.received","stream":"baton","shard_id":"shardId-{:012}","sequence_number":"{}","tracecontext":{},"record":{},{}}}
"#,
        timestamp(message.record.end),
        message.shard,
        message.sequence_number,
        json!(headers),
        message.body(),
        ids(&message.record),
    )
}

fn timestamp(nanoseconds: u64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).expect("a time of this century")
}

fn ids(work: &Work) -> String {
    format!(
        r#""trace_id":"{}","span_id":"{}","parent_span_id":"{}","parent_is_remote":{},"sampled":true"#,
        work.trace_id,
        work.span_id,
        parent(work.parent),
        work.parent_is_remote
    )
}

fn parent(parent: Option<SpanId>) -> String {
    parent.map_or_else(String::new, |parent| parent.to_string())
}

fn function_request(function: &str, instance: u64) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"telemetry.sdk.version","value":{{"stringValue":"0.33.1"}}}},{{"key":"service.name","value":{{"stringValue":"{function}-lambda"}}}},{{"key":"telemetry.sdk.name","value":{{"stringValue":"opentelemetry"}}}},{{"key":"telemetry.sdk.language","value":{{"stringValue":"rust"}}}},{{"key":"cloud.provider","value":{{"stringValue":"aws"}}}},{{"key":"cloud.platform","value":{{"stringValue":"aws_lambda"}}}},{{"key":"cloud.region","value":{{"stringValue":"us-east-1"}}}},{{"key":"faas.name","value":{{"stringValue":"{function}"}}}},{{"key":"faas.version","value":{{"stringValue":"$LATEST"}}}},{{"key":"faas.instance","value":{{"stringValue":"{function}/{instance}"}}}}],"droppedAttributesCount":0,"entityRefs":[]}},"scopeSpans":[{{"scope":{{"name":"baton","version":"","attributes":[],"droppedAttributesCount":0}},"spans":["#
    )
}

fn span(line: &mut String, work: &Work, name: &str, kind: u8) {
    let flags = if work.parent_is_remote { 769 } else { 257 };
    write!(
        line,
        r#"{{"traceId":"{}","spanId":"{}","traceState":"","parentSpanId":"{}","flags":{flags},"name":"{name}","kind":{kind},"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":["#,
        work.trace_id,
        work.span_id,
        parent(work.parent),
        work.start,
        work.end
    )
    .expect("memory");
}

fn text(line: &mut String, key: &str, value: &str) {
    write!(
        line,
        r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}},"#
    )
    .expect("memory");
}

fn number(line: &mut String, key: &str, value: usize) {
    write!(
        line,
        r#"{{"key":"{key}","value":{{"intValue":"{value}"}}}},"#
    )
    .expect("memory");
}

fn processing(line: &mut String, message: &Message) {
    text(line, "messaging.system", "aws_kinesis");
    text(line, "messaging.operation.type", "process");
    text(line, "messaging.operation.name", "process");
    text(line, "messaging.destination.name", "baton");
    shard(line, message);
}

fn shard(line: &mut String, message: &Message) {
    let shard = format!("shardId-{:012}", message.shard);
    text(line, "messaging.destination.partition.id", &shard);
}

fn resource_id(line: &mut String, function: &str) {
    let id = format!("arn:aws:lambda:us-east-1:000000000000:function:{function}");
    text(line, "cloud.resource_id", &id);
}

fn body(line: &mut String, message: &Message) {
    text(line, "custom.tag.name", message.name);
    text(line, "custom.tag.superpower", message.superpower);
}

fn end_attributes(line: &mut String) {
    line.pop();
    line.push_str("],");
}
