//! What headers the client sends: formats that agree or disagree, malformed headers, baggage,
//! `tracestate`.

use baton_propagators::formats::baggage::parse_baggage;
use baton_propagators::{
    Baggage, Engine, Format, HeaderDefect, Mode, Propagation, Sampling, SpanId, TraceId, TraceState,
};
use serde::{Deserialize, Serialize};

use crate::plan::invalid_settings::InvalidSetting;

/// The baggage if a mode has a format for baggage and the scenario has no entries.
const DEFAULT_BAGGAGE: &str = "client=baton";
/// The family of the formats whose trace ids [`Scenario::b3_64_bit_ids`] shortens.
const B3: &str = "b3";

/// What the client sends with its requests.
///
/// The **first** format of the mode that carries a context always has the context of the client's
/// own span, which a receiver should continue. Later formats have the same context, or with a
/// [`Conflict`] another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name: the attribute `baton.scenario` of its client spans.
    #[serde(default)]
    pub name: Option<String>,
    /// The formats, in order.
    pub client: Mode,
    /// The span of another process whose children the client's spans are. Without it, each request
    /// begins a trace.
    #[serde(default)]
    pub parent: Option<Parent>,
    /// How the formats disagree. Without it they have the same context.
    #[serde(default)]
    pub conflict: Option<Conflict>,
    /// The requests with a malformed header.
    #[serde(default)]
    pub malformed: Option<Malformed>,
    /// Whether B3's trace ids have 64 bits, as old tracers write them. If B3 has the client's own
    /// span, its trace id has only 64 bits. Otherwise B3 has the low half of the trace id.
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
    /// Entries of baggage as in W3C's header: `client=baton,plan=free`. Without it, a mode that
    /// lists `baggage` sends one entry, because otherwise a loss could not be seen.
    #[serde(default)]
    pub baggage: Option<String>,
    /// Members of `tracestate` as in W3C's header. They belong to the client's own span. In a
    /// conflict in which another format comes first, `tracecontext` carries them with the other
    /// context.
    #[serde(default)]
    pub tracestate: Option<String>,
}

/// A span of another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
}

/// How later formats disagree with the first. Each kind changes one thing only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// They do not disagree: all formats have the same context.
    Agree,
    /// In the trace id.
    Trace,
    /// In the span id: the same trace, another parent.
    Span,
    /// In the decision: if the first says to sample, they say not to sample, or the other way
    /// around.
    Sampled,
}

/// Headers that are malformed on purpose, in one format only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Malformed {
    /// The exact percentage of the scenario's requests, spread evenly.
    pub percent: f64,
    /// Which format has the malformed header.
    #[serde(default)]
    pub side: Side,
    /// The defect. Without it, each request gets a random one.
    #[serde(default)]
    pub defect: Option<HeaderDefect>,
}

/// The first or the last of a mode's formats that carry a context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The first, which has the client's own span.
    First,
    /// The last, which OpenTelemetry's composite propagator would continue if it were valid.
    #[default]
    Last,
}

