//! The address in a URL or a host's name.

/// The parts of an address.
pub(super) struct Address<'a> {
    pub(super) host: &'a str,
    /// 0 if unknown.
    pub(super) port: u16,
    pub(super) path: &'a str,
}

impl<'a> Address<'a> {
    /// Parses `scheme://host:port/path?query`, or just a path.
    pub(super) fn of_url(url: &'a str) -> Address<'a> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Address {
                host: "",
                port: 0,
                path: without_query(url),
            };
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let host = host.rsplit('@').next().unwrap_or(host);
        let at = Address::of_host(host);
        let default = match scheme {
            "http" => 80,
            "https" => 443,
            _ => 0,
        };
        let path = without_query(path);
        Address {
            host: at.host,
            port: if at.port == 0 { default } else { at.port },
            path: if path.is_empty() { "/" } else { path },
        }
    }

    /// Parses `host` or `host:port`.
    pub(super) fn of_host(text: &'a str) -> Address<'a> {
        let split = text.rsplit_once(':').and_then(|(host, port)| {
            let port: u16 = port.parse().ok()?;
            // text with more colons is an IPv6 address
            (!host.contains(':') || host.ends_with(']')).then_some((host, port))
        });
        let (host, port) = split.unwrap_or((text, 0));
        Address {
            host: host.trim_matches(['[', ']']),
            port,
            path: "",
        }
    }
}

/// Whether each machine or container has a `host` of this name or address of its own.
pub(crate) fn is_local(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost"
        || address.is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}

/// `path` without its query.
pub(super) fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or(path)
}
