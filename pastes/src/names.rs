//! What a name means: a header of a format or of another system, a misspelling, or a secret.

use std::collections::HashMap;
use std::sync::LazyLock;

use baton_propagators::FORMATS;
use baton_propagators::lambda::xray_header::X_AMZN_TRACE_ID;

use crate::systems::{self, System};

/// What a name means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Name {
    /// A header that a format reads, under the format's name for it.
    Header(String),
    /// A carrier of another system.
    System(&'static System),
    /// Almost the name of this header.
    Misspelt(&'static str),
    /// An id as logs print it.
    Id,
    /// Something that may be a credential.
    Secret,
    /// Anything else.
    Unknown,
}

/// The longest name that is looked up.
pub(crate) const MAX_NAME: usize = 64;
/// The fewest letters of a name that may count as misspelt.
const MIN_MISSPELT: usize = 6;
/// The fewest letters of a name in which two letters may be wrong.
const MIN_TWO_WRONG: usize = 10;

/// The attribute of an SQS message that holds X-Ray's header.
const AWS_TRACE_HEADER: &str = "awstraceheader";
const XRAY: &str = "x-amzn-trace-id";

/// Names under which logs print the id of a trace or a span, without dashes, dots and underscores.
const IDS: &[&str] = &[
    "traceid",
    "spanid",
    "ddtraceid",
    "ddspanid",
    "oteltraceid",
    "otelspanid",
    "mdctraceid",
    "xtraceid",
    "xspanid",
    "parentspanid",
    "parentid",
];
/// Ends of other names under which programs print such an id: `Activity.TraceId`, `spring.span_id`.
const ID_ENDS: &[&str] = &["traceid", "spanid"];
/// Names that are too short to be recognised as misspelt by their letters.
const SHORT_MISSPELT: &[(&str, &str)] = &[("xb3", "b3"), ("b3header", "b3")];
/// Words that resemble a header's name but are not one.
const WORDS: &[&str] = &["transparent", "tracesets", "tracestats"];
/// Parts of names whose values are never shown, without dashes and underscores.
const SECRETS: &[&str] = &[
    "authorization",
    "cookie",
    "apikey",
    "token",
    "secret",
    "password",
    "passwd",
    "credential",
    "signature",
    "accesskey",
    "privatekey",
    "jwt",
    "sessionid",
];

/// The headers of all formats and of other systems, by their names in lower case with dashes.
static NAMES: LazyLock<HashMap<&'static str, Name>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for system in systems::SYSTEMS {
        for name in system.names {
            names.insert(*name, Name::System(system));
        }
    }
    for field in FORMATS.iter().flat_map(|format| format.fields()) {
        names.insert(*field, Name::Header((*field).to_owned()));
    }
    names.insert(AWS_TRACE_HEADER, Name::Header(XRAY.to_owned()));
    names
});

/// The headers whose names are long enough to recognise a misspelling: the name, its letters, and
/// the set of its letters.
static SPELLINGS: LazyLock<Vec<(&'static str, String, u64)>> = LazyLock::new(|| {
    let fields = FORMATS.iter().flat_map(|format| format.fields()).copied();
    let mut spellings: Vec<_> = fields
        .map(|field| (field, letters(field)))
        .filter(|(_, letters)| letters.len() >= MIN_MISSPELT)
        .map(|(field, letters)| {
            let set = set(&letters);
            (field, letters, set)
        })
        .collect();
    spellings.sort();
    spellings.dedup();
    spellings
});

/// What the name of an HTTP header means. Only case is ignored.
pub(crate) fn header(name: &str) -> Name {
    let lower = name.to_ascii_lowercase();
    if name == X_AMZN_TRACE_ID {
        return Name::Header(name.to_owned());
    }
    match NAMES.get(lower.as_str()) {
        Some(Name::Header(header)) if *header == lower => Name::Header(header.clone()),
        Some(Name::System(system)) => Name::System(system),
        _ if has_prefix(&lower) => Name::Header(lower),
        _ => rest(&lower),
    }
}

/// What the name of a member, variable or field means: like [`header`], and also in the spelling of
/// environment variables, CGI and logs (`HTTP_X_B3_TRACEID`, `http.request.header.traceparent`).
pub(crate) fn member(name: &str) -> Name {
    if name.len() > MAX_NAME {
        return Name::Unknown;
    }
    match header(name) {
        Name::Unknown | Name::Misspelt(_) | Name::Id => {}
        known => return known,
    }
    let lower = name.to_ascii_lowercase().replace('_', "-");
    let last = lower.rsplit(['.', ':', '/']).next().unwrap_or_default();
    for name in [lower.as_str(), last] {
        let name = without_prefix(name);
        match NAMES.get(name) {
            Some(known) => return known.clone(),
            None if has_prefix(name) => return Name::Header(name.to_owned()),
            None => {}
        }
    }
    rest(&lower)
}

/// Words that CGI and access logs write before the name of a request's header.
const PREFIXES: &[&str] = &[
    "http-",
    "request-header-",
    "req-header-",
    "request-",
    "header-",
];

/// The name in `HTTP_TRACEPARENT`, or in Traefik's `request_Traceparent`.
fn without_prefix(name: &str) -> &str {
    if NAMES.contains_key(name) {
        return name;
    }
    let mut prefixes = PREFIXES.iter();
    prefixes
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name)
}

