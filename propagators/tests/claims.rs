//! Checks that statements about other libraries are true in every measured case.

use crate::cases::{self, Case};
use baton_propagators::libraries::{self, Library};
use baton_propagators::{
    Candidate, Engine, Explanation, Extraction, Mode, Propagation, TraceContext, formats,
};

fn extract(case: &Case, list: &str, engine: Engine) -> Extraction {
    let mode: Mode = list.parse().expect("a list of formats");
    let propagation = Propagation {
        engine,
        ..Propagation::from(mode)
    };
    propagation.extract(&case.headers)
}

/// The list of all formats.
fn all() -> String {
    formats().collect::<Vec<_>>().join(",")
}

#[test]
fn every_case_is_one_sentence_with_both_engines() {
    for case in cases::all() {
        for engine in [Engine::Native, Engine::Otel] {
            let explanation =
                Explanation::new(&extract(&case, &all(), engine).candidates, &case.headers);
            let summary = &explanation.summary;
            assert!(
                summary.ends_with('.') && !summary.contains(". "),
                "{}: {summary}",
                case.id
            );
            assert!(
                explanation.notes.iter().all(|note| note.ends_with('.')),
                "{}: {explanation:?}",
                case.id
            );
        }
    }
}

/// Datadog's libraries do what the summary says about them, in every measured case.
#[test]
fn datadog_continues_what_the_summary_says() {
    let mut compared = 0;
    for case in cases::all() {
        let extraction = extract(&case, &all(), Engine::Native);
        let context = |header: &str| -> &TraceContext {
            let mut found = extraction
                .candidates
                .iter()
                .filter(|candidate| candidate.header == header);
            found
                .find_map(|candidate| candidate.context())
                .expect("what is named holds a context")
        };
        let summary = Explanation::new(&extraction.candidates, &case.headers).summary;
        let Some((_, claim)) = summary
            .trim_end_matches('.')
            .split_once("Datadog's libraries with ")
        else {
            continue;
        };
        let (list, claim) = claim.split_once(" continue ").expect("what they continue");
        let (first, linked) = claim.split_once(" and link ").unwrap_or((claim, ""));
        let (first, rest) = first.split_once("'s").expect("a header");
        let first = context(first);
        let parent = match rest.strip_prefix(" with ") {
            None => first,
            Some(rest) => context(rest.split_once("'s").expect("a header").0),
        };
        for observed in &case.observed {
            let of_datadog = observed.sdks.iter().any(|sdk| sdk.starts_with("datadog"));
            if !of_datadog || !observed.lists.iter().any(|observed| observed == list) {
                continue;
            }
            let found = observed.found.as_ref().expect("they continue one");
            assert_eq!(
                found.trace_id,
                first.trace_id.to_string(),
                "{}: {summary}",
                case.id
            );
            assert_eq!(
                found.span_id,
                parent.span_id.to_string(),
                "{}: {summary}",
                case.id
            );
            assert_eq!(
                found.sampled,
                first.sampling.decision(),
                "{}: {summary}",
                case.id
            );
            let links: Vec<_> = found
                .links
                .iter()
                .map(|link| link.trace_id.clone())
                .collect();
            let expected: Vec<_> = linked
                .strip_suffix("'s")
                .map(|header| context(header).trace_id.to_string())
                .into_iter()
                .collect();
            assert_eq!(links, expected, "{}: {summary}", case.id);
            compared += 1;
        }
    }
    assert!(compared > 10, "only {compared} observations were compared");
}

/// All of OpenTelemetry's SDKs do what the summary says about them, in every measured case, except
/// the SDKs that it names because they find nothing in a header.
#[test]
fn opentelemetry_continues_what_the_summary_says() {
    let mut compared = 0;
    for case in cases::all() {
        let extraction = extract(&case, &all(), Engine::Native);
        let summary = Explanation::new(&extraction.candidates, &case.headers).summary;
        let Some((_, claim)) = summary.split_once("an OpenTelemetry service with ") else {
            continue;
        };
        let (list, claim) = claim.split_once(" continues ").expect("what it continues");
        let header = claim.split_once("'s").expect("a header").0;
        let mut named = extraction
            .candidates
            .iter()
            .filter(|candidate| candidate.header == header);
        let context = named
            .find_map(Candidate::context)
            .expect("what is named holds a context");
        for observed in &case.observed {
            let of_opentelemetry = observed.sdks.iter().any(|sdk| sdk.starts_with("otel"));
            let is_listed = observed.lists.iter().any(|observed| observed == list);
            let refuses = |sdk: &String| is_refusing(sdk, &summary);
            if !of_opentelemetry || !is_listed || observed.sdks.iter().any(refuses) {
                continue;
            }
            let found = observed.found.as_ref().expect("they continue one");
            let ids = [&found.trace_id, &found.span_id].map(|id| id.to_lowercase());
            let expected = [context.trace_id.to_string(), context.span_id.to_string()];
            assert_eq!(ids, expected, "{}: {summary}", case.id);
            compared += 1;
        }
    }
    assert!(compared > 30, "only {compared} observations were compared");
}

