//! The table and what a function reads agree.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::*;
use crate::configuration::Configuration;
use baton_propagators::lambda::Function;

/// Reads a configuration in which only these variables are set. Returns the names that it
/// looked up, and the variables with problems.
fn read(set: &[(&str, &str)]) -> (BTreeSet<String>, Vec<&'static str>) {
    let asked = RefCell::new(BTreeSet::new());
    let lookup = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        let found = set.iter().find(|(variable, _)| *variable == name)?;
        Some(found.1.to_owned())
    };
    let problems = match Configuration::from_environment(Function::Producer, lookup) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| problem.variable).collect(),
    };
    (asked.into_inner(), problems)
}

#[test]
fn the_table_has_every_variable_that_is_read_and_no_other() {
    let listed: Vec<_> = VARIABLES
        .iter()
        .map(|variable| variable.name.to_owned())
        .collect();
    // some variables are only read if these are set
    let (mut asked, _) = read(&[
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("KINESIS_STREAM", "stream"),
    ]);
    asked.insert(RESOURCE_ATTRIBUTES.to_owned());
    assert_eq!(asked, listed.iter().cloned().collect());
    assert_eq!(listed.len(), asked.len(), "a variable is listed twice");
}

#[test]
fn every_choice_is_accepted_and_nothing_else() {
    for Variable { name, choices, .. } in VARIABLES {
        for choice in *choices {
            let (_, problems) = read(&[(name, choice)]);
            assert!(!problems.contains(name), "{name}={choice}");
        }
        if !choices.is_empty() {
            let (_, problems) = read(&[(name, "something else")]);
            assert!(problems.contains(name), "{name} takes anything");
        }
    }
}

#[test]
fn every_default_is_accepted() {
    for Variable { name, default, .. } in VARIABLES {
        if let Some(default) = default {
            let (_, problems) = read(&[(name, default)]);
            assert!(!problems.contains(name), "{name}={default}");
        }
    }
}
