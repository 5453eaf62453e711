//! What formats find in a carrier, and which context each mode continues.

use baton_propagators::explanation::cause;
use baton_propagators::lambda::xray_header::X_AMZN_TRACE_ID;
use baton_propagators::{
    Candidate, Engine, Explanation, Extraction, FORMATS, Fault, Format, Getter, HeaderList, Mode,
    OnConflict, Outcome, Propagation, Reject, Select, XraySource, formats,
};

use super::distinct;
use crate::carrier::Carrier;

/// The modes that are always judged without `--mode`.
const USUAL_MODES: [&str; 7] = [
    "tracecontext",
    "b3",
    "b3multi",
    "tracecontext,b3",
    "b3,tracecontext",
    "tracecontext,b3multi",
    "b3multi,tracecontext",
];

/// The longest value whose cause is searched. A longer value was never sent as a header.
const MAX_VALUE: usize = 16 << 10;

/// A mode, and which of several valid contexts it continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The formats that are read.
    pub mode: Mode,
    /// Which of several valid contexts is continued.
    pub select: Select,
}

/// A carrier and the judgements about it.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The carrier.
    pub carrier: &'a Carrier,
    /// Its headers, as a service gets them.
    pub headers: HeaderList,
    /// The result of every format.
    pub all: Extraction,
    /// What each mode continues.
    pub judgements: Vec<Judgement>,
    /// What arrives, in sentences.
    pub explanation: Explanation,
}

/// How a service with one mode reads the headers.
#[derive(Debug)]
pub struct Judgement {
    /// The service's settings.
    pub propagation: Propagation,
    /// What it finds and continues.
    pub extraction: Extraction,
}

impl<'a> Judged<'a> {
    /// Judges a carrier under the modes that were asked for, or under the usual ones.
    pub fn new(carrier: &'a Carrier, asked: &[Selection], engine: Engine) -> Self {
        let headers = carrier.header_list();
        let under =
            |selection: &Selection| judge(&headers, carrier.environment(), selection, engine);
        let mut all = under(&selection(&formats().collect::<Vec<_>>().join(","))).extraction;
        for candidate in &mut all.candidates {
            // Notes describe what a service would cause. This list belongs to no service.
            let objection = candidate.objection.take();
            candidate.objection =
                objection.filter(|reject| reject.fault != Fault::EnvironmentUnsampled);
        }
        let selections = if asked.is_empty() {
            default_modes(&all.candidates, engine)
        } else {
            asked.to_vec()
        };
        let judgements = selections.iter().map(under).collect();
        let mut explanation = Explanation::new(&all.candidates, &headers);
        if !asked.is_empty() {
            // What no asked mode reads needs no note.
            let read = |candidate: &&Candidate| {
                let mut modes = asked.iter();
                modes.any(|selection| selection.mode.contains(candidate.format))
            };
            let candidates: Vec<_> = all.candidates.iter().filter(read).cloned().collect();
            explanation.notes = Explanation::new(&candidates, &headers).notes;
        }
        explanation.summary = carrier.as_shown(explanation.summary);
        let notes = explanation.notes.into_iter();
        explanation.notes = notes.map(|note| carrier.as_shown(note)).collect();
        explanation.notes.extend(of_environment(carrier));
        explanation.notes.extend(carrier.notes.iter().cloned());
        Judged {
            carrier,
            headers,
            all,
            judgements,
            explanation,
        }
    }

    /// The candidates with a context. If both of B3's formats read a header, it appears once.
    pub fn contexts(&self) -> Vec<&Candidate> {
        let mut contexts: Vec<&Candidate> = Vec::new();
        for candidate in self
            .all
            .candidates
            .iter()
            .filter(|candidate| candidate.context().is_some())
        {
            if !contexts
                .iter()
                .any(|other| other.header == candidate.header)
            {
                contexts.push(candidate);
            }
        }
        contexts
    }

