//! What the requests inherit from the process that started this one: its span, its `tracestate` and
//! its baggage.

use baton_loadgen::{Parent, Scenario};
use baton_propagators::{Candidate, HeaderList, Mode, Propagation, TraceContext};

use crate::context_variables;
use crate::failure::Failure;

/// The formats of the variables.
const FORMATS: &str = "tracecontext,baggage";

/// A context from the environment.
#[derive(Debug, Default)]
pub(super) struct Inherited {
    context: Option<TraceContext>,
    /// The value of `BAGGAGE`.
    baggage: Option<String>,
    /// What is not inherited: one sentence for each variable.
    refused: Vec<String>,
}

impl Inherited {
    /// Reads this process's environment.
    pub(super) fn read() -> Result<Inherited, Failure> {
        Ok(Inherited::of(
            &context_variables::carrier(),
            FORMATS.parse()?,
        ))
    }

    fn of(carrier: &HeaderList, formats: Mode) -> Inherited {
        let extraction = Propagation::from(formats).extract(carrier);
        let mut refused = Vec::new();
        for candidate in &extraction.candidates {
            let variable = candidate.header.to_uppercase();
            if let Some(reject) = candidate.reject() {
                refused.push(format!(
                    "{variable} in the environment is ignored: {reject}"
                ));
            }
            if let Some(reject) = &candidate.objection {
                let variable = reject.header.to_uppercase();
                refused.push(format!(
                    "{variable} in the environment is ignored: {reject}"
                ));
            }
        }
        let mut variables = carrier.iter();
        let baggage = variables.find(|(name, _)| *name == "BAGGAGE");
        let baggage = baggage.filter(|_| extraction.baggage.is_some());
        Inherited {
            context: extraction.continued().and_then(Candidate::context).cloned(),
            baggage: baggage.map(|(_, value)| value.to_owned()),
            refused,
        }
    }

    /// Whether there is baggage.
    pub(super) fn has_baggage(&self) -> bool {
        self.baggage.is_some()
    }

    /// Adds what the scenario inherits. What the user has set is not changed.
    pub(super) fn give(&self, scenario: &mut Scenario) {
        if let Some(context) = &self.context {
            scenario.parent = Some(Parent {
                trace_id: context.trace_id,
                span_id: context.span_id,
            });
            scenario.sampling = context.sampling;
            if scenario.client.carries_tracestate() {
                scenario.random_flag = context.random;
                let state = Some(&context.tracestate).filter(|state| !state.is_empty());
                let inherited = || state.map(ToString::to_string);
                scenario.tracestate = scenario.tracestate.take().or_else(inherited);
            }
        }
        if scenario.client.carries_baggage() {
            let own = scenario.baggage.take();
            scenario.baggage = own.or_else(|| self.baggage.clone());
        }
    }

    /// Notes for the user: one sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.refused.clone();
        if let Some(context) = &self.context {
            let decision = match context.sampling.decision() {
                Some(false) => ", which is not sampled",
                _ => "",
            };
            notes.push(format!(
                "all requests belong to trace {}{decision}, because TRACEPARENT is set",
                context.trace_id
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    fn inherited(variables: &[(&str, &str)], client: &str) -> (Scenario, Vec<String>) {
        let variables = variables.iter();
        let carrier: HeaderList = variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let inherited = Inherited::of(&carrier, FORMATS.parse().expect("a mode"));
        let mut scenario = Scenario::from(client.parse::<Mode>().expect("a mode"));
        inherited.give(&mut scenario);
        (scenario, inherited.notes())
    }

    #[test]
    fn a_whole_context_is_inherited_as_far_as_the_client_can_carry_it() {
        let variables = [
            ("TRACEPARENT", TRACEPARENT),
            ("TRACESTATE", "vendor=1"),
            ("BAGGAGE", "tenant=a"),
        ];
        let (scenario, notes) = inherited(&variables, "tracecontext,baggage");
        let parent = scenario.parent.expect("a parent");
        assert_eq!(parent.span_id.to_string(), "b7ad6b7169203331");
        assert_eq!(scenario.sampling.decision(), Some(false));
        assert_eq!(scenario.tracestate.as_deref(), Some("vendor=1"));
        assert_eq!(scenario.baggage.as_deref(), Some("tenant=a"));
        assert_eq!(
            notes,
            [
                "all requests belong to trace 0af7651916cd43dd8448eb211c80319c, which is not sampled, because \
              TRACEPARENT is set"
            ]
        );
        let (scenario, _) = inherited(&variables, "b3");
        assert!(scenario.parent.is_some());
        assert_eq!((scenario.tracestate, scenario.baggage), (None, None));
    }

    #[test]
    fn unreadable_variables_are_ignored_and_reported() {
        let (scenario, notes) = inherited(
            &[("TRACEPARENT", "00-0-0-01"), ("TRACESTATE", "a=1")],
            "tracecontext",
        );
        assert_eq!((scenario.parent, scenario.tracestate), (None, None));
        assert!(
            notes[0].starts_with("TRACEPARENT in the environment is ignored: "),
            "{notes:?}"
        );
        let (scenario, notes) = inherited(
            &[("TRACEPARENT", TRACEPARENT), ("TRACESTATE", "=")],
            "tracecontext",
        );
        assert!(scenario.parent.is_some());
        assert_eq!(scenario.tracestate, None);
        assert!(
            notes[0].starts_with("TRACESTATE in the environment is ignored: "),
            "{notes:?}"
        );
        assert_eq!(inherited(&[], "tracecontext").1, Vec::<String>::new());
    }
}
