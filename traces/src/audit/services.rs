//! What the formats of services predict for the edges between them, and whether the spans agree.
//!
//! A sample context is written in the formats that the sender injects, taken through what is
//! between the services, and read as the receiver reads it.

use std::collections::BTreeMap;

use baton_propagators::{
    HeaderList, Mode, Outgoing, Propagation, Sampling, Select, SpanId, TraceContext, TraceId,
};
use serde::Deserialize;

use super::{Edge, Judged, What};
use crate::edges::Prediction;
use crate::hand_off::{self, Verdict};

/// What a file says about the services of a system.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// The services by their names.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    /// What is between services and changes the headers, in the order in which requests pass it.
    #[serde(default, rename = "proxy")]
    pub proxies: Vec<Proxy>,
    /// Addresses outside the system, as an audit writes them: `host:port`. Calls to them are not
    /// hand-offs of the system.
    #[serde(default)]
    pub outside: Vec<String>,
}

/// The formats of one service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The formats that it writes; `None` if unknown.
    pub inject: Option<Mode>,
    /// The formats that it reads; `None` if unknown.
    pub extract: Option<Mode>,
    /// Which context it continues if several are valid.
    #[serde(default)]
    pub select: Select,
    /// The headers that it passes on as they came.
    #[serde(default)]
    pub forwards: Vec<String>,
}

/// Something between services that changes headers: a proxy, a load balancer, a mesh.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// The service behind it.
    pub to: String,
    /// The service in front of it; `None` for any.
    pub from: Option<String>,
    /// The formats that it reads.
    #[serde(default)]
    pub extract: Mode,
    /// The formats that it writes.
    #[serde(default)]
    pub inject: Mode,
    /// Which part of the context that it writes is its own.
    #[serde(default)]
    pub own: Own,
    /// Whether it only writes the low 64 bits of the trace id.
    #[serde(default)]
    pub short_ids: bool,
    /// The headers that it removes.
    #[serde(default)]
    pub removes: Vec<String>,
}

/// Which part of the context that a proxy writes is its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Own {
    /// Nothing: it writes the context that it read.
    #[default]
    Nothing,
    /// The parent: it puts a span of its own in the sender's place.
    Parent,
    /// The trace.
    Trace,
}

impl Services {
    /// Adds a prediction to every edge whose formats are known, and removes calls to addresses
    /// outside the system from the hand-offs.
    pub fn apply(&self, judged: &mut Judged) {
        let edges: Vec<(String, String)> = judged
            .edges
            .iter()
            .map(|edge| (edge.from.clone(), edge.to.clone()))
            .collect();
        for edge in &mut judged.edges {
            edge.prediction = self.predict(edge, &edges);
        }
        for unjudged in &mut judged.unjudged {
            let is_call = unjudged.what == What::Calls;
            let to = unjudged.to.as_ref();
            unjudged.is_hand_off &= !(is_call && to.is_some_and(|to| self.outside.contains(to)));
        }
    }

    /// The services of the file that are not among `seen`.
    pub fn unseen(&self, seen: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        let names = self.services.keys().map(String::as_str);
        names.filter(move |name| !seen(name))
    }

    fn predict(&self, edge: &Edge, edges: &[(String, String)]) -> Option<Prediction> {
        let from = self.services.get(&edge.from)?;
        let to = self.services.get(&edge.to)?;
        let (inject, extract) = (from.inject.as_ref()?, to.extract.as_ref()?);
        if edge.handoffs == 0 {
            return None;
        }
        let callers = edges.iter().filter(|(_, called)| *called == edge.from);
        let arrived = callers.filter_map(|(caller, _)| self.sent(caller, &edge.from, &[]));
        let mut arrived: Vec<HeaderList> = arrived.collect();
        if from.forwards.is_empty() || arrived.is_empty() {
            arrived = vec![HeaderList::new()];
        }
        let reader = Propagation {
            select: to.select,
            ..Propagation::from(extract.clone())
        };
        let verdicts = arrived.iter().filter_map(|arrived| {
            let forwarded = from.forwarded(arrived);
            let headers = self.sent(&edge.from, &edge.to, &forwarded)?;
            let sent = context(TRACE, SPAN)?;
            Some(hand_off::predicted(
                &sent,
                reader.extract(&headers).context(),
            ))
        });
        let mut verdicts: Vec<Verdict> = verdicts.collect();
        verdicts.sort_unstable();
        verdicts.dedup();
        let fits = |verdict: Verdict| {
            let arrives = verdict.holds() || verdict == Verdict::Unsampled;
            let is_expected = |expected: &Verdict| match expected {
                Verdict::Connected => arrives,
                expected => *expected == verdict,
            };
            verdicts.iter().any(is_expected)
        };
        let others = edge.verdicts.iter().filter(|(verdict, _)| !fits(**verdict));
        Some(Prediction {
            contradicted: others.map(|(_, count)| count).sum(),
            why: self.why(edge, inject, extract, from, to),
            verdicts,
        })
    }

