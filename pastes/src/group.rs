//! Turns findings into carriers. The findings of one unit make one carrier, unless two places in it
//! contradict each other.

use std::collections::{HashMap, HashSet};

use crate::MAX_CARRIERS;
use crate::carrier::{AWS_TRACE_HEADER, Carrier, Header, Paste, Unread};
use crate::events;
use crate::finding::{Finding, Kind};

/// The most headers of one carrier.
const MAX_HEADERS: usize = 1000;
/// The longest value of an unread header that is kept.
const MAX_UNREAD: usize = 512;
/// How many unread values of one kind are named in a carrier.
const MAX_UNREAD_COUNT: usize = 20;

/// A carrier while it is built, and what each place contributed.
#[derive(Default)]
struct Building {
    carrier: Carrier,
    unit: String,
    scopes: Vec<String>,
    /// For each header, the scope that it comes from.
    from: Vec<String>,
    /// The names of other headers, in lower case.
    others: HashSet<String>,
}

/// Builds carriers from findings. `notes` are sentences about units.
pub(crate) fn paste(findings: Vec<Finding>, notes: &events::Notes) -> Paste {
    let findings = without_span_contexts(findings);
    let has_named = findings
        .iter()
        .any(|finding| matches!(finding.kind, Kind::Header(_) | Kind::Shape(_)));
    let mut all: Vec<Building> = Vec::new();
    let mut units: HashMap<String, usize> = HashMap::new();
    for (unit, scope, findings) in scopes(findings) {
        let first = *units.entry(unit.clone()).or_insert(all.len());
        let fits = |building: &Building| building.unit == unit && fits(building, &findings);
        let place = all
            .iter()
            .skip(first)
            .take(8)
            .position(fits)
            .map(|place| place + first);
        let place = place.unwrap_or_else(|| {
            all.push(Building {
                unit,
                ..Building::default()
            });
            all.len() - 1
        });
        let building = &mut all[place];
        building.scopes.push(scope);
        for finding in findings {
            // If there is a carrier, ids and names in log messages add nothing.
            if !(has_named && matches!(finding.kind, Kind::Id | Kind::NoValue(_))) {
                building.add(finding, has_named);
            }
        }
    }
    let contradict: Vec<String> = repeated_units(&all);
    let mut carriers: Vec<Carrier> = Vec::new();
    for mut building in all {
        if building.carrier.is_empty() {
            continue;
        }
        let is_one_of_several = contradict.contains(&building.unit);
        let place = match (building.unit.is_empty(), is_one_of_several) {
            (_, true) => building.scopes.first().cloned().unwrap_or_default(),
            (_, false) => building.unit.clone(),
        };
        building.carrier.place = (!place.is_empty()).then_some(place);
        building
            .carrier
            .notes
            .extend(notes.about(&building.unit, &building.carrier));
        carriers.push(building.carrier);
    }
    let empty: Vec<&str> = notes
        .units()
        .filter(|unit| !unit.is_empty() && !units.contains_key(*unit))
        .collect();
    let mut paste = whittled(carriers);
    paste.notes.extend(notes.whole.iter().cloned());
    paste.notes.extend(without_headers(&empty));
    paste
}

/// Removes the trace state of span contexts that a program prints, as in `{traceId: '…', spanId:
/// '…', traceState: undefined}`: it is not the header, although its name is almost the same.
fn without_span_contexts(findings: Vec<Finding>) -> Vec<Finding> {
    let has_trace_id = |finding: &&Finding| {
        finding.kind == Kind::Id && finding.name.to_ascii_lowercase().ends_with("id")
    };
    let is_state = |finding: &Finding| match &finding.kind {
        Kind::Header(name) | Kind::NoValue(name) => name == TRACE_STATE,
        Kind::Misspelt(name) => *name == TRACE_STATE,
        _ => false,
    };
    let is_context = |finding: &&Finding| header(finding).is_some() && !is_state(finding);
    // Those with an id and without a context: a unit, or a line of one with other headers.
    let printed = |place: fn(&Finding) -> &str| -> HashSet<String> {
        let places = |of: &dyn Fn(&&Finding) -> bool| -> HashSet<String> {
            let found = findings.iter().filter(|finding| of(finding));
            found.map(|finding| place(finding).to_owned()).collect()
        };
        &places(&has_trace_id) - &places(&is_context)
    };
    let units = printed(|finding| &finding.unit);
    let lines = printed(|finding| &finding.place);
    if units.is_empty() && lines.is_empty() {
        return findings;
    }
    let mut findings = findings;
    findings.retain(|finding| {
        let is_printed = units.contains(&finding.unit) || lines.contains(&finding.place);
        !(is_printed && is_state(finding) && finding.name != TRACE_STATE)
    });
    findings
}

