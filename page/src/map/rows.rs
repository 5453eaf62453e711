//! The edges of a map in words.

use baton_traces::hand_off::Verdict;
use baton_traces::shown::{count, counted, service_name, visible};
use baton_views::service_map::rate;

use super::flows::Flow;
use super::{CLIENT, UNSEEN, address};

/// The receiver of messages and requests that no span shows.
const NO_RECEIVER: &str = "(no receiver seen)";
/// Both ends of the edges that are not listed.
const FURTHER: &str = "(further edges)";

/// An edge in words.
pub(crate) struct EdgeRow {
    /// The sender's name.
    pub(crate) from: String,
    /// The receiver's name.
    pub(crate) to: String,
    /// The queue's name.
    pub(crate) over: Option<String>,
    /// How many hand-offs.
    pub(crate) count: String,
    /// The same in words.
    hand_offs: String,
    /// How many broke, of those whose verdict is known.
    broken: String,
    /// Hand-offs per second.
    pub(crate) rate: String,
    /// `broken`, `whole`, or empty if nothing is judged.
    pub(crate) state: &'static str,
    /// The edge in one word.
    pub(crate) word: &'static str,
    /// The verdicts, each with its meaning and an example.
    pub(crate) verdicts: Vec<VerdictLine>,
    /// What broke it, why there is no verdict, or how many have none.
    pub(crate) remarks: Vec<String>,
    /// The address of the traces over it.
    pub(crate) address: String,
}

/// One verdict on an edge.
pub(crate) struct VerdictLine {
    /// How many hand-offs have it.
    pub(crate) count: String,
    /// Its name.
    pub(crate) name: &'static str,
    /// Its meaning.
    pub(crate) meaning: &'static str,
    /// Whether the trace held.
    pub(crate) is_whole: bool,
    /// A trace with it.
    pub(crate) example: Option<String>,
}

impl EdgeRow {
    /// The rate of an edge over which nothing went recently.
    pub(crate) const NO_RATE: &str = "0";

    pub(super) fn of(flow: &Flow) -> EdgeRow {
        let (state, word) = state(flow);
        let search = [
            ("from", flow.from.clone().unwrap_or_default()),
            (
                "to",
                flow.to
                    .clone()
                    .or_else(|| flow.queue.clone())
                    .unwrap_or_default(),
            ),
        ];
        let unseen = match flow.queue {
            Some(_) => UNSEEN,
            None => CLIENT,
        };
        let (from, to) = match flow.is_further {
            true => (FURTHER.to_owned(), FURTHER.to_owned()),
            false => (
                flow.from
                    .as_deref()
                    .map_or_else(|| unseen.to_owned(), service_name),
                flow.to
                    .as_deref()
                    .map_or_else(|| NO_RECEIVER.to_owned(), service_name),
            ),
        };
        EdgeRow {
            from,
            to,
            over: flow.queue.as_deref().map(visible),
            count: count(flow.count),
            hand_offs: counted(flow.count, "hand-off"),
            broken: count(flow.verdicts.iter().map(broken).sum()),
            rate: match flow.rate > 0.0 {
                true => rate(flow.rate.round() as u64),
                false => EdgeRow::NO_RATE.to_owned(),
            },
            state,
            word,
            verdicts: flow
                .verdicts
                .iter()
                .map(|(verdict, number)| VerdictLine {
                    count: count(*number),
                    name: verdict.name(),
                    meaning: verdict.meaning(),
                    is_whole: verdict.holds(),
                    example: flow.examples.get(verdict).map(ToString::to_string),
                })
                .collect(),
            remarks: remarks(flow),
            address: address("/traces", &search),
        }
    }

    /// Where the trace broke, and what became of it.
    pub(super) fn break_sentence(&self) -> String {
        if self.from == FURTHER {
            return "The trace breaks over edges that are not listed.".to_owned();
        }
        let over = self.over.as_ref();
        let over = over.map_or_else(String::new, |queue| format!(" over the stream {queue}"));
        let verdicts = self.verdicts.iter().filter(|verdict| !verdict.is_whole);
        let verdicts: Vec<String> = verdicts
            .map(|verdict| format!("{} {}", verdict.count, verdict.name))
            .collect();
        let what = match verdicts.is_empty() {
            true => String::new(),
            false => format!(
                ": {} of {} broke ({})",
                self.broken,
                self.hand_offs,
                verdicts.join(", ")
            ),
        };
        format!(
            "The trace breaks from {} to {}{over}{what}.",
            self.from, self.to
        )
    }
}

fn state(flow: &Flow) -> (&'static str, &'static str) {
    let whole: u64 = flow.judged() - flow.verdicts.iter().map(broken).sum::<u64>();
    match (flow.broken(), whole) {
        (0, 0) => ("", "not judged"),
        (0, _) => ("whole", "held"),
        (_, 0) => ("broken", "broke"),
        _ => ("broken", "some broke"),
    }
}

fn broken((verdict, number): (&Verdict, &u64)) -> u64 {
    match verdict.holds() {
        true => 0,
        false => *number,
    }
}

fn remarks(flow: &Flow) -> Vec<String> {
    let mut remarks = Vec::new();
    let more = flow.ambiguous.more();
    remarks.extend(more.map(|more| format!("{more}; the spans do not show which")));
    if flow.more_may_have_broken {
        let remark = "more may have broken in traces that have left memory; how many is not known";
        remarks.push(remark.to_owned());
    }
    remarks.extend(flow.cause.as_deref().map(visible));
    if flow.unsampled > 0 {
        remarks.push(format!(
            "{} not sampled; the ids are from the functions' logs",
            counted(flow.unsampled, "hand-off")
        ));
    }
    if flow.left_unjudged > 0 {
        remarks.push(format!(
            "{} left memory before both ends were seen, so nothing is known of the trace",
            counted(flow.left_unjudged, "hand-off")
        ));
    }
    let without = flow
        .count
        .saturating_sub(flow.judged() + flow.ambiguous.at_least + flow.left_unjudged);
    if without == 0 {
        return remarks;
    }
    let why = match (&flow.from, &flow.to) {
        _ if flow.judged() > 0 || flow.broken() > 0 => "",
        _ if flow.is_further => ": the other end was not seen",
        (_, None) => ": no receiver was seen yet. It may still come, or was not sampled",
        (None, _) => ": the sender has no span to compare with",
        _ => ": neither end was traced",
    };
    remarks.push(format!("{} not judged{why}", counted(without, "hand-off")));
    remarks
}
