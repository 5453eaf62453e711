//! The settings of the functions, from the environment variables that the lab reports, and in
//! words.

use std::collections::BTreeMap;

use baton_propagators::{Engine, OnConflict, Propagation, Select};
use baton_traces::shown::visible;

/// The variables that choose the formats of a function.
pub(crate) type Variables = BTreeMap<String, String>;

/// The settings in these variables; `None` if one cannot be read.
pub(crate) fn of(variables: &Variables) -> Option<Propagation> {
    Propagation::from_environment(|name| variables.get(name).cloned()).ok()
}

/// Whether both say the same. Variables that cannot be read are compared as they are.
pub(crate) fn are_same(one: &Variables, other: &Variables) -> bool {
    match (of(one), of(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// The settings of both functions.
pub(crate) fn of_both(producer: &Variables, consumer: &Variables) -> String {
    format!(
        "producer {}, consumer {}; {}",
        modes(producer),
        modes(consumer),
        policies(producer, consumer)
    )
}

/// The settings of one function: its mode, and what differs from the defaults.
pub(crate) fn of_one(variables: &Variables) -> String {
    match of(variables).map(|set| policies_of(&set)) {
        Some(policies) if policies != policies_of(&Propagation::default()) => {
            format!("{} ({policies})", modes(variables))
        }
        _ => modes(variables),
    }
}

/// What a function writes and reads: its mode. Variables that cannot be read are shown as they are.
pub(crate) fn modes(variables: &Variables) -> String {
    let Some(set) = of(variables) else {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| format!("{name}={value}"));
        return visible(&variables.collect::<Vec<_>>().join(" "));
    };
    match set.inject == set.extract {
        true => set.extract.to_string(),
        false => format!("writes {}, reads {}", set.inject, set.extract),
    }
}

/// The parts of a mode, a pairing or a kind of client. A line may end after each part.
pub(crate) fn parts(modes: &str) -> impl Iterator<Item = &str> {
    modes.split_inclusive([',', ':', '_'])
}

/// Engine, selection and policy of both functions; of each one if they differ.
pub(crate) fn policies(producer: &Variables, consumer: &Variables) -> String {
    let of = |variables| of(variables).map(|set| policies_of(&set));
    match (of(producer), of(consumer)) {
        (Some(producer), Some(consumer)) if producer == consumer => producer,
        (Some(producer), Some(consumer)) => format!("producer {producer}; consumer {consumer}"),
        _ => String::new(),
    }
}

fn policies_of(set: &Propagation) -> String {
    in_short(set.engine, set.select, set.on_conflict)
}

/// Engine, selection and policy.
pub(crate) fn in_short(engine: Engine, select: Select, on_conflict: OnConflict) -> String {
    format!("{engine}, {select}, {on_conflict}")
}
