//! A system of services whose hand-offs are known: its traffic and its spans.

#[path = "topology.rs"]
mod topology;

use baton_propagators::{SpanId, TraceId};
use baton_traces::hand_off::Verdict;
use baton_traces::span::{Kind, SpanReference};
use fastrand::Rng;

pub(crate) use self::topology::{Channel, Edge, Fault, service_name};

/// What to generate.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How many services.
    pub(crate) services: usize,
    /// How many other services each calls, on average.
    pub(crate) calls: usize,
    /// How many requests from outside.
    pub(crate) requests: usize,
    /// How many requests are under way at once, on average.
    pub(crate) concurrency: usize,
    /// The share of edges that break, in percent.
    pub(crate) broken_percent: u8,
    /// How far clocks may be apart, in milliseconds.
    pub(crate) skew_ms: i64,
    /// The share of services that put a shared request id on their spans, in percent.
    pub(crate) shared_id_percent: u8,
    /// The share of requests from outside that the first service does not sample, in percent. A
    /// service that starts a trace samples it.
    pub(crate) unsampled_percent: u8,
    /// The same seed gives the same system.
    pub(crate) seed: u64,
}

/// A generated span.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// Its ids.
    pub(crate) reference: SpanReference,
    /// Its parent's id.
    pub(crate) parent: Option<SpanId>,
    /// Whether the parent is in another process.
    pub(crate) remote: bool,
    /// Its service's number.
    pub(crate) service: usize,
    /// Its kind.
    pub(crate) kind: Kind,
    /// Its name.
    pub(crate) name: String,
    /// When it started, in nanoseconds since the epoch, by its service's clock.
    pub(crate) start: u64,
    /// When it ended.
    pub(crate) end: u64,
    /// Its attributes.
    pub(crate) attributes: Vec<(&'static str, String)>,
    /// The span it links to.
    pub(crate) link: Option<SpanReference>,
}

/// A hand-off as it happened.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    /// The span that handed over.
    pub(crate) sender: SpanReference,
    /// The span that took over.
    pub(crate) receiver: SpanReference,
    /// The edge's number.
    pub(crate) edge: usize,
    /// What became of the context.
    pub(crate) verdict: Verdict,
}

/// A system and what happened in it.
#[derive(Debug)]
pub(crate) struct System {
    /// Its edges.
    pub(crate) edges: Vec<Edge>,
    /// Its spans, as they began.
    pub(crate) spans: Vec<Made>,
    /// Its hand-offs.
    pub(crate) hand_offs: Vec<Truth>,
}

/// Generates the system.
pub(crate) fn generate(plan: &Plan) -> System {
    let mut rng = Rng::with_seed(plan.seed);
    let edges = topology::of(plan, &mut rng);
    let skews = (0..plan.services).map(|_| match plan.skew_ms {
        0 => 0,
        most => rng.i64(-most..=most) * 1_000_000,
    });
    let mut making = Making {
        skews: skews.collect(),
        has_id: (0..plan.services)
            .map(|_| rng.u8(..100) < plan.shared_id_percent)
            .collect(),
        rng,
        unsampled_percent: plan.unsampled_percent,
        offsets: vec![0; edges.len()],
        system: System {
            edges,
            spans: Vec::new(),
            hand_offs: Vec::new(),
        },
    };
    // a request takes about 60 ms, so requests that come this often overlap as wanted
    let mean_gap = 60_000_000 / plan.concurrency.max(1) as u64;
    let mut time = 1_796_000_000_000_000_000;
    for _ in 0..plan.requests {
        time += making.rng.u64(0..=2 * mean_gap);
        making.request(time);
    }
    making.system
}

/// A context as it is handed over.
#[derive(Clone, Copy)]
struct Context {
    trace_id: TraceId,
    parent: Option<SpanId>,
    link: Option<SpanReference>,
    is_sampled: bool,
}

/// The system while it is generated.
struct Making {
    rng: Rng,
    skews: Vec<i64>,
    has_id: Vec<bool>,
    unsampled_percent: u8,
    offsets: Vec<u64>,
    system: System,
}

impl Making {
    fn request(&mut self, time: u64) {
        let is_sampled = self.rng.u8(..100) >= self.unsampled_percent;
        let context = Context {
            is_sampled,
            ..self.new_trace()
        };
        let id = format!("{:016x}-{:04x}", self.rng.u64(..), self.rng.u16(..));
        self.serve(
            0,
            context,
            time,
            &id,
            vec![("url.path", "/svc/0".to_owned())],
            Kind::Server,
        );
    }

    fn new_trace(&mut self) -> Context {
        Context {
            trace_id: TraceId::from_bytes(self.rng.u128(1 << 64..).to_be_bytes())
                .expect("not zero"),
            parent: None,
            link: None,
            is_sampled: true,
        }
    }

    fn span_id(&mut self) -> SpanId {
        SpanId::from_bytes(self.rng.u64(1..).to_be_bytes()).expect("not zero")
    }

