//! What libraries in use make of a carrier: by answer, and one in full.

use baton_propagators::libraries::{
    self, Answer, Continuation, Library, MAX_BYTES, Sending, in_short,
};
use baton_propagators::{Getter, HeaderList, Mode, SpanId};

use super::judged::{arrived_as, named as named_format};

/// The span that a service opens, in what it would send on.
const OWN_SPAN: [u8; 8] = [0xba, 0x70, 0x0b, 0xa7, 0x00, 0xba, 0x70, 0x01];

/// What one library makes of a carrier under one mode.
#[derive(Debug)]
pub struct Answered {
    /// The library.
    pub library: &'static Library,
    /// The mode that it is set to.
    pub mode: Mode,
    /// What it does.
    pub answer: Answer,
}

/// The libraries that give one answer.
#[derive(Debug)]
pub struct Group {
    /// What they do, as in "continue traceparent".
    pub what: String,
    /// The libraries.
    pub libraries: Vec<&'static Library>,
}

/// What each library makes of headers under each mode that it can be set to.
pub fn answers(
    headers: &HeaderList,
    modes: &[Mode],
    libraries: &[&'static Library],
) -> Vec<Answered> {
    let mut all = Vec::new();
    let bytes: usize = headers.iter().map(|(_, value)| value.len()).sum();
    if bytes > MAX_BYTES {
        return all;
    }
    for mode in modes {
        for library in libraries
            .iter()
            .filter(|library| library.cannot(mode).is_none())
        {
            all.push(Answered {
                library,
                mode: mode.clone(),
                answer: library.continues(headers, mode),
            });
        }
    }
    all
}

/// Why libraries of `wanted` have no answer under any of these modes, and what would have one.
pub fn unanswered<'a>(
    wanted: &[&Library],
    answers: impl Iterator<Item = &'a Answered>,
    modes: &[Mode],
) -> Vec<String> {
    let answered: Vec<&str> = answers.map(|answered| answered.library.name).collect();
    let silent = wanted.iter();
    let silent = silent.filter(|library| !answered.contains(&library.name));
    let reasons = silent.filter_map(|library| {
        let why = modes.iter().find_map(|mode| library.cannot(mode))?;
        let formats: Vec<&str> = library.formats().collect();
        Some(format!(
            "{why} Ask with --mode and one of {}.",
            formats.join(", ")
        ))
    });
    reasons.collect()
}

/// The answers under one mode by what they are, first the one of the most libraries, as they are
/// named.
pub fn groups(answers: &[Answered], headers: &HeaderList) -> Vec<Group> {
    let mut groups: Vec<(Option<&Continuation>, Vec<&'static Library>)> = Vec::new();
    let same = |a: Option<&Continuation>, b: Option<&Continuation>| match (a, b) {
        (Some(a), Some(b)) => {
            source(a, headers) == source(b, headers)
                && (a.trace_id, a.span_id, a.sampled) == (b.trace_id, b.span_id, b.sampled)
        }
        (None, None) => true,
        _ => false,
    };
    for answered in answers {
        let continues = answered.answer.continues.as_ref();
        match groups.iter_mut().find(|(known, _)| same(*known, continues)) {
            Some((_, libraries)) => libraries.push(answered.library),
            None => groups.push((continues, vec![answered.library])),
        }
    }
    groups.sort_by_key(|(_, libraries)| std::cmp::Reverse(libraries::number(libraries)));
    let all: Vec<Option<&Continuation>> = groups.iter().map(|(continues, _)| *continues).collect();
    let groups = groups.into_iter();
    groups
        .map(|(continues, libraries)| Group {
            what: what(continues, &all, headers),
            libraries,
        })
        .collect()
}

/// An answer in words, with as much of it as distinguishes it from the others.
fn what(
    continues: Option<&Continuation>,
    all: &[Option<&Continuation>],
    headers: &HeaderList,
) -> String {
    let Some(own) = continues else {
        return "start a new trace".to_owned();
    };
    let name = source(own, headers);
    let others: Vec<&Continuation> = all
        .iter()
        .flatten()
        .copied()
        .filter(|other| source(other, headers) == name)
        .collect();
    let which = which(own, headers).unwrap_or_default();
    let mut what = match own.span_id {
        Some(_) => format!("continue {which}{name}"),
        None => format!("keep the trace id of {name}, without a parent"),
    };
    if which.is_empty() && others.iter().any(|other| other.trace_id != own.trace_id) {
        what.push_str(&format!(", trace {}", own.trace_id));
    } else if let Some(span_id) = own.span_id
        && others.iter().any(|other| other.span_id != own.span_id)
    {
        what.push_str(&format!(", span {span_id}"));
    }
    let mut decisions = all.iter().flatten().map(|other| other.sampled);
    if decisions.any(|sampled| sampled != own.sampled) {
        what.push_str(match own.sampled {
            Some(true) => ", sampled",
            Some(false) => ", not sampled",
            None => ", decision left open",
        });
    }
    what
}

/// Which of several values of a header held a continued context: `the first `. `None` if the header
/// has one value, or if its values do not show it.
fn which(continued: &Continuation, headers: &HeaderList) -> Option<&'static str> {
    let own = named_format(continued.format)?;
    let written = own.written().iter();
    let header = written.copied().find(|name| headers.get(name).is_some())?;
    let mut values = Vec::new();
    headers.get_all(header, &mut |value| values.push(value));
    let (first, last) = (values.first()?, values.last()?);
    let id = continued.trace_id.to_string();
    let span = continued.span_id.map(|id| id.to_string());
    let holds = |value: &&&str| {
        value.contains(&id) && span.as_ref().is_none_or(|span| value.contains(span))
    };
    match (holds(&first), holds(&last)) {
        (true, false) => Some("the first "),
        (false, true) => Some("the last "),
        _ => None,
    }
}

