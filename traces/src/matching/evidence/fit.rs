//! Whether a call's address leads to a receiver, by the addresses of known hand-offs, by names of
//! services and hosts, and by path, method and status.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};

use super::Pairs;
use crate::matching::names::Name;
use crate::matching::spans::At;
use crate::matching::spans::about::{About, is_local};
use crate::matching::spans::tree::{Parent, Tree};
use crate::span::Kind;

/// Where addresses lead, as far as known.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The services that answered at an address and a path.
    by_path: BTreeMap<(Address, Name), BTreeSet<Name>>,
    /// The services that answered at an address.
    by_host: BTreeMap<Address, BTreeSet<Name>>,
    /// The services whose own address a host and a port are, as they say.
    own: BTreeMap<(Name, u16), BTreeSet<Name>>,
    /// The services that the peers and hosts of calls name.
    named: HashMap<Name, Name>,
    /// The calls that were added, by what their addresses depend on.
    seen: HashSet<(u32, Kind, Name)>,
}

/// Where a call goes: the host, the port, and the service that a proxy passes it on to.
type Address = (Name, u16, Name);

/// Whether an address leads to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leads {
    Yes,
    No,
    Unknown,
}

impl Places {
    /// Learns from the receivers below `parent`, if they are all in one service.
    pub(super) fn add_parent(&mut self, tree: &Tree, parent: At, children: &[At]) {
        let service = tree.span(children[0]).service;
        if children.iter().all(|at| tree.span(*at).service == service) {
            self.add(tree, parent, service);
        }
    }

    /// Learns from the pairs found so far.
    pub(super) fn of(tree: &Tree, pairs: &Pairs) -> Places {
        let mut places = Places {
            own: own_addresses(tree),
            ..Places::named(tree)
        };
        for pair in pairs.all() {
            places.add(tree, pair.sender, tree.span(pair.receiver).service);
        }
        places
    }

    /// Knows only the names of the services.
    pub(super) fn named(tree: &Tree) -> Places {
        let names = tree.names();
        let services = tree.spans_by_service().keys();
        let services: BTreeMap<String, Name> = services
            .filter(|service| !service.is_empty())
            .map(|service| (plain_name(names.text(*service)), *service))
            .collect();
        let abouts = tree.abouts().iter();
        let called: HashSet<Name> = abouts.flat_map(|about| [about.peer, about.host]).collect();
        let named = called.into_iter().filter_map(|called| {
            let name = names.text(called);
            let first = name.split('.').next().unwrap_or_default();
            let whole = services.get(&plain_name(name));
            let service = whole.or_else(|| services.get(&plain_name(first)))?;
            Some((called, *service))
        });
        Places {
            named: named.collect(),
            ..Places::default()
        }
    }

    fn add(&mut self, tree: &Tree, call: At, service: Name) {
        let end = tree.span(call);
        if !self.seen.insert((end.about_number(), end.kind, service)) {
            return;
        }
        let about = tree.about(call);
        if !tree.is_call(call) || about.is_messaging || about.host.is_empty() {
            return;
        }
        let address = (about.host, about.port, about.peer);
        let path = (address, about.path);
        self.by_path.entry(path).or_default().insert(service);
        self.by_host.entry(address).or_default().insert(service);
    }

    /// Whether the address of `call` leads to `service`.
    pub(super) fn lead(&self, tree: &Tree, call: At, service: Name) -> bool {
        self.leads(tree, tree.about(call), service) == Leads::Yes
    }

    fn leads(&self, tree: &Tree, about: &About, service: Name) -> Leads {
        let yes = |is: bool| if is { Leads::Yes } else { Leads::No };
        let address = (about.host, about.port, about.peer);
        let path = (address, about.path);
        let is_shared = self.is_shared(address);
        let services = self.by_path.get(&path);
        if let Some(services) = services.filter(|_| !about.path.is_empty() && !is_shared) {
            return yes(services.contains(&service));
        }
        let peer = self.named.get(&about.peer);
        let named = peer.or_else(|| self.named.get(&about.host));
        if let Some(named) = named {
            return yes(*named == service);
        }
        if is_shared {
            return Leads::Unknown;
        }
        let answered = self.by_host.get(&address);
        if answered.is_some_and(|services| services.contains(&service)) {
            return Leads::Yes;
        }
        // each container may have a service at this address
        let is_local = || is_local(tree.names().text(about.host));
        match self.own.get(&(about.host, about.port)) {
            Some(services) if !is_local() => yes(services.contains(&service)),
            _ => Leads::Unknown,
        }
    }

    /// Whether several services answer at an address, such as that of a load balancer, or localhost
    /// in several containers. It leads to none of them in particular.
    fn is_shared(&self, address: Address) -> bool {
        let (host, port, _) = address;
        let own = self.own.get(&(host, port)).filter(|_| !host.is_empty());
        let known = [self.by_host.get(&address), own].into_iter().flatten();
        known.into_iter().any(|services| services.len() > 1)
    }

    /// Whether `receiver` may have answered `call`, without regard to time.
    pub(super) fn fit(&self, tree: &Tree, call: At, receiver: At) -> bool {
        let (from, to) = (tree.about(call), tree.about(receiver));
        let (sender, service) = (tree.span(call).service, tree.span(receiver).service);
        let differ =
            |left: Name, right: Name| !left.is_empty() && !right.is_empty() && left != right;
        if from.is_messaging || differ(from.method, to.method) {
            return false;
        }
        if from.status != 0 && to.status != 0 && from.status != to.status {
            return false;
        }
        let is_own_address = from.host == to.host && from.port == to.port && from.port != 0;
        let is_own_address = is_own_address && !self.is_shared((from.host, from.port, from.peer));
        let leads = match self.leads(tree, from, service) {
            Leads::Unknown if is_own_address => Leads::Yes,
            leads => leads,
        };
        match (leads, same_path(tree, from, to)) {
            (Leads::No, _) | (_, Some(false)) => false,
            (Leads::Yes, _) => true,
            // at an unknown address the path is the only hint, so it must be specific
            (Leads::Unknown, Some(true)) => {
                sender != service
                    && is_specific(tree.names().text(from.path))
                    && !may_be_forwarded(tree, call, receiver)
            }
            (Leads::Unknown, None) => false,
        }
    }
}

