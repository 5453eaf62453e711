//! How JSON writes a name with its value, and a value alone.

use std::borrow::Cow;

use crate::decode;
use crate::json::Tree;
use crate::names::{self, Name};
use crate::shapes::Shape;

/// Members that hold the name of a pair, each with the member that holds its value.
const PAIR_NAMES: &[&str] = &["key", "name", "Key", "Name", "header", "k"];
const PAIR_VALUES: &[&str] = &["value", "Value", "stringValue", "v", "val"];
/// Members that hold a value as text: SQS, SNS, DynamoDB, Kafka, Step Functions.
const TEXTS: &[&str] = &[
    "stringValue",
    "StringValue",
    "string_value",
    "Value",
    "value",
    "S",
    "s",
    "string",
    "text",
];
/// Members that hold a value as bytes in Base64.
const BYTES: &[&str] = &["binaryValue", "BinaryValue", "B", "bytesValue", "bytes"];
/// The name and the value of an object that is such a pair.
pub(super) fn pair(tree: &Tree) -> Option<(&str, &Tree)> {
    let name = PAIR_NAMES.iter().find_map(|name| tree.get(name)?.text())?;
    let value = PAIR_VALUES.iter().find_map(|name| tree.get(name))?;
    let Tree::Object(members) = tree else {
        return None;
    };
    let is_header = !matches!(names::member(name), Name::Unknown | Name::Id);
    (is_header || members.len() == 2 && value.text().is_some()).then_some((name, value))
}

/// Whether the object is a map of headers: all members are text or lists of text, and at least one
/// is a header.
pub(super) fn is_flat(members: &[(String, Tree)]) -> bool {
    let is_text = |(_, value): &(String, Tree)| match value {
        Tree::Text(_) => true,
        Tree::Array(elements) => elements.iter().all(|element| element.text().is_some()),
        _ => false,
    };
    let is_known = |(name, _): &(String, Tree)| matches!(names::header(name), Name::Header(_));
    members.iter().all(is_text) && members.iter().any(is_known)
}

/// The texts in a member's value; `None` if it has none.
pub(super) fn values(tree: &Tree) -> Option<Vec<Cow<'_, [u8]>>> {
    match tree {
        Tree::Text(text) => Some(vec![Cow::Borrowed(text.as_bytes())]),
        Tree::Array(elements) => {
            if let Some(text) = bytes(elements) {
                return Some(vec![Cow::Owned(text.into_bytes())]);
            }
            let mut all = Vec::new();
            for element in elements {
                all.append(&mut values(element)?);
            }
            (!all.is_empty()).then_some(all)
        }
        Tree::Object(_) => {
            let text = TEXTS.iter().find_map(|name| tree.get(name)?.text());
            if let Some(text) = text {
                return Some(vec![Cow::Borrowed(text.as_bytes())]);
            }
            if let Some(data) = tree.get("data").filter(|_| tree.get("type").is_some()) {
                return bytes(data.elements()).map(|text| vec![Cow::Owned(text.into_bytes())]);
            }
            let listed = BYTES
                .iter()
                .find_map(|name| bytes(tree.get(name)?.elements()));
            if let Some(text) = listed {
                return Some(vec![Cow::Owned(text.into_bytes())]);
            }
            let encoded = BYTES.iter().find_map(|name| tree.get(name)?.text())?;
            let decoded = decode::base64(encoded.as_bytes()).and_then(decode::text)?;
            Some(vec![Cow::Owned(decoded.into_bytes())])
        }
        Tree::Number(_) | Tree::Other => None,
    }
}

/// A value without the Base64 that some tools add.
pub(super) fn plain<'a>(value: &'a Cow<'a, [u8]>, header: &str) -> Cow<'a, [u8]> {
    let decoded = decode::short_base64(value).and_then(decode::text);
    match decoded.filter(|text| is_value(text, header)) {
        Some(decoded) if !is_value(&String::from_utf8_lossy(value), header) => {
            Cow::Owned(decoded.into_bytes())
        }
        _ => Cow::Borrowed(value.as_ref()),
    }
}

/// Whether a text may be the value of a header.
fn is_value(text: &str, header: &str) -> bool {
    let is_hex = || text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match header {
        "tracestate" | "baggage" => text.trim_end_matches('=').contains('='),
        "x-b3-traceid" | "x-b3-spanid" | "x-b3-parentspanid" => {
            matches!(text.len(), 16 | 32) && is_hex()
        }
        "x-b3-sampled" | "x-b3-flags" => matches!(text, "0" | "1" | "d" | "true" | "false"),
        _ => Shape::of(text).is_some_and(|shape| shape.header() == header),
    }
}

/// Text that is written as a list of bytes.
pub(super) fn bytes(elements: &[Tree]) -> Option<String> {
    let byte = |element: &Tree| match element {
        Tree::Number(number) => number.parse::<u8>().ok(),
        _ => None,
    };
    let bytes = elements.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    (!bytes.is_empty()).then(|| decode::text(bytes)).flatten()
}

/// Names and values in turn, as in the list `rawHeaders` of Node.js.
pub(super) fn flat_pairs(elements: &[Tree]) -> Option<Vec<(usize, &str, &Tree)>> {
    let texts = elements.iter().all(|element| element.text().is_some());
    if !texts || elements.is_empty() || !elements.len().is_multiple_of(2) {
        return None;
    }
    let pairs = elements.chunks_exact(2).enumerate();
    let pairs: Vec<_> = pairs
        .map(|(place, pair)| (2 * place, pair[0].text().unwrap_or_default(), &pair[1]))
        .collect();
    let is_known = |(_, name, _): &(usize, &str, &Tree)| {
        matches!(names::header(name), Name::Header(_) | Name::System(_))
    };
    pairs.iter().any(is_known).then_some(pairs)
}
