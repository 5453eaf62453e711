//! Counts the verdicts of requests into cells, compares them with the prediction, and finds the
//! reasons.

use baton_propagators::{Candidate, Extraction, HeaderList, Propagation, Select, XraySource};
use baton_traces::hand_off::{Hop, Receiver, Verdict};

use super::cells::{Counts, Defect, IngressCell, Outcome, RecordCell};
use super::one_lab::Staged;
use super::predicted_verdicts::{Judgement, LAMBDA_TRACE_HEADER, Prediction, predict};
use super::reason::{Arrival, Reason};
use super::requests::{Journey, Leg};

/// The cells that a stage adds to the matrix.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) record: Vec<RecordCell>,
    pub(super) ingress: Vec<IngressCell>,
    pub(super) defects: Vec<Defect>,
}

/// Counts a stage's requests into its cell of the record grid, or its cells of the ingress grid.
pub(super) fn count(staged: &Staged) -> Counted {
    match staged.stage.hop {
        Hop::Record => record(staged),
        Hop::Ingress => ingress(staged),
    }
}

/// The hand-offs of a cell while they are counted.
#[derive(Default)]
struct Cell {
    sent: u64,
    counts: Counts,
    prediction: Counts,
    differing: u64,
    declined: u64,
    reasons: Vec<(Reason, u64)>,
}

impl Cell {
    fn add(&mut self, leg: &Leg, predicted: &Judgement, arrival: &Arrival<'_>) {
        let Judgement { verdict, flags } = leg.judgement;
        self.sent += 1;
        self.counts.add(verdict, flags);
        self.prediction.add(predicted.verdict, predicted.flags);
        self.differing += u64::from(differs(&leg.judgement, predicted));
        self.declined += u64::from(arrival.declined);
        let Some(verdict) = verdict else { return };
        let reason = match predicted.verdict {
            Some(predicted) if arrival.is_foreign && predicted != verdict => {
                Arrival::otherwise(verdict, predicted)
            }
            _ => arrival.reason(verdict),
        };
        match self.reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.reasons.push((reason, 1)),
        }
    }

    /// The cell's outcome. Its reason is the most frequent one of its hand-offs.
    fn outcome(self) -> (Outcome, u64) {
        let most = self.reasons.iter().max_by_key(|(_, count)| *count);
        let (why, kind) = most
            .map(|(reason, _)| (reason.text.clone(), reason.kind.clone()))
            .unwrap_or_default();
        let outcome = Outcome {
            sent: self.sent,
            counts: self.counts,
            declined: self.declined,
            why,
            kind,
            prediction: self.prediction,
            agrees: self.differing == 0,
        };
        (outcome, self.differing)
    }
}

/// Whether the client left the sampling decision open, and the producer decided not to sample.
fn declined(journey: &Journey) -> bool {
    let receiver = journey.ingress.receiver.as_ref();
    journey.client.sampled.is_none()
        && receiver.is_some_and(|receiver| receiver.sampled == Some(false))
}

/// Whether the prediction is wrong about a hand-off. Formats alone cannot show that a record is
/// lost.
fn differs(judgement: &Judgement, predicted: &Judgement) -> bool {
    judgement.verdict != Some(Verdict::Lost) && judgement != predicted
}

fn defect(
    staged: &Staged,
    hop: Hop,
    cell: String,
    outcome: &Outcome,
    hand_offs: u64,
) -> Option<Defect> {
    (hand_offs > 0).then(|| Defect {
        engine: staged.stage.engine,
        hop,
        cell,
        foreign: staged.stage.foreign(hop),
        hand_offs,
        observed: outcome.counts.clone(),
        predicted: outcome.prediction.clone(),
    })
}

fn predicted(staged: &Staged, journey: &Journey) -> Prediction {
    let Staged {
        producer, consumer, ..
    } = staged;
    predict(&journey.client, &journey.headers, producer, consumer)
}

