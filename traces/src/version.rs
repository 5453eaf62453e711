//! The version of the JSON that baton prints and saves.

use serde::{Deserialize, Serialize};

/// The version of a JSON document: 1. It increases if a member is dropped, renamed, or gets another
/// meaning. A new member alone does not change it. A document without a version has version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Version(u32);

impl Default for Version {
    fn default() -> Version {
        Version(1)
    }
}
