//! Pasted text explained for the page, as `baton explain` explains it.

use std::collections::HashSet;

use baton_pastes::explain::{Judged, Judgement, arrives, in_common, libraries};
use baton_pastes::{Carrier, Paste};
use baton_propagators::libraries::LIBRARIES;
use baton_propagators::{
    Candidate, Engine, Explanation, HeaderList, Mode, Outcome, Propagation, Select, formats,
};
use baton_traces::shown::visible;

/// How many carriers of one text are explained.
const MAX_CARRIERS: usize = 20;
/// The longest value that is shown, in characters.
const MAX_SHOWN: usize = 600;

/// What a text says.
#[derive(Debug, Default)]
pub(crate) struct Explained {
    /// What several carriers have in common.
    pub(crate) in_common: Option<String>,
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
    /// Whether formats find a context, and all find the same trace.
    pub(crate) is_one_trace: bool,
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
    /// Why it is not, and the rule.
    pub(crate) reason: Option<String>,
    /// Trace, span and decision.
    pub(crate) context: String,
}

/// What one mode continues.
#[derive(Debug)]
pub(crate) struct ModeRow {
    /// The mode.
    pub(crate) mode: String,
    /// What a service that follows the specifications continues: a header, or a new trace.
    pub(crate) continues: String,
    /// The ids of the trace and the span in that header.
    pub(crate) ids: Option<(String, String)>,
    /// What libraries do, a sentence for each answer.
    pub(crate) libraries: Vec<String>,
}

/// Explains a text.
pub(crate) fn explained(text: &[u8]) -> Explained {
    let Paste {
        carriers,
        beyond,
        mut notes,
    } = baton_pastes::read(text);
    let judged = carriers.iter().take(MAX_CARRIERS);
    let judged: Vec<Judged<'_>> = judged
        .map(|carrier| Judged::new(carrier, &[], Engine::Native))
        .collect();
    let beyond = beyond + carriers.len() - judged.len();
    if beyond > 0 {
        notes.push(format!("{beyond} more carriers are not shown."));
    }
    Explained {
        in_common: (judged.len() > 1).then(|| visible(&in_common(&judged, beyond))),
        carriers: judged.iter().map(view).collect(),
        notes: notes.iter().map(|note| visible(note)).collect(),
    }
}

/// What headers say together, in a sentence.
pub(crate) fn summary(headers: &HeaderList) -> String {
    let all = formats().collect::<Vec<_>>().join(",");
    let all = Propagation::from(all.parse::<Mode>().unwrap_or_default());
    let extraction = all.extract(headers);
    visible(&Explanation::new(&extraction.candidates, headers).summary)
}

/// What one header says, in a sentence.
pub(crate) fn one_header(name: &str, value: &str) -> String {
    let headers = HeaderList(vec![(name.to_owned(), value.to_owned())]);
    summary(&headers)
}

fn view(judged: &Judged<'_>) -> CarrierView {
    let carrier: &Carrier = judged.carrier;
    let arrived = judged.all.candidates.iter();
    let arrived = arrived.filter(|candidate| candidate.outcome != Outcome::Absent);
    let unread = carrier
        .unread
        .iter()
        .map(|unread| format!("{} at {}: {}", unread.name, unread.place, unread.why));
    let notes = judged.explanation.notes.iter().cloned();
    CarrierView {
        place: carrier.place.as_deref().map(visible),
        summary: visible(&arrives(judged)),
        is_one_trace: is_one_trace(judged),
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
        found: arrived.map(|found| row(judged, found)).collect(),
        modes: judged
            .judgements
            .iter()
            .map(|judgement| mode_row(judged, judgement))
            .collect(),
        notes: notes.chain(unread).map(|note| visible(&note)).collect(),
    }
}

fn row(judged: &Judged<'_>, found: &Candidate) -> FoundRow {
    let is_valid = matches!(found.outcome, Outcome::Valid(_));
    let reject = found.reject().or(found.objection.as_deref());
    let reason = reject.map(|reject| format!("{}. Rule: {}", judged.reason(reject), reject.spec));
    FoundRow {
        format: found.format,
        status: if is_valid { "valid" } else { "malformed" },
        is_valid,
        reason: reason.map(|reason| visible(&reason)),
        context: match &found.outcome {
            Outcome::Valid(extracted) => {
                visible(&baton_pastes::explain::contents(found, extracted))
            }
            _ => String::new(),
        },
    }
}

fn mode_row(judged: &Judged<'_>, judgement: &Judgement) -> ModeRow {
    let mode = &judgement.propagation.extract;
    let found = judgement.extraction.continued();
    let continues = found.and_then(|found| Some((found, found.context()?)));
    let answers = libraries::answers(&judged.headers, std::slice::from_ref(mode), LIBRARIES);
    let groups = libraries::groups(&answers, &judged.headers);
    ModeRow {
        mode: match judgement.propagation.select {
            Select::Last => mode.to_string(),
            Select::First => format!("{mode}/first"),
        },
        continues: match &continues {
            Some((found, _)) => visible(found.header),
            None => "a new trace".to_owned(),
        },
        ids: continues
            .map(|(_, context)| (context.trace_id.to_string(), context.span_id.to_string())),
        libraries: groups
            .iter()
            .map(|group| visible(&libraries::sentence(group)))
            .collect(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Ids of 64 bits are the lower half of the same id in 128.
fn is_one_trace(judged: &Judged<'_>) -> bool {
    let contexts = judged.contexts();
    let contexts = contexts.into_iter().filter_map(|found| found.context());
    let traces: HashSet<_> = contexts.map(|context| context.trace_id.low_64()).collect();
    traces.len() == 1
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
        assert!(!carrier.is_one_trace, "a conflict is not shown as good");
        assert!(
            carrier.summary.contains("Two different traces"),
            "{carrier:?}"
        );
        let mode = |wanted: &str| {
            let mut modes = carrier.modes.iter();
            modes.find(|row| row.mode == wanted).expect("the mode")
        };
        let trace_id = |name| {
            mode(name)
                .ids
                .as_ref()
                .map(|(trace_id, _)| trace_id.as_str())
        };
        assert_eq!(
            trace_id("tracecontext"),
            Some("0af7651916cd43dd8448eb211c80319c")
        );
        assert_eq!(
            trace_id("tracecontext,b3"),
            Some("11111111111111112222222222222222")
        );
        assert!(!mode("b3").libraries.is_empty());
        assert!(!format!("{explained:?}").contains("very-secret"));
    }

    #[test]
    fn a_text_without_headers_has_no_carrier() {
        assert!(explained(b"hello").carriers.is_empty());
    }
}