/// The services whose own address a host and a port are, as they say.
fn own_addresses(tree: &Tree) -> BTreeMap<(Name, u16), BTreeSet<Name>> {
    let mut own: BTreeMap<(Name, u16), BTreeSet<Name>> = BTreeMap::new();
    let mut seen = HashSet::default();
    for at in tree.all() {
        let end = tree.span(at);
        let about = tree.about(at);
        let is_named = !about.host.is_empty() && about.port != 0;
        let is_server = end.kind == Kind::Server && is_named;
        if is_server && seen.insert((end.service, end.about_number())) {
            let services = own.entry((about.host, about.port)).or_default();
            services.insert(end.service);
        }
    }
    own
}

/// Whether a service without spans here may have taken `call`, and called `receiver` itself. The
/// receiver then has a parent that is missing, or names another host than the call.
fn may_be_forwarded(tree: &Tree, call: At, receiver: At) -> bool {
    let (from, to) = (tree.about(call), tree.about(receiver));
    let host = |name: Name| tree.names().text(name);
    let (called, answering) = (host(from.host), host(to.host));
    let are_names = is_named(called) && is_named(answering);
    let are_strange = from.host != to.host && (are_names || are_addresses(called, answering));
    tree.parent(receiver) == Parent::Missing || are_strange
}

/// Whether few services answer at this path. Most answer at those that monitors ask for, such as
/// `/healthz` or `/actuator/health`.
pub(crate) fn is_specific(path: &str) -> bool {
    const OF_MONITORS: [&str; 17] = [
        "health",
        "healthz",
        "healthcheck",
        "healthy",
        "live",
        "livez",
        "liveness",
        "ready",
        "readyz",
        "readiness",
        "ping",
        "metrics",
        "prometheus",
        "status",
        "actuator",
        "api",
        "-",
    ];
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    parts.any(|part| !OF_MONITORS.contains(&part))
}

/// Whether a host has a name that others can use, and not just an address or the name of this
/// machine.
fn is_named(host: &str) -> bool {
    !host.is_empty() && host != "localhost" && host.parse::<std::net::IpAddr>().is_err()
}

/// Whether both are addresses that other machines can use.
fn are_addresses(one: &str, other: &str) -> bool {
    let is_address = |host: &str| {
        let address = host.parse::<std::net::IpAddr>();
        address.is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
    };
    is_address(one) && is_address(other)
}

/// The name of a service or host without the parts that differ between deployments.
fn plain_name(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let short = name
        .strip_suffix("-service")
        .or_else(|| name.strip_suffix("-svc"))
        .or_else(|| name.strip_suffix("-cluster"));
    short.unwrap_or(&name).to_owned()
}

/// Whether a call's path is the one that the receiver answered; `None` if one of them is unknown.
pub(crate) fn same_path(tree: &Tree, from: &About, to: &About) -> Option<bool> {
    if from.path == to.path && !from.path.is_empty() {
        return Some(true);
    }
    let text = |name: Name| tree.names().text(name);
    let (called, answered, route) = (text(from.path), text(to.path), text(to.route));
    // Zipkin writes names in lower case
    if !from.rpc.is_empty() && called.eq_ignore_ascii_case(answered) && !called.is_empty() {
        return Some(true);
    }
    if called.is_empty() {
        return None;
    }
    if !answered.is_empty() {
        return Some(ends_with(called, answered) || ends_with(answered, called));
    }
    route.starts_with('/').then(|| meets(called, route))
}

/// Whether `path` ends with the whole segments of `end`. Proxies add and remove segments before
/// them.
fn ends_with(path: &str, end: &str) -> bool {
    path == end || end.len() > 1 && end.starts_with('/') && path.ends_with(end)
}

/// Whether `path` matches the template `route`: `/orders/{id}`, `/orders/:id`, `/orders/<id>`,
/// `/orders/*` or `/**`.
fn meets(path: &str, route: &str) -> bool {
    let (mut path, mut route) = (path.split('/'), route.split('/'));
    loop {
        match (path.next(), route.next()) {
            (None, None) | (_, Some("**")) => return true,
            (Some(part), Some(wanted)) => {
                let is_open = !part.is_empty() && wanted.starts_with(['{', ':', '<', '*']);
                if part != wanted && !is_open {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_meets_its_template() {
        for (path, route, is_met) in [
            ("/orders/7", "/orders/{id}", true),
            ("/orders/7", "/orders/:id", true),
            ("/orders/7/items", "/orders/{id}", false),
            ("/orders/7/items", "/orders/**", true),
            ("/orders", "/orders", true),
            ("/orders/", "/orders/{id}", false),
        ] {
            assert_eq!(meets(path, route), is_met, "{path} {route}");
        }
    }

    #[test]
    fn a_proxy_may_change_how_a_path_begins_but_not_how_it_ends() {
        assert!(ends_with("/api/orders", "/orders"));
        assert!(!ends_with("/api/reorders", "orders"));
        assert!(!ends_with("/orders", "/"));
    }
}
