//! A format that only tests have. Like any new format, it costs one file and one line in `FORMATS`.

use crate::carrier::{Getter, Setter, Single, single};
use crate::context::{Extracted, Outgoing, Sampling, SpanId, TraceContext, TraceId, hex};
use crate::format::{Candidate, Fault, Format, Outcome, Reject};
use crate::policy::Engine;

const NAME: &str = "added";
const HEADER: &str = "x-added";
const SPEC: &str = "none: a format of the tests";

/// `x-added` holds a trace id and a span id, without a separator.
#[derive(Debug)]
pub(super) struct Added;

impl Format for Added {
    fn name(&self) -> &'static str {
        NAME
    }

    fn headers(&self) -> &'static str {
        "X-Added"
    }

    fn fields(&self) -> &'static [&'static str] {
        &[HEADER]
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        let value = match single(carrier, HEADER) {
            Single::Absent => return Candidate::absent(NAME, HEADER),
            Single::NotText => return Candidate::malformed(reject(Fault::NotText)),
            Single::Value(value) => value.text.as_bytes(),
        };
        match value.split_at_checked(TraceId::DIGITS).and_then(context) {
            Some(context) => {
                let found = Extracted::Context(context);
                Candidate::new(NAME, HEADER, Outcome::Valid(found))
            }
            None => Candidate::malformed(reject(Fault::NoParent)),
        }
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        if let Some(context) = &outgoing.context {
            let value = format!("{}{}", context.trace_id, context.span_id);
            carrier.set(HEADER, &value);
        }
    }
}

fn reject(fault: Fault) -> Reject {
    Reject {
        format: NAME,
        header: HEADER,
        fault,
        position: None,
        spec: SPEC,
        engine: Engine::Native,
    }
}

fn context((trace_id, span_id): (&[u8], &[u8])) -> Option<TraceContext> {
    let trace_id = TraceId::from_bytes(hex::decode(trace_id).ok()?)?;
    let span_id = SpanId::from_bytes(hex::decode(span_id).ok()?)?;
    Some(TraceContext::new(trace_id, span_id, Sampling::Deferred))
}
