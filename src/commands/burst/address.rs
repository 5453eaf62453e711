//! The addresses of endpoints on the command line: `[NAME=]URL`.

use baton_loadgen::{Plan, Settings};
use baton_propagators::Mode;

use crate::credentials::without_credentials;
use crate::failure::Failure;

/// An endpoint and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The given name, or else the URL; a number tells equal names apart.
    pub(super) name: String,
    /// The URL.
    pub(super) url: String,
}

/// Reads `[NAME=]URL` for each endpoint.
pub(super) fn addresses(given: &[String]) -> Result<Vec<Address>, Failure> {
    let mut addresses: Vec<Address> = Vec::new();
    for text in given {
        let (name, url) = match text.split_once('=') {
            // a URL may have a query
            Some((name, url)) if !name.contains([':', '/', '?']) => {
                if name.is_empty() {
                    return Err(Failure::usage(
                        "--endpoint: there is no name before the =; write NAME=URL, or the URL alone",
                    ));
                }
                (name.to_owned(), url)
            }
            _ => (shown(text), text.as_str()),
        };
        let alike = |address: &&Address| {
            let apart = address.name.strip_prefix(&name);
            apart.is_some_and(|rest| rest.is_empty() || is_number(rest))
        };
        let before = addresses.iter().filter(alike).count();
        addresses.push(Address {
            name: match before {
                0 => name,
                _ => format!("{name}#{}", before + 1),
            },
            url: url.to_owned(),
        });
    }
    Ok(addresses)
}

/// The URL without what may be secret.
fn shown(url: &str) -> String {
    let plan = Plan::new(Settings::new(url, Mode::NONE));
    plan.map_or_else(|_| without_credentials(url), |plan| plan.endpoint())
}

/// Whether the text is `#` and digits.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('#');
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_names_that_differ() {
        let given = [
            "old=http://h/p",
            "http://h/p?key=secret",
            "http://h/p",
            "http://h/p",
            "old=http://h/q?a=b",
        ];
        let addresses = addresses(&given.map(str::to_owned)).expect("addresses");
        let both: Vec<_> = addresses
            .iter()
            .map(|address| (&*address.name, &*address.url))
            .collect();
        assert_eq!(
            both,
            [
                ("old", "http://h/p"),
                ("http://h/p?REDACTED", "http://h/p?key=secret"),
                ("http://h/p", "http://h/p"),
                ("http://h/p#2", "http://h/p"),
                ("old#2", "http://h/q?a=b"),
            ]
        );
        assert!(super::addresses(&["=http://h/p".to_owned()]).is_err());
    }
}
