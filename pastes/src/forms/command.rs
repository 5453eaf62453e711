//! A command that sends a request: curl and similar tools, with headers as arguments.

use super::headers::{self, header};
use super::requests::label;
use super::{Form, paste};
use crate::carrier::Paste;
use crate::walk::Walk;

pub(super) const FORM: Form = Form { read };

/// Commands that take headers as arguments.
const COMMANDS: &[&str] = &[
    "curl", "curl.exe", "grpcurl", "wget", "http", "https", "xh", "hey", "oha", "ab", "wrk",
    "evans",
];
/// Options before a header.
const OPTIONS: &[&str] = &[
    "-H",
    "--header",
    "-rpc-header",
    "--rpc-header",
    "-reflect-header",
];

fn read(text: &[u8]) -> Option<Paste> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let text = text.strip_prefix("$ ").unwrap_or(text);
    let first = text.split_whitespace().next()?;
    if !COMMANDS.contains(&first) {
        return None;
    }
    // cmd.exe continues lines with a caret, PowerShell with a backtick
    let text = text
        .replace("^\r\n", " ")
        .replace("^\n", " ")
        .replace("`\r\n", " ")
        .replace("`\n", " ");
    let words = shlex::split(&text)?;
    let mut commands: Vec<(String, Vec<headers::Line>)> = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if COMMANDS.contains(&word.as_str()) || commands.is_empty() {
            commands.push((String::new(), Vec::new()));
            continue;
        }
        let Some((name, sent)) = commands.last_mut() else {
            continue;
        };
        let given = if OPTIONS.contains(&word.as_str()) {
            words.next()
        } else {
            inline(&word)
        };
        match given.as_deref().and_then(|given| header(given.as_bytes())) {
            Some((name, value)) => sent.push(headers::Line {
                name,
                value: value.to_vec(),
                number: 1,
            }),
            None if word.contains("://") => *name = label("request", &word),
            None => {}
        }
    }
    let several = commands.len() > 1;
    let mut walk = Walk::default();
    for (place, (name, sent)) in commands.iter().enumerate() {
        let unit = if several {
            format!("command {} ({name})", place + 1)
        } else {
            String::new()
        };
        for mut finding in headers::findings(sent, &unit) {
            finding.place = format!("argument {}", finding.name);
            walk.findings.push(finding);
        }
    }
    (!walk.findings.is_empty()).then(|| paste(walk))
}

/// A header in the same word as its option, or alone, as HTTPie accepts it.
fn inline(word: &str) -> Option<String> {
    let header = word
        .strip_prefix("--header=")
        .or_else(|| word.strip_prefix("-H"));
    let is_option = word.starts_with('-') || word.contains("://") || word.contains(":=");
    header
        .map(str::to_owned)
        .or_else(|| (!is_option).then(|| word.to_owned()))
}
