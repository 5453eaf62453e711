//! Finds traces in a source: by service, attribute, verdict, and the beginning of an id.

use baton_traces::hand_off::Verdict;
use baton_traces::source::Source;
use baton_traces::source::load::load;
use baton_traces::trace::index::{Filter, FindError, TraceIndex};

use super::case::{self, Order};

fn index(source: &Source, filter: Filter) -> TraceIndex {
    let want = filter.want();
    let mut index = TraceIndex::new(filter);
    let loaded = load(source, want, &mut index).expect("a run");
    index.finish(&loaded.extent);
    index
}

/// Three traces: a whole one, one that is broken at the record, and a server of another service.
const SEARCHED: &str = "
== searched
client trace=1 span=c request=r1 at=0..40
server trace=1 span=a parent=c remote request=r1 at=10..30 name=GET
send   trace=1 span=b parent=a message=1 at=20..25
record trace=1 span=d parent=b remote message=1 at=55..60 baggage=2
client trace=2 span=c request=r2 at=100..140
server trace=2 span=a parent=c remote request=r2 at=110..130
send   trace=2 span=b parent=a message=2 at=120..125
record trace=3 span=d message=2 at=155..160
server trace=44 span=e request=r9 at=50..51 service=other
--
";

#[test]
fn a_search_finds_by_service_attribute_and_verdict() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    case::parse(SEARCHED)[0].write(directory.path(), Order::AsWritten);
    let source = Source::from(directory.path());
    let service = |name: &str| Filter {
        services: vec![name.to_owned()],
        ..Filter::default()
    };
    let attribute = |name: &str, value: &str| Filter {
        attributes: vec![(name.to_owned(), value.to_owned())],
        ..Filter::default()
    };
    let verdict = |verdict| Filter {
        verdicts: vec![verdict],
        ..Filter::default()
    };
    let both = Filter {
        services: vec!["client".to_owned(), "consumer-lambda".to_owned()],
        ..Filter::default()
    };
    for (filter, expected) in [
        // newest first
        (Filter::default(), "3 2 4 1"),
        (service("other"), "4"),
        (service("consumer-lambda"), "3 1"),
        (service("consumer"), ""),
        (both, "1"),
        (attribute("aws.request_id", "r2"), "2"),
        (attribute("baton.baggage.entries", "2"), "1"),
        (attribute("service.name", "other"), "4"),
        (attribute("aws.request_id", "r"), ""),
        (verdict(Verdict::NewTrace), "3 2"),
        (verdict(Verdict::Lost), ""),
    ] {
        let index = index(&source, filter.clone());
        let (lines, count) = index.list(10);
        let found: Vec<String> = lines
            .iter()
            .map(|line| line.trace_id.to_string()[..1].to_owned())
            .collect();
        assert_eq!(found.join(" "), expected, "{filter:?}");
        assert_eq!(count, lines.len());
    }
    let index = index(&source, Filter::default());
    let (lines, count) = index.list(1);
    assert_eq!((lines.len(), count), (1, 4));
}

#[test]
fn a_trace_is_found_by_the_start_of_its_id() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ids = "
== ids
server trace=0.ab span=a request=r1
server trace=12 span=a request=r2
server trace=12.13 span=a request=r3
--
";
    case::parse(ids)[0].write(directory.path(), Order::AsWritten);
    let index = index(&Source::from(directory.path()), Filter::default());
    let found = |prefix: &str| index.find(prefix).map(|id| id.to_string());
    let padded = format!("{}{}", "0".repeat(16), "ab".repeat(8));
    assert_eq!(
        found("ABABABAB"),
        Ok(padded.clone()),
        "a 64-bit id without its zeros"
    );
    assert_eq!(found(&padded), Ok(padded));
    assert_eq!(
        found("121212121212121213"),
        Ok("12".repeat(8) + &"13".repeat(8))
    );
    assert_eq!(
        found("99999999"),
        Err(FindError::None("99999999".to_owned()))
    );
    let several = found("12121212").expect_err("two traces").to_string();
    assert!(several.contains("is the start of 2 trace ids"), "{several}");
}
