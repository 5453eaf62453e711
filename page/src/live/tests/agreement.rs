//! The page and a run judge the same spans alike, whatever the order in which they come.

use baton_traces::matching::by_id::Assembly;
use baton_traces::source::extent::Extent;

use super::*;

/// A span with a parent in another process, or in its own, or without a word about it.
fn with_parent(span: String, is_remote: Option<bool>) -> String {
    let flags = match is_remote {
        Some(true) => "\"flags\":769",
        Some(false) => "\"flags\":257",
        None => "\"flags\":1",
    };
    span.replace("\"flags\":769", flags)
        .replace("\"flags\":257", flags)
}

/// The verdicts of a run with these spans.
fn of_run(spans: &[String]) -> BTreeMap<Verdict, u64> {
    let mut assembly = Assembly::default();
    for span in spans {
        let read = otlp_json::read_request(span.as_bytes(), Want::Judging, &mut |span| {
            assembly.add_span(span);
        });
        assert!(read.is_ok(), "{read:?}");
    }
    assembly.finish(&Extent {
        is_run: true,
        is_cut_short: true,
        ..Extent::default()
    });
    let mut verdicts = BTreeMap::new();
    for verdict in assembly.hand_offs().filter_map(|hand_off| hand_off.verdict) {
        *verdicts.entry(verdict).or_default() += 1;
    }
    verdicts
}

/// The verdicts of a page to which they come in this order.
fn of_page(spans: &[String]) -> BTreeMap<Verdict, u64> {
    let live = Live::new(10);
    for span in spans {
        live.add_spans(span.as_bytes());
    }
    let mut verdicts = BTreeMap::new();
    for (verdict, number) in edges(&live).into_values().flatten() {
        *verdicts.entry(verdict).or_default() += number;
    }
    verdicts
}

/// All orders of a few spans.
fn orders(spans: &[String]) -> Vec<Vec<String>> {
    let [only] = spans else {
        let firsts = 0..spans.len();
        return firsts
            .flat_map(|first| {
                let mut others = spans.to_vec();
                let first = others.remove(first);
                let orders = orders(&others).into_iter();
                orders.map(move |mut order| {
                    order.insert(0, first.clone());
                    order
                })
            })
            .collect();
    };
    vec![vec![only.clone()]]
}

#[test]
fn they_agree_in_any_order() {
    let sent = |parent, is_remote| {
        let span = span("producer", TRACE, 4, parent, 4, &message("7"));
        with_parent(span, is_remote)
    };
    let inner = |service: &str, id, parent, is_remote| {
        with_parent(span(service, TRACE, id, parent, 1, &[]), is_remote)
    };
    let received = |trace: &str, parent, is_remote| {
        let span = span("consumer", trace, 9, parent, 5, &message("7"));
        with_parent(span, is_remote)
    };
    let local = Some(false);
    let remote = Some(true);
    let server = with_parent(span("producer", TRACE, 1, 0, 2, &[]), local);
    let cases = [
        // the context of the span above the sender, and of spans further up
        (
            vec![server.clone(), sent(1, local), received(TRACE, 1, remote)],
            Verdict::Connected,
        ),
        (
            vec![
                server.clone(),
                inner("producer", 2, 1, local),
                inner("producer", 3, 2, local),
                sent(3, local),
                received(TRACE, 1, remote),
            ],
            Verdict::Connected,
        ),
        // the context of a span below the sender, as of its HTTP client
        (
            vec![
                server.clone(),
                sent(1, local),
                inner("producer", 5, 4, local),
                received(TRACE, 5, remote),
            ],
            Verdict::Connected,
        ),
        (
            vec![
                server.clone(),
                sent(1, local),
                with_parent(
                    span("producer", TRACE, 5, 4, 3, &[("error.type", "timeout")]),
                    local,
                ),
                received(TRACE, 5, remote),
            ],
            Verdict::Connected,
        ),
        // a span above it that is in another process
        (
            vec![
                inner("producer", 2, 8, remote),
                inner("producer", 3, 2, local),
                sent(3, local),
                received(TRACE, 8, remote),
            ],
            Verdict::WrongParent,
        ),
        // a span of the trace that is not above it
        (
            vec![
                inner("producer", 2, 1, local),
                sent(1, local),
                received(TRACE, 2, remote),
            ],
            Verdict::WrongParent,
        ),
        // exporters that do not say whether a parent is remote
        (
            vec![
                inner("producer", 1, 0, None),
                inner("producer", 2, 1, None),
                sent(2, None),
                received(TRACE, 1, None),
            ],
            Verdict::Connected,
        ),
        (
            vec![
                inner("front", 1, 0, None),
                inner("producer", 2, 1, None),
                sent(2, None),
                received(TRACE, 1, None),
            ],
            Verdict::WrongParent,
        ),
        (
            vec![
                sent(0, None),
                inner("consumer", 5, 0, None).replace(TRACE, OTHER),
                received(OTHER, 5, None),
            ],
            Verdict::NewTrace,
        ),
        (
            vec![sent(0, None), received(OTHER, 5, None)],
            Verdict::WrongTrace,
        ),
    ];
    for (number, (spans, verdict)) in cases.into_iter().enumerate() {
        let expected = BTreeMap::from([(verdict, 1)]);
        assert_eq!(of_run(&spans), expected, "case {number} in a run");
        for order in orders(&spans) {
            assert_eq!(of_page(&order), expected, "case {number}: {order:#?}");
        }
    }
}
