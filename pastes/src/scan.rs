//! Finds names and values in any text: logs, dumps of objects in any language, answers of echo
//! servers.
//!
//! It goes through the words of a text once. A known name is examined with what follows it: quotes,
//! separators, brackets and a value. A word with the shape of a known value counts without a name.

mod ends;
mod gap;
mod lines;
mod value;

use std::sync::LazyLock;

use baton_propagators::FORMATS;

use crate::decode;
use crate::finding::Kind;
use crate::names::{self, MAX_NAME, Name};
use crate::shapes::Shape;
use crate::systems::{SYSTEMS, System};

pub(crate) use lines::units;
use value::Value;

/// A name and a value in a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) kind: Kind,
    /// The name as it was written; empty if there is none.
    pub(crate) name: String,
    pub(crate) value: Vec<u8>,
    /// The position of the name, or of the value if there is no name.
    pub(crate) start: usize,
    /// The position after the value.
    pub(crate) end: usize,
}

/// How many names without a value, and how many ids in logs, are kept.
const MAX_MENTIONS: usize = 3;
/// How far before a value without a name the name of a credential may be.
const SECRET_REACH: usize = 80;

/// The lengths of known names by their first letter: one bit for each length.
static LENGTHS: LazyLock<[u64; 256]> = LazyLock::new(|| {
    let mut lengths = [0; 256];
    let fields = FORMATS.iter().flat_map(|format| format.fields());
    let systems = SYSTEMS.iter().flat_map(|system| system.names);
    let others = ["awstraceheader", "_x_amzn_trace_id"];
    for name in fields.chain(systems).chain(&others) {
        lengths[usize::from(name.as_bytes()[0])] |= 1 << name.len().min(63);
    }
    for prefix in FORMATS.iter().flat_map(|format| format.prefixes()) {
        lengths[usize::from(prefix.as_bytes()[0])] |= u64::MAX << prefix.len();
    }
    // as CGI writes names: HTTP_TRACEPARENT
    lengths[usize::from(b'h')] |= u64::MAX << 7;
    lengths
});