const TRACE_STATE: &str = "tracestate";

/// How many records are named.
const MAX_NAMED: usize = 3;

/// The sentence about records without any finding.
fn without_headers(units: &[&str]) -> Option<String> {
    let named = units
        .iter()
        .take(MAX_NAMED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match units.len() {
        0 => None,
        1 => Some(format!(
            "{named} has no header, so its receiver starts a new trace."
        )),
        MAX_NAMED.. if units.len() > MAX_NAMED => Some(format!(
            "{} records have no header, such as {named}. Their receivers start new traces.",
            units.len()
        )),
        _ => Some(format!(
            "{named} have no header, so their receivers start new traces."
        )),
    }
}

/// Removes carriers that repeat another one, and carriers without a context if others have one.
fn whittled(carriers: Vec<Carrier>) -> Paste {
    let has_context = carriers.iter().any(|carrier| !carrier.headers.is_empty());
    let mut kept: Vec<Carrier> = Vec::new();
    let mut beyond = 0;
    for carrier in carriers {
        let tells = !carrier.headers.is_empty() || !carrier.unread.is_empty();
        if has_context && !tells {
            continue;
        }
        if kept.len() == MAX_CARRIERS {
            beyond += 1;
        } else {
            kept.push(carrier);
        }
    }
    if kept.len() == 1
        && beyond == 0
        && kept[0]
            .place
            .as_deref()
            .is_some_and(|place| place.starts_with("line "))
    {
        kept[0].place = None;
    }
    Paste {
        carriers: kept,
        beyond,
        notes: Vec::new(),
    }
}

/// The units that occur in several carriers.
fn repeated_units(all: &[Building]) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for building in all {
        *counts.entry(&building.unit).or_default() += 1;
    }
    let repeated = counts.into_iter().filter(|(_, count)| *count > 1);
    repeated.map(|(unit, _)| unit.to_owned()).collect()
}

/// Groups findings by unit and scope, in the order of the text.
fn scopes(findings: Vec<Finding>) -> Vec<(String, String, Vec<Finding>)> {
    let mut scopes: Vec<(String, String, Vec<Finding>)> = Vec::new();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    for finding in findings {
        let key = (finding.unit.clone(), finding.scope.clone());
        let place = *places.entry(key).or_insert_with(|| {
            scopes.push((finding.unit.clone(), finding.scope.clone(), Vec::new()));
            scopes.len() - 1
        });
        scopes[place].2.push(finding);
    }
    scopes
}

/// The name and value that a finding adds to a carrier.
fn header(finding: &Finding) -> Option<(String, &[u8])> {
    let name = match &finding.kind {
        Kind::Header(name) if name.eq_ignore_ascii_case(&finding.name) => finding.name.clone(),
        Kind::Header(name) => name.clone(),
        Kind::Shape(shape) | Kind::Unnamed(shape) => shape.header().to_owned(),
        _ => return None,
    };
    Some((name, &finding.value))
}

/// Whether another place in a unit agrees with the carrier so far, or contradicts it.
fn fits(building: &Building, findings: &[Finding]) -> bool {
    let headers = &building.carrier.headers;
    findings.iter().filter_map(header).all(|(name, value)| {
        let mut same = headers.iter().filter(|header| header.is(&name)).peekable();
        same.peek().is_none() || same.any(|header| header.value == value)
    })
}