/// Whether a name in lower case belongs to a family: `uberctx-user`.
fn has_prefix(name: &str) -> bool {
    let mut prefixes = FORMATS.iter().flat_map(|format| format.prefixes());
    prefixes.any(|prefix| name.starts_with(prefix))
}

/// What any other name means.
pub(crate) fn rest(name: &str) -> Name {
    let letters = letters(name);
    if has_secret(&letters) {
        return Name::Secret;
    }
    if IDS.contains(&letters.as_str()) {
        return Name::Id;
    }
    let is_id = || ID_ENDS.iter().any(|end| letters.ends_with(end));
    match misspelt(&letters) {
        Some(meant) => Name::Misspelt(meant),
        None if is_id() => Name::Id,
        None => Name::Unknown,
    }
}

/// Whether the name suggests a credential.
pub(crate) fn is_secret(name: &str) -> bool {
    has_secret(&letters(name))
}

fn has_secret(letters: &str) -> bool {
    SECRETS
        .iter()
        .any(|secret| letters.len() >= secret.len() && letters.contains(secret))
}

/// Whether the letters may be almost a header's name, or an id's. Fast, but sometimes wrong.
pub(crate) fn may_be_near(word: &[u8]) -> bool {
    let mut own = 0;
    let mut length = 0_usize;
    for byte in word.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        own |= 1 << (byte.to_ascii_lowercase() & 0x3f);
        length += 1;
    }
    let is_near = |known: usize, set: u64| {
        let allowed = if known < MIN_TWO_WRONG { 1 } else { 2 };
        known.abs_diff(length) <= allowed && (own ^ set).count_ones() as usize <= 2 * allowed
    };
    SPELLINGS
        .iter()
        .any(|(_, known, set)| is_near(known.len(), *set))
        || ends_with_id(word)
}

/// Whether a word ends as the names of ids do.
pub(crate) fn ends_with_id(word: &[u8]) -> bool {
    word.len() > 2 && word[word.len() - 2..].eq_ignore_ascii_case(b"id")
}

/// The header that was meant, if one or two letters are wrong.
fn misspelt(letters: &str) -> Option<&'static str> {
    if WORDS.contains(&letters) {
        return None;
    }
    if let Some((_, meant)) = SHORT_MISSPELT.iter().find(|(name, _)| *name == letters) {
        return Some(meant);
    }
    let own = set(letters);
    let near = SPELLINGS.iter().filter_map(|(name, known, known_set)| {
        let allowed = if known.len() < MIN_TWO_WRONG { 1 } else { 2 };
        let may_be = known.len().abs_diff(letters.len()) <= allowed
            && (own ^ known_set).count_ones() as usize <= 2 * allowed;
        let distance = may_be.then(|| distance(letters.as_bytes(), known.as_bytes()))?;
        (distance <= allowed).then_some((distance, *name))
    });
    near.min().map(|(_, name)| name)
}

/// The letters and digits of a name, in lower case.
fn letters(name: &str) -> String {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    letters
        .map(|letter| char::from(letter.to_ascii_lowercase()))
        .collect()
}

/// The set of letters and digits that occur.
fn set(letters: &str) -> u64 {
    letters
        .bytes()
        .fold(0, |set, byte| set | 1 << (byte & 0x3f))
}

/// How many letters must be added, removed, changed or swapped with their neighbour.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_however_they_are_written() {
        for (name, expected) in [
            ("traceparent", "traceparent"),
            ("Traceparent", "traceparent"),
            ("TRACEPARENT", "traceparent"),
            ("HTTP_X_B3_TRACEID", "x-b3-traceid"),
            ("http.request.header.traceparent", "traceparent"),
            ("headers.x-b3-spanid", "x-b3-spanid"),
            ("AWSTraceHeader", "x-amzn-trace-id"),
            ("uberctx-user", "uberctx-user"),
            ("_X_AMZN_TRACE_ID", "_X_AMZN_TRACE_ID"),
        ] {
            assert_eq!(member(name), Name::Header(expected.to_owned()), "{name}");
        }
    }

    #[test]
    fn a_header_has_its_exact_name() {
        assert_eq!(header("B3"), Name::Header("b3".to_owned()));
        for name in ["x_b3_traceid", "HTTP_TRACEPARENT", "AWSTraceHeader"] {
            assert!(!matches!(header(name), Name::Header(_)), "{name}");
        }
    }

    #[test]
    fn misspelt_names_are_recognised_and_others_are_not() {
        for (name, meant) in [
            ("tracparent", "traceparent"),
            ("trace-parent", "traceparent"),
            ("tracepraent", "traceparent"),
            ("trace_state", "tracestate"),
            ("bagage", "baggage"),
            ("x-b3-trace-id", "x-b3-traceid"),
            ("xb3spanid", "x-b3-spanid"),
            ("x-amz-trace-id", "x-amzn-trace-id"),
            ("uber-traceid", "uber-trace-id"),
        ] {
            assert_eq!(header(name), Name::Misspelt(meant), "{name}");
        }
        for name in [
            "luggage",
            "user-agent",
            "x-request-id",
            "parent",
            "transparent",
            "x-forwarded-for",
            "timestamp",
        ] {
            assert_eq!(header(name), Name::Unknown, "{name}");
        }
    }

    #[test]
    fn credentials_are_known_by_their_names() {
        for name in [
            "Authorization",
            "Cookie",
            "set-cookie",
            "X-Api-Key",
            "x-amz-security-token",
            "client_secret",
        ] {
            assert_eq!(member(name), Name::Secret, "{name}");
        }
    }
}