fn record(staged: &Staged) -> Counted {
    let mut cell = Cell::default();
    let mut delivered = 0;
    for journey in &staged.journeys {
        let Some(leg) = &journey.record else { continue };
        delivered += u64::from(leg.receiver.is_some());
        let arrival = Arrival {
            hop: Hop::Record,
            headers: &journey.carrier.headers,
            is_foreign: !staged.stage.foreign(Hop::Record).is_empty(),
            receiver: &staged.consumer,
            extraction: &staged.consumer.extract(&journey.carrier.headers),
            declined: false,
        };
        cell.add(leg, &predicted(staged, journey).record, &arrival);
    }
    let (outcome, differing) = cell.outcome();
    let pairing = &staged.stage.pairing;
    let carrier = staged
        .journeys
        .first()
        .map(|journey| journey.carrier.clone());
    let carrier = carrier.unwrap_or_default();
    let defect = defect(
        staged,
        Hop::Record,
        pairing.to_string(),
        &outcome,
        differing,
    );
    Counted {
        record: vec![RecordCell {
            engine: staged.stage.engine,
            producer: pairing.producer.clone(),
            consumer: pairing.consumer.clone(),
            delivered,
            outcome,
            carrier: carrier.headers,
            carrier_bytes: carrier.bytes,
        }],
        defects: defect.into_iter().collect(),
        ..Counted::default()
    }
}

fn ingress(staged: &Staged) -> Counted {
    let mut counted = Counted::default();
    for scenario in &staged.stage.scenarios {
        let name = scenario.name.clone().unwrap_or_default();
        let journeys = || {
            let all = staged.journeys.iter();
            all.filter(|journey| journey.scenario == name)
        };
        let mut cell = Cell::default();
        let mut onward = Counts::default();
        let mut differing_onward = 0;
        let mut predicted_onward = Counts::default();
        for journey in journeys() {
            let extraction = extract(&staged.producer, &journey.headers);
            let arrival = Arrival {
                hop: Hop::Ingress,
                headers: &journey.headers,
                is_foreign: !staged.stage.foreign(Hop::Ingress).is_empty(),
                receiver: &staged.producer,
                extraction: &extraction,
                declined: declined(journey),
            };
            let prediction = predicted(staged, journey);
            cell.add(&journey.ingress, &prediction.ingress, &arrival);
            if let Some(Leg { judgement, .. }) = &journey.record {
                onward.add(judgement.verdict, judgement.flags);
                predicted_onward.add(prediction.record.verdict, prediction.record.flags);
                differing_onward += u64::from(differs(judgement, &prediction.record));
            }
        }
        let (mut outcome, differing) = cell.outcome();
        let producer = &staged.stage.pairing.producer;
        let place = format!("{name} to {producer}");
        counted
            .defects
            .extend(defect(staged, Hop::Ingress, place, &outcome, differing));
        if differing_onward > 0 {
            outcome.agrees = false;
            counted.defects.push(Defect {
                engine: staged.stage.engine,
                hop: Hop::Record,
                cell: format!("{name} to {}", staged.stage.pairing),
                foreign: staged.stage.foreign(Hop::Record),
                hand_offs: differing_onward,
                observed: onward.clone(),
                predicted: predicted_onward,
            });
        }
        let first = journeys().next();
        counted.ingress.push(IngressCell {
            engine: staged.stage.engine,
            client: name.clone(),
            headers: first
                .map(|journey| journey.headers.clone())
                .unwrap_or_default(),
            producer: producer.clone(),
            followed: first.and_then(|journey| followed(staged, journey)),
            outcome,
            record: onward,
        });
    }
    counted
}

fn extract(producer: &Propagation, headers: &HeaderList) -> Extraction {
    producer.extract_with_environment(headers, Some(LAMBDA_TRACE_HEADER))
}

