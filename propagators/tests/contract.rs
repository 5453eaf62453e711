//! The contract of every format. Each entry of `FORMATS` is tested, so a new format needs no tests
//! of its own for this.

use std::cell::RefCell;
use std::collections::BTreeSet;

use baton_propagators::context::baggage::Entry;
use baton_propagators::{
    Baggage, Candidate, Extracted, FORMATS, Format, Getter, HeaderList, Mode, Outcome, Outgoing,
    Propagation, Sampling, Setter, SpanId, TraceContext, TraceId, formats,
};

const TRACE_ID: &str = "463ac35c9f6413ad48485a3953bb6124";
const TRACE_ID_64: &str = "000000000000000048485a3953bb6124";
const SPAN_ID: &str = "a2fb4a1d1a96d312";

/// The sampling state after writing and reading it.
fn expected(format: &dyn Format, sampling: Sampling) -> Sampling {
    match (format.name(), sampling) {
        ("tracecontext", Sampling::Deferred) => Sampling::Drop,
        ("jaeger", Sampling::Deferred) => Sampling::Drop,
        ("tracecontext" | "xray" | "datadog" | "ottrace", Sampling::Debug) => Sampling::Keep,
        _ => sampling,
    }
}

/// The trace id after writing and reading it.
fn carried(format: &dyn Format, trace_id: TraceId) -> TraceId {
    match format.name() {
        "ottrace" => TraceId::from_low_64(trace_id.low_64()).expect("not zero"),
        _ => trace_id,
    }
}

/// Fields that a format removes with its context but neither reads nor writes.
fn removed_only(format: &dyn Format) -> &'static [&'static str] {
    match format.name() {
        "datadog" => &["x-datadog-origin"],
        _ => &[],
    }
}

fn context(trace_id: &str, sampling: Sampling) -> TraceContext {
    let trace_id = TraceId::from_hex(trace_id).expect("a trace id");
    let span_id = SpanId::from_hex(SPAN_ID).expect("a span id");
    TraceContext::new(trace_id, span_id, sampling)
}

fn injected(format: &dyn Format, outgoing: &Outgoing) -> HeaderList {
    let mut headers = HeaderList::new();
    format.inject(outgoing, &mut headers);
    headers
}

/// A carrier that remembers which headers it was asked for.
#[derive(Default)]
struct Watched {
    headers: HeaderList,
    asked: RefCell<BTreeSet<String>>,
}

impl Getter for Watched {
    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        self.asked.borrow_mut().insert(name.to_owned());
        self.headers.get_all(name, each);
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.headers.keys(each);
    }
}

#[test]
fn every_format_can_be_named_in_a_mode_and_has_its_name_once() {
    let names: Vec<_> = formats().collect();
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), FORMATS.len());
    for format in FORMATS {
        let mode: Mode = format.name().parse().expect("a format's name is a mode");
        assert_eq!(mode.names().collect::<Vec<_>>(), [format.name()]);
        let found = formats::find(&format.name().to_uppercase()).map(|found| found.name());
        assert_eq!(found, Some(format.name()));
    }
}

#[test]
fn every_header_that_is_read_or_written_is_among_the_fields() {
    let states = [
        Sampling::Deferred,
        Sampling::Drop,
        Sampling::Keep,
        Sampling::Debug,
    ];
    for format in FORMATS {
        let fields: BTreeSet<&str> = format.fields().iter().copied().collect();
        assert_eq!(fields.len(), format.fields().len(), "{}", format.name());
        let mut used = BTreeSet::new();
        for state in states {
            let mut context = context(TRACE_ID, state);
            context.tracestate = "congo=t61rcWkgMzE".parse().expect("a tracestate");
            let outgoing = Outgoing {
                context: Some(context),
                baggage: Some([Entry::new("key", "value")].into_iter().collect()),
            };
            let written = injected(*format, &outgoing);
            used.extend(written.iter().map(|(name, _)| name.to_owned()));

            // Which headers are read may depend on which are present, so this tries the headers of
            // each format, and no headers.
            let others = FORMATS.iter().map(|other| injected(*other, &outgoing));
            for headers in others.chain([HeaderList::new()]) {
                let watched = Watched {
                    headers,
                    ..Watched::default()
                };
                format.extract(&watched);
                used.extend(watched.asked.into_inner());
            }
        }
        let of_an_entry = |name: &&str| {
            format
                .prefixes()
                .iter()
                .any(|prefix| name.starts_with(prefix))
        };
        let used: BTreeSet<&str> = used
            .iter()
            .map(String::as_str)
            .filter(|name| !of_an_entry(name))
            .chain(removed_only(*format).iter().copied())
            .collect();
        assert_eq!(used, fields, "{}", format.name());
        assert!(
            fields.iter().all(|field| *field == field.to_lowercase()),
            "{}",
            format.name()
        );
    }
}