    /// The headers that arrive at `to` when `from` sends the sample context; `None` if its formats
    /// are unknown.
    fn sent(&self, from: &str, to: &str, forwarded: &[(String, String)]) -> Option<HeaderList> {
        let inject = self.services.get(from)?.inject.clone()?;
        let mut headers = HeaderList(forwarded.to_vec());
        let outgoing = Outgoing::from(context(TRACE, SPAN)?);
        Propagation::from(inject).inject(&outgoing, &mut headers);
        for proxy in self
            .proxies
            .iter()
            .filter(|proxy| proxy.is_between(from, to))
        {
            proxy.pass_on(&mut headers);
        }
        Some(headers)
    }

    fn why(
        &self,
        edge: &Edge,
        inject: &Mode,
        extract: &Mode,
        from: &Service,
        to: &Service,
    ) -> String {
        let mut why = format!("{} injects {inject}", edge.from);
        if !from.forwards.is_empty() {
            why += &format!(" and forwards {}", from.forwards.join(", "));
        }
        let between = |proxy: &&Proxy| proxy.is_between(&edge.from, &edge.to);
        for proxy in self.proxies.iter().filter(between) {
            why += &format!(", {}", proxy.words());
        }
        why += &format!(", {} extracts {extract}", edge.to);
        if extract.context_formats().count() > 1 {
            why += &format!(" (the {} valid one counts)", to.select);
        }
        why
    }
}

