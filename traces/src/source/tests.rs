use super::*;
use crate::span::{AnyValue, StatusCode};

fn source(text: &str) -> Source {
    text.parse().expect(text)
}

#[test]
fn a_file_is_named_without_its_extensions() {
    for (path, name) in [
        ("exports/monday.jsonl.zst", "monday"),
        ("monday", "monday"),
        (".hidden.json", ".hidden.json"),
    ] {
        assert_eq!(source(path).name(), name);
        assert_eq!(source(path).to_string(), path);
    }
}

#[test]
fn everything_is_read_where_it_is_wanted_and_nothing_more_where_not() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("export.json");
    let text = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
        "scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
        "attributes":[{"key":"url.full","value":{"stringValue":"http://shop"}},
            {"key":"messaging.message.id","value":{"stringValue":"7"}},
            {"key":"sizes","value":{"arrayValue":{"values":[{"intValue":"1"},{"doubleValue":0.5}]}}}],
        "status":{"code":2,"message":"no stock"},
        "events":[{"timeUnixNano":"5","name":"retry","attributes":[{"key":"left","value":{"boolValue":true}}]}]}]}]}]}"#;
    std::fs::write(&path, text.replace('\n', " ")).expect("room");
    let source = Source::from(path.as_path());

    let each = &mut |span: &Span<'_>| {
        assert_eq!(span.status.code, StatusCode::Error);
        assert_eq!(span.status.message, "no stock");
        let sizes = AnyValue::List(vec![AnyValue::Integer(1), AnyValue::Double(0.5)]);
        let expected = [
            ("url.full".into(), AnyValue::Text("http://shop".into())),
            ("sizes".into(), sizes),
        ];
        assert_eq!(span.other_attributes, expected);
        let event = &span.events[0];
        assert_eq!((&*event.name, event.attributes.len()), ("retry", 1));
        assert_eq!(event.attributes[0].1, AnyValue::Boolean(true));
        assert_eq!(span.resource_attributes[0].0, "service.name");
    };
    let reading = source.read(Want::Everything, each).expect("an export");
    assert_eq!(reading.spans, 1);

    let each = &mut |span: &Span<'_>| {
        assert!(span.other_attributes.is_empty() && span.events.is_empty());
        assert!(span.resource_attributes.is_empty());
    };
    source.read(Want::Judging, each).expect("an export");
    assert_eq!(source.name(), "export");
}
