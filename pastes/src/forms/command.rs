//! A command that sends a request: curl and similar tools, with headers as arguments.

use super::headers::{self, header};
use super::requests::label;
use super::{Form, paste};
use crate::carrier::Paste;
use crate::finding::{Finding, Kind};
use crate::walk::Walk;

pub(super) const FORM: Form = Form { read };

/// Commands that take headers as arguments.
const COMMANDS: &[&str] = &[
    "curl", "curl.exe", "grpcurl", "wget", "http", "https", "xh", "hey", "oha", "ab", "wrk",
    "evans",
];
/// The ones that also take a header as a word without an option: `http URL name:value`.
const HTTPIE: &[&str] = &["http", "https", "xh"];
/// Their options before a value that is not a header and may be a password.
const HTTPIE_VALUES: &[&str] = &[
    "-a",
    "--auth",
    "-A",
    "--auth-type",
    "--bearer",
    "--session",
    "--session-read-only",
    "--proxy",
    "--cert",
    "--cert-key",
    "-o",
    "--output",
    "-s",
    "--style",
    "-p",
    "--print",
    "--raw",
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
    // Chrome puts a caret before each quote for cmd.exe
    let text = match text.contains("^\"") {
        true => without_carets(&text),
        false => text,
    };
    let words = shlex::split(&text)?;
    let mut commands: Vec<(String, Vec<headers::Line>)> = Vec::new();
    let mut words = words.into_iter();
    let mut takes_words = false;
    while let Some(word) = words.next() {
        if COMMANDS.contains(&word.as_str()) || commands.is_empty() {
            takes_words = HTTPIE.contains(&word.as_str());
            commands.push((String::new(), Vec::new()));
            continue;
        }
        let Some((name, sent)) = commands.last_mut() else {
            continue;
        };
        if takes_words && HTTPIE_VALUES.contains(&word.as_str()) {
            words.next();
            continue;
        }
        let given = if OPTIONS.contains(&word.as_str()) {
            words.next()
        } else {
            inline(&word, takes_words)
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
    // `http` and `https` are also the first words of other lines, as in the logs of load balancers.
    let is_sure = |finding: &Finding| finding.kind != Kind::Other || !HTTPIE.contains(&first);
    walk.findings.iter().any(is_sure).then(|| paste(walk))
}

/// The text that cmd.exe passes on: a caret only escapes the character after it.
fn without_carets(text: &str) -> String {
    let mut characters = text.chars();
    let passed_on = std::iter::from_fn(|| match characters.next()? {
        '^' => characters.next(),
        other => Some(other),
    });
    passed_on.collect()
}

/// A header in the same word as its option, or alone if the command takes words. Any other word may
/// be a user with a password (`curl -u`).
fn inline(word: &str, takes_words: bool) -> Option<String> {
    let header = word
        .strip_prefix("--header=")
        .or_else(|| word.strip_prefix("-H"));
    let is_word =
        takes_words && !word.starts_with('-') && !word.contains("://") && !word.contains(":=");
    header
        .map(str::to_owned)
        .or_else(|| is_word.then(|| word.to_owned()))
}
