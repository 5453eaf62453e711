//! The facts of a span about its hand-off besides ids and times: channel, address and operation.

mod address;
pub(crate) mod broker;
mod destination;
mod failure;
mod operation;
mod span_name;
mod values;

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

pub(crate) use self::address::is_local;
use self::address::{Address, without_query};
use self::broker::Broker;
use self::destination::Said;
pub(crate) use self::failure::Failure;
pub(crate) use self::operation::Operation;
use self::span_name::{Task, is_lookup, route_in_name};
pub(super) use self::values::{each_attribute, plain};
use self::values::{in_case, is_monitor, plain_path};
use crate::matching::names::{Name, Names, Renamed};
use crate::span::attributes::{Meaning, broker_named, system_named};
use crate::span::{Class, Kind, Span};

/// Channel, address and operation of a span. Most spans of a service have the same, so each is
/// stored once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct About {
    /// The messaging system.
    pub(crate) system: Name,
    /// The queue, topic or stream, without the address of its server.
    pub(crate) destination: Name,
    /// The broker that has the destination.
    pub(crate) broker: Broker,
    /// Whether the span names a destination, and the name is empty.
    pub(crate) is_nowhere: bool,
    /// The name that it is shown under: that of all destinations that differ only by an id.
    pub(crate) channel: Name,
    /// The group of consumers that it belongs to.
    pub(crate) group: Name,
    /// The operation on the message.
    pub(crate) operation: Operation,
    /// How many messages were fetched; `None` if unknown.
    pub(crate) batch: Option<u32>,
    /// The RPC system; empty for HTTP.
    pub(crate) rpc: Name,
    /// The host that is called or that answers, in lower case.
    pub(crate) host: Name,
    /// Its port; 0 if unknown.
    pub(crate) port: u16,
    /// The path of the request, without its query; or the RPC service and method.
    pub(crate) path: Name,
    /// The template that the path matched.
    pub(crate) route: Name,
    /// The request's method, in upper case.
    pub(crate) method: Name,
    /// The response's status; 0 if unknown.
    pub(crate) status: u16,
    /// Whether a call failed without a response.
    pub(crate) failure: Failure,
    /// The service at the other end, under its name in the client's configuration.
    pub(crate) peer: Name,
    /// Whether it calls a database.
    pub(crate) is_database: bool,
    /// Whether the span has attributes of messaging.
    pub(crate) is_messaging: bool,
    /// Whether it calls an API of a cloud provider.
    pub(crate) is_cloud_api: bool,
    /// Whether a monitor sent the request, and not a service.
    pub(crate) is_probe: bool,
}

impl About {
    /// The same facts with other names.
    pub(super) fn renamed(self, names: &Renamed) -> About {
        About {
            system: names.get(self.system),
            destination: names.get(self.destination),
            broker: self.broker.renamed(names),
            channel: names.get(self.channel),
            group: names.get(self.group),
            rpc: names.get(self.rpc),
            host: names.get(self.host),
            path: names.get(self.path),
            route: names.get(self.route),
            method: names.get(self.method),
            peer: names.get(self.peer),
            ..self
        }
    }
}

/// The text of attributes, before it is interned.
pub(super) struct Words<'a> {
    texts: [Cow<'a, str>; Meaning::COUNT],
    is_database: bool,
    is_messaging: bool,
    /// The messaging system whose own attributes there are.
    own_system: Option<&'static str>,
    /// Whether a destination without a name is given.
    is_nowhere: bool,
}

impl Default for Words<'_> {
    fn default() -> Self {
        Words {
            texts: std::array::from_fn(|_| Cow::Borrowed("")),
            is_database: false,
            is_messaging: false,
            own_system: None,
            is_nowhere: false,
        }
    }
}

impl<'a> Words<'a> {
    /// Adds an attribute. If two names mean the same, the first one counts; of two operations, the
    /// one that says more.
    pub(super) fn add(&mut self, class: &Class, meaning: Meaning, value: Cow<'a, str>) {
        self.is_database |= meaning == Meaning::Database;
        // a function that messages invoke
        let is_invoked = meaning == Meaning::Trigger && value == "pubsub";
        self.is_messaging |= class.is_messaging || is_invoked;
        self.is_nowhere |= meaning == Meaning::Destination && value.is_empty();
        self.own_system = self.own_system.or(class.system);
        let value = match meaning {
            Meaning::RpcService | Meaning::RpcMethod => {
                let at = &mut self.texts[Meaning::Path as usize];
                let joined = match (meaning, at.is_empty()) {
                    (_, true) => format!("/{value}"),
                    (Meaning::RpcService, false) => format!("/{value}{at}"),
                    (_, false) => format!("{at}/{value}"),
                };
                *at = joined.into();
                return;
            }
            _ => value,
        };
        let text = &mut self.texts[meaning as usize];
        let is_clearer = || meaning == Meaning::Operation && rank(&value) > rank(text);
        if text.is_empty() || is_clearer() {
            *text = value;
        }
    }

