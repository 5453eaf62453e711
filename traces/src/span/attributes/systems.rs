//! Messaging systems: their names, and the attributes that they or their libraries name themselves.

use super::Meaning;

/// What an attribute means that belongs to one system, and the system. Spans with such attributes
/// seldom name the system otherwise.
pub(crate) fn of_one_system(name: &str) -> Option<(Meaning, &'static str)> {
    use Meaning::*;
    Some(match name {
        "kafka.topic" => (Destination, "kafka"),
        "kafka.partition" => (Partition, "kafka"),
        "kafka.offset" | "kafka.message.offset" => (Offset, "kafka"),
        "rabbit.exchange" | "amqp.exchange" => (Destination, "rabbitmq"),
        "rabbit.routing_key" | "rabbit.queue" | "amqp.routingKey" | "amqp.queue" => {
            (RoutingKey, "rabbitmq")
        }
        "messaging.rabbitmq.vhost"
        | "messaging.rabbitmq.virtual_host"
        | "rabbitmq.vhost"
        | "amqp.vhost" => (Space, "rabbitmq"),
        "messaging.pulsar.namespace" | "pulsar.namespace" => (Space, "pulsar"),
        "kafka.cluster.id" | "kafka.cluster_id" => (Cluster, "kafka"),
        "temporalWorkflowID" => (WorkflowId, "temporal"),
        "jms.queue" | "jms.topic" => (Destination, "jms"),
        "rocketmq.topic" => (Destination, "rocketmq"),
        "bullmq.queue.name" => (Destination, "bullmq"),
        "bullmq.job.id" => (MessageId, "bullmq"),
        "nservicebus.message_id" => (MessageId, "nservicebus"),
        "pubsub.topic" | "pubsub.subscription" => (Destination, "gcp_pubsub"),
        "pubsub.message_id" => (MessageId, "gcp_pubsub"),
        "messaging.aws.sqs.queue.name" | "aws.queue.name" | "aws.sqs.queue_name" => {
            (Destination, "aws_sqs")
        }
        "messaging.aws.sqs.queue.url" | "aws.queue_url" | "aws.queue.url" | "aws.sqs.queue.url" => {
            (QueueUrl, "aws_sqs")
        }
        "messaging.aws.sns.topic.arn" | "aws.sns.topic.arn" | "aws.sns.topic_arn" => {
            (QueueUrl, "aws_sns")
        }
        "aws.stream.name" | "aws.kinesis.stream_name" | "aws.kinesis.stream.name" => {
            (Destination, "aws_kinesis")
        }
        // unique within its stream
        "aws.kinesis.sequence_number" => (MessageId, "aws_kinesis"),
        _ => return None,
    })
}

/// The messaging system whose own name for the id of a message or a job is `name`, such as `oban`
/// for `messaging.oban.job_id`.
pub(crate) fn system_of_id(name: &str) -> Option<&str> {
    let own = name.strip_prefix("messaging.");
    let parts = own.and_then(|own| own.split_once('.'));
    let own = parts.filter(|(system, id)| {
        let is_id = matches!(*id, "message_id" | "job_id" | "job.id" | "task_id");
        is_id && !matches!(*system, "message" | "batch")
    });
    own.map(|(system, _)| system)
}

/// The messaging system under one name. Instrumentations write `aws_sqs`, `aws.sqs` or `AmazonSQS`.
pub(crate) fn system_named(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "awssqs" | "amazonsqs" | "sqs" => "aws_sqs".to_owned(),
        "awssns" | "amazonsns" | "sns" => "aws_sns".to_owned(),
        "awskinesis" | "amazonkinesis" | "kinesis" => "aws_kinesis".to_owned(),
        "gcppubsub" => "gcp_pubsub".to_owned(),
        "apachekafka" => "kafka".to_owned(),
        _ => name.to_ascii_lowercase(),
    }
}

/// The broker that a sender or a receiver names as its peer, as Brave and Micrometer do; `None` if
/// it is not known as one.
pub(crate) fn broker_named(peer: &str) -> Option<String> {
    const BROKERS: [&str; 8] = [
        "kafka", "rabbitmq", "rocketmq", "activemq", "artemis", "jms", "pulsar", "nats",
    ];
    let system = system_named(peer);
    BROKERS.contains(&system.as_str()).then_some(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_messaging_system_has_one_name() {
        for name in ["aws_sqs", "aws.sqs", "AmazonSQS", "AmazonSqs"] {
            assert_eq!(system_named(name), "aws_sqs");
        }
        assert_eq!(system_named("kafka"), "kafka");
        // a component of Dapr, and not only Google's system
        assert_eq!(system_named("pubsub"), "pubsub");
    }

    #[test]
    fn a_peer_is_a_broker_only_if_it_is_known_as_one() {
        assert_eq!(broker_named("Apache Kafka").as_deref(), Some("kafka"));
        assert_eq!(broker_named("RabbitMQ").as_deref(), Some("rabbitmq"));
        assert_eq!(broker_named("billing"), None);
    }
}
