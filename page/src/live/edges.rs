//! The edges between services: how many hand-offs went over each, and what became of them.

use std::collections::BTreeMap;

use baton_propagators::TraceId;
use baton_traces::hand_off::Verdict;
use jiff::Timestamp;

use super::names::Name;

/// How many edges of one period are listed. All further ones are counted together.
const MAX_EDGES: usize = 500;
/// Over how many seconds a rate is measured.
const RATE_SECONDS: usize = 10;
/// How many seconds an end may have to wait for the other one, whose function sends its spans
/// later.
const ON_ITS_WAY_SECONDS: i64 = 2;

/// An edge: from a service, over a queue or not, to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EdgeKey {
    /// The sender; `None` if it has no span.
    pub(crate) from: Option<Name>,
    /// The stream or queue.
    pub(crate) queue: Option<Name>,
    /// The receiver; `None` if it has no span.
    pub(crate) to: Option<Name>,
}

impl EdgeKey {
    /// All edges beyond the first [`MAX_EDGES`]. No edge has neither a sender nor a receiver.
    pub(crate) const FURTHER: EdgeKey = EdgeKey {
        from: None,
        queue: None,
        to: None,
    };
}

/// The place where a hand-off is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// The number of the period.
    pub(super) period: usize,
    pub(super) edge: EdgeKey,
    pub(super) verdict: Option<Verdict>,
    /// Whether one of its ends was not sampled, and is known from the log.
    pub(super) is_unsampled: bool,
}

/// The hand-offs over one edge.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgeCount {
    /// How many.
    pub(crate) count: u64,
    /// How many have each verdict. Those with one end have none.
    pub(crate) verdicts: BTreeMap<Verdict, u64>,
    /// The newest trace with each verdict.
    pub(crate) examples: BTreeMap<Verdict, TraceId>,
    /// How many have an end that was not sampled, and is known from the log.
    pub(crate) unsampled: u64,
    /// How many left memory before they had a verdict. They never get one.
    pub(crate) left_unjudged: u64,
    /// Whether more may have broken, in traces that have left memory. An audit knew that some had,
    /// but not which they were.
    pub(crate) more_may_have_broken: bool,
    rate: Rate,
}

/// Counts events of the last seconds.
#[derive(Clone, Debug, Default)]
struct Rate {
    /// The second of the first event after a time without any.
    first: i64,
    second: i64,
    counts: [u32; RATE_SECONDS + 1],
}

impl Rate {
    fn advance(&mut self, second: i64) {
        let passed = (second - self.second).clamp(0, RATE_SECONDS as i64 + 1);
        for step in 1..=passed {
            self.counts[place(second - passed + step)] = 0;
        }
        self.second = self.second.max(second);
    }

    fn add(&mut self, second: i64) {
        self.advance(second);
        if self.counts.iter().all(|count| *count == 0) {
            self.first = self.second;
        }
        self.counts[place(self.second)] += 1;
    }

    /// The mean number in each of the last full seconds, since the first event.
    fn per_second(&self, second: i64) -> f64 {
        let mut rate = self.clone();
        rate.advance(second);
        rate.counts[place(rate.second)] = 0;
        let counts = rate.counts.iter().map(|count| f64::from(*count));
        let seconds = (second - self.first).clamp(1, RATE_SECONDS as i64);
        counts.sum::<f64>() / seconds as f64
    }

    /// How many events there were in the last full seconds, and in this one.
    fn recent(&self, second: i64, seconds: i64) -> u64 {
        let mut rate = self.clone();
        rate.advance(second);
        let seconds = second - seconds..=second;
        seconds
            .map(|second| u64::from(rate.counts[place(second)]))
            .sum()
    }
}

fn place(second: i64) -> usize {
    second.rem_euclid(RATE_SECONDS as i64 + 1) as usize
}

impl EdgeCount {
    /// Hand-offs per second, over the last ten seconds.
    pub(crate) fn rate(&self) -> f64 {
        self.rate.per_second(Timestamp::now().as_second())
    }

    /// Whether all of its hand-offs began so recently that their other ends may still arrive.
    pub(crate) fn may_be_on_its_way(&self) -> bool {
        let recent = self
            .rate
            .recent(Timestamp::now().as_second(), ON_ITS_WAY_SECONDS);
        self.verdicts.is_empty() && self.left_unjudged == 0 && self.count <= recent
    }

    fn uncount(&mut self, counted: &Counted) {
        self.count = self.count.saturating_sub(1);
        self.unsampled -= u64::from(counted.is_unsampled).min(self.unsampled);
        if let Some(verdict) = counted.verdict
            && let Some(count) = self.verdicts.get_mut(&verdict)
        {
            *count -= 1;
            if *count == 0 {
                self.verdicts.remove(&verdict);
                self.examples.remove(&verdict);
            }
        }
    }
}

/// The edges of one period.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edges(BTreeMap<EdgeKey, EdgeCount>);

impl Edges {
    /// All edges. [`EdgeKey::FURTHER`] has those that are not listed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&EdgeKey, &EdgeCount)> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a hand-off over `edge` is counted: there, or among the further ones.
    pub(super) fn place_of(&self, edge: EdgeKey) -> EdgeKey {
        match self.0.len() < MAX_EDGES || self.0.contains_key(&edge) {
            true => edge,
            false => EdgeKey::FURTHER,
        }
    }

    /// Counts a hand-off. `example` is the trace that shows it. `is_new` says whether it also
    /// counts for the rate.
    pub(super) fn count(&mut self, counted: &Counted, example: Option<TraceId>, is_new: bool) {
        let edge = self.0.entry(counted.edge).or_default();
        edge.count += 1;
        edge.unsampled += u64::from(counted.is_unsampled);
        if is_new {
            edge.rate.add(Timestamp::now().as_second());
        }
        if let Some(verdict) = counted.verdict {
            *edge.verdicts.entry(verdict).or_default() += 1;
            edge.examples
                .extend(example.map(|example| (verdict, example)));
        }
    }

    /// Takes back a count.
    pub(super) fn uncount(&mut self, counted: &Counted) {
        let Some(edge) = self.0.get_mut(&counted.edge) else {
            return;
        };
        edge.uncount(counted);
        if edge.count == 0 && !edge.more_may_have_broken {
            self.0.remove(&counted.edge);
        }
    }

    /// Notes that a counted hand-off leaves memory.
    pub(super) fn leave(&mut self, counted: &Counted) {
        if let Some(edge) = self.0.get_mut(&counted.edge)
            && counted.verdict.is_none()
        {
            edge.left_unjudged += 1;
        }
    }

    /// Notes that more may have broken over `edge`, which nothing shows any more.
    pub(super) fn more_may_have_broken(&mut self, edge: EdgeKey) {
        let edge = self.place_of(edge);
        self.0.entry(edge).or_default().more_may_have_broken = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_the_last_full_seconds() {
        let mut rate = Rate::default();
        for second in 100..105 {
            for _ in 0..20 {
                rate.add(second);
            }
            assert_eq!(
                rate.per_second(second + 1),
                20.0,
                "from the first second on"
            );
        }
        assert_eq!(rate.per_second(110), 10.0);
        assert_eq!(rate.per_second(112), 6.0);
        assert_eq!(rate.per_second(200), 0.0);
        assert_eq!(
            [104, 106, 107].map(|second| rate.recent(second, 2)),
            [60, 20, 0]
        );
    }
}
