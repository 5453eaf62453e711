//! The answer for people: the headers and what they hold, the modes, and what to make of it.

use baton_propagators::format::Format;
use baton_propagators::formats;
use baton_propagators::{
    Candidate, Explanation, Extracted, Extraction, FORMATS, Fault, Outcome, Reject, Sampling,
};

use crate::output::Output;

use super::headers::{Header, Headers};
use super::line;
use super::{Judgement, table};

/// The columns of a line where there is no terminal.
const WIDTH: usize = 98;
/// The fewest columns of a line; a narrower terminal breaks it by itself.
const LEAST_WIDTH: usize = 40;

/// Draws all of it, without a line break at the end.
pub(super) fn draw(
    headers: &Headers,
    all: &Extraction,
    judgements: &[Judgement],
    explanation: &Explanation,
    output: &Output,
) -> String {
    let width = output.columns.unwrap_or(WIDTH).max(LEAST_WIDTH);
    let mut sections: Vec<String> = FORMATS
        .iter()
        // The formats of a family read the same headers, so they share a section.
        .filter(|format| format.family() == format.name())
        .filter_map(|format| section(headers, *format, all, width, output))
        .collect();
    let others: Vec<_> = headers
        .other_names()
        .iter()
        .map(|name| line::escaped(name, width - 1))
        .collect();
    if !others.is_empty() {
        let others = others.join(", ");
        let sentence = format!("Other headers, which no format reads: {others}");
        sections.push(wrap(&sentence, width));
    }
    sections.push(table::draw(judgements, output));
    sections.push(wrap(&explanation.summary, width));
    sections.extend(explanation.notes.iter().map(|note| wrap(note, width)));
    sections.join("\n\n")
}

