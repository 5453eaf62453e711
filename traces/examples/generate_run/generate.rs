//! Generates a run's messages from a seed, and writes its files.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use baton_propagators::lambda::envelope;
use baton_propagators::{
    Engine, HeaderList, Pairing, Propagation, Sampling, SpanId, TraceContext, TraceId,
};
use baton_traces::run::span_file::SpanFile;
use baton_traces::run::{Function, Manifest, RunDirectory};
use baton_traces::version::Version;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, json};

use super::lines::{self, Message, Work};

/// The start of a generated run, in nanoseconds since the epoch.
const START: u64 = 1_767_225_600_000_000_000;
/// The time between the starts of two requests, in nanoseconds: 2,500 requests per second.
const PACE: u64 = 400_000;
/// The most client spans that the load generator writes on a line.
const MAX_SPANS_PER_LINE: u64 = 200;
const SHARDS: u64 = 2;
const INSTANCES: u64 = 4;

/// What to generate.
pub(crate) struct Plan {
    pub(crate) messages: u64,
    pub(crate) out: PathBuf,
    pub(crate) pairing: Pairing,
    /// The share of records whose headers get lost, in percent.
    pub(crate) broken_percent: f64,
    pub(crate) seed: u64,
}

/// Generates the run that `plan` describes.
pub(crate) fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let run = RunDirectory::create(&plan.out)?;
    run.clear()?;
    let producer = Propagation::from(plan.pairing.producer.clone());
    let consumer = Propagation::from(plan.pairing.consumer.clone());
    let message = |index| Message::new(plan, &producer, &consumer, index);

    let mut spans = run.append_spans()?;
    let log = |function| File::create(run.log_path(function)).map(BufWriter::new);
    let mut producer_log = log(Function::Producer)?;
    let mut consumer_log = log(Function::Consumer)?;
    for index in 0..plan.messages {
        let message = message(index);
        spans.write_request(lines::producer_request(&message).as_bytes())?;
        spans.write_request(lines::consumer_request(&message).as_bytes())?;
        producer_log.write_all(lines::producer_log(&message).as_bytes())?;
        consumer_log.write_all(lines::consumer_log(&message).as_bytes())?;
    }
    producer_log.flush()?;
    consumer_log.flush()?;
    write_clients(plan.messages, message, &mut spans)?;
    spans.finish()?;

    let load = json!({"requests": {"sent": plan.messages, "ok": plan.messages, "failed": 0}});
    std::fs::write(run.load_path(), load.to_string())?;
    run.write_manifest(&manifest(plan)?)?;
    Ok(())
}

/// Writes the client's spans last, as `baton run` adds them after the burst.
fn write_clients(
    messages: u64,
    message: impl Fn(u64) -> Message,
    spans: &mut SpanFile,
) -> Result<(), Box<dyn Error>> {
    let mut start = 0;
    while start < messages {
        let end = messages.min(start + MAX_SPANS_PER_LINE);
        let line = lines::client_request((start..end).map(&message));
        spans.write_request(line.as_bytes())?;
        start = end;
    }
    Ok(())
}

