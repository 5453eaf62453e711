//! An example of each form in which people paste headers, with its headers and their places.

use std::path::Path;

use baton_pastes::{Carrier, Header, Paste, read};
use serde_json::{Value, json};

/// The examples and what is found in each. A line in `expected.jsonl` has the example's name.
fn examples() -> Vec<(String, Vec<u8>, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let expected =
        std::fs::read_to_string(folder.with_file_name("expected.jsonl")).expect("what is expected");
    let expected: Vec<Value> = expected
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let mut examples = Vec::new();
    for file in std::fs::read_dir(&folder).expect("the examples") {
        let file = file.expect("an example");
        let name = file.file_name().into_string().expect("a name");
        let answer = expected.iter().find(|answer| answer["file"] == name);
        let answer = answer.unwrap_or_else(|| panic!("expected.jsonl has no line for {name}"));
        let text = std::fs::read(file.path()).expect("the example");
        examples.push((name, text, answer["carriers"].clone()));
    }
    assert_eq!(examples.len(), expected.len(), "every line has its example");
    examples
}

/// A carrier in the form of `expected.jsonl`.
fn told(carrier: &Carrier) -> Value {
    let headers = carrier.headers.iter();
    let headers: Vec<_> = headers
        .map(|header| {
            let value = String::from_utf8_lossy(&header.value);
            format!("{}: {value} @ {}", header.name, header.place)
        })
        .collect();
    let unread = carrier.unread.iter();
    let unread: Vec<_> = unread
        .map(|unread| format!("{} @ {}", unread.name, unread.place))
        .collect();
    json!({"place": carrier.place, "headers": headers, "unread": unread})
}

#[test]
fn every_form_gives_its_carriers() {
    for (name, text, expected) in examples() {
        let found: Vec<Value> = read(&text).carriers.iter().map(told).collect();
        let found = Value::from(found);
        assert_eq!(
            found,
            expected,
            "{name}:\n{}",
            json!({"file": name, "carriers": found})
        );
    }
}

#[test]
fn no_secret_is_kept() {
    let mut secrets = 0;
    for (name, text, _) in examples() {
        secrets += usize::from(String::from_utf8_lossy(&text).contains("SECRET"));
        let paste: Paste = read(&text);
        assert!(
            !format!("{paste:?}").contains("SECRET"),
            "{name}: {paste:?}"
        );
    }
    assert!(secrets >= 10, "only {secrets} examples have a secret");
}

#[test]
fn an_example_in_another_text_is_found_there_too() {
    for (name, text, _) in examples() {
        let Ok(text) = String::from_utf8(text) else {
            continue;
        };
        let wrapped = json!({"records": [{"message": text}, {"message": text}]}).to_string();
        let values = |paste: &Paste| {
            let headers = paste.carriers.iter().flat_map(|carrier| &carrier.headers);
            let text = |header: &Header| {
                String::from_utf8_lossy(&header.value)
                    .trim_matches('"')
                    .to_owned()
            };
            headers
                .map(|header| (header.name.to_ascii_lowercase(), text(header)))
                .collect::<Vec<_>>()
        };
        let (alone, inside) = (
            values(&read(text.as_bytes())),
            values(&read(wrapped.as_bytes())),
        );
        for value in &alone {
            assert!(
                inside.contains(value),
                "{name}: {:?} is lost in JSON: {inside:?}",
                value
            );
        }
    }
}

#[test]
fn a_long_line_of_short_words_is_read_in_a_moment() {
    // a look back from each word would take hours
    let line = "aa,".repeat(300_000);
    let sleuth = "[orders,0af7651916cd43dd,b7ad6b7169203331,true]";
    let paste = read(format!("{line}{sleuth}{line}").as_bytes());
    assert_eq!(paste.carriers.len(), 1, "{paste:?}");
}

#[test]
fn ids_of_spans_are_not_taken_for_headers() {
    let document = r#"{"id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","name":"shop","start_time":1.0}"#;
    let segments = json!({"Traces": [{"Id": "1-5759e988-bd862e3fe1be46a994272793",
        "Segments": [{"Id": "53995c3f42cd8ad8", "Document": document}]}]});
    let paste = read(segments.to_string().as_bytes());
    assert!(
        paste
            .carriers
            .iter()
            .all(|carrier| carrier.headers.is_empty()),
        "{paste:?}"
    );
    assert!(paste.notes[0].starts_with("These are spans"), "{paste:?}");
}
