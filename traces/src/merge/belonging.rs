//! Whether runs are parts of one run, and the manifest of the joined run.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::MergeError;
use crate::run::{LabRecords, MERGED, Manifest};

/// Joins `manifests`, each with the name of its run, into one manifest.
///
/// Manifests with a pairing must agree in everything, and so must manifests of clients alone.
/// Between the two kinds, settings that both have must be the same.
///
/// # Errors
/// If `manifests` is empty, or two of them disagree. The error names the runs, the setting and both
/// values.
pub(super) fn joined(manifests: &[(String, Manifest)]) -> Result<Manifest, MergeError> {
    let (_, first) = manifests.first().ok_or(MergeError::NoRun)?;
    let mut merged = first.clone();
    merged.records = records(manifests);
    for (place, part) in manifests.iter().enumerate() {
        for before in &manifests[..place] {
            agree(before, part)?;
        }
        let (_, part) = part;
        merged.pairing = merged.pairing.or_else(|| part.pairing.clone());
        for (name, value) in &part.settings {
            merged
                .settings
                .entry(name.clone())
                .or_insert_with(|| value.clone());
        }
        merged.start = merged.start.min(part.start);
        // if one run has not ended, the end of the whole is unknown
        merged.end = merged.end.zip(part.end).map(|(one, other)| one.max(other));
    }
    Ok(merged)
}

/// The records of all labs; unknown if a run of the functions has no counts of records.
fn records(manifests: &[(String, Manifest)]) -> Option<LabRecords> {
    let manifests = manifests.iter().map(|(_, manifest)| manifest);
    let of_functions = manifests.filter(|manifest| manifest.pairing.is_some());
    let records: Option<Vec<LabRecords>> = of_functions.map(|manifest| manifest.records).collect();
    let records = records.filter(|records| !records.is_empty())?;
    Some(LabRecords {
        delivered: records.iter().map(|records| records.delivered).sum(),
        undelivered: records.iter().map(|records| records.undelivered).sum(),
    })
}

fn agree(left: &(String, Manifest), right: &(String, Manifest)) -> Result<(), MergeError> {
    let (left_facts, right_facts) = (facts(&left.1), facts(&right.1));
    let are_alike = left.1.pairing.is_some() == right.1.pairing.is_some();
    let names: BTreeSet<&String> = left_facts.keys().chain(right_facts.keys()).collect();
    for name in names {
        let (left_value, right_value) = (left_facts.get(name), right_facts.get(name));
        let is_said_by_both = left_value.is_some() && right_value.is_some();
        if left_value != right_value && (are_alike || is_said_by_both) {
            return Err(MergeError::Different {
                what: name.clone(),
                left: left.0.clone(),
                left_value: shown(left_value),
                right: right.0.clone(),
                right_value: shown(right_value),
            });
        }
    }
    Ok(())
}

/// All settings that must be the same, by name.
fn facts(manifest: &Manifest) -> Map<String, Value> {
    let mut facts = Map::new();
    if let Some(pairing) = &manifest.pairing {
        facts.insert("the pairing".to_owned(), pairing.to_string().into());
    }
    facts.insert("the engine".to_owned(), manifest.engine.to_string().into());
    for (name, version) in &manifest.versions {
        facts.insert(format!("the version of {name}"), version.clone().into());
    }
    for (name, value) in &manifest.settings {
        if name != MERGED {
            facts.insert(name.clone(), value.clone());
        }
    }
    facts
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}
