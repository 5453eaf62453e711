//! The cells of a matrix, as they are counted, printed, saved and read back.

use std::collections::BTreeMap;

use baton_propagators::{Engine, HeaderList, Mode, Select};
use baton_traces::hand_off::{Flag, Flags, Hop, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use baton_traces::run::Function;
use baton_traces::version::Version;

/// A whole matrix: what `--format json` prints and `--from` reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Matrix {
    /// The version of this document.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    pub version: Version,
    /// Requests per cell.
    pub requests: u64,
    /// The modes of rows and columns, in the order of the command line.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub modes: Vec<Mode>,
    /// Which valid context the functions continued.
    #[cfg_attr(test, schemars(with = "String"))]
    pub select: Select,
    /// The functions that were not baton's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub foreign: Vec<Function>,
    /// When the measurement started.
    pub started: Timestamp,
    /// How long it took, in seconds.
    pub duration_s: f64,
    /// The versions of all programs, by name.
    pub versions: BTreeMap<String, String>,
    /// The record grid: the hand-offs from producers to consumers.
    pub record: Vec<RecordCell>,
    /// The ingress grid: the hand-offs from clients to producers.
    pub ingress: Vec<IngressCell>,
    /// Modes that an engine does not support: one sentence for each engine.
    pub left_out: Vec<String>,
    /// Cells whose spans differ from the prediction.
    pub defects: Vec<Defect>,
    /// Other problems: one sentence for each.
    pub problems: Vec<String>,
    /// The answer, in a few sentences.
    pub answer: String,
}

/// One pairing of modes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecordCell {
    /// The engine that read and wrote the headers.
    #[cfg_attr(test, schemars(with = "String"))]
    pub engine: Engine,
    /// The producer's mode.
    #[serde(with = "formats")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub producer: Mode,
    /// The consumer's mode.
    #[serde(with = "formats")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub consumer: Mode,
    /// Records that the consumer received.
    pub delivered: u64,
    /// The verdicts.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The headers in one of the records.
    #[cfg_attr(test, schemars(with = "baton_schemas::HeaderList"))]
    pub carrier: HeaderList,
    /// The size of the JSON object that holds them, in bytes; 0 if there is none.
    pub carrier_bytes: usize,
}

/// One client and one producer's mode.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IngressCell {
    /// The engine that read and wrote the headers.
    #[cfg_attr(test, schemars(with = "String"))]
    pub engine: Engine,
    /// The client's name.
    pub client: String,
    /// The headers of one of its requests.
    #[cfg_attr(test, schemars(with = "baton_schemas::HeaderList"))]
    pub headers: HeaderList,
    /// The producer's mode.
    #[serde(with = "formats")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub producer: Mode,
    /// The verdicts.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The format whose context the producer's span continues.
    pub followed: Option<String>,
    /// The next hand-off of the same requests, to a consumer in the producer's mode.
    pub record: Counts,
}

/// The outcome of a cell's hand-offs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcome {
    /// Hand-offs that were sent.
    pub sent: u64,
    /// How many hand-offs have each verdict and flag.
    #[serde(flatten)]
    pub counts: Counts,
    /// The most frequent reason.
    pub why: String,
    /// Hand-offs whose sender left the sampling decision open and whose receiver recorded nothing.
    #[serde(default)]
    pub declined: u64,
    /// The same reason without this cell's formats, for all similar cells.
    pub kind: String,
    /// The prediction from the formats alone.
    pub prediction: Counts,
    /// Whether the prediction is right for every hand-off.
    pub agrees: bool,
}

/// How many hand-offs have each verdict and each flag. A verdict or flag that does not occur has no
/// entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Hand-offs with each verdict.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, u64>"))]
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Hand-offs with each flag.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, u64>"))]
    pub flags: BTreeMap<Flag, u64>,
}