/// The profile of a measured SDK.
fn profile(sdk: &str) -> &'static Library {
    let name = match sdk {
        "otel-js" => "otel-js@2",
        other => other,
    };
    libraries::find(name).expect("a profile")
}

/// Whether a text says that an SDK finds nothing in a header.
fn is_refusing(sdk: &str, text: &str) -> bool {
    let clauses = text.split([';', '.']);
    let mut subjects = clauses.filter_map(|clause| clause.split_once(" find"));
    subjects.any(|(subject, _)| names(subject, profile(sdk)))
}

/// Whether a text names a library: alone, or in the list of its family.
fn names(text: &str, library: &Library) -> bool {
    let (family, member) = library.title.split_once(" for ").expect("a family");
    let unversioned = member.split(' ').next().expect("a name");
    let listed = text.split_once(&format!("{family} ("));
    let listed = listed.and_then(|(_, rest)| rest.split_once(')'));
    let mut members = listed.map_or("", |(members, _)| members).split(", ");
    let alone = text.split_once(&format!("{family} for "));
    let alone = alone.map_or("", |(_, rest)| rest);
    members.any(|name| name == member || name == unversioned)
        || alone.starts_with(member)
        || (alone.starts_with(unversioned) && !has_version(alone, unversioned))
}

/// Whether a version follows a name.
fn has_version(text: &str, name: &str) -> bool {
    let after = text[name.len()..].trim_start();
    after.starts_with(|character: char| character.is_ascii_digit())
}

/// The notes name exactly the libraries that find nothing in a valid header of Jaeger or X-Ray, in
/// every measured case.
#[test]
fn who_refuses_a_valid_header_is_named() {
    let mut refusals = 0;
    for case in cases::all() {
        for format in ["jaeger", "xray"] {
            let extraction = extract(&case, format, Engine::Native);
            if extraction.context().is_none() {
                continue;
            }
            let notes = Explanation::new(&extraction.candidates, &case.headers).notes;
            let notes = notes.join(" ");
            for observed in &case.observed {
                if !observed.lists.iter().any(|list| list == format) {
                    continue;
                }
                for sdk in &observed.sdks {
                    let told = is_refusing(sdk, &notes);
                    assert_eq!(
                        told,
                        observed.found.is_none(),
                        "{}, {sdk}: {notes:?}",
                        case.id
                    );
                    refusals += usize::from(told);
                }
            }
        }
    }
    assert!(refusals >= 5, "only {refusals} refusals were compared");
}

/// The notes name the libraries that read ids in upper case, in every measured case of B3.
#[test]
fn who_reads_upper_case_is_named() {
    let mut compared = 0;
    for case in cases::all() {
        let extraction = extract(&case, "b3,b3multi", Engine::Native);
        let notes = Explanation::new(&extraction.candidates, &case.headers).notes;
        let Some(note) = notes.iter().find(|note| note.contains("in upper case")) else {
            continue;
        };
        let list = if note.starts_with("b3 ") {
            "b3"
        } else {
            "b3multi"
        };
        for observed in &case.observed {
            if !observed.lists.iter().any(|observed| observed == list) {
                continue;
            }
            for sdk in &observed.sdks {
                let told = note
                    .split(". ")
                    .any(|sentence| sentence.contains(" anyway") && names(sentence, profile(sdk)));
                assert_eq!(told, observed.found.is_some(), "{}, {sdk}: {note}", case.id);
                compared += 1;
            }
        }
    }
    assert!(compared > 10, "only {compared} observations were compared");
}