/// All hits in a text, in order.
pub(crate) fn hits(text: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let (mut mentions, mut ids) = (0, 0);
    let mut at = 0;
    while at < text.len() {
        if !is_word(text[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < text.len() && is_word(text[at]) {
            at += 1;
        }
        let free = hits.last().map_or(0, |last: &Hit| last.end);
        let Some(hit) = hit(text, free, start, at) else {
            continue;
        };
        let count = match hit.kind {
            Kind::NoValue(_) => Some(&mut mentions),
            Kind::Id => Some(&mut ids),
            _ => None,
        };
        if let Some(count) = count {
            *count += 1;
            if *count > MAX_MENTIONS {
                continue;
            }
        }
        let more = value::more(text, &hit);
        at = at.max(more.last().unwrap_or(&hit).end);
        hits.push(hit);
        hits.extend(more);
    }
    hits
}

/// The hit that contains a word. The text before `free` belongs to the hits before it.
fn hit(text: &[u8], free: usize, start: usize, end: usize) -> Option<Hit> {
    let start = start + skipped(text, start, end);
    let word = text.get(start..end)?;
    let first = *word.first()?;
    if (first.is_ascii_hexdigit() || matches!(word, b"Root" | b"Self"))
        && let Some(hit) = shaped(text, free, start, end)
    {
        return Some(hit);
    }
    if word.len() < 2 || word.len() > MAX_NAME {
        return None;
    }
    if is_trace_id(word) || is_in_brackets(text, start, end) {
        return Some(of_trace_id(text, start, end));
    }
    let is_exact = LENGTHS[usize::from(first.to_ascii_lowercase())] >> word.len().min(63) & 1 == 1;
    let may_be = is_exact || may_be_misspelt(text, word, end) && names::may_be_near(word);
    may_be.then(|| named(text, start, end)).flatten()
}

/// A trace id without a name: with what is around it, a value of another system.
fn of_trace_id(text: &[u8], start: usize, end: usize) -> Hit {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default().iter();
        rest.take_while(|byte| byte.is_ascii_hexdigit()).count()
    };
    let is_before = |mark: u8| start > 0 && text[start - 1] == mark;
    let (system, start, end) = match text.get(end) {
        // X-Cloud-Trace-Context: trace/number;o=1
        Some(b'/') if digits(end + 1) > 0 => (
            System::named("x-cloud-trace-context"),
            start,
            end + 1 + digits(end + 1),
        ),
        // Request-Id: |trace.span.
        Some(b'.') if is_before(b'|') && digits(end + 1) == 16 => {
            (System::named("request-id"), start - 1, end + 17)
        }
        // [service,trace id,span id], as Spring Cloud Sleuth logs it
        Some(b',') if digits(end + 1) == 16 && matches!(text.get(end + 17), Some(b',' | b']')) => {
            (None, start, end + 17)
        }
        _ => (None, start, end),
    };
    Hit {
        kind: system.map_or(Kind::Id, Kind::System),
        name: system.map_or_else(String::new, |system| system.names[0].to_owned()),
        value: text[start..end].to_vec(),
        start,
        end,
    }
}

/// Whether a word looks like a 128-bit trace id.
fn is_trace_id(word: &[u8]) -> bool {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    word.len() == 32 && word.iter().all(is_hex) && word.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a word is the 64-bit trace id in `[service,trace id,span id]`, as Spring Cloud Sleuth
/// logs it.
fn is_in_brackets(text: &[u8], start: usize, end: usize) -> bool {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_id = |word: Option<&[u8]>| word.is_some_and(|word| word.iter().all(is_hex));
    let closes = matches!(text.get(end + 17), Some(b',' | b']'));
    let are_ids = end - start == 16
        && text.get(end) == Some(&b',')
        && is_id(text.get(start..end))
        && is_id(text.get(end + 1..end + 17));
    if !closes || !are_ids {
        return false;
    }
    let Some(name) = text[..start].strip_suffix(b",") else {
        return false;
    };
    let mut near = name.iter().rev().take(MAX_NAME + 1);
    near.find(|byte| matches!(byte, b'[' | b'\n')) == Some(&b'[')
}

/// How many bytes of a word precede its name: dashes of an option, or the letter of `\n` in escaped
/// text.
fn skipped(text: &[u8], start: usize, end: usize) -> usize {
    let word = &text[start..end];
    let escape = start > 0 && text[start - 1] == b'\\' && matches!(word, [b'n' | b'r' | b't', ..]);
    usize::from(escape) + word.iter().take_while(|byte| **byte == b'-').count()
}

/// Whether a word may be an inexact name: a name of an id, or a misspelling. Such a name needs a
/// separator.
fn may_be_misspelt(text: &[u8], word: &[u8], end: usize) -> bool {
    let first = word[0].to_ascii_lowercase();
    let near = matches!(
        first,
        b't' | b'r' | b'b' | b'x' | b'u' | b's' | b'd' | b'o' | b'p' | b'm'
    ) || names::ends_with_id(word);
    let next = text
        .get(end)
        .is_some_and(|byte| b":=\"'` \\".contains(byte));
    near && next && (4..=28).contains(&word.len())
}

/// A value with a known shape that begins at a word.
fn shaped(text: &[u8], free: usize, start: usize, end: usize) -> Option<Hit> {
    let is_free = start == 0 || !matches!(text[start - 1], b'%' | b'/' | b'+' | b'.');
    let (start, end) = match text.get(end) {
        Some(b'=') if matches!(&text[start..end], b"Root" | b"Self") => {
            ends::xray(text, free, start)
        }
        Some(b':') if end - start <= 32 => (start, ends::jaeger(text, start)),
        _ if end - start >= 33 => (start, end),
        _ => return None,
    };
    let found = std::str::from_utf8(&text[start..end]).ok()?;
    let shape = Shape::of(found).filter(|_| is_free)?;
    if is_behind_secret(text, start) {
        return None;
    }
    let name = value::name_before(text, start);
    // Lambda's report has XRAY TraceId: 1-…
    let is_id = names::member(&name) == Name::Id && !Shape::is_context(found);
    let is_logged = name.is_empty() && shape == Shape::B3 && is_logged(text, start, end);
    Some(Hit {
        kind: if is_id || is_logged {
            Kind::Id
        } else {
            Kind::Shape(shape)
        },
        name,
        value: found.as_bytes().to_vec(),
        start,
        end,
    })
}

/// Whether these are the ids in ` [trace id-span id] `, as Spring Boot logs them. B3's header looks
/// the same, but does not stand in brackets in the middle of a line.
fn is_logged(text: &[u8], start: usize, end: usize) -> bool {
    let are_ids = text[start..end]
        .iter()
        .filter(|byte| **byte == b'-')
        .count()
        == 1;
    are_ids && text[..start].ends_with(b" [") && text[end..].starts_with(b"] ")
}

/// Whether the name of a credential is shortly before, in the same line.
fn is_behind_secret(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(SECRET_REACH)..start];
    let line = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    // text that ends with a comma, or with a quote and a space, belongs to another field
    names::is_secret(&String::from_utf8_lossy(value::last_field(&before[line..])))
}

/// A known name with its value.
fn named(text: &[u8], start: usize, end: usize) -> Option<Hit> {
    let word = std::str::from_utf8(&text[start..end]).ok()?;
    let name = names::member(word);
    let header = match &name {
        Name::Header(header) => header.as_str(),
        Name::Misspelt(header) => header,
        Name::System(system) => system.names[0],
        Name::Id => "",
        Name::Secret | Name::Unknown => return None,
    };
    let mut value = value::after(text, start, end, header);
    if let Some(value) = &mut value {
        match header {
            _ if name == Name::Id => value.bytes = id_digits(&value.bytes),
            // in an address
            "x-amzn-trace-id" => decode_percent(value),
            "tracestate" | "baggage" if is_in_comment(text, start) => decode_percent(value),
            _ => {}
        }
    }
    let is_taken = value.as_ref().is_some_and(|value| is_taken(&name, value));
    let (kind, value, end) = match (name, value) {
        (Name::Header(header), Some(value)) if is_taken => {
            let fault = value
                .fault
                .map(|fault| Kind::Fault(format!("{header} {fault}.")));
            (
                fault.unwrap_or(Kind::Header(header)),
                value.bytes,
                value.end,
            )
        }
        (Name::System(system), Some(value)) if is_taken => {
            (Kind::System(system), value.bytes, value.end)
        }
        (Name::Misspelt(header), Some(value)) if is_taken => {
            (Kind::Misspelt(header), value.bytes, value.end)
        }
        (Name::Id, Some(value)) if is_taken => (Kind::Id, value.bytes, value.end),
        (Name::Header(_), Some(value)) if value.bytes == b"-" => return None,
        // In prose, b3 and baggage are ordinary words.
        (Name::Header(header), _) if header.len() > 7 => (Kind::NoValue(header), Vec::new(), end),
        _ => return None,
    };
    Some(Hit {
        kind,
        name: word.to_owned(),
        value,
        start,
        end,
    })
}

/// How far before a name a comment in SQL may begin.
const COMMENT_REACH: usize = 4096;

/// Whether a place is in a comment `/*…*/`, as sqlcommenter adds it to SQL.
fn is_in_comment(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(COMMENT_REACH)..at];
    let last = before
        .windows(2)
        .rev()
        .find(|pair| matches!(*pair, b"/*" | b"*/"));
    last == Some(&b"/*"[..])
}