/// A cell whose spans differ from the prediction. Either baton has a fault, or a function that is
/// not baton's own reads or writes the formats differently.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Defect {
    /// The engine that read and wrote the headers.
    #[cfg_attr(test, schemars(with = "String"))]
    pub engine: Engine,
    /// The hop of the hand-offs.
    #[cfg_attr(test, schemars(with = "String"))]
    pub hop: Hop,
    /// The cell, as in `tracecontext:b3` or `conflicting to b3`.
    pub cell: String,
    /// The ends of the hand-off that are not baton's own functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub foreign: Vec<Function>,
    /// How many hand-offs differ.
    pub hand_offs: u64,
    /// The observed counts.
    pub observed: Counts,
    /// The predicted counts.
    pub predicted: Counts,
}

impl Counts {
    /// Counts one hand-off. `verdict` is `None` if it could not be judged.
    pub(super) fn add(&mut self, verdict: Option<Verdict>, flags: Flags) {
        if let Some(verdict) = verdict {
            *self.verdicts.entry(verdict).or_default() += 1;
        }
        for flag in Flag::ALL {
            if flag.is_in(flags) {
                *self.flags.entry(flag).or_default() += 1;
            }
        }
    }

    /// The verdict of all hand-offs, if they have the same one.
    pub fn only(&self) -> Option<Verdict> {
        let mut verdicts = self.verdicts.keys();
        verdicts
            .next()
            .copied()
            .filter(|_| verdicts.next().is_none())
    }

    /// Whether any hand-off could be judged.
    pub fn is_judged(&self) -> bool {
        !self.verdicts.is_empty()
    }

    /// Whether every hand-off can be followed; `false` if none was judged.
    pub fn holds(&self) -> bool {
        self.is_judged() && self.verdicts.keys().all(|verdict| verdict.holds())
    }

    /// The counts as a phrase: `20 connected, 3 tracestate_lost`.
    pub fn in_words(&self) -> String {
        let verdicts = self.verdicts.iter();
        let verdicts = verdicts.map(|(verdict, count)| format!("{count} {verdict}"));
        let flags = self.flags.iter();
        let flags = flags.map(|(flag, count)| format!("{count} {}", flag.name()));
        let words: Vec<_> = verdicts.chain(flags).collect();
        match words.is_empty() {
            true => "nothing".to_owned(),
            false => words.join(", "),
        }
    }
}

impl Matrix {
    /// The engines, in the order of the command line.
    pub fn engines(&self) -> Vec<Engine> {
        let mut engines = Vec::new();
        let all = self.record.iter().map(|cell| cell.engine);
        for engine in all.chain(self.ingress.iter().map(|cell| cell.engine)) {
            if !engines.contains(&engine) {
                engines.push(engine);
            }
        }
        engines
    }

    /// An engine's cells of the record grid.
    pub fn record_of(&self, engine: Engine) -> impl Iterator<Item = &RecordCell> {
        self.record.iter().filter(move |cell| cell.engine == engine)
    }

    /// An engine's cells of the ingress grid.
    pub fn ingress_of(&self, engine: Engine) -> impl Iterator<Item = &IngressCell> {
        self.ingress
            .iter()
            .filter(move |cell| cell.engine == engine)
    }
}

impl std::fmt::Display for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whose = match self.foreign.as_slice() {
            [] => "defect of baton".to_owned(),
            [Function::Producer] => "the producer is not baton's own".to_owned(),
            [Function::Consumer] => "the consumer is not baton's own".to_owned(),
            _ => "the functions are not baton's own".to_owned(),
        };
        write!(
            f,
            "{whose}: engine {}, {} {}: the spans say {}, the formats alone say {}",
            self.engine,
            self.hop,
            self.cell,
            self.observed.in_words(),
            self.predicted.in_words()
        )
    }
}

/// A mode as the list of its formats.
mod formats {
    use baton_propagators::Mode;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(mode.names())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Mode, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        if names.is_empty() {
            return Ok(Mode::NONE);
        }
        names.join(",").parse().map_err(Error::custom)
    }
}