impl Service {
    /// The headers among `arrived` that it passes on.
    fn forwarded(&self, arrived: &HeaderList) -> Vec<(String, String)> {
        let is_forwarded = |name: &str| {
            let mut names = self.forwards.iter();
            names.any(|forwarded| forwarded.eq_ignore_ascii_case(name))
        };
        let headers = arrived.iter().filter(|(name, _)| is_forwarded(name));
        headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

impl Proxy {
    fn is_between(&self, from: &str, to: &str) -> bool {
        self.to == to && self.from.as_ref().is_none_or(|name| name == from)
    }

    /// Changes the headers as it does.
    fn pass_on(&self, headers: &mut HeaderList) {
        let read = Propagation::from(self.extract.clone()).extract(headers);
        let read = read.context().cloned();
        let written = match self.own {
            Own::Trace => context(OTHER_TRACE, OTHER_SPAN),
            Own::Parent => read.and_then(|read| {
                let own = context(OTHER_TRACE, OTHER_SPAN)?;
                Some(TraceContext {
                    span_id: own.span_id,
                    ..read
                })
            }),
            Own::Nothing => read,
        };
        let written = written.map(|written| match self.short_ids {
            true => TraceContext {
                trace_id: TraceId::from_low_64(written.trace_id.low_64())
                    .unwrap_or(written.trace_id),
                ..written
            },
            false => written,
        });
        headers.0.retain(|(name, _)| {
            let mut removed = self.removes.iter();
            !removed.any(|removed| removed.eq_ignore_ascii_case(name))
        });
        if let Some(context) = written {
            let outgoing = Outgoing::from(context);
            Propagation::from(self.inject.clone()).inject(&outgoing, headers);
        }
    }

    /// What it does, in words.
    fn words(&self) -> String {
        let mut parts = Vec::new();
        if !self.removes.is_empty() {
            parts.push(format!("removes {}", self.removes.join(", ")));
        }
        if !self.inject.is_none() {
            let what = match (self.own, self.short_ids) {
                (Own::Trace, _) => " with a trace of its own",
                (Own::Parent, false) => " with a parent of its own",
                (Own::Parent, true) => " with a parent of its own and 64 bits of the trace id",
                (Own::Nothing, true) => " with 64 bits of the trace id",
                (Own::Nothing, false) => "",
            };
            parts.push(format!("writes {}{what}", self.inject));
        }
        format!("what is between them {}", parts.join(" and "))
    }
}

/// The ids of the sample context, and of contexts that others make.
const TRACE: u8 = 0x5a;
const SPAN: u8 = 0x5b;
const OTHER_TRACE: u8 = 0xc3;
const OTHER_SPAN: u8 = 0xc4;

fn context(trace: u8, span: u8) -> Option<TraceContext> {
    let trace_id = TraceId::from_bytes([trace; 16])?;
    let span_id = SpanId::from_bytes([span; 8])?;
    Some(TraceContext::new(trace_id, span_id, Sampling::Keep))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict that services with these formats predict.
    fn predicted(services: Services, from: &str, to: &str, edges: &[(&str, &str)]) -> Vec<Verdict> {
        let edge = |(from, to): &(&str, &str)| Edge {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            handoffs: 1,
            ..Edge::default()
        };
        let mut judged = Judged {
            edges: edges.iter().map(edge).collect(),
            ..Judged::default()
        };
        services.apply(&mut judged);
        let is_meant = |edge: &&Edge| (&*edge.from, &*edge.to) == (from, to);
        let edge = judged.edges.iter().find(is_meant).expect("the edge");
        edge.prediction.clone().expect("a prediction").verdicts
    }

    fn service(inject: &str, extract: &str) -> Service {
        Service {
            inject: Some(inject.parse().expect("a mode")),
            extract: Some(extract.parse().expect("a mode")),
            ..Service::default()
        }
    }

    fn two(inject: &str, extract: &str, proxies: Vec<Proxy>) -> Services {
        let services = [
            ("a", service(inject, "none")),
            ("b", service("none", extract)),
        ];
        Services {
            services: services
                .map(|(name, service)| (name.to_owned(), service))
                .into(),
            proxies,
            ..Services::default()
        }
    }

    #[test]
    fn formats_and_what_is_between_decide() {
        let mode = |text: &str| -> Mode { text.parse().expect("a mode") };
        let proxy = |own, short_ids, extract: &str, inject: &str, removes: &[&str]| Proxy {
            to: "b".to_owned(),
            own,
            short_ids,
            extract: mode(extract),
            inject: mode(inject),
            removes: removes.iter().map(|name| (*name).to_owned()).collect(),
            ..Proxy::default()
        };
        let legacy = proxy(Own::Nothing, true, "tracecontext", "b3", &["traceparent"]);
        let mesh = proxy(Own::Parent, false, "tracecontext", "tracecontext", &[]);
        let gateway = proxy(Own::Trace, false, "none", "b3multi", &[]);
        let strict = proxy(Own::Nothing, false, "none", "none", &["b3"]);
        for (inject, extract, proxies, expected) in [
            ("tracecontext", "tracecontext", vec![], Verdict::Connected),
            ("tracecontext", "b3", vec![], Verdict::NewTrace),
            ("b3", "tracecontext,b3", vec![], Verdict::Connected),
            ("tracecontext", "b3", vec![legacy], Verdict::IdTruncated),
            (
                "tracecontext",
                "tracecontext",
                vec![mesh],
                Verdict::WrongParent,
            ),
            (
                "tracecontext",
                "tracecontext,b3multi",
                vec![gateway.clone()],
                Verdict::WrongTrace,
            ),
            (
                "tracecontext",
                "tracecontext",
                vec![gateway],
                Verdict::Connected,
            ),
            ("b3", "b3", vec![strict], Verdict::NewTrace),
        ] {
            let verdicts = predicted(two(inject, extract, proxies), "a", "b", &[("a", "b")]);
            assert_eq!(verdicts, [expected], "{inject} to {extract}");
        }
    }

    #[test]
    fn forwarded_headers_compete_with_the_sender_s_own() {
        let mut services = two("tracecontext", "tracecontext,b3multi", Vec::new());
        services
            .services
            .insert("web".to_owned(), service("tracecontext", "none"));
        let orders = services.services.get_mut("a").expect("a service");
        orders.forwards = vec!["X-B3-TraceId".to_owned(), "x-b3-spanid".to_owned()];
        services.proxies = vec![Proxy {
            to: "a".to_owned(),
            own: Own::Trace,
            inject: "b3multi".parse().expect("a mode"),
            ..Proxy::default()
        }];
        let edges = [("web", "a"), ("a", "b")];
        assert_eq!(
            predicted(services.clone(), "a", "b", &edges),
            [Verdict::WrongTrace]
        );
        services.services.get_mut("b").expect("a service").select = Select::First;
        assert_eq!(predicted(services, "a", "b", &edges), [Verdict::Connected]);
    }
}
