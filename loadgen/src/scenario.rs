//! What the client's headers are like: formats that agree or not, broken on purpose, with baggage or `tracestate`.

use baton_propagators::baggage::Baggage;
use baton_propagators::carrier::HeaderList;
use baton_propagators::context::{Extracted, TraceState};
use baton_propagators::format::{self, Outcome};
use baton_propagators::mode::{Engine, Mode};
use baton_propagators::propagation::Propagation;
use baton_propagators::sampling::Sampling;
use serde::{Deserialize, Serialize};

use crate::defect::Defect;
use crate::fault::Fault;

/// The formats that carry `tracestate`.
const TRACESTATE: &[&str] = &["tracecontext"];
/// The formats that carry baggage.
const BAGGAGE: &[&str] = &["baggage", "jaeger", "ottrace"];
/// The formats whose trace ids can be written with 64 bits.
pub(crate) const B3: &[&str] = &["b3", "b3multi"];

/// What the client sends with its requests, and what of it contradicts its own span.
///
/// The **first** format of the mode that carries a context always carries that of the client's own span; it is what a
/// receiver should continue. Formats behind it carry the same, or under a [`Conflict`] another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What the scenario is called: the attribute `baton.scenario` of its client spans.
    #[serde(default)]
    pub name: Option<String>,
    /// The formats, in order.
    pub client: Mode,
    /// How the formats disagree; they carry the same context without it.
    #[serde(default)]
    pub conflict: Option<Conflict>,
    /// Requests in which one format's header is broken.
    #[serde(default)]
    pub malformed: Option<Malformed>,
    /// Write B3's trace ids with 64 bits, as old tracers do. If the client's own span is the one in B3, its trace id
    /// has no more than that; otherwise B3 carries the low half of it.
    #[serde(default)]
    pub b3_64_bit_ids: bool,
    /// Set W3C's random flag (Trace Context Level 2), as newer SDKs do.
    #[serde(default)]
    pub random_flag: bool,
    /// Send an empty `X-B3-ParentSpanId` along, as some proxies do for a root.
    #[serde(default)]
    pub b3_empty_parent: bool,
    /// The client's sampling decision, as far as the formats can express it.
    pub sampling: Sampling,
    /// Entries of baggage, written as W3C's header has them: `client=baton,plan=free`. Without it, a mode that lists
    /// `baggage` sends one entry, as nothing could be seen to be lost otherwise.
    #[serde(default)]
    pub baggage: Option<String>,
    /// Members of `tracestate`, written as W3C's header has them. They belong to the client's own span; under a
    /// conflict in which another format comes first, `tracecontext` carries them in the other context.
    #[serde(default)]
    pub tracestate: Option<String>,
}

/// How the formats behind the first disagree with it. Each kind differs in one thing only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// Not at all: there are two formats or more, and they carry the same context.
    Agree,
    /// In the trace id.
    Trace,
    /// In the span id: the same trace, another parent.
    Span,
    /// In the decision: they say not to sample what the first samples, and the other way around.
    Sampled,
}

/// Headers that are broken on purpose, in one format only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Malformed {
    /// How many of the scenario's requests in a hundred; met exactly, by requests spread evenly.
    pub percent: f64,
    /// Whose header it is.
    #[serde(default)]
    pub side: Side,
    /// What is wrong with it; drawn for each request without it.
    #[serde(default)]
    pub defect: Option<Defect>,
}

/// One end of a mode's list, among the formats that carry a context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The first: the one that carries the client's own span.
    First,
    /// The last: the one that OpenTelemetry's composite propagator would continue if it were whole.
    #[default]
    Last,
}

impl From<Mode> for Scenario {
    /// The client's span in these formats, sampled, and nothing wrong with it.
    fn from(client: Mode) -> Self {
        Scenario {
            name: None,
            client,
            conflict: None,
            malformed: None,
            b3_64_bit_ids: false,
            random_flag: false,
            b3_empty_parent: false,
            sampling: Sampling::Keep,
            baggage: None,
            tracestate: None,
        }
    }
}

