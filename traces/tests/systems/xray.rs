//! Segments of X-Ray, whose subsegments may be sent alone.

use baton_traces::audit::{Audit, Options};
use baton_traces::readers;
use baton_traces::span::Want;

const SEGMENTS: &str = r#"
{"trace_id":"1-61dc455f-000000000000000000000001","id":"00000000000000a1","name":"shop","start_time":1641823583.0,"end_time":1641823584.0,"http":{"request":{"method":"GET","url":"http://shop/"},"response":{"status":200}}}
{"trace_id":"1-61dc455f-000000000000000000000001","id":"00000000000000a2","parent_id":"00000000000000a1","type":"subsegment","namespace":"remote","name":"stock","start_time":1641823583.1,"end_time":1641823583.5,"http":{"request":{"method":"GET","url":"http://stock/items"},"response":{"status":200}}}
{"trace_id":"1-61dc455f-000000000000000000000001","id":"00000000000000b1","parent_id":"00000000000000a2","name":"stock","start_time":1641823583.2,"end_time":1641823583.4,"http":{"request":{"method":"GET","url":"http://stock/items"},"response":{"status":200}}}
{"trace_id":"1-61dc455f-000000000000000000000002","id":"00000000000000a3","name":"shop","start_time":1641823585.0,"end_time":1641823586.0}
{"trace_id":"1-61dc455f-000000000000000000000002","id":"00000000000000a4","parent_id":"00000000000000a3","type":"subsegment","name":"work","start_time":1641823585.0,"end_time":1641823585.9}
{"trace_id":"1-61dc455f-000000000000000000000002","id":"00000000000000a5","parent_id":"00000000000000a4","type":"subsegment","namespace":"remote","name":"stock","start_time":1641823585.1,"end_time":1641823585.5,"http":{"request":{"method":"GET","url":"http://stock/items"},"response":{"status":200}}}
{"trace_id":"1-61dc455f-000000000000000000000003","id":"00000000000000b2","name":"stock","start_time":1641823585.2,"end_time":1641823585.4,"http":{"request":{"method":"GET","url":"http://stock/items"},"response":{"status":200}}}
"#;

#[test]
fn subsegments_that_were_sent_alone_belong_to_the_service_of_their_segment() {
    let mut audit = Audit::new(Options::default());
    let each = &mut |span: &baton_traces::span::Span<'_>| audit.add(span);
    readers::read(SEGMENTS.trim().as_bytes(), "segments", Want::HandOffs, each).expect("segments");
    let judged = audit.judge();
    let edges = judged.edges.iter();
    let edges: Vec<String> = edges
        .map(|edge| format!("{} {} {:?}", edge.from, edge.to, edge.verdicts))
        .collect();
    assert_eq!(edges, ["shop stock {Connected: 1, NewTrace: 1}"]);
}

#[test]
fn calls_of_aws_are_messages_or_end_at_the_cloud() {
    let trace = r#""trace_id":"1-61dc455f-000000000000000000000001""#;
    let segments = [
        format!(
            r#"{{{trace},"id":"00000000000000a1","name":"shop","start_time":1.0,"end_time":2.0,"subsegments":[
                {{"id":"00000000000000a2","namespace":"aws","name":"SQS","start_time":1.1,"end_time":1.2,
                  "aws":{{"operation":"SendMessage","queue_url":"https://sqs.eu-west-1.amazonaws.com/1/orders"}}}},
                {{"id":"00000000000000a3","namespace":"aws","name":"DynamoDB","start_time":1.3,"end_time":1.4,
                  "aws":{{"operation":"PutItem","table_name":"t"}}}},
                {{"id":"00000000000000a4","namespace":"remote","name":"db","start_time":1.5,"end_time":1.6,
                  "sql":{{"sanitized_query":"select 1"}}}}]}}"#
        ),
        format!(
            r#"{{{trace},"id":"00000000000000b1","parent_id":"00000000000000a2","name":"mail","origin":"AWS::Lambda",
                "start_time":3.0,"end_time":4.0}}"#
        ),
    ];
    let mut audit = Audit::new(Options::default());
    let each = &mut |span: &baton_traces::span::Span<'_>| audit.add(span);
    let segments = segments.map(|segment| segment.replace('\n', "")).join("\n");
    readers::read(segments.as_bytes(), "segments", Want::HandOffs, each).expect("segments");
    let judged = audit.judge();
    let edges = judged.edges.iter();
    let edges: Vec<String> = edges
        .map(|edge| {
            format!(
                "{} {} {} {:?}",
                edge.from, edge.to, edge.channel, edge.verdicts
            )
        })
        .collect();
    assert_eq!(edges, ["shop mail aws_sqs orders {Connected: 1}"]);
    assert_eq!(judged.not_judged(), 0, "{:?}", judged.unjudged);
}