/// The header that held a continued context, as people write it.
fn source(continued: &Continuation, headers: &HeaderList) -> &'static str {
    let Some(own) = named_format(continued.format) else {
        return continued.format;
    };
    let mut written = own.written().iter();
    if written.any(|header| headers.get(header).is_some()) {
        own.headers()
    } else {
        arrived_as(own, headers).headers()
    }
}

/// What a group does: `Brave starts a new trace`.
pub fn sentence(group: &Group) -> String {
    let named = named(&group.libraries);
    // Two versions of one library have one name.
    let what = if named.contains([',', '(']) {
        group.what.clone()
    } else {
        of_one(&group.what)
    };
    format!("{named} {what}")
}

/// What one library does, from what several do.
pub fn of_one(what: &str) -> String {
    let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
    format!("{verb}s {rest}")
}

/// The libraries of a group, named in few words.
pub fn named(libraries: &[&Library]) -> String {
    in_short(libraries)
}

/// How many libraries [`named`] names. Several versions of one library may have one name.
pub fn number(libraries: &[&Library]) -> usize {
    libraries::number(libraries)
}

/// What is lost or changed under the answers of each mode, each remark once, with the libraries and
/// the mode it holds for. The notes of the explanation say who refuses what.
pub fn remarks(answers: &[Vec<Answered>]) -> Vec<String> {
    let mut remarks: Vec<(Remark<'_>, Vec<&Mode>)> = Vec::new();
    for of_mode in answers {
        let Some(mode) = of_mode.first().map(|answered| &answered.mode) else {
            continue;
        };
        for remark in remarks_of_mode(of_mode) {
            match remarks.iter_mut().find(|(known, _)| *known == remark) {
                Some((_, modes)) => modes.push(mode),
                None => remarks.push((remark, vec![mode])),
            }
        }
    }
    let who = |(remark, modes): &(Remark<'_>, Vec<&Mode>)| match modes.as_slice() {
        [mode] if answers.len() > 1 && remark.is_of_all => format!("With {mode}:"),
        [mode] if answers.len() > 1 => format!("With {mode}: {}:", remark.who),
        _ => format!("{}:", remark.who),
    };
    let of_one = remarks.chunk_by(|one, other| who(one) == who(other));
    let line = |remarks: &[(Remark<'_>, Vec<&Mode>)]| {
        let notes = remarks.iter().map(|(remark, _)| remark.note);
        std::iter::once(&*who(&remarks[0]))
            .chain(notes)
            .collect::<Vec<_>>()
            .join(" ")
    };
    of_one.map(line).collect()
}

/// Something that is lost or changed.
#[derive(PartialEq, Eq)]
struct Remark<'a> {
    note: &'a str,
    /// The libraries it holds for.
    who: String,
    /// Whether these are all libraries that can be set to the mode.
    is_of_all: bool,
}

/// What is lost or changed under one mode.
fn remarks_of_mode(answers: &[Answered]) -> Vec<Remark<'_>> {
    let mut remarks: Vec<(&str, Vec<&Library>)> = Vec::new();
    for answered in answers {
        for note in &answered.answer.notes {
            match remarks.iter_mut().find(|(known, _)| known == note) {
                Some((_, libraries)) => libraries.push(answered.library),
                None => remarks.push((note, vec![answered.library])),
            }
        }
    }
    let remarks = remarks.into_iter();
    remarks
        .map(|(note, libraries)| Remark {
            note,
            who: in_short(&libraries),
            is_of_all: libraries.len() == answers.len(),
        })
        .collect()
}

/// One library's answer in full, with what it would send on: a line each.
pub fn in_full(answered: &Answered) -> Vec<String> {
    let Answered {
        library,
        mode,
        answer,
    } = answered;
    let does = match &answer.continues {
        Some(own) => {
            let sampled = match own.sampled {
                Some(true) => "sampled",
                Some(false) => "not sampled",
                None => "decision left open",
            };
            let Continuation {
                format, trace_id, ..
            } = own;
            match own.span_id {
                Some(span_id) => {
                    format!("continues {format}: trace {trace_id}, span {span_id}, {sampled}")
                }
                None => format!(
                    "keeps the trace id of {format}, without a parent: trace {trace_id}, {sampled}"
                ),
            }
        }
        None => "starts a new trace".to_owned(),
    };
    let mut lines = vec![format!(
        "{} {} with {mode} {does}.",
        library.name, library.version
    )];
    let notes = answer.refused.iter().chain(&answer.notes);
    lines.extend(notes.map(|note| format!("  {note}")));
    let sent = sent(answered);
    lines.extend(
        sent.iter()
            .map(|(name, value)| format!("  sends on {name}: {value}")),
    );
    lines
}

/// The headers for the next hop, where a trace goes on; the service's own span is called `<its
/// span>`.
pub fn sent(answered: &Answered) -> Vec<(String, String)> {
    let (Some(continued), Some(span)) = (&answered.answer.continues, SpanId::from_bytes(OWN_SPAN))
    else {
        return Vec::new();
    };
    let mut sending = Sending::under(continued, span);
    sending.sampled.get_or_insert(answered.answer.next_sampled);
    let headers = answered.library.sends_on(&sending, &answered.mode);
    let decimal = u64::from_be_bytes(OWN_SPAN).to_string();
    let shown = |value: &str| {
        value
            .replace(&span.to_string(), "<its span>")
            .replace(&decimal, "<its span>")
    };
    headers
        .iter()
        .map(|(name, value)| (name.to_owned(), shown(value)))
        .collect()
}
