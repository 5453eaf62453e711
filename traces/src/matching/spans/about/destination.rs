//! The queue, topic or stream of a message, from what instrumentations write about it.

/// What a span says about the destination of its message. Texts are empty if it says nothing.
pub(super) struct Said<'a> {
    /// The name.
    pub(super) name: &'a str,
    /// The name that the sender used, if the receiver also has a name of its own.
    pub(super) sent_to: &'a str,
    /// The address of a queue over HTTP, or an ARN.
    pub(super) url: &'a str,
    /// RabbitMQ's routing key.
    pub(super) routing_key: &'a str,
}

impl<'a> Said<'a> {
    /// The name of the queue, topic or stream; empty if it is unknown.
    pub(super) fn name(&self) -> &'a str {
        let mut names = [self.name, self.sent_to].into_iter();
        match names.find(|name| !is_placeholder(name)).map(last_part) {
            Some(name) => without_queue(without_subscription(name), self.routing_key),
            // the default exchange passes a message on to the queue that its key names
            None if !self.routing_key.is_empty() => self.routing_key,
            // of a broker's address the last part names nothing
            None if is_address_of_queue(self.url) => last_part(self.url),
            None => "",
        }
    }
}

/// Whether an instrumentation writes this if a destination has no name.
fn is_placeholder(name: &str) -> bool {
    matches!(
        name,
        "" | "<default>" | "amq.default" | "(anonymous)" | "unknown" | "aws:sqs"
    )
}

/// The last part of an address, a path or an ARN.
fn last_part(text: &str) -> &str {
    let is_address = text.contains("://") || text.starts_with("arn:");
    let name = match is_address {
        true => text.rsplit(['/', ':']).next().unwrap_or(text),
        false => text,
    };
    name.trim_matches('"')
}

fn is_address_of_queue(url: &str) -> bool {
    ["https://", "http://", "arn:"]
        .iter()
        .any(|start| url.starts_with(start))
}

/// `EXCHANGE:KEY` of `EXCHANGE:KEY:QUEUE`, as OpenTelemetry names the destination of RabbitMQ's
/// receivers. Senders do not know the queue.
fn without_queue<'a>(name: &'a str, routing_key: &str) -> &'a str {
    if routing_key.is_empty() {
        return name;
    }
    let mut ends = name
        .match_indices(routing_key)
        .map(|(at, key)| (at, at + key.len()));
    let is_whole =
        |(at, end): &(usize, usize)| name[..*at].ends_with(':') && name[*end..].starts_with(':');
    ends.find(is_whole).map_or(name, |(_, end)| &name[..end])
}

/// `TOPIC` of `TOPIC/subscriptions/NAME`, as Azure's receivers name it.
fn without_subscription(name: &str) -> &str {
    const BETWEEN: &str = "/subscriptions/";
    let same = |at: usize| {
        let part = name.as_bytes().get(at..at + BETWEEN.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(BETWEEN.as_bytes()))
    };
    let mut slashes = name.match_indices('/').map(|(at, _)| at);
    slashes.find(|at| same(*at)).map_or(name, |at| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, name that the sender used, address, routing key; and what they mean.
    const CASES: &[(&str, &str, &str, &str, &str)] = &[
        ("orders", "", "", "", "orders"),
        ("arn:aws:sns:eu-west-1:1:news", "", "", "", "news"),
        ("persistent://public/default/t", "", "", "", "t"),
        // Java's Lambda writes the source of the event
        ("aws:sqs", "", "", "", ""),
        ("sqs", "", "", "", "sqs"),
        // the default exchange, as Java, .NET and JavaScript write it
        ("<default>", "", "", "orders.q", "orders.q"),
        ("amq.default", "", "", "orders.q", "orders.q"),
        ("", "", "amqp://localhost:5672", "orders.q", "orders.q"),
        // an exchange counts before the key
        ("orders", "", "", "created", "orders"),
        ("", "orders", "", "created", "orders"),
        ("orders:created", "", "", "created", "orders:created"),
        (
            "orders:created:billing",
            "",
            "",
            "created",
            "orders:created",
        ),
        ("news/Subscriptions/mail", "", "", "", "news"),
        // only the address of a queue names it
        ("", "", "https://sqs.eu-west-1.amazonaws.com/1/q", "", "q"),
        ("", "", "amqp://localhost:5672", "", ""),
        ("", "", "[\"localhost:9092\"]", "", ""),
    ];

    #[test]
    fn a_destination_is_known_by_what_each_instrumentation_writes() {
        for (name, sent_to, url, routing_key, expected) in CASES {
            let said = Said {
                name,
                sent_to,
                url,
                routing_key,
            };
            assert_eq!(said.name(), *expected, "{name:?} {routing_key:?} {url:?}");
        }
    }
}
