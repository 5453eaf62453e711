//! Consumers that handle several messages in one span.

use baton_traces::audit::{Audit, Evidence};
use baton_traces::hand_off::Verdict;
use baton_traces::readers::otlp_json;
use baton_traces::span::Want;
use serde_json::{Value, json};

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// A span of a service, with other fields than its ids.
fn resource_spans(service: &str, trace: u8, span: u8, fields: &Value) -> Value {
    let mut made = json!({"traceId": format!("{trace:032x}"), "spanId": format!("{span:016x}")});
    let fields = fields.as_object().expect("an object");
    let all = made.as_object_mut().expect("an object");
    all.extend(
        fields
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    json!({
        "resource": {"attributes": [attribute("service.name", service)]},
        "scopeSpans": [{"spans": [made]}],
    })
}

/// The queue's own spans are in no source. Only the ids on the links lead to the senders.
#[test]
fn ids_on_links_join_a_batch_with_each_sender() {
    let send = |trace: u8, span: u8, message: &str| {
        let attributes = [
            attribute("messaging.system", "aws_sqs"),
            attribute("messaging.message.id", message),
        ];
        resource_spans(
            "shop",
            trace,
            span,
            &json!({"kind": 4, "attributes": attributes}),
        )
    };
    let link = |trace: u8, message: &str| {
        json!({
            "traceId": format!("{trace:032x}"), "spanId": "00000000000000ff",
            "attributes": [attribute("messaging.message.id", message)],
        })
    };
    let fields = json!({
        "kind": 5,
        "attributes": [attribute("messaging.system", "aws_sqs")],
        "links": [link(1, "m-1"), link(2, "m-2")],
    });
    let batch = resource_spans("mailer", 3, 30, &fields);
    let request = json!({"resourceSpans": [send(1, 10, "m-1"), batch, send(2, 20, "m-2")]});
    let mut audit = Audit::default();
    let request = request.to_string();
    otlp_json::read_request(request.as_bytes(), Want::HandOffs, &mut |span| {
        audit.add(span)
    })
    .expect("a request");
    let judged = audit.judge();
    let [edge] = judged.edges.as_slice() else {
        panic!("{:?}", judged.edges);
    };
    assert_eq!((edge.from.as_str(), edge.to.as_str()), ("shop", "mailer"));
    assert_eq!(edge.evidence[&Evidence::MessageId], 2);
    assert_eq!(
        edge.verdicts[&Verdict::Linked],
        2,
        "the links lead to the senders' traces"
    );
}