impl Scenario {
    /// The formats that carry a context, in order: all but `baggage`.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = &'static str> {
        self.client.names().filter(|name| *name != "baggage")
    }

    /// The entries of baggage, if any format carries them.
    pub(crate) fn baggage(&self) -> Result<Option<Baggage>, Fault> {
        let carried = lists_one_of(&self.client, BAGGAGE);
        match &self.baggage {
            Some(_) if !carried => Err(Fault::BaggageCarrier(self.client.clone())),
            Some(text) => parse_baggage(text).map(Some),
            None if self.client.contains("baggage") => parse_baggage("client=baton").map(Some),
            None => Ok(None),
        }
    }

    /// The members of `tracestate`.
    pub(crate) fn tracestate(&self) -> Result<TraceState, Fault> {
        let Some(text) = &self.tracestate else {
            return Ok(TraceState::EMPTY);
        };
        if !lists_one_of(&self.client, TRACESTATE) {
            return Err(Fault::TracestateCarrier(self.client.clone()));
        }
        match TraceState::parse(text) {
            Ok(state) if !state.is_empty() => Ok(state),
            Ok(_) => Err(Fault::Tracestate("it is empty".to_owned())),
            Err(reject) => Err(Fault::Tracestate(reject.to_string())),
        }
    }

    /// Everything that is wrong with it, under `engine`.
    pub(crate) fn faults(&self, engine: Engine) -> Vec<Fault> {
        let mut faults = Vec::new();
        let propagation = Propagation {
            engine,
            ..Propagation::from(self.client.clone())
        };
        if let Err(reason) = propagation.check() {
            faults.push(Fault::Engine(reason.to_string()));
        }
        let contexts = self.contexts().count();
        if self.conflict.is_some() && contexts < 2 {
            faults.push(Fault::Conflict(self.client.clone()));
        }
        if let Some(malformed) = self.malformed {
            if !(0.0..=100.0).contains(&malformed.percent) {
                faults.push(Fault::Percent(malformed.percent));
            }
            match (self.side(malformed.side), malformed.defect) {
                (Some(format), Some(defect)) if !Defect::of(format).contains(&defect) => {
                    faults.push(Fault::Defect { defect, format });
                }
                (Some(format), _) if !Defect::of(format).is_empty() => {}
                _ => faults.push(Fault::Malformed(self.client.clone())),
            }
        }
        if self.b3_64_bit_ids && !lists_one_of(&self.client, B3) {
            faults.push(Fault::B3(self.client.clone()));
        }
        if self.random_flag && !lists_one_of(&self.client, TRACESTATE) {
            faults.push(Fault::RandomFlag(self.client.clone()));
        }
        if self.b3_empty_parent && !self.client.contains("b3multi") {
            faults.push(Fault::EmptyParent(self.client.clone()));
        }
        faults.extend(self.baggage().err());
        faults.extend(self.tracestate().err());
        faults
    }

    /// The format at one end of the mode.
    pub(crate) fn side(&self, side: Side) -> Option<&'static str> {
        match side {
            Side::First => self.contexts().next(),
            Side::Last => self.contexts().last(),
        }
    }
}

impl Malformed {
    /// Whether the scenario's request `number`, counted from 0, is one of them. Of the first n, the share of n is,
    /// rounded down.
    pub(crate) fn strikes(&self, number: u64) -> bool {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a plan's percentage is 0 to 100"
        )]
        let in_a_million = (self.percent * 10_000.0).round() as u128;
        let until = |number: u64| u128::from(number) * in_a_million / 1_000_000;
        until(number) < until(number.saturating_add(1))
    }
}

fn lists_one_of(mode: &Mode, names: &[&str]) -> bool {
    names.iter().any(|name| mode.contains(name))
}

