//! `run.json`: what was run, how, and when.

use std::collections::BTreeMap;

use baton_propagators::{Engine, Pairing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Function, LabRecords};
use crate::span::UnixTime;
use crate::version::Version;

/// `run.json`: what was run, how, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Manifest {
    /// The version of this document.
    #[serde(default)]
    pub version: Version,
    /// The modes of the producer and the consumer; `None` if only the client is known, as in a
    /// burst at a foreign endpoint.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub pairing: Option<Pairing>,
    /// The engine that read and wrote the headers.
    #[cfg_attr(test, schemars(with = "String"))]
    pub engine: Engine,
    /// All other settings by name: users, rate, shards, the client's mode (`client`), …
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// The versions of the programs, by name.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
    /// What became of the records that a lab accepted; `None` while it runs, and without a lab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<LabRecords>,
    /// When the run started.
    pub start: Timestamp,
    /// When it ended; `None` while it runs, or if it was killed.
    #[serde(default)]
    pub end: Option<Timestamp>,
}

/// The setting that lists the parts of a merged run.
pub const MERGED: &str = "merged";

/// The setting that says in how many rounds each burst was sent.
const ROUNDS: &str = "rounds";

/// The setting that names the runs whose rounds took turns with this run's.
const INTERLEAVED: &str = "interleaved";

/// The setting that counts the changes of modes during the run.
pub const SWITCHES: &str = "switches";

/// The setting that tells apart runs of the same pairing: 2 for the second one.
pub const NUMBER: &str = "number";

impl Manifest {
    /// Whether the run was merged from several runs.
    pub fn is_merged(&self) -> bool {
        self.settings.contains_key(MERGED)
    }

    /// Says in how many rounds its bursts are sent, and the id that it has in common with the runs
    /// whose rounds take turns with its own; `None` without such runs.
    pub fn set_rounds(&mut self, rounds: u32, interleaved: Option<&str>) {
        self.settings.insert(ROUNDS.to_owned(), rounds.into());
        if let Some(id) = interleaved {
            self.settings.insert(INTERLEAVED.to_owned(), id.into());
        }
    }

    /// Whether the modes changed during the run.
    pub fn switched(&self) -> bool {
        self.settings.contains_key(SWITCHES)
    }

    /// The id that this run has in common with the runs whose rounds took turns with its own;
    /// `None` without rounds.
    pub fn interleaved(&self) -> Option<&str> {
        // rounds of several machines overlap
        let id = self.settings.get(INTERLEAVED)?.as_str()?;
        (!self.is_merged()).then_some(id)
    }

    /// Which of several runs of the same pairing this is; `None` for the first.
    pub fn number(&self) -> Option<u64> {
        let number = self.settings.get(NUMBER)?.as_u64()?;
        (number > 1).then_some(number)
    }

    /// What was wrong with the parts of a merged run: one sentence for each problem.
    pub fn problems_of_parts(&self) -> Vec<String> {
        let parts = self.settings.get(MERGED).and_then(Value::as_array);
        let problems = parts
            .into_iter()
            .flatten()
            .filter_map(|part| part["problems"].as_array());
        let problems = problems.flatten().filter_map(Value::as_str);
        problems.map(str::to_owned).collect()
    }

    /// While the run goes on: records sent after this time may still arrive. That is any record,
    /// because a lab keeps records until it ends. `None` for a finished run.
    pub(crate) fn under_way_since(&self) -> Option<UnixTime> {
        UnixTime::from_nanoseconds(1).filter(|_| self.end.is_none())
    }

    /// Whether `function` was a foreign program. Its spans and logs may differ from those of
    /// baton's function.
    pub(crate) fn is_foreign(&self, function: Function) -> bool {
        let foreign = self.settings.get("foreign");
        let names = foreign.and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|name| name == function.name()))
    }
}
