//! The broker that has a queue or topic. Two brokers may have queues of one name, and then the
//! offsets and the numbers of jobs overlap.

use percent_encoding::percent_decode_str;

use super::address::{Address, is_local};
use crate::matching::names::{Name, Names, Renamed};

/// What a span says about the broker of its message. Names are empty if it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Broker {
    /// The cluster's id.
    cluster: Name,
    /// The account or project at a cloud provider.
    account: Name,
    /// The cloud provider's region.
    region: Name,
    /// A part of the broker with names of its own: RabbitMQ's virtual host, or a tenant and
    /// namespace of Pulsar.
    space: Name,
    /// The host and the port under which the span's process knows it. Another process may know it
    /// under another name.
    pub(crate) host: Name,
}

impl Broker {
    /// Whether these are two brokers, or two parts of one that have queues of their own.
    pub(crate) fn is_apart(&self, other: &Broker) -> bool {
        self.is_another_cluster(other)
            || differ(self.account, other.account)
            || differ(self.region, other.region)
    }

    /// Whether no message passes from one to the other, even if it has a unique id.
    pub(crate) fn is_another_cluster(&self, other: &Broker) -> bool {
        differ(self.cluster, other.cluster) || differ(self.space, other.space)
    }

    /// The same broker with other names.
    pub(super) fn renamed(self, names: &Renamed) -> Broker {
        Broker {
            cluster: names.get(self.cluster),
            account: names.get(self.account),
            region: names.get(self.region),
            space: names.get(self.space),
            host: names.get(self.host),
        }
    }
}

fn first_of(texts: [&str; 3]) -> &str {
    let mut texts = texts.into_iter();
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

fn differ(one: Name, other: Name) -> bool {
    !one.is_empty() && !other.is_empty() && one != other
}

/// What a span's attributes say about its broker. Texts are empty if they say nothing.
#[derive(Default)]
pub(super) struct Said<'a> {
    pub(super) cluster: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) space: &'a str,
    /// The destination, as the span names it.
    pub(super) destination: &'a str,
    /// The address of a queue or a broker, or an ARN.
    pub(super) url: &'a str,
    /// The broker's host.
    pub(super) host: &'a str,
    /// The host's port; 0 if unknown.
    pub(super) port: u16,
}

impl Said<'_> {
    /// The broker.
    pub(super) fn broker(&self, names: &mut Names) -> Broker {
        let url = Place::of(self.url);
        let named = Place::of(self.destination);
        let account = first_of([url.account, named.account, self.account]);
        let region = first_of([url.region, named.region, self.region]);
        let space = first_of([named.space, url.space, self.space]);
        let space = percent_decode_str(space).decode_utf8_lossy();
        let broker = Address::of_url(self.url);
        // the host of a queue's URL may be that of any cloud provider's endpoint
        let (host, port) = match self.host {
            "" if is_amqp(self.url) => (broker.host, broker.port),
            host => (host, self.port),
        };
        let host = host.to_ascii_lowercase();
        Broker {
            cluster: names.intern(self.cluster),
            account: names.intern(account),
            region: names.intern(region),
            space: names.intern(&space),
            host: match (&*host, port) {
                ("", _) => Name::EMPTY,
                (host, 0) => names.intern(host),
                (host, port) => names.intern(&format!("{host}:{port}")),
            },
        }
    }
}

/// Where an address or a name says that a queue is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place<'a> {
    account: &'a str,
    region: &'a str,
    space: &'a str,
}