    /// Makes the receiver's span and all that it leads to; returns the receiver and when it ended.
    fn serve(
        &mut self,
        service: usize,
        context: Context,
        start: u64,
        id: &str,
        attributes: Vec<(&'static str, String)>,
        kind: Kind,
    ) -> (SpanReference, u64) {
        let reference = SpanReference {
            trace_id: context.trace_id,
            span_id: self.span_id(),
        };
        let mut made = Made {
            reference,
            parent: context.parent,
            remote: context.parent.is_some(),
            service,
            kind,
            name: "handle".to_owned(),
            start: self.by_clock(service, start),
            end: 0,
            attributes,
            link: context.link,
        };
        if self.has_id[service] {
            made.attributes.push(("app.request_id", id.to_owned()));
        }
        let mut time = start + self.rng.u64(100_000..3_000_000);
        for edge in 0..self.system.edges.len() {
            if self.system.edges[edge].from == service && self.rng.u8(..100) < 70 {
                time = self.call(edge, context.is_sampled, reference, time, id)
                    + self.rng.u64(50_000..1_000_000);
            }
        }
        let end = time + self.rng.u64(100_000..3_000_000);
        made.end = self.by_clock(service, end);
        if context.is_sampled {
            self.system.spans.push(made);
        }
        (reference, end)
    }

    /// Makes the sender's span and what it leads to; returns when the sender ended.
    fn call(
        &mut self,
        number: usize,
        is_sampled: bool,
        parent: SpanReference,
        start: u64,
        id: &str,
    ) -> u64 {
        let edge = self.system.edges[number];
        let sender = SpanReference {
            trace_id: parent.trace_id,
            span_id: self.span_id(),
        };
        let is_message = matches!(edge.channel, Channel::Kafka | Channel::Sqs);
        let (sent, received) = self.attributes(number);
        let mut made = Made {
            reference: sender,
            parent: Some(parent.span_id),
            remote: false,
            service: edge.from,
            kind: if is_message {
                Kind::Producer
            } else {
                Kind::Client
            },
            name: "call".to_owned(),
            start: self.by_clock(edge.from, start),
            end: 0,
            attributes: sent,
            link: None,
        };
        let delay = self.rng.u64(100_000..2_000_000);
        let context = self.handed_over(edge.fault, sender, is_sampled);
        let kind = if is_message {
            Kind::Consumer
        } else {
            Kind::Server
        };
        let begun = start + if is_message { delay * 10 } else { delay };
        let (receiver, answered) = self.serve(edge.to, context, begun, id, received, kind);
        let end = match is_message {
            true => start + delay,
            false => answered + self.rng.u64(50_000..1_000_000),
        };
        made.end = self.by_clock(edge.from, end);
        if !is_sampled {
            return end;
        }
        self.system.spans.push(made);
        self.system.hand_offs.push(Truth {
            sender,
            receiver,
            edge: number,
            verdict: match edge.fault {
                Fault::None => Verdict::Connected,
                Fault::Unread => Verdict::NewTrace,
                Fault::Sidecar => Verdict::WrongParent,
                Fault::Foreign => Verdict::WrongTrace,
                Fault::Truncated => Verdict::IdTruncated,
                Fault::Link => Verdict::Linked,
            },
        });
        end
    }

    fn handed_over(&mut self, fault: Fault, sender: SpanReference, is_sampled: bool) -> Context {
        let fresh = self.new_trace();
        let own = Context {
            trace_id: sender.trace_id,
            parent: Some(sender.span_id),
            link: None,
            is_sampled,
        };
        match fault {
            Fault::None => own,
            Fault::Unread => fresh,
            Fault::Sidecar => Context {
                parent: Some(self.span_id()),
                ..own
            },
            Fault::Foreign => Context {
                parent: Some(self.span_id()),
                ..fresh
            },
            Fault::Truncated => Context {
                trace_id: TraceId::from_low_64(sender.trace_id.low_64()).unwrap_or(own.trace_id),
                ..own
            },
            Fault::Link => Context {
                link: Some(sender),
                is_sampled,
                ..fresh
            },
        }
    }

    /// The attributes of the sender's and the receiver's span.
    fn attributes(&mut self, number: usize) -> (Attributes, Attributes) {
        let edge = self.system.edges[number];
        let path = format!("/svc/{}", edge.to);
        let host = match edge.channel {
            Channel::Proxied => format!("proxy-{number}"),
            _ => service_name(edge.to),
        };
        let topic = format!("topic-{number}");
        match edge.channel {
            Channel::Http | Channel::Proxied => (
                vec![
                    ("http.request.method", "GET".to_owned()),
                    ("url.full", format!("http://{host}:8080{path}?q=1")),
                ],
                vec![("http.method", "GET".to_owned()), ("http.target", path)],
            ),
            Channel::Kafka => {
                self.offsets[number] += 1;
                let offset = self.offsets[number].to_string();
                let both = |name: [&'static str; 3]| {
                    vec![
                        ("messaging.system", "kafka".to_owned()),
                        (name[0], topic.clone()),
                        (name[1], "0".to_owned()),
                        (name[2], offset.clone()),
                    ]
                };
                let old = [
                    "messaging.destination",
                    "messaging.kafka.partition",
                    "messaging.kafka.message.offset",
                ];
                let new = [
                    "messaging.destination.name",
                    "messaging.destination.partition.id",
                    "messaging.kafka.offset",
                ];
                (both(old), both(new))
            }
            Channel::Sqs => {
                let id = format!("{:032x}", self.rng.u128(..));
                let both = |system: &str, name: &'static str| {
                    vec![
                        ("messaging.system", system.to_owned()),
                        (name, topic.clone()),
                        ("messaging.message.id", id.clone()),
                    ]
                };
                (
                    both("aws.sqs", "messaging.destination"),
                    both("aws_sqs", "messaging.destination.name"),
                )
            }
        }
    }

    fn by_clock(&self, service: usize, time: u64) -> u64 {
        time.saturating_add_signed(self.skews[service])
    }
}

/// The attributes of one span.
type Attributes = Vec<(&'static str, String)>;
