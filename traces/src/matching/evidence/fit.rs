//! Whether a call's address leads to a receiver, by the addresses of known hand-offs, by names of
//! services and hosts, and by path, method and status.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;

use super::Pairs;
use crate::matching::names::Name;
use crate::matching::spans::At;
use crate::matching::spans::about::About;
use crate::matching::spans::tree::{Parent, Tree};
use crate::span::Kind;

/// Where addresses lead, as far as known.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The services that answered at a host, a port and a path.
    by_path: BTreeMap<(Name, u16, Name), BTreeSet<Name>>,
    /// The services that answered at a host and a port.
    by_host: BTreeMap<(Name, u16), BTreeSet<Name>>,
    /// The services that name a host and a port as their own.
    by_own: BTreeMap<(Name, u16), BTreeSet<Name>>,
    /// The services of the source by their simplified names.
    by_name: BTreeMap<String, Name>,
    /// The calls that were added, by what their addresses depend on.
    seen: HashSet<(u32, Kind, Name)>,
}

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
        let mut places = Places::named(tree);
        places.add_own(tree);
        for pair in pairs.all() {
            places.add(tree, pair.sender, tree.span(pair.receiver).service);
        }
        places
    }

    /// Knows only the names of the services.
    pub(super) fn named(tree: &Tree) -> Places {
        let mut places = Places::default();
        for service in tree.spans_by_service().keys() {
            let name = plain_name(tree.names().text(*service));
            places.by_name.insert(name, *service);
        }
        places
    }

    fn add_own(&mut self, tree: &Tree) {
        let mut seen = HashSet::default();
        for at in tree.all().filter(|at| tree.span(*at).kind == Kind::Server) {
            let (end, about) = (tree.span(at), tree.about(at));
            let is_named = !about.host.is_empty() && about.port != 0;
            if is_named && seen.insert((end.about_number(), end.service)) {
                let own = self.by_own.entry((about.host, about.port)).or_default();
                own.insert(end.service);
            }
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
        let host = (about.host, about.port);
        let path = (about.host, about.port, about.path);
        self.by_path.entry(path).or_default().insert(service);
        self.by_host.entry(host).or_default().insert(service);
    }

    /// Whether the address of `call` leads to `service`.
    pub(super) fn lead(&self, tree: &Tree, call: At, service: Name) -> bool {
        self.leads(tree, tree.about(call), service) == Leads::Yes
    }

    fn leads(&self, tree: &Tree, about: &About, service: Name) -> Leads {
        let yes = |is: bool| if is { Leads::Yes } else { Leads::No };
        let path = (about.host, about.port, about.path);
        if let Some(services) = self.by_path.get(&path).filter(|_| !about.path.is_empty()) {
            return yes(services.contains(&service));
        }
        let named = [about.peer, about.host].into_iter().find_map(|name| {
            let name = tree.names().text(name);
            let first = name.split('.').next().unwrap_or_default();
            let whole = self.by_name.get(&plain_name(name));
            whole.or_else(|| self.by_name.get(&plain_name(first)))
        });
        if let Some(named) = named.filter(|name| !name.is_empty()) {
            return yes(*named == service);
        }
        match self.by_host.get(&(about.host, about.port)) {
            Some(services) if services.contains(&service) => return Leads::Yes,
            _ => {}
        }
        // the services behind one gateway may all name its address
        let own = self.by_own.get(&(about.host, about.port));
        match own.filter(|services| services.len() == 1) {
            Some(services) => yes(services.contains(&service)),
            None => Leads::Unknown,
        }
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

/// Whether a service without spans here may have taken `call`, and called `receiver` itself. The
/// receiver then has a parent that is missing, or names another host than the call.
fn may_be_forwarded(tree: &Tree, call: At, receiver: At) -> bool {
    let (from, to) = (tree.about(call), tree.about(receiver));
    let host = |name: Name| tree.names().text(name);
    let are_strange = from.host != to.host && is_named(host(from.host)) && is_named(host(to.host));
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

/// The name of a service or host without the parts that differ between deployments.
fn plain_name(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let short = name
        .strip_suffix("-service")
        .or_else(|| name.strip_suffix("-svc"));
    short.unwrap_or(&name).to_owned()
}

/// Whether a call's path is the one that the receiver answered; `None` if one of them is unknown.
pub(crate) fn same_path(tree: &Tree, from: &About, to: &About) -> Option<bool> {
    let text = |name: Name| tree.names().text(name);
    let (called, answered, route) = (text(from.path), text(to.path), text(to.route));
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
