//! The section on how the runs were measured: common settings, and each run's own.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Run;
use baton_traces::run::Manifest;
use baton_traces::shown::{count, visible};

/// The settings of the runs.
pub(super) struct Setup {
    /// Names and values of the settings that all runs share.
    pub(super) common: Vec<(String, String)>,
    pub(super) runs: Vec<RunSetup>,
}

/// One run's row.
pub(super) struct RunSetup {
    pub(super) run: String,
    /// The values of [`FIGURES`], in the same order.
    pub(super) figures: Vec<String>,
    /// Names and values of the settings that not all runs share.
    pub(super) own: Vec<(String, String)>,
}

impl Setup {
    pub(super) fn of(runs: &[Run]) -> Setup {
        let settings: Vec<BTreeMap<String, String>> = runs
            .iter()
            .map(|run| run.manifest.as_ref().map(settings).unwrap_or_default())
            .collect();
        let is_common = |name: &String, value: &String| {
            settings
                .iter()
                .all(|settings| settings.get(name) == Some(value))
        };
        let own = |settings: &BTreeMap<String, String>| -> Vec<(String, String)> {
            let own = settings
                .iter()
                .filter(|(name, value)| !is_common(name, value));
            own.map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        let common = settings.first().into_iter().flatten();
        let common = common.filter(|(name, value)| is_common(name, value));
        Setup {
            common: common
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            runs: runs
                .iter()
                .zip(&settings)
                .map(|(run, settings)| RunSetup {
                    run: visible(&run.summary().name),
                    figures: figures(run),
                    own: own(settings).into_iter().chain(started(run)).collect(),
                })
                .collect(),
        }
    }
}

/// All settings by name, made visible.
fn settings(manifest: &Manifest) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> = manifest
        .settings
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (visible(name), visible(&text(value))))
        .collect();
    for (name, version) in &manifest.versions {
        settings.insert(format!("version of {}", visible(name)), visible(version));
    }
    settings.insert("engine".to_owned(), manifest.engine.to_string());
    if let Some(pairing) = &manifest.pairing {
        settings.insert("producer".to_owned(), pairing.producer.to_string());
        settings.insert("consumer".to_owned(), pairing.consumer.to_string());
    }
    settings
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name} {}", text(value)))
                .collect();
            fields.join(", ")
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(text).collect();
            items.join("; ")
        }
        other => other.to_string(),
    }
}

fn started(run: &Run) -> Option<(String, String)> {
    let started = run.summary().started?;
    let started = started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    Some(("started".to_owned(), started))
}

/// The headings of the counts in each run's row.
pub(super) const FIGURES: [&str; 10] = [
    "requests",
    "failed",
    "per second",
    "records",
    "delivered",
    "lost",
    "again",
    "spans",
    "traces",
    "seconds",
];

fn figures(run: &Run) -> Vec<String> {
    let summary = run.summary();
    let figures = [
        summary.requests.map(|requests| count(requests.sent)),
        summary.requests.map(|requests| count(requests.failed)),
        summary.throughput_rps.map(|rate| format!("{rate:.0}")),
        summary.records.map(|records| count(records.sent)),
        summary
            .records
            .and_then(|records| records.delivered)
            .map(count),
        summary.records.and_then(|records| records.lost).map(count),
        summary.records.map(|records| count(records.duplicates)),
        summary.spans.map(count),
        summary.traces.map(count),
        summary.duration_s.map(|seconds| format!("{seconds:.1}")),
    ];
    figures
        .map(|figure| figure.unwrap_or_else(|| "-".to_owned()))
        .into()
}