#[test]
fn a_context_comes_back_as_it_was_sent() {
    let states = [
        Sampling::Deferred,
        Sampling::Drop,
        Sampling::Keep,
        Sampling::Debug,
    ];
    for format in FORMATS.iter().filter(|format| format.carries_context()) {
        for trace_id in [TRACE_ID, TRACE_ID_64] {
            for state in states {
                let sent = context(trace_id, state);
                let headers = injected(*format, &sent.clone().into());
                let found = format.extract(&headers);
                let expected = TraceContext {
                    trace_id: carried(*format, sent.trace_id),
                    sampling: expected(*format, state),
                    ..sent
                };
                assert_eq!(
                    found.context(),
                    Some(&expected),
                    "{}, {state:?}",
                    format.name()
                );
                assert_eq!(found.format, format.name());
                assert_eq!(found.objection, None, "{}, {state:?}", format.name());
                assert!(format.fields().contains(&found.header), "{}", format.name());
            }
        }
    }
}

#[test]
fn a_child_replaces_its_parent_in_the_same_carrier() {
    for format in FORMATS.iter().filter(|format| format.carries_context()) {
        let mut headers = injected(*format, &context(TRACE_ID, Sampling::Keep).into());
        let mut child = context(TRACE_ID, Sampling::Keep);
        child.span_id = SpanId::from_hex("05e3ac9a4f6e3b90").expect("a span id");
        format.inject(&child.clone().into(), &mut headers);
        child.trace_id = carried(*format, child.trace_id);
        assert_eq!(
            format.extract(&headers).context(),
            Some(&child),
            "{}",
            format.name()
        );
    }
}

#[test]
fn injecting_nothing_writes_nothing() {
    for format in FORMATS {
        let headers = injected(*format, &Outgoing::default());
        assert!(headers.is_empty(), "{} wrote {headers:?}", format.name());
    }
}

#[test]
fn an_empty_carrier_is_absent_and_not_malformed() {
    for format in FORMATS {
        let found = format.extract(&HeaderList::new());
        assert_eq!(found, Candidate::absent(format.name(), found.header));
        assert!(format.fields().contains(&found.header), "{}", format.name());
    }
}

#[test]
fn a_header_of_noise_is_malformed_with_a_section_and_a_header_of_its_own() {
    for format in FORMATS {
        let mut headers = HeaderList::new();
        for field in format.fields() {
            headers.set(field, "\u{1}noise");
        }
        let found = format.extract(&headers);
        let Outcome::Malformed(reject) = &found.outcome else {
            panic!("{} took noise for {:?}", format.name(), found.outcome);
        };
        assert_eq!(reject.format, format.name());
        assert!(!reject.spec.is_empty(), "{}", format.name());
        assert!(
            format.fields().contains(&reject.header),
            "{}",
            format.name()
        );
        assert!(reject.to_string().starts_with(reject.header), "{reject}");
    }
}

#[test]
fn every_format_opens_with_its_specification_its_size_and_its_limits() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/formats");
    for format in FORMATS {
        let path = sources.join(format.name()).with_extension("rs");
        let source = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{error}: {}", path.display()));
        let opening: String = source
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect();
        for part in ["https://", "Size bound:", "What it cannot carry:"] {
            assert!(
                opening.contains(part),
                "{} does not say: {part}",
                format.name()
            );
        }
    }
}

#[test]
fn formats_with_baggage_of_their_own_carry_it_beside_the_context() {
    let baggage: Baggage = [
        Entry::new("key", "value"),
        Entry::new("user", "a plain text, = 100%"),
    ]
    .into_iter()
    .collect();
    let outgoing = Outgoing {
        context: Some(context(TRACE_ID, Sampling::Keep)),
        baggage: Some(baggage.clone()),
    };
    let mut carrying = Vec::new();
    let is_beside = |format: &&&dyn Format| format.carries_context() && format.carries_baggage();
    for format in FORMATS.iter().filter(is_beside) {
        let found = format.extract(&injected(*format, &outgoing));
        assert_eq!(found.baggage.as_ref(), Some(&baggage), "{}", format.name());
        assert!(found.context().is_some(), "{}", format.name());
        let mode: Mode = format.name().parse().expect("a mode");
        let extraction = Propagation::from(mode).extract(&injected(*format, &outgoing));
        assert_eq!(
            extraction.baggage.as_ref(),
            Some(&baggage),
            "{}",
            format.name()
        );
        carrying.push(format.name());
    }
    assert_eq!(carrying, ["jaeger", "ottrace"]);
}