/// A format's headers and what it finds in them; `None` where none arrived.
fn section(
    headers: &Headers,
    format: &dyn Format,
    all: &Extraction,
    width: usize,
    output: &Output,
) -> Option<String> {
    let arrived: Vec<&Header> = headers
        .iter()
        .filter(|header| header.belongs_to(format))
        .collect();
    if arrived.is_empty() {
        return None;
    }
    let is_of_family =
        |name| formats::find(name).is_some_and(|other| other.family() == format.family());
    let candidates = all.candidates.iter();
    let candidates = candidates.filter(|candidate| is_of_family(candidate.format));
    let candidates: Vec<&Candidate> = candidates.collect();
    let rejects = candidates.iter().flat_map(|candidate| faults(candidate));
    let places: Vec<_> = rejects
        .filter_map(|reject| place(reject, &arrived))
        .collect();

    let mut lines = Vec::new();
    for (index, header) in arrived.iter().enumerate() {
        let fault = places.iter().find(|(faulty, _)| *faulty == index);
        let fault = fault.map(|(_, byte)| *byte);
        let shown = line::show(&header.name, &header.value, fault, width);
        lines.push(shown.text);
        if let Some(caret) = shown.caret {
            lines.push(format!(
                "{}{}",
                " ".repeat(caret),
                paint("^", Paint::Red, output)
            ));
        }
    }
    // Both of B3's formats mostly find the same.
    let mut told: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    for candidate in candidates {
        let findings = findings(candidate, output);
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

/// What is wrong with what a candidate read: why it was refused, or what is objected.
fn faults(candidate: &Candidate) -> impl Iterator<Item = &Reject> {
    candidate
        .reject()
        .into_iter()
        .chain(candidate.objection.as_deref())
}

/// Which of a format's headers a fault is in, and at which byte of its value.
fn place(reject: &Reject, headers: &[&Header]) -> Option<(usize, usize)> {
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
    let format = formats::find(reject.format);
    if !format.is_some_and(|format| format.lists().contains(&reject.header)) {
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

/// What a candidate found, a line each.
fn findings(candidate: &Candidate, output: &Output) -> Vec<String> {
    let mut lines = match &candidate.outcome {
        Outcome::Absent => vec![format!("nothing, {} is not there", candidate.header)],
        Outcome::Malformed(reject) => refusal(&paint("refused,", Paint::Red, output), reject),
        Outcome::Valid(extracted) => {
            vec![paint(&contents(candidate, extracted), Paint::Green, output)]
        }
    };
    if let Some(reject) = candidate.objection.as_deref() {
        lines.extend(refusal("but", reject));
    }
    lines
}

fn refusal(word: &str, reject: &Reject) -> Vec<String> {
    vec![format!("{word} {reject}"), format!("rule: {}", reject.spec)]
}

fn contents(candidate: &Candidate, extracted: &Extracted) -> String {
    match extracted {
        Extracted::Context(context) => {
            let sampled = match (context.sampling, candidate.debug()) {
                (Sampling::Drop, true) => "not sampled, debug",
                (_, true) => "debug",
                (Sampling::Deferred, _) => "sampling deferred",
                (Sampling::Drop, _) => "not sampled",
                (Sampling::Keep | Sampling::Debug, _) => "sampled",
            };
            format!(
                "trace {}, span {}, {sampled}",
                context.trace_id, context.span_id
            )
        }
        Extracted::SamplingOnly(sampling) => {
            let decision = match sampling {
                Sampling::Deferred => "no decision",
                Sampling::Drop => "the decision not to sample",
                Sampling::Keep => "the decision to sample",
                Sampling::Debug => "the decision to debug",
            };
            format!("{decision} and no span to continue")
        }
        Extracted::Baggage(baggage) => match baggage.len() {
            1 => "1 entry of baggage".to_owned(),
            number => format!("{number} entries of baggage"),
        },
    }
}

#[derive(Clone, Copy)]
enum Paint {
    Red,
    Green,
}

fn paint(text: &str, paint: Paint, output: &Output) -> String {
    let code = match paint {
        Paint::Red => 31,
        Paint::Green => 32,
    };
    if output.colour {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Text in lines of at most so many columns, broken between words.
fn wrap(text: &str, width: usize) -> String {
    wrapped(text, width, "", "")
}

fn indented(text: &str, width: usize) -> String {
    wrapped(text, width, "  ", "    ")
}

/// Text whose first line begins with `first`, and every other with `others`.
fn wrapped(text: &str, width: usize, first: &str, others: &str) -> String {
    let mut wrapped = first.to_owned();
    let mut column = first.len();
    for (place, word) in text.split(' ').enumerate() {
        let length = visible(word);
        if place > 0 && column + 1 + length > width {
            wrapped.push('\n');
            wrapped.push_str(others);
            column = others.len();
        } else if place > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

/// The columns of a text on one line, colour not counted.
pub(super) fn visible(text: &str) -> usize {
    let mut columns = 0;
    let mut in_colour = false;
    for character in text.chars() {
        match character {
            '\x1b' => in_colour = true,
            'm' if in_colour => in_colour = false,
            _ if in_colour => {}
            _ => columns += 1,
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use baton_propagators::{Engine, Propagation, formats};
    use proptest::prelude::*;

    use super::super::{Judge, headers, http_text, json, record, selection};
    use super::*;

    fn is_plain(text: &str) -> bool {
        text.chars()
            .all(|character| !character.is_control() || character == '\n')
    }

    /// Headers as they come and as they should not, of names that formats read.
    fn arbitrary_headers() -> impl Strategy<Value = headers::Headers> {
        let fields = FORMATS.iter().flat_map(|format| format.fields());
        let names: Vec<&str> = fields
            .copied()
            .chain(["uberctx-a", "ot-baggage-b", "_X_AMZN_TRACE_ID", "\u{9b}"])
            .collect();
        let value = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "[0-9a-f]{0,2}-?[0-9a-f]{0,33}[-:;=]?[0-9a-fA-F]{0,17}[-:,][0-9d]{0,2}\\PC{0,3}"
                .prop_map(String::into_bytes),
        ];
        proptest::collection::vec((proptest::sample::select(names), value), 0..12).prop_map(
            |pairs| {
                let mut headers = headers::Headers::default();
                for (name, value) in pairs {
                    headers.push(name, value);
                }
                headers
            },
        )
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parsers_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            text in "([<>*{ ]{0,2}[a-zA-Z0-9:\"/ ]{0,9}[:\n\r{}\\[\\]]){0,30}",
        ) {
            for input in [bytes.as_slice(), text.as_bytes()] {
                for parsed in [http_text::parse(input), json::parse(input), record::parse(input)] {
                    match parsed {
                        Ok(requests) => for request in requests {
                            prop_assert!(request.label.is_none_or(|label| is_plain(&label)));
                        },
                        Err(sentence) => prop_assert!(is_plain(&sentence), "{:?}", sentence),
                    }
                }
            }
        }

        #[test]
        fn whatever_arrives_can_be_shown(headers in arbitrary_headers()) {
            let output = Output::plain();
            let list = FORMATS.iter().map(|format| format.name()).collect::<Vec<_>>().join(",");
            let propagation = Propagation::from(list.parse::<baton_propagators::Mode>().expect("all formats"));
            let carrier = headers.carrier();
            let extraction = propagation.extract_with_environment(&carrier, headers.environment().as_deref());
            let explanation = Explanation::new(&extraction.candidates, &carrier);
            let shown = draw(&headers, &extraction, &[], &explanation, &output);
            prop_assert!(is_plain(&shown), "{:?}", shown);
            for candidate in &extraction.candidates {
                let arrived: Vec<_> = headers.iter().collect();
                for (index, byte) in faults(candidate).filter_map(|reject| place(reject, &arrived)) {
                    prop_assert!(byte <= arrived[index].value.len(), "{:?}", candidate);
                }
            }
        }
    }

    #[test]
    fn lines_keep_to_the_terminal() {
        let mut headers = headers::Headers::default();
        for (name, value) in [
            (
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            ),
            ("tracestate", format!("{},A=1", "a".repeat(300))),
            (
                "b3",
                "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-0".to_owned(),
            ),
            ("uber-trace-id", "0".repeat(500)),
            ("cookie", "secret".to_owned()),
        ] {
            headers.push(name, value);
        }
        let judge = Judge {
            carrier: headers.carrier(),
            environment: None,
            engine: Engine::Native,
        };
        let lists = [
            "tracecontext,b3",
            "b3,tracecontext",
            "tracecontext,baggage,b3,b3multi,jaeger,xray",
        ];
        let judgements = lists.map(|list| judge.under(&selection(list)));
        let candidates = judge
            .under(&selection(&formats().collect::<Vec<_>>().join(",")))
            .extraction;
        let explanation = Explanation::new(&candidates.candidates, &judge.carrier);
        for (columns, judgements) in [
            (60, &[][..]),
            (80, &judgements),
            (98, &judgements),
            (200, &judgements),
        ] {
            let mut output = Output::plain();
            output.columns = Some(columns);
            let shown = draw(&headers, &candidates, judgements, &explanation, &output);
            let widest = shown.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(columns), "{columns}: {shown}");
            assert!(widest > Some(columns - 30), "{columns}: {shown}");
            // what is copied from the table stays whole
            let rows = shown.lines().filter(|line| {
                line.contains("  b7ad6b7169203331  ") || line.contains("  a2fb4a1d1a96d312  ")
            });
            assert_eq!(rows.count(), judgements.len(), "{columns}: {shown}");
        }
    }
}
