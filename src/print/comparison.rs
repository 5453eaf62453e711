//! A comparison in JSON, to which several commands add members of their own.

use baton_traces::compare::Comparison;
use baton_traces::summary::Summary;
use baton_traces::version::Version;
use serde::Serialize;

/// A comparison of runs, and the members of the command.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ComparisonJson<'a, Own> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Summary>"))]
    runs: Vec<&'a Summary>,
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "baton_schemas::Comparison"))]
    comparison: &'a Comparison,
    /// How significance is decided: one sentence each.
    method: Vec<String>,
    #[serde(flatten)]
    own: Own,
}

impl<'a, Own> ComparisonJson<'a, Own> {
    /// A comparison of `runs`, with the members `own`.
    pub(crate) fn new(
        comparison: &'a Comparison,
        runs: impl IntoIterator<Item = &'a Summary>,
        own: Own,
    ) -> Self {
        ComparisonJson {
            version: Version::default(),
            runs: runs.into_iter().collect(),
            comparison,
            method: comparison.method(),
            own,
        }
    }
}
