//! The section on verdicts: a bar and the counts for each hop of each run.

use crate::drawing::Drawing;
use baton_traces::hand_off::{Flag, Hop, Verdict};
use baton_traces::shown::{count, visible};
use baton_traces::summary::Summary;

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 16.0;

/// One run's row.
pub(super) struct VerdictRow {
    pub(super) run: String,
    pub(super) hops: Vec<HopBar>,
    /// What else went wrong or was lost, one phrase each.
    pub(super) troubles: Vec<String>,
}

/// One hop of a run.
pub(super) struct HopBar {
    pub(super) heading: &'static str,
    /// The SVG; empty if nothing was judged.
    pub(super) bar: String,
    pub(super) verdicts: Vec<VerdictCount>,
}

/// How many hand-offs have a verdict.
pub(super) struct VerdictCount {
    pub(super) verdict: Verdict,
    pub(super) count: String,
    pub(super) whole: bool,
}

impl VerdictRow {
    /// `headings` are those of the two hops.
    pub(super) fn of(summary: &Summary, headings: [&'static str; 2]) -> VerdictRow {
        let hops = Hop::BOTH.into_iter().zip(headings);
        let hops = hops.map(|(hop, heading)| HopBar::of(summary, hop, heading));
        VerdictRow {
            run: visible(&summary.name),
            hops: hops.collect(),
            troubles: troubles(summary),
        }
    }
}

impl HopBar {
    fn of(summary: &Summary, hop: Hop, heading: &'static str) -> HopBar {
        let verdicts: Vec<(Verdict, u64)> = Verdict::ALL
            .into_iter()
            .map(|verdict| (verdict, summary.count(hop, verdict)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let label: Vec<String> = verdicts
            .iter()
            .map(|(verdict, number)| format!("{} {verdict}", count(*number)))
            .collect();
        let mut bar = Drawing::new(WIDTH, HEIGHT, label.join(", ")).stretched();
        let judged = summary.judged(hop).max(1) as f64;
        let mut x: f64 = 0.0;
        for (verdict, number) in &verdicts {
            let width = *number as f64 / judged * WIDTH;
            // a rare verdict stays visible
            bar.rectangle(
                (x.min(WIDTH - 1.5), 0.0),
                (width.max(1.5), HEIGHT),
                0.0,
                class(*verdict),
            );
            x += width;
        }
        HopBar {
            heading,
            bar: if verdicts.is_empty() {
                String::new()
            } else {
                bar.inline()
            },
            verdicts: verdicts
                .into_iter()
                .map(|(verdict, number)| VerdictCount {
                    verdict,
                    count: count(number),
                    whole: verdict.holds(),
                })
                .collect(),
        }
    }
}

/// A verdict and its meaning.
pub(super) struct LegendEntry {
    pub(super) verdict: Verdict,
    pub(super) class: &'static str,
    pub(super) meaning: &'static str,
}

/// The verdicts that at least one run has.
pub(super) fn legend(summaries: &[Summary]) -> Vec<LegendEntry> {
    let is_seen = |verdict: Verdict| {
        let counts =
            |summary: &Summary| Hop::BOTH.iter().any(|hop| summary.count(*hop, verdict) > 0);
        summaries.iter().any(counts)
    };
    let seen = Verdict::ALL.into_iter().filter(|verdict| is_seen(*verdict));
    seen.map(|verdict| LegendEntry {
        verdict,
        class: class(verdict),
        meaning: verdict.meaning(),
    })
    .collect()
}

/// The CSS class of a verdict.
fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Connected => "v-connected",
        Verdict::Linked => "v-linked",
        Verdict::NewTrace => "v-new_trace",
        Verdict::WrongParent => "v-wrong_parent",
        Verdict::WrongTrace => "v-wrong_trace",
        Verdict::IdTruncated => "v-id_truncated",
        Verdict::Unsampled => "v-unsampled",
        Verdict::Lost => "v-lost",
    }
}

fn troubles(summary: &Summary) -> Vec<String> {
    let mut troubles = Vec::new();
    let mut add = |number: u64, what: &str| {
        if number > 0 {
            troubles.push(format!("{} {what}", count(number)));
        }
    };
    add(summary.undelivered(), "records accepted and not delivered");
    let unseen = summary.records_without_span.as_ref();
    add(
        unseen.map_or(0, |unseen| unseen.count),
        "records delivered, but no span was found for them",
    );
    add(
        summary.requests.map_or(0, |requests| requests.failed),
        "requests failed",
    );
    add(
        summary.records.map_or(0, |records| records.duplicates),
        "duplicate deliveries",
    );
    for hop in Hop::BOTH {
        let noun = summary.noun(hop);
        let flags = summary.flags.get(&hop).copied().unwrap_or_default();
        for (flag, what) in [
            (Flag::SampledChanged, "with another sampling decision"),
            (Flag::TracestateLost, "that lost tracestate"),
            (Flag::BaggageLost, "that lost baggage"),
            (Flag::DebugLost, "that lost the debug flag"),
        ] {
            add(flags.get(flag).unwrap_or(0), &format!("{noun}s {what}"));
        }
    }
    troubles
}
