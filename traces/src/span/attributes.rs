//! The meaning of attributes, under every name that SDKs use.
//!
//! The names come from OpenTelemetry's semantic conventions, old and new, and from Zipkin's and
//! Brave's tags. Names that belong to one messaging system are in `systems`.

mod systems;

pub(crate) use self::systems::{broker_named, of_one_system, system_named, system_of_id};

/// What an attribute says about a hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The message's id.
    MessageId,
    /// The queue, topic or stream.
    Destination,
    /// The destination that a message was sent to, on the receiver's span.
    PublishedTo,
    /// The address of a queue, whose last part is the queue's name.
    QueueUrl,
    /// The id of the broker's cluster.
    Cluster,
    /// The account or project that has the queue or topic.
    Account,
    /// The cloud provider's region of the queue or topic.
    Region,
    /// The part of a broker that has the queue or topic: RabbitMQ's virtual host, or a namespace
    /// of Pulsar.
    Space,
    /// RabbitMQ's routing key. The default exchange, which has no name, passes a message on to the
    /// queue of this name.
    RoutingKey,
    /// The template that many destinations' names have in common.
    Template,
    /// Whether the destination only lives as long as its client.
    Temporary,
    /// The partition or shard.
    Partition,
    /// The message's offset within its partition.
    Offset,
    /// The messaging system.
    System,
    /// The operation on the message.
    Operation,
    /// The group of consumers. Each group gets every message.
    ConsumerGroup,
    /// How many messages a receive operation returned.
    BatchCount,
    /// The API's id of a request.
    RequestId,
    /// The server's name: the host that a client calls, or under which a server answers.
    ServerHost,
    /// The server's port.
    ServerPort,
    /// The host of the span's own process.
    OwnHost,
    /// The port of the span's own process.
    OwnPort,
    /// The name of the peer's host.
    PeerName,
    /// The address of the peer's host.
    PeerHost,
    /// The peer's port.
    PeerPort,
    /// `host` or `host:port`.
    HostAndPort,
    /// The whole address of a request.
    Url,
    /// The path of a request, perhaps with its query.
    Path,
    /// The template that the path matched.
    Route,
    /// The request's method.
    Method,
    /// The response's status.
    Status,
    /// The class of error with which the operation ended.
    ErrorType,
    /// The service at the other end, under its name in the client's configuration.
    PeerService,
    /// The cluster to which a proxy passes a request on.
    UpstreamCluster,
    /// The status of a gRPC call.
    GrpcStatus,
    /// The id of a workflow.
    WorkflowId,
    /// The RPC system.
    RpcSystem,
    /// The RPC service.
    RpcService,
    /// The RPC method.
    RpcMethod,
    /// The method of an API of AWS, on spans that do not call it RPC.
    AwsOperation,
    /// Present on calls to a database.
    Database,
    /// The client's program.
    UserAgent,
    /// What invoked a function.
    Trigger,
}

impl Meaning {
    /// How many meanings there are.
    pub(crate) const COUNT: usize = Meaning::Trigger as usize + 1;
}

/// The meaning of the attribute called `name`; `None` if baton does not use it to judge hand-offs.
pub(crate) fn meaning(name: &str) -> Option<Meaning> {
    use Meaning::*;
    Some(match name {
        "messaging.message.id" | "messaging.message_id" | "message.id" | "messaging.id" => {
            MessageId
        }
        "messaging.destination.name"
        | "messaging.destination"
        | "message_bus.destination"
        | "messaging.kafka.topic"
        | "messaging.source.name"
        | "messaging.source" => Destination,
        "messaging.destination_publish.name" => PublishedTo,
        "messaging.url" => QueueUrl,
        "messaging.kafka.cluster.id" | "messaging.kafka.cluster_id" => Cluster,
        "cloud.account.id" | "aws.account.id" | "gcp.project_id" => Account,
        "cloud.region" | "aws.region" => Region,
        "messaging.rabbitmq.destination.routing_key"
        | "messaging.rabbitmq.destination.routing.key"
        | "messaging.rabbitmq.routing_key"
        | "messaging.rabbitmq.routing.key" => RoutingKey,
        "messaging.destination.template" => Template,
        // the older `messaging.temp_destination` says nothing: Python's instrumentations write it
        // on every message that they send
        "messaging.destination.temporary" => Temporary,
        "messaging.destination.partition.id"
        | "messaging.kafka.partition"
        | "messaging.kafka.destination.partition"
        | "messaging.kafka.source.partition"
        | "messaging.rocketmq.queue_id" => Partition,
        "messaging.kafka.offset"
        | "messaging.kafka.message.offset"
        | "messaging.rocketmq.queue_offset" => Offset,
        "messaging.system" => System,
        "messaging.operation.type" | "messaging.operation" | "messaging.operation.name" => {
            Operation
        }
        "messaging.consumer.group.name"
        | "messaging.kafka.consumer.group"
        | "messaging.kafka.consumer_group"
        | "messaging.eventhubs.consumer.group"
        | "messaging.rocketmq.client_group"
        | "messaging.destination.subscription.name"
        | "messaging.servicebus.destination.subscription_name" => ConsumerGroup,
        "messaging.batch.message_count" | "messaging.kafka.message_count" => BatchCount,
        // a function's invocation has the id of the request that invoked it
        "aws.request_id" | "aws.request.id" | "aws.requestId" | "faas.invocation_id"
        | "faas.execution" => RequestId,
        "server.address" => ServerHost,
        "server.port" => ServerPort,
        "net.host.name" | "http.server_name" => OwnHost,
        "net.host.port" => OwnPort,
        "net.peer.name" | "peer.hostname" | "out.host" | "network.destination.name" => PeerName,
        "network.peer.address" | "net.sock.peer.addr" | "net.peer.ip" | "peer.ipv4" => PeerHost,
        "network.peer.port"
        | "net.sock.peer.port"
        | "net.peer.port"
        | "peer.port"
        | "network.destination.port" => PeerPort,
        "http.host" | "http.request.header.host" => HostAndPort,
        // the last is X-Ray's
        "url.full" | "http.url" | "http.request.url" => Url,
        "url.path" | "http.target" | "http.path" => Path,
        "http.route" | "uri" => Route,
        "http.request.method" | "http.method" | "method" => Method,
        "http.response.status_code" | "http.status_code" | "status" => Status,
        "error.type" => ErrorType,
        "peer.service" | "service.peer.name" => PeerService,
        "upstream_cluster.name" | "upstream_cluster" => UpstreamCluster,
        "grpc.status_code" => GrpcStatus,
        "rpc.system" | "rpc.system.name" => RpcSystem,
        "rpc.service" => RpcService,
        "rpc.method" => RpcMethod,
        "aws.operation" => AwsOperation,
        "db.system" | "db.system.name" | "db.type" | "db.instance" | "db.statement"
        | "db.query.text" | "db.operation" | "db.operation.name" | "sql.query"
        | "mongodb.command" | "mongodb.query" | "cassandra.query" | "redis.raw_command" => Database,
        "user_agent.original" | "http.user_agent" => UserAgent,
        "faas.trigger" => Trigger,
        name if system_of_id(name).is_some() => MessageId,
        name => return of_one_system(name).map(|(meaning, _)| meaning),
    })
}

