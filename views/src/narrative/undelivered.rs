//! What a report of a run says first: records that were not delivered or not seen again.

use baton_traces::shown::counted;
use baton_traces::summary::Summary;

/// Whether a lab accepted records and delivered none of them.
pub(super) fn is_all(summary: &Summary) -> bool {
    let undelivered = summary.undelivered();
    let records = summary.records.unwrap_or_default();
    undelivered > 0 && undelivered >= records.sent
}

/// How many records the lab of a run accepted and did not deliver.
pub(super) fn not_delivered(label: &str, summary: &Summary) -> Option<String> {
    let undelivered = summary.undelivered();
    let were = if undelivered == 1 { "was" } else { "were" };
    let records = counted(undelivered, "record");
    (undelivered > 0).then(|| format!("{records} {were} accepted and not delivered under {label}."))
}

/// How many delivered records of a run have no span, and what the consumer's spans lack.
pub(super) fn not_seen(label: &str, summary: &Summary) -> Option<String> {
    let unseen = summary.records_without_span.as_ref()?.sentence();
    Some(match summary.nothing_judged_of_records() {
        Some(_) => format!("Under {label}, no record could be judged: {unseen}."),
        None => format!("Under {label}, {unseen}."),
    })
}
