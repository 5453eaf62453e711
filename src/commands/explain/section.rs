//! The headers of a format, what it finds in them, and a caret under a fault.

use baton_pastes::Header;
use baton_pastes::explain::{Judged, contents};
use baton_propagators::{Baggage, Candidate, Extracted, FORMATS, Fault, Format, Outcome, Reject};

use baton_traces::shown::visible;

use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::wrap::wrapped;

use super::line;

/// How many headers of one format are shown.
const MAX_SHOWN: usize = 12;
/// How many entries of baggage are shown.
const MAX_ENTRIES: usize = 8;

/// The sections of a carrier: one for each family of formats with an arriving header. Formats of
/// one family read the same headers.
pub(super) fn all(judged: &Judged<'_>, width: usize, output: &Output) -> Vec<String> {
    FORMATS
        .iter()
        .filter(|format| format.name() == format.family())
        .filter_map(|format| section(judged, *format, width, output))
        .collect()
}

/// The headers of a family and what its formats find in them; `None` if none arrived.
fn section(
    judged: &Judged<'_>,
    format: &dyn Format,
    width: usize,
    output: &Output,
) -> Option<String> {
    let arrived: Vec<&Header> = judged
        .carrier
        .counted()
        .filter(|header| header.belongs_to(format))
        .collect();
    if arrived.is_empty() {
        return None;
    }
    let is_of_family = |candidate: &&Candidate| {
        let own = FORMATS.iter().find(|own| own.name() == candidate.format);
        own.is_some_and(|own| own.family() == format.name())
    };
    let candidates = judged.all.candidates.iter().filter(is_of_family);
    let candidates: Vec<&Candidate> = candidates.collect();
    let rejects = candidates.iter().flat_map(|candidate| faults(candidate));
    let places: Vec<_> = rejects
        .filter_map(|reject| fault_place(reject, &arrived))
        .collect();

    let mut lines = Vec::new();
    for (index, header) in arrived.iter().enumerate().take(MAX_SHOWN) {
        let fault = places.iter().find(|(faulty, _)| *faulty == index);
        let fault = fault.map(|(_, byte)| *byte);
        let shown = line::show(header.shown_name(), &header.value, fault, width);
        lines.push(shown.text);
        if let Some(caret) = shown.caret {
            lines.push(format!(
                "{}{}",
                " ".repeat(caret),
                Tone::Bad.paint("^", output)
            ));
        }
    }
    if arrived.len() > MAX_SHOWN {
        lines.push(format!("  … and {} more", arrived.len() - MAX_SHOWN));
    }
    let all = judged
        .carrier
        .headers
        .iter()
        .filter(|header| header.belongs_to(format));
    lines.extend(
        place_of(all)
            .map(|place| indented(&format!("at {}", line::escaped(&place, 2 * width)), width)),
    );
    // B3's two formats usually find the same.
    let mut told: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    for candidate in candidates {
        let findings = findings(judged, candidate, output);
        match told.iter_mut().find(|(_, known)| *known == findings) {
            Some((formats, _)) => formats.push(candidate.format),
            None => told.push((vec![candidate.format], findings)),
        }
    }
    for (formats, findings) in told {
        let formats = formats.join(", ");
        for (place, finding) in findings.iter().enumerate() {
            let start = if place == 0 {
                format!("{formats}: ")
            } else {
                String::new()
            };
            lines.push(indented(&format!("{start}{finding}"), width));
        }
    }
    Some(lines.join("\n"))
}

/// What is wrong in a candidate: the reason for a refusal, or an objection.
pub(super) fn faults(candidate: &Candidate) -> impl Iterator<Item = &Reject> {
    candidate
        .reject()
        .into_iter()
        .chain(candidate.objection.as_deref())
}

/// The header that contains a fault, and the position in its value.
pub(super) fn fault_place(reject: &Reject, headers: &[&Header]) -> Option<(usize, usize)> {
    let mut named = headers
        .iter()
        .enumerate()
        .filter(|(_, header)| header.is(reject.header));
    if reject.fault == Fault::NotText {
        return named.find_map(|(index, header)| {
            let error = std::str::from_utf8(&header.value).err()?;
            Some((index, error.valid_up_to()))
        });
    }
    let mut position = reject.position?;
    let mut formats = FORMATS.iter();
    if !formats.any(|format| format.lists().contains(&reject.header)) {
        return named.next().map(|(index, _)| (index, position));
    }
    // Several headers count as one, joined by commas.
    for (index, header) in named {
        if position <= header.value.len() {
            return Some((index, position));
        }
        position -= header.value.len() + 1;
    }
    None
}

/// What a candidate found, one line each.
fn findings(judged: &Judged<'_>, candidate: &Candidate, output: &Output) -> Vec<String> {
    let mut lines = match &candidate.outcome {
        Outcome::Absent => vec![format!(
            "nothing, because {} did not arrive",
            candidate.header
        )],
        // The cause was already shown above.
        Outcome::Malformed(reject) => {
            let refused = Tone::Bad.paint("refused,", output);
            vec![
                format!("{refused} {reject}"),
                format!("rule: {}", reject.spec),
            ]
        }
        Outcome::Valid(extracted) => {
            let contents = contents(candidate, extracted);
            let mut lines = vec![Tone::Good.paint(&contents, output)];
            if let Extracted::Baggage(baggage) = extracted {
                lines.extend(entries(baggage));
            }
            lines
        }
    };
    if let Some(reject) = candidate.objection.as_deref() {
        lines.extend([
            format!("problem: {}", judged.reason(reject)),
            format!("rule: {}", reject.spec),
        ]);
    }
    lines
}

/// Entries of baggage, decoded.
fn entries(baggage: &Baggage) -> Vec<String> {
    let entries = baggage.entries().iter().take(MAX_ENTRIES);
    let mut lines: Vec<String> = entries
        .map(|entry| {
            let value = readable(&entry.value);
            let metadata = if entry.metadata.is_empty() {
                String::new()
            } else {
                format!(" ({})", line::escaped(&entry.metadata, 80))
            };
            format!("  {} = {value}{metadata}", line::escaped(&entry.key, 60))
        })
        .collect();
    if baggage.len() > MAX_ENTRIES {
        lines.push(format!("  … and {} more", baggage.len() - MAX_ENTRIES));
    }
    lines
}

/// How many characters of a baggage value are shown.
const MAX_VALUE: usize = 200;

/// The beginning of a value.
fn readable(text: &str) -> String {
    visible(&text.chars().take(MAX_VALUE).collect::<String>())
}

/// Whether a place is just a line of the text, or an argument.
pub(super) fn is_line(place: &str) -> bool {
    (place.starts_with("line ") || place.starts_with("argument ")) && !place.contains(':')
}

/// Where headers were, unless that is just the line of a text.
fn place_of<'a>(headers: impl Iterator<Item = &'a Header>) -> Option<String> {
    let mut places: Vec<&str> = headers.map(|header| header.place.as_str()).collect();
    places.dedup();
    if places.iter().all(|place| is_line(place)) {
        return None;
    }
    // b3multi's headers share the object that holds them
    let parent = |place: &str| place.rsplit_once('.').map(|(parent, _)| parent.to_owned());
    let first = places.first().copied().and_then(parent);
    let shared = first.filter(|first| {
        places.len() > 1
            && places
                .iter()
                .all(|place| parent(place).as_ref() == Some(first))
    });
    Some(shared.unwrap_or_else(|| places.join(" and ")))
}

/// A line of a section.
pub(super) fn indented(text: &str, width: usize) -> String {
    wrapped(&format!("  {text}"), width, "    ")
}
