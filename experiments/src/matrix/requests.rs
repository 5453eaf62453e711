//! Reads the files of a lab: the path of every request, from the client's headers to the consumer's
//! span.
//!
//! `baton-traces` gives the verdicts, from spans and logs alone. The headers of the client and of
//! the record are also read, from the client's spans and the producer's log. They are shown, and
//! they explain the verdicts.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use baton_loadgen::SentRequest;
use baton_propagators::HeaderList;
use baton_propagators::lambda::envelope::{self, Record};
use baton_traces::figures::tally::Tally;
use baton_traces::hand_off::{Hop, Receiver, Sender};
use baton_traces::matching::by_id::{HandOff, HandOffKey};
use baton_traces::readers::otlp_json;
use baton_traces::run::{Function, RunDirectory};
use baton_traces::source::Source;
use baton_traces::source::load::load;
use baton_traces::span::Want;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::predicted_verdicts::Judgement;
use crate::error::ExperimentError;

/// One request that the endpoint accepted.
#[derive(Debug)]
pub(super) struct Journey {
    /// The client's scenario.
    pub(super) scenario: String,
    /// The headers that the client sent.
    pub(super) headers: HeaderList,
    /// The client's span.
    pub(super) client: Sender,
    /// From the client to the producer.
    pub(super) ingress: Leg,
    /// From the producer to the consumer; `None` if the producer's log has no record for the
    /// request.
    pub(super) record: Option<Leg>,
    /// The context in the record, and its size.
    pub(super) carrier: Carrier,
}

/// One judged hand-off of a request.
#[derive(Debug)]
pub(super) struct Leg {
    /// Its verdict and flags.
    pub(super) judgement: Judgement,
    /// The receiver; `None` if nothing arrived.
    pub(super) receiver: Option<Receiver>,
}

/// The context in a record.
#[derive(Clone, Debug, Default)]
pub(super) struct Carrier {
    pub(super) headers: HeaderList,
    /// The size of the JSON object that holds them, in bytes, with its braces; 0 without an
    /// envelope.
    pub(super) bytes: usize,
}

/// Reads the path of every request.
pub(super) fn read(directory: &RunDirectory) -> Result<Vec<Journey>, ExperimentError> {
    let client_spans = directory.client_spans_path();
    let mut tally = Tally::default();
    let loaded = load(&Source::from(directory.path()), Want::Judging, &mut tally)?;
    let missing_logs = loaded.missing_logs.iter().map(|(_, path)| path);
    if let Some(path) = loaded.missing_spans.iter().chain(missing_logs).next() {
        return Err(ExperimentError::file("read", path)(
            io::ErrorKind::NotFound.into(),
        ));
    }
    otlp_json::read_file(&client_spans, Want::Judging, &mut |span| {
        tally.add_span(span);
    })?;
    tally.finish(&loaded.extent);
    let requests = SentRequest::read_file(&client_spans)
        .map_err(ExperimentError::file("read", &client_spans))?;
    let mut records = records(&directory.log_path(Function::Producer))?;

    let mut sent = HashMap::new();
    let mut received = HashMap::new();
    for hand_off in tally.assembly().hand_offs() {
        match (hand_off.hop, hand_off.key) {
            (Hop::Ingress, HandOffKey::Request(id)) => {
                sent.insert(id.to_owned(), hand_off);
            }
            (Hop::Record, HandOffKey::Message(key)) => {
                let place = (key.shard.to_owned(), key.sequence_number.to_owned());
                received.insert(place, hand_off);
            }
            _ => {}
        }
    }
    let mut journeys: Vec<_> = requests
        .into_iter()
        .filter_map(|request| {
            let hand_off = sent.get(&request.request_id)?;
            let record = records.remove(&request.request_id);
            let (carrier, place) = record.unzip();
            Some(Journey {
                scenario: request.scenario.unwrap_or_default(),
                headers: request.headers,
                client: hand_off.sender.clone(),
                ingress: Leg::of(hand_off),
                record: place.and_then(|place| received.get(&place)).map(Leg::of),
                carrier: carrier.unwrap_or_default(),
            })
        })
        .collect();
    // several users send at the same time; the first requests serve as examples
    journeys.sort_by_key(|journey| journey.client.start);
    Ok(journeys)
}

impl Leg {
    fn of(hand_off: &HandOff<'_>) -> Leg {
        Leg {
            judgement: Judgement {
                verdict: hand_off.verdict,
                flags: hand_off.flags,
            },
            receiver: hand_off.receiver.clone(),
        }
    }
}

/// The place of a record in the stream: its shard and its sequence number.
type Place = (String, String);

/// Reads from the producer's log which record each request led to.
fn records(path: &Path) -> Result<HashMap<String, (Carrier, Place)>, ExperimentError> {
    #[derive(Deserialize)]
    struct Line<'a> {
        event: String,
        #[serde(default)]
        request_id: Option<String>,
        #[serde(default)]
        shard_id: String,
        #[serde(default)]
        sequence_number: String,
        #[serde(borrow, default)]
        record: Option<&'a RawValue>,
    }

    let mut records = HashMap::new();
    each_line(path, |line| {
        // other programs may write to the same log
        let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else {
            return;
        };
        if let ("record.sent", Some(request_id)) = (&*line.event, line.request_id) {
            let record = line.record.map(|record| record.get().as_bytes());
            let carrier = match record.map(envelope::decode) {
                Some(Record::Envelope {
                    tracecontext,
                    carrier_bytes,
                    ..
                }) => Carrier {
                    headers: tracecontext,
                    bytes: carrier_bytes,
                },
                _ => Carrier::default(),
            };
            let place = (line.shard_id, line.sequence_number);
            records.insert(request_id, (carrier, place));
        }
    })?;
    Ok(records)
}

fn each_line(path: &Path, mut each: impl FnMut(&[u8])) -> Result<(), ExperimentError> {
    let failed = ExperimentError::file("read", path);
    let file = File::open(path).map_err(&failed)?;
    for line in BufReader::new(file).split(b'\n') {
        each(&line.map_err(&failed)?);
    }
    Ok(())
}
