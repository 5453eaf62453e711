//! Spans in a program's log, between its other lines.

use super::read;

/// A span with this id as Java's `logging-otlp` exporter prints it, on one line.
fn span(id: &str, padding: usize) -> String {
    format!(
        concat!(
            r#"{{"resource":{{"attributes":[]}},"scopeSpans":[{{"spans":[{{"traceId":"{:032x}","#,
            r#""spanId":"{}","name":"{}","startTimeUnixNano":"1"}}]}}]}}"#
        ),
        1,
        id,
        "x".repeat(padding)
    )
}

/// The lines of `text` as a container runtime stores them: in parts of at most 16 KiB.
fn in_container(text: &str) -> String {
    let mut stored = String::new();
    for line in text.lines() {
        let mut rest = line;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(16 << 10));
            let tag = if after.is_empty() { 'F' } else { 'P' };
            stored += &format!("2026-01-01T00:00:00.000000000Z stdout {tag} {part}\n");
            rest = after;
        }
    }
    stored
}

#[test]
fn a_span_on_a_line_of_another_encoding_is_read() {
    let (a, b) = (span("000000000000000a", 0), span("000000000000000b", 0));
    let text = format!("12:00 {a}\n12:00 {{\"user\":\"J?rg\"}} {b}\n");
    // `ö` in Latin-1
    let bytes: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == b'?' { 0xf6 } else { byte })
        .collect();
    let mut count = 0;
    read(&bytes, &mut |_| count += 1).expect("a log");
    assert_eq!(count, 2);
}

#[test]
fn all_spans_between_other_output_are_read() {
    const A: &str = "000000000000000a";
    const B: &str = "000000000000000b";
    let (a, b, long) = (span(A, 0), span(B, 0), span(B, 40_000));
    let config = "{\n  \"port\": 8080,\n  \"db\": {\n    \"pool\": 5\n  }\n}\n";
    for (name, text, ids) in [
        (
            "text between objects",
            format!("12:00 {b}\n12:00 {{\"u\":1}} INFO {a} done\n"),
            vec![B, A],
        ),
        (
            "several objects",
            format!("12:00 {b}, {a} and {{\"u\":1}} - {a}"),
            vec![B, A, A],
        ),
        (
            "a configuration before",
            format!("{config}INFO: started\n12:00 INFO {a}\n"),
            vec![A],
        ),
        (
            "a list before",
            format!("[{{\n  \"port\": 8080\n}}]\n12:00 INFO {a}\n"),
            vec![A],
        ),
        (
            "lines in parts",
            in_container(&format!("{a}\n{long}\n")),
            vec![A, B],
        ),
        (
            "parts first",
            in_container(&format!("{long}\n{a}\n")),
            vec![B, A],
        ),
        (
            "parts after text",
            in_container(&format!("INFO: started\nINFO {long}\nINFO {a}\n")),
            vec![B, A],
        ),
        (
            "an object with indents between log lines",
            format!(
                "INFO: started\n{}\nconfig {{\nINFO: on\n{b}\n",
                with_indents(&a)
            ),
            vec![A, B],
        ),
        (
            "an object with indents after text on its line",
            format!("12:00 INFO {a}\n12:01 INFO {} end {a}\n", with_indents(&b)),
            vec![A, B, A],
        ),
        (
            "objects with indents, and text below",
            format!(
                "{}\nINFO: on\n{}\nbye\n",
                with_indents(&a),
                with_indents(&b)
            ),
            vec![A, B],
        ),
        (
            "text that ends in a brace",
            format!("INFO starting server {{\n{a}\nbye\nINFO again {{\n{b}\n"),
            vec![A, B],
        ),
        (
            "a log line that names the active span",
            format!("INFO {{\"msg\":\"x\",\"trace_id\":\"5b\",\"span_id\":\"22\"}}\n12:00 {a}\n"),
            vec![A],
        ),
        (
            "braces that are not JSON",
            format!("12:00 GET /{{id}} {a}\n12:01 {{x}} {{y}} {b}\n"),
            vec![A, B],
        ),
    ] {
        let (found, skipped) = found(name, &text);
        assert_eq!(found, ids, "{name}");
        assert_eq!(skipped, None, "{name}");
    }
}

/// The ids of the spans in a text, and what was skipped in it.
fn found(name: &str, text: &str) -> (Vec<String>, Option<String>) {
    let mut found = Vec::new();
    let each = &mut |span: &baton_traces::span::Span<'_>| {
        found.push(span.reference.span_id.to_string());
    };
    let reading = read(text.as_bytes(), each).unwrap_or_else(|error| panic!("{name}: {error}"));
    (found, reading.skipped)
}

/// The JSON over several lines.
fn with_indents(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}

#[test]
fn skipped_text_between_requests_is_reported() {
    let request = |id: &str| format!(r#"{{"resourceSpans":[{}]}}"#, span(id, 0));
    let (a, b) = (request("000000000000000a"), request("000000000000000b"));
    for (name, text, spans, said) in [
        (
            "one line",
            format!("{a}\nINFO: on\n{b}\n"),
            2,
            "line 2, which is other text",
        ),
        (
            "several lines",
            format!("{a}\n[info] on\n{b}\nbye"),
            2,
            "2 lines of other text, the first is line 2",
        ),
        (
            "spans after text on a line",
            format!("{a}\n12:00 INFO {b}\nINFO: on\n"),
            2,
            "line 3, which is other text",
        ),
    ] {
        let (found, skipped) = found(name, &text);
        assert_eq!(found.len(), spans, "{name}");
        let skipped = skipped.expect(name);
        assert!(skipped.contains(said), "{name}: {skipped}");
    }
    let cut = &b[..b.len() - 9];
    for damaged in [
        format!("{a}\n12:00 INFO {cut}\n{b}\n"),
        format!("{a}\n12:00 INFO {b} {cut}\n{b}\n"),
    ] {
        let error = read(damaged.as_bytes(), &mut |_| {}).expect_err("a damaged request");
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}

#[test]
fn a_span_that_is_cut_inside_a_text_is_not_lost_silently() {
    let (a, b) = (span("000000000000000a", 0), span("000000000000000b", 0));
    let cut = &b[..b.find("startTime").expect("a member") + 5];
    let (spans, skipped) = found("between lines", &format!("INFO {a}\nINFO {cut}\nbye\n"));
    assert_eq!(spans.len(), 1);
    assert!(skipped.is_some_and(|skipped| skipped.contains("line 2")));
    let text = format!("INFO {a}\nINFO {cut}");
    let reading = read(text.as_bytes(), &mut |_| {}).expect("a log");
    assert!(reading.truncated.is_some());
}

#[test]
fn a_log_that_ends_inside_an_object_is_cut_short() {
    let (a, b) = (span("000000000000000a", 0), span("000000000000000b", 0));
    let text = with_indents(&b);
    let text = format!("INFO {a}\nINFO {}", &text[..text.len() - 20]);
    let mut count = 0;
    let reading = read(text.as_bytes(), &mut |_| count += 1).expect("a log");
    assert_eq!(count, 1);
    assert!(reading.truncated.is_some());
}