fn manifest(plan: &Plan) -> Result<Manifest, Box<dyn Error>> {
    let start = Timestamp::from_nanosecond(START.into())?;
    let duration = SignedDuration::from_nanos(i64::try_from(plan.messages * PACE)?);
    let mut settings = Map::new();
    settings.insert("client".to_owned(), json!(plan.pairing.producer));
    settings.insert("generated".to_owned(), json!({"seed": plan.seed}));
    Ok(Manifest {
        version: Version::default(),
        pairing: Some(plan.pairing.clone()),
        engine: Engine::Native,
        settings,
        versions: [("baton".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into(),
        records: None,
        start,
        end: Some(start + duration),
    })
}

impl Message {
    fn new(plan: &Plan, producer: &Propagation, consumer: &Propagation, index: u64) -> Message {
        let mut random = Rng::with_seed(plan.seed.wrapping_mul(1 << 40).wrapping_add(index));
        let start = START + index * PACE;
        let server_start = start + 60_000 + random.u64(..40_000);
        let send_start = server_start + 30_000 + random.u64(..30_000);
        // Most answers take about a millisecond, a few of them ten times as long.
        let put = 300_000 + random.u64(..700_000) * if random.u8(..100) == 0 { 10 } else { 1 };
        let send_end = send_start + put;
        let server_end = send_end + 200_000 + random.u64(..200_000);
        let received = send_end + 1_000_000 + random.u64(..20_000_000);
        let handled = received + 20_000 + random.u64(..50_000);

        let client = Work {
            trace_id: trace_id(&mut random),
            span_id: span_id(&mut random),
            parent: None,
            parent_is_remote: false,
            start,
            end: server_end + 80_000 + random.u64(..80_000),
        };
        let mut headers = HeaderList::default();
        inject(producer, &client, &mut headers);
        let server = continued(producer, &headers, server_start, server_end, &mut random);
        let send = Work {
            trace_id: server.trace_id,
            span_id: span_id(&mut random),
            parent: Some(server.span_id),
            parent_is_remote: false,
            start: send_start,
            end: send_end,
        };
        let mut headers = HeaderList::default();
        inject(producer, &send, &mut headers);
        let arrived = random.f64() * 100.0 >= plan.broken_percent;
        let nothing = HeaderList::default();
        let arriving = if arrived { &headers } else { &nothing };
        let record = continued(consumer, arriving, received, handled, &mut random);
        let invocation = Work {
            trace_id: trace_id(&mut random),
            span_id: span_id(&mut random),
            parent: None,
            parent_is_remote: false,
            start: received - 10_000,
            end: handled + 5_000,
        };
        let (name, superpower) = [
            ("Alan", "deciphering"),
            ("Grace", "compilation"),
            ("Hedy", "frequency hopping"),
            ("Katherine", "trajectories"),
        ][random.usize(..4)];
        let shard = random.u64(..SHARDS);
        Message {
            request_id: uuid(&mut random),
            shard,
            instance: random.u64(..INSTANCES),
            sequence_number: format!(
                "4968048554812583467{shard}28555{:031}",
                u128::from(index) * 1_208_925_819_614 + u128::from(random.u32(..))
            ),
            name,
            superpower,
            headers,
            arrived,
            client,
            server,
            send,
            record,
            invocation,
        }
    }

    /// The request's body.
    pub(crate) fn body(&self) -> String {
        format!(
            r#"{{"name":"{}","superpower":"{}"}}"#,
            self.name, self.superpower
        )
    }

    /// The record on the stream.
    pub(crate) fn envelope(&self) -> String {
        if self.headers.is_empty() {
            self.body()
        } else {
            envelope::encode(&self.body(), &self.headers)
        }
    }

    /// A random UUID for an invocation of a function.
    pub(crate) fn invocation_id(&self, salt: u64) -> String {
        let [.., a, b, c, d] = self.invocation.span_id.to_bytes();
        let seed = u64::from(u32::from_be_bytes([a, b, c, d]));
        uuid(&mut Rng::with_seed(
            seed.wrapping_mul(31).wrapping_add(salt),
        ))
    }
}

fn inject(propagation: &Propagation, work: &Work, headers: &mut HeaderList) {
    let context = TraceContext::new(work.trace_id, work.span_id, Sampling::Keep);
    propagation.inject(&context.into(), headers);
}

/// The span of a receiver: in the sender's trace if the headers arrived, otherwise in a new one.
fn continued(
    propagation: &Propagation,
    headers: &HeaderList,
    start: u64,
    end: u64,
    random: &mut Rng,
) -> Work {
    let extraction = propagation.extract(headers);
    let context = extraction.context();
    Work {
        trace_id: context.map_or_else(|| trace_id(random), |context| context.trace_id),
        span_id: span_id(random),
        parent: context.map(|context| context.span_id),
        parent_is_remote: context.is_some(),
        start,
        end,
    }
}

fn trace_id(random: &mut Rng) -> TraceId {
    loop {
        if let Some(id) = TraceId::from_bytes(random.u128(..).to_be_bytes()) {
            return id;
        }
    }
}

fn span_id(random: &mut Rng) -> SpanId {
    loop {
        if let Some(id) = SpanId::from_bytes(random.u64(..).to_be_bytes()) {
            return id;
        }
    }
}

fn uuid(random: &mut Rng) -> String {
    let (high, low) = (random.u64(..), random.u64(..));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}
