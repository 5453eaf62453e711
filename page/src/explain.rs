//! Pasted text explained: which context each format finds, and which one modes and libraries
//! continue.

use baton_pastes::{Carrier, Paste};
use baton_propagators::explanation::cause;
use baton_propagators::libraries::{Continuation, LIBRARIES, Library, MAX_BYTES, in_short};
use baton_propagators::{
    Candidate, Explanation, HeaderList, Mode, Outcome, Propagation, XraySource, formats,
};
use baton_traces::shown::visible;

/// The modes that are always judged.
const MODES: [&str; 5] = [
    "tracecontext",
    "b3",
    "b3multi",
    "tracecontext,b3",
    "b3,tracecontext",
];
/// Formats whose own mode is judged if they arrive.
const OTHER_FORMATS: [&str; 4] = ["jaeger", "xray", "datadog", "ottrace"];
/// How many carriers of one text are explained.
const MAX_CARRIERS: usize = 20;
/// The longest value that is shown, in characters.
const MAX_SHOWN: usize = 600;
/// The longest value whose cause is searched, as in `baton explain`.
const MAX_VALUE: usize = 16 << 10;

/// What a text says.
#[derive(Debug, Default)]
pub(crate) struct Explained {
    /// Its carriers.
    pub(crate) carriers: Vec<CarrierView>,
    /// What was not read, and why.
    pub(crate) notes: Vec<String>,
}

/// One carrier.
#[derive(Debug)]
pub(crate) struct CarrierView {
    /// Its place in the text.
    pub(crate) place: Option<String>,
    /// What arrives, in a sentence.
    pub(crate) summary: String,
    /// Whether any format finds a context.
    pub(crate) has_context: bool,
    /// The headers that formats read.
    pub(crate) headers: Vec<HeaderRow>,
    /// The names of all others.
    pub(crate) others: String,
    /// What each format finds.
    pub(crate) found: Vec<FoundRow>,
    /// What each mode continues.
    pub(crate) modes: Vec<ModeRow>,
    /// Problems, what is lost, what to do.
    pub(crate) notes: Vec<String>,
}

/// A header.
#[derive(Debug)]
pub(crate) struct HeaderRow {
    /// Its name.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: String,
    /// Where it was.
    pub(crate) place: String,
}

/// What a format finds.
#[derive(Debug)]
pub(crate) struct FoundRow {
    /// The format.
    pub(crate) format: &'static str,
    /// `valid` or `malformed`.
    pub(crate) status: &'static str,
    /// Whether it is valid.
    pub(crate) is_valid: bool,
    /// Why it is not.
    pub(crate) reason: Option<String>,
    /// Trace, span and decision.
    pub(crate) context: String,
}

/// What one mode continues.
#[derive(Debug)]
pub(crate) struct ModeRow {
    /// The mode.
    pub(crate) mode: String,
    /// What a service that follows the specifications continues.
    pub(crate) continues: String,
    /// What libraries do, a line for each answer.
    pub(crate) libraries: Vec<String>,
}

/// Explains a text.
pub(crate) fn explained(text: &[u8]) -> Explained {
    let Paste {
        carriers,
        beyond,
        mut notes,
    } = baton_pastes::read(text);
    let beyond = beyond + carriers.len().saturating_sub(MAX_CARRIERS);
    if beyond > 0 {
        notes.push(format!("{beyond} more carriers are not shown."));
    }
    Explained {
        carriers: carriers.iter().take(MAX_CARRIERS).map(view).collect(),
        notes: notes.iter().map(|note| visible(note)).collect(),
    }
}

/// What headers say together, in a sentence.
pub(crate) fn summary(headers: &HeaderList) -> String {
    let extraction = all_formats().extract(headers);
    visible(&Explanation::new(&extraction.candidates, headers).summary)
}

/// What one header says, in a sentence.
pub(crate) fn one_header(name: &str, value: &str) -> String {
    let headers = HeaderList(vec![(name.to_owned(), value.to_owned())]);
    summary(&headers)
}

/// A service that reads every format.
fn all_formats() -> Propagation {
    let all = formats().collect::<Vec<_>>().join(",");
    reading(&all)
}

fn reading(mode: &str) -> Propagation {
    Propagation {
        xray_source: XraySource::Environment,
        ..Propagation::from(mode.parse::<Mode>().unwrap_or_default())
    }
}

