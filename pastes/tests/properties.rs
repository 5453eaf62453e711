//! Properties of all texts.

use baton_pastes::{MAX_CARRIERS, read};
use proptest::prelude::*;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Pieces of text that may contain headers.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("traceparent".to_owned()),
        Just(TRACEPARENT.to_owned()),
        Just("X-B3-TraceId".to_owned()),
        Just("Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312".to_owned()),
        Just("<Buffer 30 30".to_owned()),
        Just("eyJhIjoiYiJ9".to_owned()),
        Just("GET / HTTP/1.1\n".to_owned()),
        Just("> ".to_owned()),
        Just("_X_AMZN_TRACE_ID=".to_owned()),
        "[\\[\\]{}()\"'`\\\\:=,;|<> \n\r\t.-]{1,4}",
        "\\PC{0,6}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in pieces()) {
        for text in [bytes.as_slice(), text.as_bytes()] {
            let paste = read(text);
            prop_assert!(paste.carriers.len() <= MAX_CARRIERS);
        }
    }

    #[test]
    fn a_context_is_found_in_the_middle_of_anything(
        before in "[a-zA-Z ,.:=(){}\n]{0,60}",
        after in "[a-zA-Z ,.:=(){}\n]{0,60}",
        name in prop_oneof![Just("traceparent: "), Just("'traceparent': '"), Just("traceparent="), Just("\"Traceparent\":\""), Just("")],
    ) {
        let text = format!("{before}\n{name}{TRACEPARENT}\n{after}");
        let paste = read(text.as_bytes());
        let mut values = paste.carriers.iter().flat_map(|carrier| {
            let headers = carrier.headers.iter().map(|header| header.value.clone());
            let unread = carrier.unread.iter().map(|unread| unread.value.clone().into_bytes());
            headers.chain(unread).collect::<Vec<_>>()
        });
        prop_assert!(values.any(|value| String::from_utf8_lossy(&value).contains(TRACEPARENT)), "{:?}\n{:?}", text, paste);
    }
}

#[test]
fn many_names_of_types_end_the_search() {
    let text = format!("x traceparent {}", "longstr ".repeat(100_000));
    assert!(read(text.as_bytes()).carriers.len() <= 1);
}

#[test]
fn a_value_does_not_begin_within_the_one_before_it() {
    let value = "Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312";
    let text = format!("A{value};{value}");
    let paste = read(text.as_bytes());
    let headers = paste.carriers.iter().flat_map(|carrier| &carrier.headers);
    let values: Vec<&[u8]> = headers.map(|header| &header.value[..]).collect();
    assert!(
        values.iter().any(|found| found.ends_with(value.as_bytes())),
        "{paste:?}"
    );
    let together: usize = values.iter().map(|value| value.len()).sum();
    assert!(together <= text.len(), "values overlap: {paste:?}");
}

#[test]
fn many_carriers_are_counted_and_not_all_kept() {
    let line = |number: usize| {
        format!(
            "08:{:02}:{:02} traceparent={}\n",
            number / 60,
            number % 60,
            TRACEPARENT.replace("b7ad", &format!("{number:04x}"))
        )
    };
    let text: String = (0..500).map(line).collect();
    let paste = read(text.as_bytes());
    assert_eq!(
        (paste.carriers.len(), paste.beyond),
        (MAX_CARRIERS, 500 - MAX_CARRIERS)
    );
}

#[test]
fn deep_and_long_texts_end() {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut nested = format!("{{\"traceparent\":\"{TRACEPARENT}\"}}");
    for _ in 0..12 {
        nested = format!("{{\"a\":{}}}", text(&nested));
    }
    let paste = read(nested.as_bytes());
    assert!(
        paste
            .notes
            .iter()
            .any(|note| note.contains("packed too deeply")),
        "{paste:?}"
    );
    for long in [
        "{".repeat(200_000),
        "[".repeat(200_000),
        "traceparent=".repeat(20_000),
        "a-".repeat(200_000),
        "\\".repeat(200_000),
    ] {
        let _ = read(long.as_bytes());
    }
}
