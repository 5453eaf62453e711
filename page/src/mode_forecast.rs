//! What modes will do with each other's headers, said before they are tried.

use baton_propagators::libraries::{LIBRARIES, Library, in_short};
use baton_propagators::{
    Engine, HeaderList, Mode, OnConflict, Outgoing, Propagation, Sampling, Select, SpanId,
    TraceContext, TraceId, XraySource,
};
use baton_traces::hand_off::{self, Verdict};

/// The settings that a person chooses.
#[derive(Clone, Debug)]
pub(crate) struct Modes {
    /// What the page sends as a client.
    pub(crate) client: Mode,
    /// The producer's mode.
    pub(crate) producer: Mode,
    /// The consumer's mode.
    pub(crate) consumer: Mode,
    /// The engine of both functions.
    pub(crate) engine: Engine,
    /// Which context both continue if several are valid.
    pub(crate) select: Select,
    /// What both do if contexts disagree.
    pub(crate) on_conflict: OnConflict,
}

/// What modes will do: sentences about each hop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prediction {
    /// From the client to the producer.
    pub(crate) ingress: Option<Hop>,
    /// From the producer to the consumer.
    pub(crate) record: Option<Hop>,
    /// Why the settings cannot be used.
    pub(crate) refused: Option<String>,
}

/// What happens at one hop.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    /// Whether the receiver will continue the sender's trace.
    pub(crate) joins: bool,
    /// The verdict that this hand-off will have.
    pub(crate) verdict: Verdict,
    /// What the sender writes and the receiver does.
    pub(crate) sentence: String,
    /// The words before the libraries.
    pub(crate) others: String,
    /// The headers that the sender writes, with example ids.
    pub(crate) headers: Vec<(String, String)>,
    /// What other libraries with the receiver's mode would do, a sentence for each answer.
    pub(crate) libraries: Vec<String>,
}

impl Modes {
    fn propagation(&self, mode: &Mode) -> Propagation {
        Propagation {
            inject: mode.clone(),
            extract: mode.clone(),
            select: self.select,
            on_conflict: self.on_conflict,
            engine: self.engine,
            xray_source: XraySource::default(),
        }
    }

    /// What these modes will do with each other's headers.
    pub(crate) fn predict(&self) -> Prediction {
        for mode in [&self.producer, &self.consumer] {
            if let Err(reason) = self.propagation(mode).check() {
                return Prediction {
                    refused: Some(reason.to_string()),
                    ..Prediction::default()
                };
            }
        }
        let client = Propagation::from(self.client.clone());
        let ingress = (!self.client.is_none())
            .then(|| self.hop(("The client", &client), ("the producer", &self.producer)));
        let producer = self.propagation(&self.producer);
        let record = self.hop(
            ("The producer", &producer),
            ("the consumer", &self.consumer),
        );
        Prediction {
            ingress,
            record: Some(record),
            refused: None,
        }
    }

    fn hop(&self, sender: (&str, &Propagation), receiver: (&str, &Mode)) -> Hop {
        let (from, sending) = sender;
        let (to, mode) = receiver;
        let context = example();
        let mut headers = HeaderList::new();
        sending.inject(&Outgoing::from(context.clone()), &mut headers);
        let extraction = self.propagation(mode).extract(&headers);
        let verdict = hand_off::predicted(&context, extraction.context());
        let mut names: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
        names.dedup();
        let writes = match names.is_empty() {
            true => format!("{from} writes no header"),
            false => format!("{from} writes {}", names.join(", ")),
        };
        let does = match verdict {
            Verdict::Connected => format!("{to} continues the trace"),
            Verdict::IdTruncated => {
                format!("{to} continues only the last 16 digits of the trace id")
            }
            Verdict::NewTrace if mode.is_none() => {
                format!("{to} reads no header and starts a new trace")
            }
            Verdict::NewTrace => {
                format!("{to} reads {mode}, finds no context and starts a new trace")
            }
            _ => format!("{to} continues another context"),
        };
        Hop {
            joins: verdict.holds(),
            verdict,
            sentence: format!("{writes}; {does}."),
            others: format!("If {to} used another library with {mode}:"),
            libraries: libraries(&headers, mode, &context),
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

/// What libraries that can be set to `mode` would do with these headers, by answer.
fn libraries(headers: &HeaderList, mode: &Mode, context: &TraceContext) -> Vec<String> {
    if headers.is_empty() || mode.is_none() {
        return Vec::new();
    }
    let (mut continue_it, mut start_anew, mut cannot) = (Vec::new(), Vec::new(), Vec::new());
    for library in LIBRARIES {
        let group: &mut Vec<&Library> = if library.cannot(mode).is_some() {
            &mut cannot
        } else {
            let answer = library.continues(headers, mode);
            let same = |found: &baton_propagators::libraries::Continuation| {
                found.trace_id == context.trace_id && found.span_id == Some(context.span_id)
            };
            match answer.continues.as_ref().is_some_and(same) {
                true => &mut continue_it,
                false => &mut start_anew,
            }
        };
        group.push(library);
    }
    let groups = [
        ("would continue the trace", continue_it),
        ("would not continue it", start_anew),
        (
            "cannot be set to this mode, or were not measured with it",
            cannot,
        ),
    ];
    let groups = groups.into_iter().filter(|(_, group)| !group.is_empty());
    groups
        .map(|(what, group)| format!("{} {what}.", in_short(&group)))
        .collect()
}

/// The context in the example headers: the ids of W3C Trace Context's own examples.
fn example() -> TraceContext {
    let trace_id = TraceId::from_hex("0af7651916cd43dd8448eb211c80319c");
    let span_id = SpanId::from_hex("b7ad6b7169203331");
    let (Some(trace_id), Some(span_id)) = (trace_id, span_id) else {
        unreachable!("the ids are hexadecimal and not zero");
    };
    TraceContext::new(trace_id, span_id, Sampling::Keep)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(producer: &str, consumer: &str) -> Modes {
        let mode = |text: &str| text.parse().expect("a mode");
        Modes {
            client: Mode::NONE,
            producer: mode(producer),
            consumer: mode(consumer),
            engine: Engine::Native,
            select: Select::Last,
            on_conflict: OnConflict::Keep,
        }
    }

    #[test]
    fn a_prediction_says_whether_the_consumer_continues() {
        for (producer, consumer, joins) in [
            ("b3", "b3", true),
            ("b3", "tracecontext", false),
            ("tracecontext,b3", "b3", true),
            ("none", "b3", false),
            ("b3", "none", false),
            ("ottrace", "ottrace", false),
        ] {
            let prediction = modes(producer, consumer).predict();
            let record = prediction.record.expect("a hop");
            assert_eq!(record.joins, joins, "{producer}:{consumer}: {record:?}");
            assert!(prediction.ingress.is_none(), "no client mode");
        }
    }

    #[test]
    fn an_engine_without_the_format_is_refused_before_it_is_tried() {
        let asked = Modes {
            engine: Engine::Otel,
            ..modes("datadog", "datadog")
        };
        let refused = asked.predict().refused.expect("a reason");
        assert!(refused.contains("datadog"), "{refused}");
    }
}