fn view(carrier: &Carrier) -> CarrierView {
    let headers = carrier.header_list();
    let environment = carrier.environment();
    let all = all_formats().extract_with_environment(&headers, environment);
    let explanation = Explanation::new(&all.candidates, &headers);
    let arrived = all.candidates.iter();
    let arrived: Vec<&Candidate> = arrived
        .filter(|candidate| candidate.outcome != Outcome::Absent)
        .collect();
    let own = OTHER_FORMATS.iter().copied();
    let own = own.filter(|format| arrived.iter().any(|found| found.format == *format));
    let unread = carrier
        .unread
        .iter()
        .map(|unread| format!("{} at {}: {}", unread.name, unread.place, unread.why));
    let notes = explanation.notes.iter().chain(&carrier.notes).cloned();
    CarrierView {
        place: carrier.place.as_deref().map(visible),
        summary: visible(&explanation.summary),
        has_context: arrived.iter().any(|found| found.context().is_some()),
        headers: carrier
            .headers
            .iter()
            .map(|header| HeaderRow {
                name: visible(&header.name),
                value: shortened(&visible(&String::from_utf8_lossy(&header.value))),
                place: visible(&header.place),
            })
            .collect(),
        others: visible(&carrier.others.join(", ")),
        found: arrived
            .iter()
            .map(|found| row(found, &headers, environment))
            .collect(),
        modes: MODES
            .into_iter()
            .chain(own)
            .map(|mode| mode_row(mode, &headers, environment))
            .collect(),
        notes: notes.chain(unread).map(|note| visible(&note)).collect(),
    }
}

fn row(found: &Candidate, headers: &HeaderList, environment: Option<&str>) -> FoundRow {
    let reason = found.reject().map(|reject| {
        let mut values = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(reject.header));
        let value = values.next().map(|(_, value)| value).or(environment);
        let value = value.unwrap_or_default();
        let cause = (value.len() <= MAX_VALUE)
            .then(|| cause(reject, value))
            .flatten();
        match cause {
            Some(cause) => format!("{reject}: {cause}"),
            None => reject.to_string(),
        }
    });
    let is_valid = matches!(found.outcome, Outcome::Valid(_));
    FoundRow {
        format: found.format,
        status: if is_valid { "valid" } else { "malformed" },
        is_valid,
        reason: reason.map(|reason| visible(&reason)),
        context: found.context().map_or_else(String::new, |context| {
            let sampled = match found.sampled() {
                Some(true) => "sampled",
                Some(false) => "not sampled",
                None => "decision left open",
            };
            format!("{} {} {sampled}", context.trace_id, context.span_id)
        }),
    }
}

fn mode_row(mode: &str, headers: &HeaderList, environment: Option<&str>) -> ModeRow {
    let extraction = reading(mode).extract_with_environment(headers, environment);
    let continues = match extraction.continued() {
        Some(found) => found.context().map_or_else(String::new, |context| {
            format!(
                "{}'s: trace {}, span {}",
                found.header, context.trace_id, context.span_id
            )
        }),
        None => "a new trace".to_owned(),
    };
    ModeRow {
        mode: mode.to_owned(),
        continues: visible(&continues),
        libraries: libraries(headers, &mode.parse().unwrap_or_default()),
    }
}

/// What the libraries that can be set to `mode` do, by answer.
fn libraries(headers: &HeaderList, mode: &Mode) -> Vec<String> {
    let bytes: usize = headers.iter().map(|(_, value)| value.len()).sum();
    if bytes > MAX_BYTES {
        return vec!["not judged: the headers are too long".to_owned()];
    }
    let mut groups: Vec<(Option<Continuation>, Vec<&Library>)> = Vec::new();
    let same = |a: &Option<Continuation>, b: &Option<Continuation>| {
        let ids =
            |found: &Continuation| (found.format, found.trace_id, found.span_id, found.sampled);
        a.as_ref().map(ids) == b.as_ref().map(ids)
    };
    for library in LIBRARIES
        .iter()
        .filter(|library| library.cannot(mode).is_none())
    {
        let continues = library.continues(headers, mode).continues;
        match groups.iter_mut().find(|(known, _)| same(known, &continues)) {
            Some((_, libraries)) => libraries.push(library),
            None => groups.push((continues, vec![library])),
        }
    }
    groups.sort_by_key(|(_, libraries)| std::cmp::Reverse(libraries.len()));
    let lines = groups.iter().map(|(continues, libraries)| {
        let does = match continues {
            None => "a new trace".to_owned(),
            Some(found) => format!(
                "{}'s trace {}…, span {}{}",
                found.format,
                &found.trace_id.to_string()[..8],
                found.span_id,
                match found.sampled {
                    Some(false) => ", not sampled",
                    _ => "",
                }
            ),
        };
        format!("{}: {does}", in_short(libraries))
    });
    lines.collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicting_headers_are_explained_for_every_mode() {
        let text = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n\
            b3: 11111111111111112222222222222222-3333333333333333-0\nauthorization: Bearer very-secret";
        let explained = explained(text);
        let [carrier] = explained.carriers.as_slice() else {
            panic!("{explained:?}")
        };
        assert!(carrier.has_context);
        assert!(
            carrier.summary.contains("Two different traces"),
            "{carrier:?}"
        );
        let mode = |wanted: &str| {
            let mut modes = carrier.modes.iter();
            modes.find(|row| row.mode == wanted).expect("the mode")
        };
        assert!(mode("tracecontext").continues.contains("0af7651916cd43dd"));
        assert!(
            mode("tracecontext,b3")
                .continues
                .contains("1111111111111111")
        );
        assert!(!mode("b3").libraries.is_empty());
        assert!(!format!("{explained:?}").contains("very-secret"));
    }

    #[test]
    fn a_text_without_headers_has_no_carrier() {
        assert!(explained(b"hello").carriers.is_empty());
    }
}
