//! Records that a lab delivered, but for which no span or log line was found.

use serde::{Deserialize, Serialize};

use super::{Known, metrics_of_hop};
use crate::hand_off::{Hop, Verdict};
use crate::matching::by_id::Assembly;
use crate::span::Key;

/// Records that were delivered and cannot be judged, because no span or log line was found for
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnseenRecords {
    /// How many.
    pub count: u64,
    /// Why no span was found: `the consumer's spans lack messaging.message.id`.
    pub why: String,
}

impl UnseenRecords {
    /// The sentence: `1 record was delivered, but no span was found for it: …`.
    pub fn sentence(&self) -> String {
        let UnseenRecords { count, why } = self;
        match count {
            1 => format!("1 record was delivered, but no span was found for it: {why}"),
            _ => format!("{count} records were delivered, but no span was found for them: {why}"),
        }
    }
}

/// Says which records of a run cannot be judged although a lab delivered them, and which attributes
/// the consumer's spans lack.
pub(super) fn records(known: &mut Known, assembly: &Assembly) {
    let is_seen = assembly.has_receivers(Hop::Record);
    let count = assembly.delivered_unseen();
    if count > 0 {
        let unseen = UnseenRecords {
            count,
            why: assembly.why_unseen(),
        };
        let delivered = metrics_of_hop(Hop::Record);
        let lost = format!("{}.{}", Hop::Record, Verdict::Lost);
        let metrics = delivered.filter(|metric| !is_seen && *metric != lost);
        known.cannot_tell(&format!("record: {}", unseen.sentence()), metrics);
        known.unseen = Some(unseen);
    }
    for attribute in assembly.lacking() {
        let sentence = format!(
            "the consumer's spans lack {attribute}; they are matched by {} alone",
            Key::MessageId.name()
        );
        known.cannot_tell(&sentence, []);
    }
}