#[test]
fn baggage_comes_back_as_it_was_sent() {
    let sent: Baggage = [
        Entry::new("userId", "Amélie, =;\"\\ 100%"),
        Entry::new("empty", ""),
        Entry {
            metadata: "p;q=1".to_owned(),
            ..Entry::new("userId", "again")
        },
    ]
    .into_iter()
    .collect();
    let outgoing = Outgoing {
        context: None,
        baggage: Some(sent.clone()),
    };
    let format = formats::find("baggage").expect("a format");
    let found = format.extract(&injected(format, &outgoing));
    assert_eq!(found.outcome, Outcome::Valid(Extracted::Baggage(sent)));
    assert_eq!(found.objection, None);
}

#[test]
fn everything_that_a_format_carries_comes_back() {
    let mut outgoing = Outgoing {
        context: Some(context(TRACE_ID, Sampling::Keep)),
        baggage: Some([Entry::new("key", "value")].into_iter().collect()),
    };
    if let Some(context) = &mut outgoing.context {
        context.tracestate = "congo=t61rcWkgMzE".parse().expect("a tracestate");
    }
    for format in FORMATS {
        let mode: Mode = format.name().parse().expect("a mode");
        let headers = injected(*format, &outgoing);
        let found = Propagation::from(mode).extract(&headers);
        let name = format.name();
        assert_eq!(
            found.context().is_some(),
            format.carries_context(),
            "{name}"
        );
        assert_eq!(found.baggage.is_some(), format.carries_baggage(), "{name}");
        let tracestate = found
            .context()
            .map(|context| !context.tracestate.is_empty());
        assert_eq!(
            tracestate.unwrap_or(false),
            format.carries_tracestate(),
            "{name}"
        );
        for (header, _) in headers.iter() {
            assert!(format.reads(&header.to_uppercase()), "{name} {header}");
        }
    }
}

#[test]
fn formats_of_a_family_read_one_another_and_no_others_do() {
    for writer in FORMATS.iter().filter(|format| format.carries_context()) {
        let headers = injected(*writer, &context(TRACE_ID, Sampling::Keep).into());
        for reader in FORMATS.iter().filter(|format| format.carries_context()) {
            assert_eq!(
                reader.extract(&headers).context().is_some(),
                reader.family() == writer.family(),
                "{} of {}",
                reader.name(),
                writer.name()
            );
        }
        let head = formats::find(writer.family()).expect("a family is named after a format");
        assert_eq!(head.family(), head.name());
    }
}

#[test]
fn a_format_has_a_name_for_its_headers_that_fits_them() {
    for format in FORMATS {
        let shown = format.headers().to_ascii_lowercase();
        let fits = |header: &&str| match shown.strip_suffix('*') {
            Some(start) => header.starts_with(start),
            None => **header == shown,
        };
        assert!(format.written().iter().any(fits), "{shown}");
        for list in format.lists() {
            assert!(format.fields().contains(list), "{list}");
        }
    }
}

#[test]
fn every_defect_of_a_format_makes_it_malformed() {
    for format in FORMATS {
        let name = format.name();
        let headers = format.trace_id_headers();
        assert_eq!(headers.is_empty(), !format.carries_context(), "{name}");
        assert_eq!(
            format.defects().is_empty(),
            headers.is_empty(),
            "{name} is never broken"
        );
        for defect in format.defects() {
            for seed in 1..=200_u64 {
                // Every id is different, and every one contains letters.
                let high = 0xa000_0000_0000_0000 | seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let ids = (
                    u128::from(high) << 64 | u128::from(high.rotate_left(21)) | 0xb,
                    high,
                );
                let whole = injected(
                    *format,
                    &TraceContext::new(
                        TraceId::from_bytes(ids.0.to_be_bytes()).expect("not zero"),
                        SpanId::from_bytes(ids.1.to_be_bytes()).expect("not zero"),
                        Sampling::Keep,
                    )
                    .into(),
                );
                let mut broken = whole.clone();
                for header in headers {
                    if let Some(value) = whole.get(header) {
                        broken.set(header, &defect.apply(value));
                        for _ in 1..defect.occurrences() {
                            broken.push(*header, defect.apply(value));
                        }
                    }
                }
                assert_ne!(broken, whole, "{name} {defect:?}");
                let outcome = format.extract(&broken).outcome;
                assert!(
                    matches!(outcome, Outcome::Malformed(_)),
                    "{name} {defect:?}: {broken:?} gives {outcome:?}"
                );
            }
        }
    }
}