/// Reads entries, and takes no part of them where one is wrong.
fn parse_baggage(text: &str) -> Result<Baggage, Fault> {
    let headers = HeaderList::from([("baggage", text)]);
    let Some(candidate) = format::find("baggage").map(|format| format.extract(&headers)) else {
        return Ok(Baggage::new());
    };
    if let Some(objection) = &candidate.objection {
        return Err(Fault::Baggage(objection.to_string()));
    }
    match candidate.outcome {
        Outcome::Valid(Extracted::Baggage(baggage)) => Ok(baggage),
        Outcome::Malformed(reject) => Err(Fault::Baggage(reject.to_string())),
        _ => Ok(Baggage::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_malformed_requests_is_exact() {
        for (percent, requests, expected) in [
            (0.0, 1_000, 0),
            (10.0, 1_000, 100),
            (10.0, 1_009, 100),
            (33.3, 1_000, 333),
            (0.5, 1_000, 5),
            (99.9, 1_000, 999),
            (100.0, 1_000, 1_000),
        ] {
            let malformed = Malformed {
                defect: None,
                percent,
                side: Side::default(),
            };
            let struck = (0..requests)
                .filter(|number| malformed.strikes(*number))
                .count();
            assert_eq!(struck, expected, "{percent} % of {requests}");
        }
    }

    #[test]
    fn faults_name_the_mode_and_the_remedy() {
        type Change = fn(&mut Scenario);
        let cases: &[(&str, Change, &str)] = &[
            (
                "b3",
                |s| s.conflict = Some(Conflict::Agree),
                "the client's formats `b3` cannot conflict, since only two formats or more can; let it send two, like tracecontext,b3",
            ),
            (
                "b3,baggage",
                |s| s.conflict = Some(Conflict::Trace),
                "the client's formats `b3,baggage` cannot conflict, since only two formats or more can; let it send two, like tracecontext,b3",
            ),
            (
                "b3",
                |s| {
                    s.malformed = Some(Malformed {
                        defect: None,
                        percent: 100.5,
                        side: Side::First,
                    });
                },
                "100.5 % of the requests cannot be malformed; use 0 to 100",
            ),
            (
                "none",
                |s| {
                    s.malformed = Some(Malformed {
                        defect: None,
                        percent: 10.0,
                        side: Side::First,
                    });
                },
                "the client's formats `none` carry no trace context that could be malformed; let it send one, like tracecontext",
            ),
            (
                "datadog",
                |s| {
                    s.malformed = Some(Malformed {
                        percent: 100.0,
                        side: Side::First,
                        defect: Some(Defect::UpperCase),
                    });
                },
                "upper_case is no defect of datadog, which would be valid all the same; use another, or leave it to chance",
            ),
            (
                "b3",
                |s| s.random_flag = true,
                "the client's formats `b3` cannot carry the random flag; let it send tracecontext",
            ),
            (
                "b3",
                |s| s.b3_empty_parent = true,
                "the client's formats `b3` have no X-B3-ParentSpanId that could be empty; let it send b3multi",
            ),
            (
                "tracecontext",
                |s| s.b3_64_bit_ids = true,
                "the client's formats `tracecontext` have no B3 that could carry 64-bit ids; let it send b3 or b3multi",
            ),
            (
                "b3",
                |s| s.tracestate = Some("a=1".into()),
                "the client's formats `b3` cannot carry tracestate; let it send tracecontext",
            ),
            (
                "tracecontext",
                |s| s.baggage = Some("a=1".into()),
                "the client's formats `tracecontext` cannot carry baggage; let it send baggage too, like tracecontext,baggage",
            ),
        ];
        for (mode, change, sentence) in cases {
            let mut scenario = Scenario::from(mode.parse::<Mode>().unwrap());
            change(&mut scenario);
            let faults = scenario.faults(Engine::Native);
            let [fault] = &faults[..] else {
                panic!("{faults:?}")
            };
            assert_eq!(fault.to_string(), *sentence);
        }
    }

    #[test]
    fn lists_that_would_arrive_in_part_are_refused() {
        let mut scenario = Scenario::from("tracecontext,baggage".parse::<Mode>().unwrap());
        for wrong in ["", "no value", "a=1,b", "a=ü"] {
            scenario.baggage = Some(wrong.to_owned());
            let faults = scenario.faults(Engine::Native);
            assert!(
                matches!(faults[..], [Fault::Baggage(_)]),
                "{wrong:?}: {faults:?}"
            );
        }
        scenario.baggage = Some("a=1,b=2;p".to_owned());
        for wrong in ["", "A=1", "a"] {
            scenario.tracestate = Some(wrong.to_owned());
            let faults = scenario.faults(Engine::Native);
            assert!(
                matches!(faults[..], [Fault::Tracestate(_)]),
                "{wrong:?}: {faults:?}"
            );
        }
    }

    #[test]
    fn an_engine_that_lacks_a_format_is_a_fault() {
        let scenario = Scenario::from("datadog".parse::<Mode>().unwrap());
        assert_eq!(scenario.faults(Engine::Native), []);
        assert!(matches!(
            scenario.faults(Engine::Otel)[..],
            [Fault::Engine(_)]
        ));
    }
}