impl<'a> Place<'a> {
    fn of(text: &'a str) -> Place<'a> {
        if let Some(arn) = text.strip_prefix("arn:") {
            let parts: Vec<&str> = arn.splitn(5, ':').collect();
            return match *parts.as_slice() {
                [_, _, region, account, _] => Place {
                    account,
                    region,
                    space: "",
                },
                _ => Place::default(),
            };
        }
        if let Some(project) = text.strip_prefix("projects/") {
            return Place {
                account: project.split('/').next().unwrap_or_default(),
                ..Place::default()
            };
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Place::default();
        };
        match scheme {
            "persistent" | "non-persistent" => Place {
                space: rest.rsplit_once('/').map_or("", |(space, _)| space),
                ..Place::default()
            },
            "amqp" | "amqps" => Place {
                space: virtual_host(rest),
                ..Place::default()
            },
            "http" | "https" => Place::of_queue(rest),
            _ => Place::default(),
        }
    }

    /// The place in `sqs.REGION.amazonaws.com/ACCOUNT/QUEUE`, and in those of its imitations.
    fn of_queue(rest: &'a str) -> Place<'a> {
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let account = path.split('/').next().unwrap_or_default();
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_aws = host.contains(".amazonaws.com");
        let region = host
            .strip_prefix("sqs.")
            .and_then(|rest| rest.split('.').next())
            .filter(|_| is_aws);
        Place {
            account: if is_account || is_aws { account } else { "" },
            region: region.unwrap_or_default(),
            space: "",
        }
    }
}

/// The virtual host in an AMQP address without its scheme. Without a path it is the default one.
fn virtual_host(rest: &str) -> &str {
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    match path.split('?').next().unwrap_or_default() {
        "" => "/",
        name => name,
    }
}

fn is_amqp(url: &str) -> bool {
    url.starts_with("amqp://") || url.starts_with("amqps://")
}

/// Whether two texts may name the same broker. Each is a host, perhaps with a port, or a list of
/// the hosts of a cluster.
pub(crate) fn may_be_one_host(one: &str, other: &str) -> bool {
    hosts(one).any(|one| hosts(other).any(|other| are_near(&one, &other)))
}

fn hosts(list: &str) -> impl Iterator<Item = Address<'_>> {
    let hosts = list.split(',');
    hosts.map(|host| Address::of_host(host.trim_matches(['[', ']', '"', ' '])))
}

/// Whether two hosts may be of one broker: two names of one host, or two hosts of a cluster. A
/// broker may listen at several ports, one of them for TLS.
fn are_near(one: &Address<'_>, other: &Address<'_>) -> bool {
    let (is_local_one, is_local_other) = (is_local(one.host), is_local(other.host));
    if is_local_one && is_local_other {
        // what one machine forwards from several ports is likely several brokers
        return one.port == 0 || other.port == 0 || one.port == other.port;
    }
    let is_address = |host: &str| host.parse::<std::net::IpAddr>().is_ok();
    if is_local_one || is_local_other || is_address(one.host) || is_address(other.host) {
        return true;
    }
    let (one, other) = (labels(one.host), labels(other.host));
    one.starts_with(&other) || other.starts_with(&one)
}

/// The parts of a host's name without what differs among the hosts of one cluster: numbers, and
/// words for a part of it. A short name is the beginning of the whole one.
fn labels(host: &str) -> Vec<String> {
    const PARTS_OF_A_CLUSTER: [&str; 8] = [
        "bootstrap",
        "broker",
        "brokers",
        "headless",
        "node",
        "nodes",
        "tls",
        "ssl",
    ];
    let is_digit = |sign: char| sign.is_ascii_digit();
    let label = |label: &str| {
        let words = label
            .split(['-', '_'])
            .map(|word| word.replace(is_digit, ""));
        let words = words.filter(|it| !it.is_empty() && !PARTS_OF_A_CLUSTER.contains(&&**it));
        words.collect::<Vec<_>>().join("-")
    };
    let mut labels: Vec<String> = host.split('.').map(label).collect();
    labels.retain(|label| !label.is_empty());
    // kafka-0.kafka-headless is a host of kafka
    labels.dedup();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_a_queue_is() {
        for (text, account, region, space) in [
            (
                "arn:aws:sns:eu-west-1:111111111111:news",
                "111111111111",
                "eu-west-1",
                "",
            ),
            (
                "https://sqs.eu-west-1.amazonaws.com/111111111111/q",
                "111111111111",
                "eu-west-1",
                "",
            ),
            (
                "http://localhost:4566/000000000000/q",
                "000000000000",
                "",
                "",
            ),
            ("http://localhost:9324/queue/q", "", "", ""),
            ("projects/shop/topics/t", "shop", "", ""),
            ("persistent://acme/eu/t", "", "", "acme/eu"),
            ("amqp://mq:5672/blue", "", "", "blue"),
            ("amqp://mq:5672", "", "", "/"),
            ("amqp://mq:5672/", "", "", "/"),
            ("t", "", "", ""),
        ] {
            let expected = Place {
                account,
                region,
                space,
            };
            assert_eq!(Place::of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_virtual_host_is_one_however_it_is_written() {
        let mut names = Names::default();
        let mut broker = |url, space| {
            let said = Said {
                url,
                space,
                ..Said::default()
            };
            said.broker(&mut names)
        };
        let default = broker("amqp://mq:5672", "");
        let other = broker("amqp://mq:5672/eu%2Forders", "");
        for url in ["amqp://mq:5672/", "amqp://mq:5672/%2F", "amqps://mq/%2f"] {
            assert!(!default.is_another_cluster(&broker(url, "")), "{url}");
            assert!(other.is_another_cluster(&broker(url, "")), "{url}");
        }
        assert!(!default.is_another_cluster(&broker("", "/")));
        assert!(!other.is_another_cluster(&broker("", "eu/orders")));
        assert!(!other.is_another_cluster(&broker("", "")));
    }

    #[test]
    fn two_hosts_may_be_of_one_broker() {
        for (one, other, may_be) in [
            // names of one host
            ("mq", "mq.shop.svc.cluster.local:5672", true),
            ("mq.shop", "mq.shop.svc:5672", true),
            ("mq", "10.0.0.7", true),
            ("mq:5672", "[fd00::7]:5672", true),
            ("localhost:5672", "mq", true),
            ("127.0.0.1", "localhost:5672", true),
            ("[::1]:5672", "localhost:5672", true),
            ("0.0.0.0:5672", "10.0.0.7:5672", true),
            // ports of one broker
            ("kafka:9092", "kafka:9093", true),
            ("kafka.shop.svc:9092", "kafka:29092", true),
            ("mq:5672", "mq:5671", true),
            ("10.0.0.7:9092", "10.0.0.7:9094", true),
            ("localhost:5672", "localhost:5673", false),
            ("localhost:5672", "127.0.0.1:5673", false),
            ("localhost", "localhost:5673", true),
            // hosts of one cluster
            ("10.0.0.7", "10.0.0.8", true),
            ("kafka-0:9092", "kafka-1:9092", true),
            ("kafka0", "kafka", true),
            ("kafka1.example.com", "kafka2.example.com", true),
            ("kafka-0.kafka-headless.shop.svc", "kafka.shop.svc", true),
            (
                "my-kafka-bootstrap:9092",
                "my-kafka-2.my-kafka-brokers.shop.svc",
                true,
            ),
            (
                "b-1.orders.x7.c3.kafka.eu-west-1.amazonaws.com:9096",
                "b-2.orders.x7.c3.kafka.eu-west-1.amazonaws.com:9094",
                true,
            ),
            ("broker-1", "kafka", true),
            ("rabbit@node1", "rabbit@node2", true),
            // lists
            ("a:9092,b:9092", "b:9092", true),
            ("a:9092,b:9092", "b:9092,c:9092", true),
            ("[a:9092, b:9092]", "b", true),
            ("\"a:9092\", \"b:9092\"", "b:9093", true),
            ("a:9092,b:9092", "c:9092,d:9092", false),
            ("localhost:9092,localhost:9093", "localhost:9093", true),
            ("localhost:9092,localhost:9093", "localhost:9094", false),
            // other brokers
            ("mq-blue", "mq-green", false),
            ("mq-blue:5672", "mq-green:5672", false),
            ("orders-broker.eu", "orders-broker.us", false),
            ("kafka.eu.example.com", "kafka.us.example.com", false),
            ("kafka-0.eu.example.com", "kafka-1.us.example.com", false),
            ("kafka", "rabbitmq", false),
            ("kafka.shop", "kafka.bank", false),
            ("orders-kafka-bootstrap", "bank-kafka-bootstrap", false),
            (
                "b-1.orders.x7.c3.kafka.eu-west-1.amazonaws.com",
                "b-1.bank.y8.c3.kafka.eu-west-1.amazonaws.com",
                false,
            ),
        ] {
            assert_eq!(may_be_one_host(one, other), may_be, "{one} {other}");
            assert_eq!(may_be_one_host(other, one), may_be, "{other} {one}");
        }
    }
}
