//! A change of a running lab's settings.

use baton_propagators::{Engine, Mode, OnConflict, Select};
use serde::{Deserialize, Serialize};

/// New settings for a running lab, as the body of `POST /switch`. A setting that is not given stays
/// as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SwitchRequest {
    /// The producer's new mode, as in `tracecontext,b3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// The consumer's new mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// The new engine of both functions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Which context both functions continue if several are valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<String>,
    /// What both functions do if contexts disagree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_conflict: Option<String>,
}

/// A [`SwitchRequest`] whose values are valid.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) producer: Option<Mode>,
    pub(crate) consumer: Option<Mode>,
    pub(crate) engine: Option<Engine>,
    pub(crate) select: Option<Select>,
    pub(crate) on_conflict: Option<OnConflict>,
}

impl Change {
    /// Whether it changes a setting that both functions have.
    pub(crate) fn is_for_both(&self) -> bool {
        self.engine.is_some() || self.select.is_some() || self.on_conflict.is_some()
    }
}

impl TryFrom<&SwitchRequest> for Change {
    type Error = String;

    fn try_from(request: &SwitchRequest) -> Result<Change, String> {
        fn read<T: std::str::FromStr>(text: Option<&String>) -> Result<Option<T>, String>
        where
            T::Err: ToString,
        {
            let read = text.map(|text| text.parse().map_err(|error: T::Err| error.to_string()));
            read.transpose()
        }
        Ok(Change {
            producer: read(request.producer.as_ref())?,
            consumer: read(request.consumer.as_ref())?,
            engine: read(request.engine.as_ref())?,
            select: read(request.select.as_ref())?,
            on_conflict: read(request.on_conflict.as_ref())?,
        })
    }
}
