//! Lambda's environment as a source of X-Ray's header.
//!
//! Lambda gives every invocation a tracing header of X-Ray's, which runtimes put into the environment variable
//! `_X_AMZN_TRACE_ID`
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>). A service that is
//! told to ([`XraySource::Environment`](crate::mode::XraySource)) reads it where the request has no such header.

use crate::carrier::Getter;
use crate::extraction::{Candidate, Extraction};
use crate::format::Outcome;
use crate::formats::xray;
use crate::mode::Engine;
use crate::reject::{Fault, Reject};
use crate::sampling::Sampling;

/// The variable, by which candidates name the source of what they hold.
pub const X_AMZN_TRACE_ID: &str = "_X_AMZN_TRACE_ID";

const DOCUMENTATION: &str = "AWS Lambda, Visualize Lambda function invocations using AWS X-Ray";

/// A carrier with the environment's tracing header behind its own headers: seen only where it has none.
pub(crate) struct Layered<'a> {
    carrier: &'a dyn Getter,
    value: &'a str,
}

impl<'a> Layered<'a> {
    /// `None` where the carrier has such a header itself.
    pub(crate) fn new(carrier: &'a dyn Getter, value: &'a str) -> Option<Self> {
        let absent = carrier.get(xray::HEADER).is_none();
        absent.then_some(Layered { carrier, value })
    }
}

impl Getter for Layered<'_> {
    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        if name.eq_ignore_ascii_case(xray::HEADER) {
            each(self.value);
        } else {
            self.carrier.get_all(name, each);
        }
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.carrier.keys(each);
        each(xray::HEADER);
    }
}

/// Says of the candidate that came from the environment where it came from, and what it brings about.
pub(crate) fn mark(extraction: &mut Extraction) {
    let continued = extraction.continued().map(|candidate| candidate.format);
    let of_xray = |candidate: &&mut Candidate| candidate.format == xray::NAME;
    let Some(candidate) = extraction.candidates.iter_mut().find(of_xray) else {
        return;
    };
    candidate.header = X_AMZN_TRACE_ID;
    if let Outcome::Malformed(reject) = &mut candidate.outcome {
        reject.header = X_AMZN_TRACE_ID;
    }
    if let Some(objection) = &mut candidate.objection {
        objection.header = X_AMZN_TRACE_ID;
    }
    let sampling = candidate.context().map(|context| context.sampling);
    if continued == Some(xray::NAME) && sampling == Some(Sampling::Drop) {
        candidate.objection = Some(Box::new(Reject {
            format: xray::NAME,
            header: X_AMZN_TRACE_ID,
            fault: Fault::EnvironmentUnsampled,
            position: None,
            spec: DOCUMENTATION,
            engine: Engine::Native,
        }));
    }
}