impl Building {
    /// Adds a finding.
    fn add(&mut self, finding: Finding, has_named: bool) {
        let carrier = &mut self.carrier;
        let is_unnamed = matches!(finding.kind, Kind::Unnamed(_));
        if let Some((name, value)) = header(&finding).filter(|_| !(is_unnamed && has_named)) {
            if carrier.headers.len() >= MAX_HEADERS {
                return;
            }
            let note = unnamed(&finding);
            carrier
                .notes
                .extend(note.filter(|note| !carrier.notes.contains(note)));
            // Another place in the record or line repeats the same value.
            let mut before = carrier.headers.iter().zip(&self.from);
            let repeated = before.any(|(header, from)| {
                let is_label = finding.name.eq_ignore_ascii_case("value");
                let is_around = |outer: &str, inner: &str| {
                    inner
                        .strip_prefix(outer)
                        .is_some_and(|rest| rest.starts_with(": "))
                };
                let elsewhere = *from != finding.scope
                    || is_label
                    || is_around(&header.place, &finding.place)
                    || is_around(&finding.place, &header.place)
                    || header.place == finding.place && finding.place.starts_with("line ");
                elsewhere && header.is(&name) && header.value == value
            });
            let is_attribute = name.eq_ignore_ascii_case("x-amzn-trace-id")
                && (finding.name == AWS_TRACE_HEADER || finding.place.ends_with(AWS_TRACE_HEADER));
            self.from.push(finding.scope.clone());
            carrier.headers.push(Header {
                name,
                value: value.to_vec(),
                place: finding.place,
                repeated,
                is_attribute,
            });
            return;
        }
        let Some(why) = why(&finding) else {
            if self.others.insert(finding.name.to_ascii_lowercase()) {
                carrier.others.push(finding.name);
            }
            return;
        };
        if carrier.unread.len() < MAX_UNREAD_COUNT {
            let value = String::from_utf8_lossy(&finding.value);
            carrier.unread.push(Unread {
                value: value.chars().take(MAX_UNREAD).collect(),
                name: finding.name,
                place: finding.place,
                why,
            });
        }
    }
}

/// The sentence about a value with the shape of a header but without its name.
fn unnamed(finding: &Finding) -> Option<String> {
    let (Kind::Shape(shape) | Kind::Unnamed(shape)) = &finding.kind else {
        return None;
    };
    let header = shape.header();
    if finding.name.is_empty() {
        // X-Ray's header identifies itself.
        let is_named = finding.value.starts_with(b"Root=") || finding.value.starts_with(b"Self=");
        return (!is_named).then(|| {
            format!(
                "The value has no name. It has the shape of {header}, so it is explained as that."
            )
        });
    }
    if finding.name == AWS_TRACE_HEADER {
        return Some(format!(
            "{AWS_TRACE_HEADER} is an attribute of SQS messages. An HTTP header of this name is not read by any format."
        ));
    }
    let named = matches!(finding.kind, Kind::Unnamed(_));
    named.then(|| {
        format!(
            "No format reads {}. Its value has the shape of {header}, so it is explained under that name.",
            finding.name
        )
    })
}

/// Why a finding is not read; `None` for a header that belongs to no format.
fn why(finding: &Finding) -> Option<String> {
    let name = &finding.name;
    let value = String::from_utf8_lossy(&finding.value);
    Some(match &finding.kind {
        Kind::System(system) => system.describe(name, &value),
        Kind::Misspelt(meant) => {
            format!("{name} is not a header that any format reads. Probably {meant} is meant.")
        }
        Kind::Id if name.is_empty() && value.contains([',', '-', '/']) => {
            let (trace, span) = value.split_once([',', '-', '/']).unwrap_or_default();
            format!(
                "{trace} and {span} look like a trace id and a span id in a log line. A log line is not a carrier, so no library continues them."
            )
        }
        Kind::Id if name.is_empty() => {
            format!("{value} looks like a trace id. It names no span, so no library continues it.")
        }
        Kind::Id => {
            format!("{name} is an id as logs print it, not a header, so no library continues it.")
        }
        Kind::NoValue(header) => format!("{header} is named here, but has no value."),
        Kind::Fault(reason) => reason.clone(),
        Kind::Unnamed(shape) => format!(
            "No format reads {name}, although its value has the shape of {}.",
            shape.header()
        ),
        Kind::Header(_) | Kind::Shape(_) | Kind::Other => return None,
    })
}