impl From<Mode> for Scenario {
    /// The client's span in these formats, sampled and well-formed.
    fn from(client: Mode) -> Self {
        Scenario {
            name: None,
            client,
            parent: None,
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
    /// The entries of baggage, if any format carries them.
    pub(crate) fn baggage(&self) -> Result<Option<Baggage>, InvalidSetting> {
        let read = |text| {
            parse_baggage(text).map_err(|reject| InvalidSetting::Baggage(reject.to_string()))
        };
        // A mode with a format for baggage always sends some, because otherwise a loss could not be
        // seen.
        let mut formats = self.client.formats().iter();
        let has_own_format =
            formats.any(|format| format.carries_baggage() && !format.carries_context());
        match &self.baggage {
            Some(_) if !self.client.carries_baggage() => {
                Err(InvalidSetting::BaggageCarrier(self.client.clone()))
            }
            Some(text) => read(text).map(Some),
            None if has_own_format => read(DEFAULT_BAGGAGE).map(Some),
            None => Ok(None),
        }
    }

    /// The members of `tracestate`.
    pub(crate) fn tracestate(&self) -> Result<TraceState, InvalidSetting> {
        let Some(text) = &self.tracestate else {
            return Ok(TraceState::EMPTY);
        };
        if !self.client.carries_tracestate() {
            return Err(InvalidSetting::TracestateCarrier(self.client.clone()));
        }
        match TraceState::parse(text) {
            Ok(state) if !state.is_empty() => Ok(state),
            Ok(_) => Err(InvalidSetting::Tracestate("it is empty".to_owned())),
            Err(reject) => Err(InvalidSetting::Tracestate(reject.to_string())),
        }
    }

    /// Everything that is wrong with it, under `engine`.
    pub(crate) fn faults(&self, engine: Engine) -> Vec<InvalidSetting> {
        let mut faults = Vec::new();
        let propagation = Propagation {
            engine,
            ..Propagation::from(self.client.clone())
        };
        if let Err(reason) = propagation.check() {
            faults.push(InvalidSetting::Engine(reason.to_string()));
        }
        let contexts = self.client.context_formats().count();
        if self.conflict.is_some() && contexts < 2 {
            faults.push(InvalidSetting::Conflict(self.client.clone()));
        }
        if let Some(malformed) = self.malformed {
            if !(0.0..=100.0).contains(&malformed.percent) {
                faults.push(InvalidSetting::Percent(malformed.percent));
            }
            match (self.side(malformed.side), malformed.defect) {
                (Some(format), Some(defect)) if !format.defects().contains(&defect) => {
                    let format = format.name();
                    faults.push(InvalidSetting::Defect { defect, format });
                }
                (Some(format), _) if !format.defects().is_empty() => {}
                _ => faults.push(InvalidSetting::Malformed(self.client.clone())),
            }
        }
        if self.b3_64_bit_ids && !self.client.context_formats().any(is_b3) {
            faults.push(InvalidSetting::B3(self.client.clone()));
        }
        if self.random_flag && !self.client.carries_tracestate() {
            faults.push(InvalidSetting::RandomFlag(self.client.clone()));
        }
        if self.b3_empty_parent && !self.client.contains("b3multi") {
            faults.push(InvalidSetting::EmptyParent(self.client.clone()));
        }
        faults.extend(self.baggage().err());
        faults.extend(self.tracestate().err());
        faults
    }

    /// The format at one end of the mode.
    pub(crate) fn side(&self, side: Side) -> Option<&'static dyn Format> {
        let mut contexts = self.client.context_formats();
        match side {
            Side::First => contexts.next(),
            Side::Last => contexts.next_back(),
        }
    }
}

impl Malformed {
    /// Whether the scenario's request `number`, counted from 0, is malformed. Of the first n
    /// requests, the percentage of n is, rounded down.
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

/// Whether a format belongs to B3.
pub(crate) fn is_b3(format: &dyn Format) -> bool {
    format.family() == B3
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
                "the client's formats `b3` cannot conflict, because that takes two formats or more; let it send two, like tracecontext,b3",
            ),
            (
                "b3,baggage",
                |s| s.conflict = Some(Conflict::Trace),
                "the client's formats `b3,baggage` cannot conflict, because that takes two formats or more; let it send two, like tracecontext,b3",
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
                "100.5 % of malformed requests is out of range; use 0 to 100",
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
                "the client's formats `none` carry no trace context, so no header can be malformed; let it send one, like tracecontext",
            ),
            (
                "datadog",
                |s| {
                    s.malformed = Some(Malformed {
                        percent: 100.0,
                        side: Side::First,
                        defect: Some(HeaderDefect::UpperCase),
                    });
                },
                "datadog allows the defect upper_case, so its header would be valid; use another, or leave it to chance",
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
                matches!(faults[..], [InvalidSetting::Baggage(_)]),
                "{wrong:?}: {faults:?}"
            );
        }
        scenario.baggage = Some("a=1,b=2;p".to_owned());
        for wrong in ["", "A=1", "a"] {
            scenario.tracestate = Some(wrong.to_owned());
            let faults = scenario.faults(Engine::Native);
            assert!(
                matches!(faults[..], [InvalidSetting::Tracestate(_)]),
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
            [InvalidSetting::Engine(_)]
        ));
    }
}
