//! Puts records on a lab's stream through the Kinesis API, without the producer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::lab::{Answer, Lab, answer};

/// Calls an operation of a lab's Kinesis API.
pub(crate) async fn call(lab: &Lab, operation: &str, parameters: &Value) -> Answer {
    let request = lab
        .client
        .post(&lab.addresses.kinesis)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        // the credentials of a lab's functions; the lab does not check the signature
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=baton/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0",
        )
        .body(parameters.to_string());
    answer(request).await
}

/// Puts records on one shard of a stream that has `shards` shards. One call does it, so that they
/// are on the stream together. Returns their sequence numbers.
pub(crate) async fn put<D: AsRef<[u8]>>(
    lab: &Lab,
    (shard, shards): (u32, u32),
    data: &[D],
) -> Vec<String> {
    // the shards divide the range of the hash keys evenly
    let hash_key = u128::MAX / u128::from(shards) * u128::from(shard) + 1;
    let records: Vec<_> = data
        .iter()
        .map(|data| {
            json!({
                "Data": STANDARD.encode(data),
                "PartitionKey": "foreign",
                "ExplicitHashKey": hash_key.to_string(),
            })
        })
        .collect();
    let parameters = json!({ "StreamName": lab.addresses.stream, "Records": records });
    let text = call(lab, "PutRecords", &parameters).await.body;
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(answer["FailedRecordCount"], 0, "{text}");
    let placements = answer["Records"].as_array().expect("placements");
    for placement in placements {
        assert_eq!(
            placement["ShardId"],
            format!("shardId-{shard:012}"),
            "{text}"
        );
    }
    placements
        .iter()
        .map(|placement| {
            placement["SequenceNumber"]
                .as_str()
                .expect("text")
                .to_owned()
        })
        .collect()
}
