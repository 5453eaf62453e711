//! X-Ray's header from AWS Lambda instead of from the request.
//!
//! Lambda gives every invocation an X-Ray tracing header. Runtimes put it into the [environment
//! variable `_X_AMZN_TRACE_ID`][variable]. With
//! [`XraySource::Environment`], a service reads it if the
//! request has no such header.
//!
//! [variable]: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime

use crate::carrier::Getter;
use crate::context::Sampling;
use crate::format::{Candidate, Fault, Outcome, Reject};
use crate::formats::xray;
use crate::policy::{Engine, XraySource};
use crate::propagation::{Extraction, Propagation};

pub use crate::formats::xray::X_AMZN_TRACE_ID;

const DOCUMENTATION: &str = "AWS Lambda, Visualize Lambda function invocations using AWS X-Ray";

impl Propagation {
    /// The same as [`Propagation::extract`], with `trace_header` as a second source of X-Ray's
    /// header: the value of [`X_AMZN_TRACE_ID`] for this
    /// invocation. It is used if [`Propagation::xray_source`] is the environment, the mode lists
    /// `xray`, and the carrier has no such header. The candidate then has the variable as its
    /// header, and an objection if it turns sampling off.
    pub fn extract_with_environment(
        &self,
        carrier: &dyn Getter,
        trace_header: Option<&str>,
    ) -> Extraction {
        let asked =
            self.xray_source == XraySource::Environment && self.extract.contains(xray::NAME);
        let layered = trace_header
            .filter(|_| asked)
            .and_then(|value| Layered::new(carrier, value));
        match layered {
            None => self.extract(carrier),
            Some(layered) => {
                let mut extraction = self.extract(&layered);
                mark(&mut extraction);
                extraction
            }
        }
    }
}

/// A request's headers, and Lambda's tracing header after them.
struct Layered<'a> {
    carrier: &'a dyn Getter,
    value: &'a str,
}

impl<'a> Layered<'a> {
    /// `None` if the request has X-Ray's header itself.
    fn new(carrier: &'a dyn Getter, value: &'a str) -> Option<Self> {
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

/// Names the variable as the source of X-Ray's candidate, and objects if it turns sampling off.
fn mark(extraction: &mut Extraction) {
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