    /// The formats to list for the arriving headers, usable or not. Of a family, it is the one that
    /// writes the header.
    pub fn formats(&self) -> Vec<&'static str> {
        let candidates = self.all.candidates.iter();
        let arriving = candidates.filter(|candidate| candidate.outcome != Outcome::Absent);
        let formats = arriving.filter_map(|candidate| {
            let format = named(candidate.format)?;
            format
                .carries_context()
                .then(|| arrived_as(format, &self.headers).name())
        });
        distinct(formats)
    }

    /// The refusal, with a cause that a person can act on.
    pub fn reason(&self, reject: &Reject) -> String {
        match self.cause(reject) {
            Some(cause) => format!("{reject}: {cause}"),
            None => reject.to_string(),
        }
    }

    /// The only reason why nothing in the carrier is read; `None` if something is, or if there are
    /// several reasons.
    pub fn only_reason(&self) -> Option<&str> {
        let unread = self.carrier.unread.iter();
        let reasons = distinct(unread.map(|unread| unread.why.as_str()));
        match reasons.as_slice() {
            [only] if self.carrier.headers.is_empty() => Some(only),
            _ => None,
        }
    }

    /// What happened to a refused header.
    pub fn cause(&self, reject: &Reject) -> Option<String> {
        let mut first = None;
        self.headers.get_all(reject.header, &mut |value| {
            first.get_or_insert(value);
        });
        let value = first
            .or_else(|| self.carrier.environment())
            .unwrap_or_default();
        (value.len() <= MAX_VALUE)
            .then(|| cause(reject, value))
            .flatten()
    }
}

/// What happens to the header from the environment beside others: which of several counts, and
/// whether it is read at all.
fn of_environment(carrier: &Carrier) -> Vec<String> {
    let count = |name: &str| {
        carrier
            .counted()
            .filter(|header| header.name == name)
            .count()
    };
    let number = count(X_AMZN_TRACE_ID);
    let mut notes = Vec::new();
    if number > 0 && carrier.counted().any(|header| header.is("x-amzn-trace-id")) {
        notes.push(format!(
            "{X_AMZN_TRACE_ID} is not read where a request has an X-Amzn-Trace-Id header."
        ));
    }
    if number > 1 {
        notes.push(format!(
            "{X_AMZN_TRACE_ID} is given {number} times, and an environment has it once: the first counts here."
        ));
    }
    notes
}

/// The format with this name.
pub(super) fn named(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// The format of the same family whose header arrived; the format itself if none did.
pub(super) fn arrived_as(format: &'static dyn Format, headers: &HeaderList) -> &'static dyn Format {
    let mut family = FORMATS.iter().copied();
    let arrived = family.find(|other| {
        let mut written = other.written().iter();
        other.family() == format.family() && written.any(|header| headers.get(header).is_some())
    });
    arrived.unwrap_or(format)
}

fn judge(
    headers: &HeaderList,
    environment: Option<&str>,
    selection: &Selection,
    engine: Engine,
) -> Judgement {
    let propagation = propagation(selection, engine);
    let extraction = propagation.extract_with_environment(headers, environment);
    Judgement {
        propagation,
        extraction,
    }
}

fn propagation(selection: &Selection, engine: Engine) -> Propagation {
    Propagation {
        inject: Mode::NONE,
        extract: selection.mode.clone(),
        select: selection.select,
        on_conflict: OnConflict::Keep,
        engine,
        xray_source: XraySource::Environment,
    }
}

/// Refuses a mode that the engine does not support.
///
/// # Errors
/// A sentence about the first such mode.
pub fn check(selections: &[Selection], engine: Engine) -> Result<(), String> {
    for selection in selections {
        propagation(selection, engine).check().map_err(|reason| {
            format!(
                "{} cannot be judged with engine {engine}: {reason}",
                selection.mode
            )
        })?;
    }
    Ok(())
}

/// The usual modes. For every other arriving format also its own mode, and both orders with
/// `tracecontext`.
fn default_modes(candidates: &[Candidate], engine: Engine) -> Vec<Selection> {
    let mut selections: Vec<_> = USUAL_MODES.into_iter().map(selection).collect();
    for candidate in candidates {
        let format = candidate.format;
        let is_usual = USUAL_MODES.contains(&format);
        let carries_context = named(format).is_some_and(|format| format.carries_context());
        if carries_context && !is_usual && candidate.outcome != Outcome::Absent {
            let lists = [
                format.to_owned(),
                format!("tracecontext,{format}"),
                format!("{format},tracecontext"),
            ];
            selections.extend(lists.iter().map(|list| selection(list)));
        }
    }
    selections.retain(|selection| propagation(selection, engine).check().is_ok());
    selections
}

/// A mode from names that are known to be valid.
fn selection(list: &str) -> Selection {
    Selection {
        mode: list.parse().unwrap_or_default(),
        select: Select::Last,
    }
}
