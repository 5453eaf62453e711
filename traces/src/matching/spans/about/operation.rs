//! What a span does with a message, under the names that systems and SDKs have for it.

/// The operation on a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// Unknown.
    #[default]
    Unknown,
    /// It is sent.
    Send,
    /// It is fetched.
    Receive,
    /// It is handled.
    Process,
    /// Another operation, such as deleting it.
    Other,
}

impl Operation {
    /// The operation in `name`, or else in the path of an AWS SDK's call. Systems have names of
    /// their own for it, such as `SendMessage`, `basic.publish` or `enqueue`.
    pub(super) fn of(name: &str, path: &str) -> Operation {
        if name.is_empty() {
            return operation_of_aws(path.rsplit('/').next().unwrap_or_default());
        }
        let name = name.rsplit('.').next().unwrap_or(name);
        let name = name.to_ascii_lowercase();
        let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        Operation::with(begins, name == "create")
    }

    /// The operation in the name of a span that has no attribute for it, such as `orders ack` or
    /// `ServiceBus.renewMessageLock`.
    pub(super) fn in_span_name(name: &str) -> Operation {
        let word = name.rsplit([' ', '.']).next().unwrap_or(name);
        let is_letter = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        let first = word.char_indices().skip(1).find(|(_, it)| is_letter(*it));
        let word = word[..first.map_or(word.len(), |(at, _)| at)].to_ascii_lowercase();
        Operation::with(|words| words.contains(&&*word), word == "create")
    }

    /// The operation whose words `has` finds.
    fn with(has: impl Fn(&[&str]) -> bool, creates: bool) -> Operation {
        match () {
            () if has(SEND) || creates => Operation::Send,
            () if has(RECEIVE) => Operation::Receive,
            () if has(PROCESS) => Operation::Process,
            () if has(OTHER_OPERATIONS) => Operation::Other,
            () => Operation::Unknown,
        }
    }
}

/// How the names of operations begin that send a message.
const SEND: &[&str] = &[
    "send", "publish", "produce", "put", "enqueue", "push", "xadd",
];

/// How the names of operations begin that fetch messages.
const RECEIVE: &[&str] = &[
    "receive",
    "poll",
    "fetch",
    "pull",
    "dequeue",
    "xread",
    "getmessage",
    "getrecord",
];

/// How the names of operations begin that handle a message.
const PROCESS: &[&str] = &["process", "deliver", "handle", "perform", "consume"];

/// The operation of a method of AWS's APIs.
fn operation_of_aws(method: &str) -> Operation {
    match method {
        "SendMessage" | "SendMessageBatch" | "PutRecord" | "PutRecords" | "Publish"
        | "PublishBatch" | "PutEvents" => Operation::Send,
        "ReceiveMessage" | "GetRecords" => Operation::Receive,
        "DeleteMessage" | "DeleteMessageBatch" | "ChangeMessageVisibility" => Operation::Other,
        _ => Operation::Unknown,
    }
}

/// How the names of operations begin that hand no message over.
const OTHER_OPERATIONS: &[&str] = &[
    "ack",
    "nack",
    "reject",
    "settle",
    "complete",
    "abandon",
    "defer",
    "deadletter",
    "dead_letter",
    "renew",
    "modify",
    "modack",
    "change",
    "extend",
    "delete",
    "purge",
    "peek",
    "browse",
    "commit",
    "seek",
    "get",
    "list",
    "describe",
    "subscribe",
    "unsubscribe",
    "declare",
    "bind",
    "unbind",
    "qos",
    "cancel",
    "create",
    "open",
    "close",
    "connect",
    "recover",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of operations, under which attribute or path systems write them.
    const NAMED: &[(&str, &str, Operation)] = &[
        // OpenTelemetry's conventions, new and old
        ("send", "", Operation::Send),
        ("publish", "", Operation::Send),
        ("create", "", Operation::Send),
        ("receive", "", Operation::Receive),
        ("poll", "", Operation::Receive),
        ("process", "", Operation::Process),
        ("deliver", "", Operation::Process),
        ("settle", "", Operation::Other),
        // AWS: the API's operation, as an attribute or as the path of the call
        ("SendMessage", "", Operation::Send),
        ("ReceiveMessage", "", Operation::Receive),
        ("DeleteMessage", "", Operation::Other),
        ("", "/SQS/SendMessageBatch", Operation::Send),
        ("", "/SNS/Publish", Operation::Send),
        ("", "/Kinesis/PutRecords", Operation::Send),
        ("", "/Kinesis/GetRecords", Operation::Receive),
        ("", "/SQS/ChangeMessageVisibility", Operation::Other),
        ("", "/SQS/GetQueueUrl", Operation::Unknown),
        // AMQP's methods
        ("basic.publish", "", Operation::Send),
        ("basic.get", "", Operation::Other),
        ("basic.deliver", "", Operation::Process),
        ("basic.consume", "", Operation::Process),
        ("basic.ack", "", Operation::Other),
        ("exchange.declare", "", Operation::Other),
        // Azure Service Bus
        ("peek", "", Operation::Other),
        ("renew_message_lock", "", Operation::Other),
        ("complete", "", Operation::Other),
        // Google Pub/Sub
        ("pull", "", Operation::Receive),
        ("modify_ack_deadline", "", Operation::Other),
        ("subscribe", "", Operation::Other),
        // Redis streams, and queues of jobs
        ("XADD", "", Operation::Send),
        ("XREADGROUP", "", Operation::Receive),
        ("XACK", "", Operation::Unknown),
        ("enqueue", "", Operation::Send),
        ("perform", "", Operation::Process),
        // a name counts before a path, and no name at all says nothing
        ("process", "/SQS/SendMessage", Operation::Process),
        ("", "", Operation::Unknown),
        ("", "/orders/7", Operation::Unknown),
        ("reindex", "", Operation::Unknown),
    ];

    #[test]
    fn an_operation_is_known_by_the_names_of_each_system() {
        for (name, path, operation) in NAMED {
            assert_eq!(Operation::of(name, path), *operation, "{name:?} {path:?}");
        }
    }

    #[test]
    fn a_span_s_name_says_the_operation_only_in_a_whole_word() {
        for (name, operation) in [
            ("orders ack", Operation::Other),
            ("orders modack", Operation::Other),
            ("orders send", Operation::Send),
            ("ServiceBus.renewMessageLock", Operation::Other),
            ("ServiceBusReceiver.Complete", Operation::Other),
            ("ServiceBusReceiver.Receive", Operation::Receive),
            ("send completed-orders", Operation::Unknown),
            ("orders.created", Operation::Unknown),
            ("", Operation::Unknown),
        ] {
            assert_eq!(Operation::in_span_name(name), operation, "{name}");
        }
    }
}