/// The format whose context the producer's span continues, found by ids. If several formats hold
/// these ids, those with the span's sampling decision come first, and among them the one that the
/// selection prefers.
fn followed(staged: &Staged, journey: &Journey) -> Option<String> {
    let Receiver {
        reference: Some(at),
        parent: Some(parent),
        sampled,
        ..
    } = journey.ingress.receiver.as_ref()?
    else {
        return None;
    };
    let producer = &staged.producer;
    let extraction = extract(producer, &journey.headers);
    let is_continued = |candidate: &&Candidate| {
        candidate.context().is_some_and(|context| {
            let decision = context.sampling.decision();
            (context.trace_id, context.span_id) == (at.trace_id, *parent)
                && (decision.is_none() || decision == *sampled)
        })
    };
    let mut holders = extraction.candidates.iter().filter(is_continued);
    let holder = match producer.select {
        Select::Last => holders.next_back(),
        Select::First => holders.next(),
    };
    // Lambda's environment has different ids in each invocation
    let from_environment = || {
        let is_read = producer.xray_source == XraySource::Environment
            && journey.ingress.judgement.verdict != Some(Verdict::NewTrace);
        let mut formats = producer.extract.context_formats().filter(|_| is_read);
        formats.find(|format| format.lambda_variable().is_some())
    };
    holder
        .map(|candidate| candidate.format)
        .or_else(|| from_environment().map(|format| format.name()))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use baton_loadgen::Scenario;
    use baton_propagators::{Engine, Mode, Pairing};
    use baton_propagators::{SpanId, TraceId};
    use baton_traces::hand_off::{Flags, Sender};
    use baton_traces::span::SpanReference;

    use super::super::one_lab::Stage;
    use super::super::requests::Carrier;
    use super::*;
    use crate::functions::{Functions, Program};

    /// A stage in which one request in W3C went to a producer and a consumer of that mode, with
    /// these verdicts.
    fn staged(hop: Hop, ingress: Verdict, record: Verdict) -> Staged {
        let mode: Mode = "tracecontext".parse().expect("a mode");
        let trace_id = TraceId::from_bytes([1; 16]).expect("an id");
        let span_id = SpanId::from_bytes([2; 8]).expect("an id");
        let headers = HeaderList::from([("traceparent", format!("00-{trace_id}-{span_id}-01"))]);
        let leg = |verdict| Leg {
            judgement: Judgement {
                verdict: Some(verdict),
                flags: Flags::default(),
            },
            receiver: None,
        };
        let scenario = Scenario {
            name: Some("plain".to_owned()),
            ..Scenario::from(mode.clone())
        };
        let stage = Stage {
            hop,
            engine: Engine::Native,
            pairing: Pairing::from(mode.clone()),
            select: Select::Last,
            xray_source: XraySource::Header,
            scenarios: vec![scenario],
            requests: 1,
            functions: Functions::new(Program::this().expect("a path"), Vec::new())
                .expect("no fault"),
        };
        Staged {
            stage,
            journeys: vec![Journey {
                scenario: "plain".to_owned(),
                headers: headers.clone(),
                client: Sender {
                    reference: Some(SpanReference { trace_id, span_id }),
                    recorded: true,
                    sampled: Some(true),
                    ..Sender::default()
                },
                ingress: leg(ingress),
                record: Some(leg(record)),
                carrier: Carrier { headers, bytes: 73 },
            }],
            producer: mode.clone().into(),
            consumer: mode.into(),
            problems: Vec::new(),
        }
    }

    #[test]
    fn a_cell_whose_spans_equal_the_prediction_agrees() {
        let record = count(&staged(Hop::Record, Verdict::Connected, Verdict::Connected));
        assert!(record.record[0].outcome.agrees && record.defects.is_empty());
        let ingress = count(&staged(
            Hop::Ingress,
            Verdict::Connected,
            Verdict::Connected,
        ));
        assert!(ingress.ingress[0].outcome.agrees && ingress.defects.is_empty());
    }

    #[test]
    fn a_cell_whose_spans_differ_is_a_defect_that_names_both_answers() {
        for (hop, ingress, record, sentence) in [
            (
                Hop::Record,
                Verdict::Connected,
                Verdict::NewTrace,
                "record tracecontext:tracecontext",
            ),
            (
                Hop::Ingress,
                Verdict::NewTrace,
                Verdict::Connected,
                "ingress plain to tracecontext",
            ),
            (
                Hop::Ingress,
                Verdict::Connected,
                Verdict::NewTrace,
                "record plain to tracecontext:tracecontext",
            ),
        ] {
            let counted = count(&staged(hop, ingress, record));
            let [defect] = &counted.defects[..] else {
                panic!("{:?}", counted.defects)
            };
            let expected = format!(
                "defect of baton: engine native, {sentence}: the spans say 1 new_trace, the formats alone say 1 connected"
            );
            assert_eq!(defect.to_string(), expected);
            let mut outcomes = counted.record.iter().map(|cell| &cell.outcome);
            let mut all = counted.ingress.iter().map(|cell| &cell.outcome);
            assert!(outcomes.all(|outcome| !outcome.agrees));
            assert!(all.all(|outcome| !outcome.agrees));
        }
    }

    #[test]
    fn a_lost_record_says_nothing_about_its_format() {
        let counted = count(&staged(Hop::Record, Verdict::Connected, Verdict::Lost));
        assert!(counted.record[0].outcome.agrees && counted.defects.is_empty());
    }
}
