//! Headers of responses. No library continues them, so they do not count as those of a request.

mod lines;

use crate::finding::Kind;
use crate::json::Tree;

pub(crate) use lines::Directions;

// Names are compared in lower case, by their letters and digits alone.

/// Names of objects that are a response.
const RESPONSES: &[&str] = &[
    "response",
    "res",
    "resp",
    "httpresponse",
    "responsemetadata",
];
/// Members that give the status of a response.
const STATUSES: &[&str] = &["statuscode", "status"];
/// Members that only a request has, or a log line about a request or a message.
const OF_REQUESTS: &[&str] = &[
    "clientip",
    "exchange",
    "host",
    "http",
    "httpmethod",
    "method",
    "offset",
    "partition",
    "path",
    "queue",
    "remoteaddr",
    "req",
    "request",
    "requestcontext",
    "requestmethod",
    "requesturi",
    "topic",
    "uri",
    "url",
    "verb",
];
/// Members that only the response of an HTTP client in JavaScript has. It has its request, too.
const OF_CLIENTS: &[&str] = &["statustext", "config"];
/// Members within a response that hold something else: its body, or the request.
const OTHERS: &[&str] = &[
    "body", "content", "data", "config", "request", "req", "payload",
];
/// How access logs begin the name of a header of a response: nginx, and instrumentations.
const PREFIXES: &[&str] = &[
    "sent-http-",
    "upstream-http-",
    "response-header-",
    "response-",
    "resp-header-",
    "http.response.header.",
    "rpc.grpc.response.metadata.",
];

/// What a finding is if it is in a response.
pub(crate) fn in_response(kind: Kind) -> Kind {
    let header = match &kind {
        Kind::Header(header) => header.as_str(),
        Kind::Shape(shape) | Kind::Unnamed(shape) => shape.header(),
        _ => return kind,
    };
    Kind::Fault(format!(
        "{header} is a header of the response here. It says nothing about the request, and no library continues it."
    ))
}

/// Whether a field with this name has a header of a response.
pub(crate) fn is_field(name: &str) -> bool {
    has_prefix(name, PREFIXES)
}

/// Whether a field with this name has a header of a response in Traefik's access log. Elsewhere,
/// `downstream` and `origin` may be names for the two ends of a request.
pub(crate) fn is_field_of_traefik(name: &str) -> bool {
    has_prefix(name, &["downstream-", "origin-"])
}

fn has_prefix(name: &str, prefixes: &[&str]) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// A member that every line of Traefik's access log has.
pub(crate) const OF_TRAEFIK: &str = "DownstreamStatus";

/// Whether an object, which is the value of the member `name`, is a response.
pub(crate) fn is_response(tree: &Tree, name: &str) -> bool {
    let Tree::Object(members) = tree else {
        return false;
    };
    let members: Vec<(String, &Tree)> = members
        .iter()
        .map(|(name, value)| (letters(name), value))
        .collect();
    let has = |names: &[&str]| members.iter().any(|(name, _)| names.contains(&&**name));
    let is_code = |value: &Tree| match value {
        Tree::Number(number) => number.len() == 3 && number.as_bytes()[0] < b'6',
        _ => false,
    };
    let mut statuses = members
        .iter()
        .filter(|(name, _)| STATUSES.contains(&&**name));
    let is_of_request = has(OF_REQUESTS) && !has(OF_CLIENTS);
    let is_named = RESPONSES.contains(&&*letters(name)) && !is_of_request;
    let is_typed = tree.get("type").and_then(Tree::text) == Some("response");
    is_named || is_typed || statuses.any(|(_, value)| is_code(value)) && !is_of_request
}

/// The letters and digits of a name, in lower case.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether an object has the headers of a response of HTTP/2, with its status among them.
pub(crate) fn has_status(tree: &Tree) -> bool {
    tree.get(":status").is_some()
}

/// Whether the member `name` of a response, or of what `is_response` says is none, has the headers
/// of a response.
pub(crate) fn are_headers(name: &str, is_response: bool) -> bool {
    let letters = letters(name);
    let is_holder = [
        "headers",
        "header",
        "httpheaders",
        "rawheaders",
        "multivalueheaders",
    ]
    .contains(&&*letters);
    let named = ["responseheaders", "respheaders", "resheaders"].contains(&&*letters);
    named || is_holder && is_response
}

/// Whether the member `name` within a response has something else than headers.
pub(crate) fn are_others(name: &str) -> bool {
    OTHERS.contains(&name.to_ascii_lowercase().as_str())
}
