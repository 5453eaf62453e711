//! Compares `docs/compatibility.md` with the current answers of the libraries' profiles.
//!
//! `BATON_UPDATE_DOCS=1 cargo test -p baton-propagators --test formats compatibility` writes the
//! document.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use baton_propagators::libraries::{Answer, LIBRARIES, Library, in_short};
use baton_propagators::{HeaderList, Mode};
use serde::Deserialize;

/// Headers that libraries read differently.
#[derive(Deserialize)]
struct Disagreement {
    title: String,
    mode: Mode,
    headers: HeaderList,
    /// What an answer shows in addition to the context: `tracestate` or `next`.
    #[serde(default)]
    shows: String,
    /// The specification's decision: absent if it makes none, `null` for a new trace.
    #[serde(default, deserialize_with = "present")]
    right: Option<Option<Right>>,
    /// The members of `tracestate` that must be passed on, if the specification says so.
    members: Option<usize>,
    /// Whether the first span of a new trace must be sampled, if the specification says so.
    next: Option<bool>,
    spec: String,
    link: String,
    matters: String,
}

/// The context that must be continued.
#[derive(Deserialize)]
struct Right {
    trace: String,
    sampled: bool,
}

/// Distinguishes `null` from a missing member.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Right>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn members(list: &str) -> usize {
    list.split(',')
        .filter(|member| !member.trim().is_empty())
        .count()
}

impl Disagreement {
    /// The libraries that can be set to this mode, each with its answer.
    fn answers(&self) -> impl Iterator<Item = (&'static Library, Answer)> {
        LIBRARIES
            .iter()
            .filter(|library| library.cannot(&self.mode).is_none())
            .map(|library| (*library, library.continues(&self.headers, &self.mode)))
    }

    /// An answer in words.
    fn in_words(&self, answer: &Answer) -> String {
        let Some(found) = &answer.continues else {
            let unsampled = !answer.next_sampled && self.shows == "next";
            return format!(
                "start a new trace{}",
                if unsampled { ", not sampled" } else { "" }
            );
        };
        let sampling = match found.sampled {
            Some(true) => "sampled",
            Some(false) => "not sampled",
            None => "its own sampler decides",
        };
        let mut words = match found.span_id {
            Some(_) => format!("continue `{}`, {sampling}", found.format),
            None => format!(
                "keep the trace id of `{}`, without a parent, {sampling}",
                found.format
            ),
        };
        if self.shows == "tracestate" {
            let _ = match members(&found.tracestate) {
                0 => write!(words, ", no `tracestate`"),
                1 => write!(words, ", 1 member of `tracestate`"),
                count => write!(words, ", {count} members of `tracestate`"),
            };
        }
        for link in &answer.links {
            let _ = write!(words, ", link `{}`", link.format);
        }
        words
    }

    /// Whether an answer follows the specification; `None` if the specification decides nothing.
    fn is_right(&self, answer: &Answer) -> Option<bool> {
        let right = self.right.as_ref()?;
        let same = match (right, &answer.continues) {
            (None, None) => self.next.is_none_or(|next| answer.next_sampled == next),
            (Some(right), Some(found)) => {
                let kept = members(&found.tracestate);
                found.trace_id.to_string() == right.trace
                    && found.sampled == Some(right.sampled)
                    && self.members.is_none_or(|wanted| wanted == kept)
            }
            _ => false,
        };
        Some(same)
    }
}

fn disagreements() -> Vec<Disagreement> {
    serde_json::from_str(include_str!("data/disagreements.json")).expect("the disagreements")
}