/// Decodes a value whose separators are percent-encoded.
fn decode_percent(value: &mut Value) {
    let text = String::from_utf8_lossy(&value.bytes);
    let is_encoded = !text.contains('=') && (text.contains("%3D") || text.contains("%3d"));
    if let Some(decoded) = decode::percent(&text).filter(|_| is_encoded) {
        value.bytes = decoded.into_bytes();
    }
}

/// The digits of an id that is printed as `0x…` or as its bytes.
fn id_digits(value: &[u8]) -> Vec<u8> {
    let is_bytes = matches!(value.len(), 8 | 16) && !value.iter().all(u8::is_ascii_graphic);
    match is_bytes {
        true => value
            .iter()
            .flat_map(|byte| format!("{byte:02x}").into_bytes())
            .collect(),
        false => value.strip_prefix(b"0x").unwrap_or(value).to_vec(),
    }
}

/// Whether the text after a name is its value.
fn is_taken(name: &Name, value: &Value) -> bool {
    let text = String::from_utf8_lossy(&value.bytes);
    let digits = || text.bytes().filter(u8::is_ascii_hexdigit).count();
    let has_number = || text.bytes().any(|byte| byte.is_ascii_digit());
    match name {
        Name::Header(header) => {
            let is_alike = Shape::of(&text).is_some_and(|shape| shape.header() == header);
            let may_be_empty = header == "x-b3-parentspanid" || value.is_quoted;
            // Logs write a dash for a header that did not arrive.
            is_alike
                || value.is_strong
                    && text != "-"
                    && (may_be_empty || !text.is_empty())
                    && !is_code(header, value)
                    && (has_number() || !value.is_cell || value.is_quoted)
        }
        Name::System(system) => value.is_strong && !text.is_empty() && system.fits(&text),
        // A word of prose or of a program is not a value.
        Name::Misspelt(_) => value.is_strong && !text.is_empty() && digits() >= 1,
        Name::Id => value.is_strong && digits() >= 16 && digits() == text.len(),
        Name::Secret | Name::Unknown => false,
    }
}

/// Whether the word after a name is a variable or a call, as in `traceparent = headers.get(…)`.
fn is_code(header: &str, value: &Value) -> bool {
    let is_list = matches!(header, "tracestate" | "baggage");
    let is_name = |word: &[u8]| {
        word.iter()
            .all(|byte| byte.is_ascii_alphabetic() || b"._".contains(byte))
            && word.iter().any(|byte| b"._".contains(byte))
    };
    header.len() > 7 && !is_list && !value.is_quoted && is_name(&value.bytes)
}

/// The characters of names, ids and most values.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
