//! Headers of responses. No library continues them, so they do not count as those of a request.

mod lines;

use crate::finding::Kind;
use crate::json::Tree;

pub(crate) use lines::is_response_at;

/// Names of objects that are a response.
const RESPONSES: &[&str] = &["response", "res", "resp", "httpresponse"];
/// Members that give the status of a response.
const STATUSES: &[&str] = &["statusCode", "status", "status_code", "StatusCode"];
/// Members that only a request has, or a log line about a request and its response.
const OF_REQUESTS: &[&str] = &[
    "method",
    "httpMethod",
    "requestMethod",
    "requestContext",
    "url",
    "uri",
    "path",
    "verb",
];
/// Members within a response that hold something else: its body, or the request.
const OTHERS: &[&str] = &[
    "body", "content", "data", "config", "request", "req", "payload",
];
/// How access logs begin the name of a header of a response: nginx, Traefik, and instrumentations.
const PREFIXES: &[&str] = &[
    "sent-http-",
    "upstream-http-",
    "downstream-",
    "origin-",
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
    let name = name.to_ascii_lowercase().replace('_', "-");
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether an object, which is the value of the member `name`, is a response.
pub(crate) fn is_response(tree: &Tree, name: &str) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| tree.get(name).is_some());
    let is_code = |value: &Tree| match value {
        Tree::Number(number) => number.len() == 3 && number.as_bytes()[0] < b'6',
        _ => false,
    };
    let mut statuses = STATUSES.iter().filter_map(|name| tree.get(name));
    let is_named = RESPONSES.contains(&name) && !has(OF_REQUESTS);
    let is_typed = tree.get("type").and_then(Tree::text) == Some("response");
    is_named || is_typed || statuses.any(is_code) && !has(OF_REQUESTS)
}

/// Whether an object has the headers of a response of HTTP/2, with its status among them.
pub(crate) fn has_status(tree: &Tree) -> bool {
    tree.get(":status").is_some()
}

/// Whether the member `name` of a response, or of what `is_response` says is none, has the headers
/// of a response.
pub(crate) fn are_headers(name: &str, is_response: bool) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    let is_holder = ["headers", "header", "rawheaders", "multivalueheaders"].contains(&&*letters);
    let named = ["responseheaders", "respheaders", "resheaders"].contains(&&*letters);
    named || is_holder && is_response
}

/// Whether the member `name` within a response has something else than headers.
pub(crate) fn are_others(name: &str) -> bool {
    OTHERS.contains(&name.to_ascii_lowercase().as_str())
}
