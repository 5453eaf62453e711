//! A format that only tests have: it costs this file and one line in `FORMATS`, as a real one would.

use crate::carrier::{Getter, HeaderList, Setter, Single, single};
use crate::context::{Extracted, Outgoing, TraceContext};
use crate::explanation::Explanation;
use crate::format::{Candidate, Format, Outcome};
use crate::hex;
use crate::id::{SpanId, TraceId};
use crate::mode::Mode;
use crate::policy::Engine;
use crate::propagation::Propagation;
use crate::reject::{Fault, Reject};
use crate::sampling::Sampling;

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

const TRACE_ID: &str = "463ac35c9f6413ad48485a3953bb6124";
const SPAN_ID: &str = "a2fb4a1d1a96d312";

fn sent() -> Outgoing {
    context((TRACE_ID.as_bytes(), SPAN_ID.as_bytes()))
        .expect("ids")
        .into()
}

fn both_ways() -> Propagation {
    let mode: Mode = "tracecontext,Added".parse().expect("formats");
    Propagation::from(mode)
}

#[test]
fn it_can_be_listed_in_a_mode() {
    let mode = both_ways().extract;
    assert_eq!(mode.to_string(), "tracecontext,added");
    let names: Vec<_> = mode.context_formats().map(Format::name).collect();
    assert_eq!(names, ["tracecontext", "added"]);
    assert!(mode.reads(&NAME.parse().expect("a format")));
    let suggestion = "aded".parse::<Mode>().expect_err("unknown").to_string();
    assert!(suggestion.contains("did you mean added?"), "{suggestion}");
}

#[test]
fn it_is_injected_and_extracted_beside_others() {
    let mut headers = HeaderList::new();
    both_ways().inject(&sent(), &mut headers);
    let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["traceparent", HEADER]);

    headers.set(HEADER, &format!("{TRACE_ID}{}", "0".repeat(15) + "1"));
    let extraction = both_ways().extract(&headers);
    assert_eq!(extraction.continued().map(|found| found.format), Some(NAME));
    let conflict = extraction.conflict.expect("another span");
    assert_eq!(conflict.formats.as_slice(), ["tracecontext", NAME]);
}

#[test]
fn what_arrives_in_it_is_explained() {
    let explained = |headers: &HeaderList| {
        let extraction = both_ways().extract(headers);
        Explanation::new(&extraction.candidates, headers)
    };
    let mut headers = HeaderList::new();
    both_ways().inject(&sent(), &mut headers);
    let agreed = explained(&headers);
    assert!(
        agreed.summary.starts_with("traceparent and x-added all")
            || agreed.summary.starts_with("traceparent and x-added agree"),
        "{}",
        agreed.summary
    );
    headers = HeaderList::from([(HEADER, "short")]);
    assert_eq!(
        explained(&headers).summary,
        "No usable trace context arrives, so a receiver starts a new trace: x-added names a trace and no \
         span that could be the parent, so there is nothing to continue."
    );
}