    /// A hash of all that [`Words::about`] uses.
    pub(super) fn hash(&self, span: &Span<'_>, names: &Names) -> u64 {
        // of these it only matters whether they are there
        const PRESENT: [Meaning; 5] = [
            Meaning::WorkflowId,
            Meaning::MessageId,
            Meaning::Partition,
            Meaning::Offset,
            Meaning::Database,
        ];
        let is_present = |meaning: usize| PRESENT.iter().any(|known| *known as usize == meaning);
        let mut hasher = names.hasher();
        (span.kind, self.is_database, self.is_messaging).hash(&mut hasher);
        (self.own_system, self.is_nowhere).hash(&mut hasher);
        span.name.hash(&mut hasher);
        Failure::of(span, self).hash(&mut hasher);
        for (meaning, text) in self.texts.iter().enumerate() {
            if !text.is_empty() {
                meaning.hash(&mut hasher);
                let text = if is_present(meaning) { "" } else { text };
                text.hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    fn get(&self, meaning: Meaning) -> &str {
        &self.texts[meaning as usize]
    }

    fn number(&self, meaning: Meaning) -> u16 {
        self.get(meaning).trim().parse().unwrap_or(0)
    }

    fn first(&self, meanings: &[Meaning]) -> &str {
        let texts = meanings.iter().map(|meaning| self.get(*meaning));
        texts
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    /// The kind of `span`, to judge by what it does.
    pub(super) fn kind(&self, span: &Span<'_>) -> Kind {
        self.task(span).map_or(span.kind, Task::kind)
    }

    /// The id of the workflow that `span` starts or runs; empty if it does not.
    pub(super) fn workflow(&self, span: &Span<'_>) -> &str {
        let is_workflow = self.task(span).is_some_and(|task| task.is_workflow);
        if is_workflow {
            self.get(Meaning::WorkflowId)
        } else {
            ""
        }
    }

    fn task<'s>(&self, span: &'s Span<'_>) -> Option<Task<'s>> {
        let is_temporal_s = !self.get(Meaning::WorkflowId).is_empty();
        is_temporal_s.then(|| Task::of(&span.name)).flatten()
    }

    /// The facts about `span` in these attributes; `None` if there are none.
    pub(super) fn about(&self, span: &Span<'_>, names: &mut Names) -> Option<About> {
        let kind = self.kind(span);
        let is_message = matches!(kind, Kind::Producer | Kind::Consumer);
        let is_request = matches!(kind, Kind::Client | Kind::Server) && !self.is_messaging;
        let has_status = !self.get(Meaning::GrpcStatus).is_empty();
        let names_nothing = [Meaning::Path, Meaning::Url, Meaning::Method];
        let names_nothing = self.first(&names_nothing).is_empty() && !self.is_database;
        let grpc_method = match is_request && names_nothing {
            true => span_name::grpc_method(&span.name, has_status),
            false => None,
        };
        let failure = Failure::of(span, self);
        let is_silent = !is_message
            && failure == Failure::None
            && self.texts.iter().all(|text| text.is_empty());
        let is_named = grpc_method.is_some() || route_in_name(&span.name).is_some();
        if is_silent && !self.is_database && !is_named {
            return None;
        }
        let url = Address::of_url(self.get(Meaning::Url));
        let joined = Address::of_host(self.get(Meaning::HostAndPort));
        let (host, port) = self.address(kind, &url, &joined);
        let of_aws = self.get(Meaning::AwsOperation);
        let path = match self.get(Meaning::Path) {
            "" if !of_aws.is_empty() => of_aws.trim_end_matches("Request"),
            "" => grpc_method.as_deref().unwrap_or(url.path),
            path => without_query(path),
        };
        let route = match self.get(Meaning::Route) {
            "" => route_in_name(&span.name).unwrap_or_default(),
            route => route,
        };
        let rpc = match self.get(Meaning::RpcSystem) {
            "" if grpc_method.is_some() || has_status => "grpc",
            rpc => rpc,
        };
        let mut operation = Operation::of(self.get(Meaning::Operation), path);
        let task = self.task(span);
        if let Some(task) = task {
            operation = task.operation;
        } else if operation == Operation::Unknown && span.kind == Kind::Client {
            operation = match self.is_messaging {
                true => Operation::in_span_name(&span.name),
                false if is_lookup(&span.name) => Operation::Other,
                false => Operation::Unknown,
            };
        }
        // not all SDKs write messaging.system for streams
        let is_cloud_api = rpc == "aws-api" || !of_aws.is_empty();
        let sends = operation == Operation::Send;
        let destination = task.map_or(self.destination(), |task| task.name);
        let is_messaging = self.is_messaging || is_message || is_cloud_api && sends;
        let peer = match span_name::service_of_cluster(self.get(Meaning::UpstreamCluster)) {
            "" => self.get(Meaning::PeerService),
            service => service,
        };
        let system = self.system(names, is_message);
        let broker = match is_messaging {
            true => self.broker(system, names),
            false => Broker::default(),
        };
        Some(About {
            system,
            is_nowhere: self.is_nowhere && destination.is_empty(),
            destination: names.intern(destination),
            broker,
            channel: names.intern(self.channel(destination)),
            group: names.intern(self.get(Meaning::ConsumerGroup)),
            operation,
            batch: self.get(Meaning::BatchCount).trim().parse().ok(),
            rpc: names.intern(rpc),
            host: names.intern(&in_case(host, char::to_ascii_lowercase)),
            port,
            path: names.intern(plain_path(path)),
            route: names.intern(plain_path(route)),
            method: names.intern(&in_case(
                self.get(Meaning::Method),
                char::to_ascii_uppercase,
            )),
            status: self.number(Meaning::Status),
            failure,
            peer: names.intern(peer),
            is_database: self.is_database,
            is_messaging,
            is_cloud_api,
            is_probe: is_monitor(self.get(Meaning::UserAgent)),
        })
    }

    fn system(&self, names: &mut Names, is_message: bool) -> Name {
        match self.get(Meaning::System) {
            "" => {
                let own = self.own_system.map(str::to_owned);
                let peer = || broker_named(self.get(Meaning::PeerService));
                let system = own.or_else(|| is_message.then(peer).flatten());
                system.map_or(Name::EMPTY, |system| names.intern(&system))
            }
            // the names that OpenTelemetry prescribes are usual
            "kafka" | "rabbitmq" | "aws_sqs" | "aws_sns" | "aws_kinesis" | "gcp_pubsub" => {
                names.intern(self.get(Meaning::System))
            }
            system => names.intern(&system_named(system)),
        }
    }

    /// Host and port: for a client those that it calls, for a server its own.
    fn address<'b>(
        &'b self,
        kind: Kind,
        url: &Address<'b>,
        joined: &Address<'b>,
    ) -> (&'b str, u16) {
        use Meaning::*;
        let is_server = kind.is_receiver();
        let own = Address {
            host: self.get(OwnHost),
            port: self.number(OwnPort),
            path: "",
        };
        let peer = Address {
            host: self.first(&[PeerName, PeerHost]),
            port: self.number(PeerPort),
            path: "",
        };
        let said = Address::of_host(self.get(ServerHost));
        let said = Address {
            port: self.number(ServerPort).max(said.port),
            ..said
        };
        let last = if is_server { own } else { peer };
        let places = [&said, url, joined, &last];
        let host = places
            .iter()
            .map(|at| at.host)
            .find(|host| !host.is_empty());
        let port = places.iter().map(|at| at.port).find(|port| *port != 0);
        (host.unwrap_or_default(), port.unwrap_or(0))
    }

    fn destination(&self) -> &str {
        let said = Said {
            name: self.get(Meaning::Destination),
            sent_to: self.get(Meaning::PublishedTo),
            url: self.get(Meaning::QueueUrl),
            routing_key: self.get(Meaning::RoutingKey),
        };
        said.name()
    }

    fn broker(&self, system: Name, names: &mut Names) -> Broker {
        use Meaning::*;
        // of other systems it is the place of the process
        let is_cloud_s = names.text(system).starts_with("aws_");
        let of_cloud = |meaning| if is_cloud_s { self.get(meaning) } else { "" };
        let at = Address::of_host(self.first(&[ServerHost, PeerName, PeerHost]));
        let ports = [at.port, self.number(ServerPort), self.number(PeerPort)];
        let said = broker::Said {
            cluster: self.get(Cluster),
            account: of_cloud(Account),
            region: of_cloud(Region),
            space: self.get(Space),
            destination: self.first(&[Destination, PublishedTo]),
            url: self.get(QueueUrl),
            host: at.host,
            port: ports.into_iter().find(|port| *port != 0).unwrap_or(0),
        };
        said.broker(names)
    }

    /// The name that `destination` is shown under. Names of reply queues and topics of single
    /// devices would make an edge for each message.
    fn channel<'w>(&'w self, destination: &'w str) -> &'w str {
        // the names that NATS and RabbitMQ give to queues of one client
        const OF_ONE_CLIENT: [&str; 3] = ["_INBOX.", "amq.gen-", "amq.rabbitmq.reply-to"];
        let is_temporary = self.get(Meaning::Temporary) == "true"
            || OF_ONE_CLIENT
                .iter()
                .any(|start| destination.starts_with(start));
        match self.get(Meaning::Template) {
            "" if is_temporary => "(temporary)",
            "" => destination,
            template => template,
        }
    }
}

/// How much the name of an operation says.
fn rank(operation: &str) -> u8 {
    match Operation::of(operation, "") {
        Operation::Unknown => 0,
        Operation::Other => 1,
        _ => 2,
    }
}