/// The different answers with their libraries, the most frequent first.
fn by_answer(disagreement: &Disagreement) -> Vec<(String, Option<bool>, Vec<&'static Library>)> {
    let mut rows: Vec<(String, Option<bool>, Vec<&'static Library>)> = Vec::new();
    for (library, answer) in disagreement.answers() {
        let words = disagreement.in_words(&answer);
        match rows.iter_mut().find(|(known, ..)| *known == words) {
            Some((.., libraries)) => libraries.push(library),
            None => rows.push((words, disagreement.is_right(&answer), vec![library])),
        }
    }
    rows.sort_by_key(|(.., libraries)| std::cmp::Reverse(libraries.len()));
    rows
}

fn document() -> String {
    let mut page = include_str!("data/compatibility/begin.md").to_owned();
    page.push_str(&conflicts());
    page.push_str("\n## Twenty disagreements\n\n");
    page.push_str(include_str!("data/compatibility/disagreements.md"));
    for (place, disagreement) in disagreements().iter().enumerate() {
        page.push_str(&section(place + 1, disagreement));
    }
    page.push_str(include_str!("data/compatibility/libraries.md"));
    page.push_str(&by_library());
    page.push_str(include_str!("data/compatibility/measured.md"));
    page
}

/// For each format, a header with a context of a different trace: the format, the header's name and
/// its value.
const CONFLICT: &[(&str, &str, &str)] = &[
    (
        "tracecontext",
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    (
        "b3",
        "b3",
        "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1",
    ),
    (
        "b3multi",
        "x-b3-traceid",
        "80f198ee56343ba864fe8b2a57d3eff7",
    ),
    ("b3multi", "x-b3-spanid", "e457b5a2e4d86bd1"),
    ("b3multi", "x-b3-sampled", "1"),
    (
        "jaeger",
        "uber-trace-id",
        "11111111111111111111111111111111:1111111111111111:0:1",
    ),
    (
        "xray",
        "x-amzn-trace-id",
        "Root=1-22222222-222222222222222222222222;Parent=2222222222222222;Sampled=1",
    ),
    ("datadog", "x-datadog-trace-id", "3689348814741910323"),
    ("datadog", "x-datadog-parent-id", "3689348814741910323"),
    ("datadog", "x-datadog-sampling-priority", "1"),
];

/// Which of two formats each library continues, as a table.
fn conflicts() -> String {
    let lists = [
        "tracecontext,b3",
        "b3,tracecontext",
        "tracecontext,b3multi",
        "b3multi,tracecontext",
        "b3,b3multi",
        "tracecontext,datadog",
        "datadog,tracecontext",
        "tracecontext,xray",
        "xray,tracecontext",
        "tracecontext,jaeger",
        "jaeger,tracecontext",
    ];
    let mut table = "| list | which wins | libraries |\n| --- | --- | --- |\n".to_owned();
    for list in lists {
        let mode: Mode = list.parse().expect("a mode");
        let headers: HeaderList = CONFLICT
            .iter()
            .filter(|(format, ..)| mode.contains(format))
            .map(|(_, name, value)| (*name, *value))
            .collect();
        let mut rows: Vec<(String, Vec<&'static Library>)> = Vec::new();
        for library in LIBRARIES
            .iter()
            .filter(|library| library.cannot(&mode).is_none())
        {
            let answer = library.continues(&headers, &mode);
            let winner = match &answer.continues {
                Some(found) => winner(list, found.trace_id.to_string().as_str()),
                None => "a new trace".to_owned(),
            };
            match rows.iter_mut().find(|(known, _)| *known == winner) {
                Some((_, libraries)) => libraries.push(library),
                None => rows.push((winner, vec![library])),
            }
        }
        for (winner, libraries) in rows {
            let _ = writeln!(table, "| `{list}` | {winner} | {} |", in_short(&libraries));
        }
    }
    table
}

/// The header with this trace, and whether it is the first or the last of the list.
fn winner(list: &str, trace: &str) -> String {
    let (header, format) = match &trace[..4] {
        "0af7" => ("traceparent", "tracecontext"),
        "463a" => ("b3", "b3"),
        "80f1" => ("X-B3-*", "b3multi"),
        "1111" => ("uber-trace-id", "jaeger"),
        "2222" => ("X-Amzn-Trace-Id", "xray"),
        _ => ("x-datadog-*", "datadog"),
    };
    let place = match list.split(',').position(|listed| listed == format) {
        Some(0) => "the first",
        Some(_) => "the last",
        None => "which is not listed",
    };
    format!("`{header}`, {place}")
}

fn section(number: usize, disagreement: &Disagreement) -> String {
    let mut text = format!("\n### {number}. {}\n\n```\n", disagreement.title);
    for (name, value) in disagreement.headers.iter() {
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = write!(text, "```\n\nRead as `{}`:\n\n", disagreement.mode);
    text.push_str("| what they do | libraries | |\n| --- | --- | --- |\n");
    for (words, right, libraries) in by_answer(disagreement) {
        let verdict = match right {
            Some(true) => "as specified",
            Some(false) => "not as specified",
            None => "",
        };
        let _ = writeln!(text, "| {words} | {} | {verdict} |", in_short(&libraries));
    }
    let _ = write!(
        text,
        "\n{} ([specification]({}))\n\n{}\n",
        disagreement.spec, disagreement.link, disagreement.matters
    );
    text
}

fn by_library() -> String {
    let mut table = "| library | version | reads | writes | two valid contexts | no decision | not as specified in |\n\
                     | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let disagreements = disagreements();
    for library in LIBRARIES {
        let wrong: Vec<String> = disagreements
            .iter()
            .enumerate()
            .filter(|(_, disagreement)| library.cannot(&disagreement.mode).is_none())
            .filter(|(_, disagreement)| {
                let answer = library.continues(&disagreement.headers, &disagreement.mode);
                disagreement.is_right(&answer) == Some(false)
            })
            .map(|(place, _)| (place + 1).to_string())
            .collect();
        let list = |formats: &mut dyn Iterator<Item = &'static str>| {
            formats.collect::<Vec<_>>().join(", ")
        };
        let _ = writeln!(
            table,
            "| {} (`{}`) | {} | {} | {} | {} | {} | {} |",
            library.title,
            library.name,
            library.version,
            list(&mut library.formats()),
            list(&mut library.writes()),
            choice(library),
            undecided(library),
            if wrong.is_empty() {
                "none of them".to_owned()
            } else {
                wrong.join(", ")
            },
        );
    }
    table
}

fn choice(library: &Library) -> &'static str {
    let mode: Mode = "tracecontext,b3".parse().expect("a mode");
    if library.cannot(&mode).is_some() {
        return "one format at a time";
    }
    let answer = library.continues(&disagreements()[0].headers, &mode);
    match (
        answer.continues.map(|found| found.format),
        answer.links.is_empty(),
    ) {
        (Some("b3"), _) => "the last one",
        (_, false) => "the first one, the others are linked",
        _ => "the first one",
    }
}

fn undecided(library: &Library) -> String {
    let single = HeaderList::from([("b3", "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312")]);
    let several = HeaderList::from([
        ("x-b3-traceid", "463ac35c9f6413ad48485a3953bb6124"),
        ("x-b3-spanid", "a2fb4a1d1a96d312"),
    ]);
    let made_of = |headers: &HeaderList, mode: &str| {
        let answer = library.continues(headers, &mode.parse().expect("a mode"));
        match (
            answer.continues.and_then(|found| found.sampled),
            answer.next_sampled,
        ) {
            (Some(true), _) => "sampled",
            (Some(false), _) => "not sampled",
            (None, true) => "its sampler decides, by default to sample",
            (None, false) => "its sampler decides, by default not to sample",
        }
    };
    let (single, several) = (made_of(&single, "b3"), made_of(&several, "b3multi"));
    match single == several {
        true => single.to_owned(),
        false => format!("single header: {single}; several: {several}"),
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/compatibility.md")
}

#[test]
fn the_document_is_what_the_profiles_answer() {
    let document = document();
    if std::env::var_os("BATON_UPDATE_DOCS").is_some() {
        std::fs::write(path(), &document).expect("the document can be written");
    }
    let written = std::fs::read_to_string(path()).expect("the document");
    assert!(
        written == document,
        "docs/compatibility.md is not what the profiles answer; BATON_UPDATE_DOCS=1 writes it anew"
    );
}

#[test]
fn libraries_disagree_on_each_of_the_twenty() {
    let disagreements = disagreements();
    assert_eq!(disagreements.len(), 20);
    let titles: BTreeSet<&str> = disagreements
        .iter()
        .map(|each| each.title.as_str())
        .collect();
    assert_eq!(titles.len(), 20);
    for disagreement in &disagreements {
        assert!(by_answer(disagreement).len() > 1, "{}", disagreement.title);
    }
}