/// The name of the request header that the attribute `name` captured, in the attribute's spelling.
pub(crate) fn captured_header(name: &str) -> Option<&str> {
    const PREFIXES: [&str; 4] = [
        "http.request.header.",
        "messaging.header.",
        "rpc.grpc.request.metadata.",
        "rpc.request.metadata.",
    ];
    PREFIXES
        .into_iter()
        .find_map(|prefix| name.strip_prefix(prefix))
}

/// The trace-context header with this captured name; `None` for all other headers. Most SDKs write
/// `-` as `_`, but some keep it.
pub(crate) fn context_header(captured: &str) -> Option<&'static str> {
    const HEADERS: [&str; 16] = [
        "traceparent",
        "tracestate",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags",
        "uber-trace-id",
        "x-amzn-trace-id",
        "x-datadog-trace-id",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "ot-tracer-traceid",
        "ot-tracer-spanid",
        "ot-tracer-sampled",
    ];
    let same = |header: &str| {
        let bytes = header.bytes().zip(captured.bytes());
        let fits = |(wanted, found): (u8, u8)| match found {
            b'_' => wanted == b'-',
            found => wanted == found.to_ascii_lowercase(),
        };
        header.len() == captured.len() && bytes.into_iter().all(fits)
    };
    HEADERS.into_iter().find(|header| same(header))
}

/// Whether the attribute `name` may hold an id that all spans of a request share. Attributes of the
/// process, the network or the code never do.
pub(crate) fn may_be_shared(name: &str) -> bool {
    const NEVER: [&str; 29] = [
        "thread.",
        "process.",
        "network.",
        "net.",
        "server.",
        "client.",
        "url.",
        "http.response",
        "user_agent.",
        "db.",
        "code.",
        "telemetry.",
        "otel.",
        "host.",
        "container.",
        "k8s.",
        "cloud.",
        "exception.",
        "error.",
        "rpc.",
        "aws.",
        "os.",
        "service.",
        "baton.",
        "faas.",
        "peer.",
        "event.",
        "w3c.",
        "internal.",
    ];
    if let Some(header) = name.strip_prefix("http.request.header.") {
        const HEADERS: [&str; 7] = [
            "host",
            "user",
            "content",
            "date",
            "authorization",
            "cookie",
            "accept",
        ];
        return context_header(header).is_none()
            && !HEADERS.iter().any(|start| header.starts_with(start));
    }
    let is_message_key = matches!(
        name,
        "messaging.kafka.message.key"
            | "messaging.kafka.message_key"
            | "messaging.message.conversation_id"
            | "messaging.conversation_id"
    );
    let is_known = name.starts_with("http.") || name.starts_with("messaging.");
    is_message_key
        || !is_known
            && !NEVER.iter().any(|start| name.starts_with(start))
            && !name.contains("trace")
            && !name.contains("span")
            && meaning(name).is_none()
}

/// Whether `value` looks like an id: one word of letters and digits, long enough to be unique.
pub(crate) fn looks_like_id(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    (8..=128).contains(&value.len())
        && digits >= 2
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'|'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captured_header_is_known_in_every_spelling() {
        for (captured, header) in [
            ("x_b3_traceid", Some("x-b3-traceid")),
            ("X-B3-TraceId", Some("x-b3-traceid")),
            ("traceparent", Some("traceparent")),
            ("x_request_id", None),
        ] {
            assert_eq!(context_header(captured), header, "{captured}");
        }
    }

    #[test]
    fn ids_are_distinguished_from_words_and_addresses() {
        for (value, is_id) in [
            ("73f778aa-f6fa-4db8-a56a-bd72fb710734", true),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAV", true),
            ("127.0.0.1", false),
            ("Mozilla/5.0", false),
            ("checkout", false),
            ("42", false),
        ] {
            assert_eq!(looks_like_id(value), is_id, "{value}");
        }
        assert!(may_be_shared("app.order_id"));
        assert!(may_be_shared("http.request.header.x_request_id"));
        assert!(!may_be_shared("network.peer.address"));
        assert!(!may_be_shared("http.request.header.traceparent"));
    }
}
