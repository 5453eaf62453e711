//! Spans of other systems on the page: their hand-offs are judged, and nothing in them can run.

use serde_json::json;

use super::{page, page_with, send};
use crate::support::lab::{Setup, answer};

/// Spans of another system, whose texts try to leave their places.
const HOSTILE: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"<script>alert(1)</script>\u202eevil"}}]},
 "scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","kind":3,"name":"\"><img src=x onerror=alert(2)>",
 "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000001000000",
 "attributes":[{"key":"<svg onload=alert(3)>","value":{"stringValue":"</dd><script>alert(4)</script>\r\ndata: x"}}]}]}]}]}"#;

#[tokio::test]
async fn markup_from_spans_headers_and_bodies_stays_text() {
    let mut lab = Setup::new().start().await;
    let export = lab.client.post(&lab.addresses.otlp);
    let export = export.header("content-type", "application/json");
    assert_eq!(answer(export.body(HOSTILE)).await.status, 200);
    let body = r#"{"name":"<script>alert(5)</script>","superpower":"'\"><b>"}"#;
    lab.accepted(body).await;
    send(&lab, "x-note: <script>alert(6)</script>\nb3: <img src=x>").await;
    let list = page_with(&lab, "/traces", "alert(1)").await;
    let trace = page(&lab, "/traces/0af7651916cd43dd8448eb211c80319c").await;
    assert!(trace.contains("alert(4)"), "{trace}");
    let paste = "text=traceparent%3A+%3Cscript%3Ealert(7)%3C%2Fscript%3E";
    let explained = page(&lab, &format!("/explain?{paste}")).await;
    assert!(explained.contains("alert(7)"), "{explained}");
    let front = page(&lab, "/").await;
    let searched = page(&lab, "/traces?id=%22%3E%3Cscript%3Ealert(8)%3C%2Fscript%3E").await;
    for page in [list, trace, explained, front, searched] {
        for forbidden in ["<script>", "<img", "<svg onload", "onerror=\"", "\u{202e}"] {
            assert!(!page.contains(forbidden), "{forbidden} in {page}");
        }
    }
    lab.stop_well().await;
}

/// A call from `web` to `booking` whose receiver began a trace of its own, and one that held.
fn calls_of_other_services() -> String {
    let span = |service: &str, trace: &str, id: &str, parent: &str, kind: u8, times: (u32, u32)| {
        json!({
            "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
            "scopeSpans": [{ "spans": [{
                "traceId": trace, "spanId": id, "parentSpanId": parent, "kind": kind, "name": "GET /seats",
                "startTimeUnixNano": format!("17000000000{:08}", times.0),
                "endTimeUnixNano": format!("17000000000{:08}", times.1),
                "attributes": [{ "key": "server.address", "value": { "stringValue": "booking" } },
                    { "key": "http.request.method", "value": { "stringValue": "GET" } }]
            }] }]
        })
    };
    let (one, two, three) = ("1".repeat(32), "2".repeat(32), "3".repeat(32));
    let (a, b, c, d) = (
        "a".repeat(16),
        "b".repeat(16),
        "c".repeat(16),
        "d".repeat(16),
    );
    let spans = [
        span("web", &one, &a, "", 3, (0, 40_000_000)),
        span("booking", &one, &b, &a, 2, (10_000_000, 30_000_000)),
        span("web", &two, &c, "", 3, (50_000_000, 90_000_000)),
        span("booking", &three, &d, "", 2, (60_000_000, 80_000_000)),
    ];
    json!({ "resourceSpans": spans }).to_string()
}

#[tokio::test]
async fn calls_between_other_services_are_judged_by_an_audit() {
    let mut lab = Setup::new().start().await;
    let export = lab.client.post(&lab.addresses.otlp);
    let export = export.header("content-type", "application/json");
    let spans = calls_of_other_services();
    assert_eq!(answer(export.body(spans)).await.status, 200);
    let front = page_with(&lab, "/", "The trace breaks from web to booking").await;
    assert!(
        front.contains("1 of 2 hand-offs broke (1 new_trace)"),
        "{front}"
    );
    assert!(front.contains("edge broken"), "{front}");
    let search = "/traces?from=web&to=booking&verdict=new_trace";
    let found = page(&lab, search).await;
    assert!(found.contains("2 traces, newest first"), "{found}");
    let half = page(&lab, &format!("/traces/{}", "2".repeat(32))).await;
    assert!(half.contains("2 traces are shown"), "{half}");
    lab.stop_well().await;
}
