//! What a span's name says, if its attributes do not.

use super::Operation;
use crate::span::Kind;

/// Whether a span of this name only looks up an address. Node.js and Kong write such spans of the
/// kind CLIENT.
pub(super) fn is_lookup(name: &str) -> bool {
    matches!(name, "dns.lookup" | "kong.dns")
}

/// The path in a span's name such as `GET /orders/{id}`, the usual form for HTTP.
pub(super) fn route_in_name(name: &str) -> Option<&str> {
    let (method, path) = name.split_once(' ')?;
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    let path = path.split(' ').next()?;
    (is_method && path.starts_with('/')).then_some(path)
}

/// The path of the gRPC method in a name such as `shop.Cart/Get`. Brave writes no other attribute
/// for it, and only a call that failed `has_status`. Without that, a package must show that it is
/// a method.
pub(super) fn grpc_method(name: &str, has_status: bool) -> Option<String> {
    let is_name = |part: &str| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !part.is_empty() && !part.as_bytes()[0].is_ascii_digit() && part.bytes().all(letters)
    };
    let (service, method) = name.split_once('/')?;
    let has_package = service.contains('.') || has_status;
    let is_method = has_package && is_name(method) && service.split('.').all(is_name);
    is_method.then(|| format!("/{name}"))
}

/// A hand-off through Temporal, from a name such as `StartWorkflow:Order` or `RunActivity:Charge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Task<'a> {
    /// The name of the workflow, activity or signal.
    pub(super) name: &'a str,
    pub(super) operation: Operation,
    /// Whether it has the workflow's id to itself.
    pub(super) is_workflow: bool,
}

impl<'a> Task<'a> {
    /// The task in the name of a span of Temporal's interceptors.
    pub(super) fn of(span_name: &'a str) -> Option<Task<'a>> {
        let (verb, name) = span_name.split_once(':')?;
        let operation = match verb {
            "StartWorkflow"
            | "SignalWithStartWorkflow"
            | "StartChildWorkflow"
            | "StartActivity"
            | "SignalWorkflow"
            | "SignalChildWorkflow"
            | "SignalExternalWorkflow"
            | "QueryWorkflow"
            | "UpdateWorkflow"
            | "UpdateWithStartWorkflow" => Operation::Send,
            "RunWorkflow" | "RunActivity" | "HandleSignal" | "HandleQuery" | "HandleUpdate" => {
                Operation::Process
            }
            _ => return None,
        };
        Some(Task {
            name,
            operation,
            // others have the id of the workflow that sends
            is_workflow: matches!(
                verb,
                "StartWorkflow" | "SignalWithStartWorkflow" | "RunWorkflow"
            ),
        })
    }

    /// The kind of its span. Some interceptors write spans of the kind INTERNAL, and no call waits
    /// for a task.
    pub(super) fn kind(self) -> Kind {
        match self.operation {
            Operation::Send => Kind::Producer,
            _ => Kind::Consumer,
        }
    }
}

/// The service that a cluster of Envoy leads to: `cart` for `cart`, and for Istio's
/// `outbound|80||cart.shop.svc.cluster.local`. Inbound ones lead to the proxy's own service.
pub(super) fn service_of_cluster(cluster: &str) -> &str {
    let Some((direction, rest)) = cluster.split_once('|') else {
        return cluster;
    };
    let host = rest.rsplit('|').next().unwrap_or_default();
    match direction {
        "outbound" => host
            .split(".svc")
            .next()
            .and_then(|it| it.split('.').next())
            .unwrap_or(host),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grpc_method_is_known_by_its_package_or_its_status() {
        for (name, has_status, path) in [
            ("shop.Cart/Get", false, Some("/shop.Cart/Get")),
            ("Cart/Get", true, Some("/Cart/Get")),
            ("Cart/Get", false, None),
            ("GET /x", true, None),
            ("shop.Cart/Get/7", false, None),
        ] {
            assert_eq!(grpc_method(name, has_status).as_deref(), path, "{name}");
        }
    }

    #[test]
    fn a_cluster_of_envoy_names_a_service() {
        for (cluster, service) in [
            ("outbound|80||cart.shop.svc.cluster.local", "cart"),
            ("outbound|443||api.example.com", "api"),
            ("inbound|8080||", ""),
            ("cart", "cart"),
        ] {
            assert_eq!(service_of_cluster(cluster), service, "{cluster}");
        }
    }
}
