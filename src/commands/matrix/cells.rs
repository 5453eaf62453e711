//! What a matrix amounts to: its cells, as they are counted, printed, saved and read again.

use std::collections::BTreeMap;

use baton_propagators::carrier::HeaderList;
use baton_propagators::mode::{Engine, Mode, Select};
use baton_traces::hand_off::{Flag, Flags, Hop, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::arguments::FunctionName;

/// A whole matrix: what `--format json` prints and `--from` reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Matrix {
    /// Requests per cell.
    pub(crate) requests: u64,
    /// The modes of the rows and columns, as they were asked for.
    pub(crate) modes: Vec<Mode>,
    /// Which valid context the functions continued.
    pub(crate) select: Select,
    /// The functions that were not baton's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) foreign: Vec<FunctionName>,
    /// When it was begun.
    pub(crate) started: Timestamp,
    /// How long it took, in seconds.
    pub(crate) duration_s: f64,
    /// What took part, by name.
    pub(crate) versions: BTreeMap<String, String>,
    /// What the consumers made of what the producers wrote.
    pub(crate) record: Vec<RecordCell>,
    /// What the producers made of what the clients sent.
    pub(crate) ingress: Vec<IngressCell>,
    /// Modes that an engine has no code for, one sentence each.
    pub(crate) left_out: Vec<String>,
    /// Cells of which the formats alone say otherwise than the spans.
    pub(crate) defects: Vec<Defect>,
    /// What else went wrong, a sentence each.
    pub(crate) problems: Vec<String>,
    /// What happens if headers are mixed, in a few sentences.
    pub(crate) answer: String,
}

/// One pairing of modes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordCell {
    pub(crate) engine: Engine,
    #[serde(with = "formats")]
    pub(crate) producer: Mode,
    #[serde(with = "formats")]
    pub(crate) consumer: Mode,
    /// Records that the consumer was given.
    pub(crate) delivered: u64,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// What one of the records carried.
    pub(crate) carrier: HeaderList,
    /// Bytes of the JSON object that holds it; 0 without one.
    pub(crate) carrier_bytes: usize,
}

/// One client and one producer's mode.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IngressCell {
    pub(crate) engine: Engine,
    /// The client's name.
    pub(crate) client: String,
    /// What one of its requests carried.
    pub(crate) headers: HeaderList,
    #[serde(with = "formats")]
    pub(crate) producer: Mode,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// The format whose context the producer continued, as its spans tell.
    pub(crate) followed: Option<String>,
    /// What became of the same requests at the next hand-off, to a consumer of the producer's mode.
    pub(crate) record: Counts,
}

/// What became of a cell's hand-offs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Hand-offs that were sent.
    pub(crate) sent: u64,
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// Why the most of them became that.
    pub(crate) why: String,
    /// How many senders left the sampling decision open to a receiver that recorded nothing.
    #[serde(default)]
    pub(crate) declined: u64,
    /// The same without this cell's formats: what all cells of the kind have in common.
    pub(crate) kind: String,
    /// What the formats alone say.
    pub(crate) prediction: Counts,
    /// Whether they say the same as the spans, of every single hand-off.
    pub(crate) agrees: bool,
}

/// How many hand-offs have each verdict and each flag; what none has is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) verdicts: BTreeMap<Verdict, u64>,
    pub(crate) flags: BTreeMap<Flag, u64>,
}

/// A cell of which the formats alone say otherwise than the spans: baton is wrong, in one or the other, or a function
/// that is not baton's own reads or writes the formats in its own way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Defect {
    pub(crate) engine: Engine,
    pub(crate) hop: Hop,
    /// The cell, as in `tracecontext:b3` or `conflicting to b3`.
    pub(crate) cell: String,
    /// The ends of the hand-off that are not baton's own functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) foreign: Vec<FunctionName>,
    /// Hand-offs on which the two differ.
    pub(crate) hand_offs: u64,
    pub(crate) observed: Counts,
    pub(crate) predicted: Counts,
}

impl Counts {
    /// Counts one hand-off; one that could not be judged has no verdict.
    pub(crate) fn add(&mut self, verdict: Option<Verdict>, flags: Flags) {
        if let Some(verdict) = verdict {
            *self.verdicts.entry(verdict).or_default() += 1;
        }
        for flag in Flag::ALL {
            if flag.is_in(flags) {
                *self.flags.entry(flag).or_default() += 1;
            }
        }
    }

    /// The verdict that all hand-offs have, if they have the same.
    pub(crate) fn only(&self) -> Option<Verdict> {
        let mut verdicts = self.verdicts.keys();
        verdicts
            .next()
            .copied()
            .filter(|_| verdicts.next().is_none())
    }

    /// Whether any hand-off could be judged.
    pub(crate) fn is_judged(&self) -> bool {
        !self.verdicts.is_empty()
    }

    /// Whether every hand-off can be followed; not where none was judged.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_judged() && self.verdicts.keys().all(|verdict| verdict.is_whole())
    }

    /// `20 connected, 3 tracestate_lost`.
    pub(crate) fn in_words(&self) -> String {
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
    /// The engines, in the order in which they were asked for.
    pub(crate) fn engines(&self) -> Vec<Engine> {
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
    pub(crate) fn record_of(&self, engine: Engine) -> impl Iterator<Item = &RecordCell> {
        self.record.iter().filter(move |cell| cell.engine == engine)
    }

    /// An engine's cells of the ingress grid.
    pub(crate) fn ingress_of(&self, engine: Engine) -> impl Iterator<Item = &IngressCell> {
        self.ingress
            .iter()
            .filter(move |cell| cell.engine == engine)
    }
}

impl std::fmt::Display for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whose = match self.foreign.as_slice() {
            [] => "defect of baton".to_owned(),
            [FunctionName::Producer] => "the producer is not baton's own".to_owned(),
            [FunctionName::Consumer] => "the consumer is not baton's own".to_owned(),
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
    use baton_propagators::mode::Mode;
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
