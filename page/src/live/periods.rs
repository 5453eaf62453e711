//! The counts of each period between two switches.

use std::collections::BTreeMap;

use baton_lab::{FunctionStatus, LabStatus};
use baton_propagators::id::TraceId;
use baton_traces::hand_off::Verdict;
use baton_traces::span::UnixTime;
use jiff::Timestamp;

use super::Held;
use super::audits::Audited;
use super::hand_offs::Counted;
use super::names::Name;

/// How many periods are kept.
const MAX_PERIODS: usize = 200;
/// How many edges of one period are counted.
const MAX_EDGES: usize = 500;
/// Over how many seconds a rate is measured.
const RATE_SECONDS: usize = 10;

/// The time between two switches.
#[derive(Debug)]
pub(crate) struct Period {
    /// When its settings took effect.
    pub(crate) since: Timestamp,
    /// The variables that choose the producer's formats, and the consumer's.
    pub(crate) producer: BTreeMap<String, String>,
    /// The consumer's.
    pub(crate) consumer: BTreeMap<String, String>,
    /// The hand-offs by their edges.
    pub(crate) edges: BTreeMap<EdgeKey, EdgeCount>,
    /// The spans of each service.
    pub(crate) spans: BTreeMap<Name, u64>,
    /// Whether spans came whose hand-offs only an audit can find.
    pub(crate) to_audit: bool,
    /// What the last audit found.
    pub(crate) audited: Option<Audited>,
}

/// An edge: from a service, over a queue or not, to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EdgeKey {
    /// The sender; `None` if it has no span.
    pub(crate) from: Option<Name>,
    /// The stream or queue.
    pub(crate) queue: Option<Name>,
    /// The receiver; `None` if it has no span yet.
    pub(crate) to: Option<Name>,
}

/// The hand-offs over one edge.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgeCount {
    /// How many.
    pub(crate) count: u64,
    /// How many have each verdict. Those without a sender's span have none.
    pub(crate) verdicts: BTreeMap<Verdict, u64>,
    /// The newest trace with each verdict.
    pub(crate) examples: BTreeMap<Verdict, TraceId>,
    /// How many have an end that was not sampled, and is known from the log.
    pub(crate) unsampled: u64,
    rate: Rate,
}

/// Counts events of the last seconds.
#[derive(Clone, Debug, Default)]
struct Rate {
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
        self.counts[place(self.second)] += 1;
    }

    /// The mean number in each of the last full seconds.
    fn per_second(&self, second: i64) -> f64 {
        let mut rate = self.clone();
        rate.advance(second);
        rate.counts[place(rate.second)] = 0;
        let counts = rate.counts.iter().map(|count| f64::from(*count));
        counts.sum::<f64>() / RATE_SECONDS as f64
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
}

impl Period {
    /// The time before the lab has told its settings.
    pub(super) fn before_all() -> Period {
        Period {
            since: Timestamp::now(),
            producer: BTreeMap::new(),
            consumer: BTreeMap::new(),
            edges: BTreeMap::new(),
            spans: BTreeMap::new(),
            to_audit: false,
            audited: None,
        }
    }

    fn new(status: &LabStatus, since: Timestamp) -> Period {
        let variables = |function: &FunctionStatus| function.propagation.clone();
        Period {
            since,
            producer: variables(&status.producer),
            consumer: variables(&status.consumer),
            edges: BTreeMap::new(),
            spans: BTreeMap::new(),
            to_audit: false,
            audited: None,
        }
    }

    pub(super) fn count(&mut self, counted: &Counted, example: Option<TraceId>, is_new: bool) {
        if self.edges.len() >= MAX_EDGES && !self.edges.contains_key(&counted.edge) {
            return;
        }
        let edge = self.edges.entry(counted.edge).or_default();
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

    pub(super) fn uncount(&mut self, counted: &Counted) {
        let Some(edge) = self.edges.get_mut(&counted.edge) else {
            return;
        };
        edge.count = edge.count.saturating_sub(1);
        edge.unsampled -= u64::from(counted.is_unsampled).min(edge.unsampled);
        if let Some(verdict) = counted.verdict
            && let Some(count) = edge.verdicts.get_mut(&verdict)
        {
            *count -= 1;
            if *count == 0 {
                edge.verdicts.remove(&verdict);
                edge.examples.remove(&verdict);
            }
        }
        if edge.count == 0 {
            self.edges.remove(&counted.edge);
        }
    }
}

impl Held {
    /// Begins a period with the settings of `status`. A period in which nothing was sent is
    /// replaced.
    pub(super) fn begin_period(&mut self, status: &LabStatus, since: Timestamp) {
        let period = Period::new(status, since);
        if let Some(last) = self.periods.last_mut() {
            if (&last.producer, &last.consumer) == (&period.producer, &period.consumer) {
                return;
            }
            if last.edges.is_empty() && last.spans.is_empty() {
                *last = period;
                return;
            }
        }
        if self.periods.len() < MAX_PERIODS {
            self.periods.push(period);
        } else if let Some(last) = self.periods.last_mut() {
            // hand-offs name their period by its place, so the first ones stay
            *last = period;
        }
    }

    /// All periods, the oldest first.
    pub(crate) fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// The place of the period in which something happened: the last one that had begun.
    pub(super) fn period_at(&self, time: Option<UnixTime>) -> usize {
        let last = self.periods.len().saturating_sub(1);
        let Some(time) = time else { return last };
        let nanoseconds = i128::from(time.as_nanoseconds());
        let begun = |period: &Period| period.since.as_nanosecond() <= nanoseconds;
        self.periods.iter().rposition(begun).unwrap_or(0)
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
        }
        assert_eq!(rate.per_second(105), 10.0);
        assert_eq!(rate.per_second(110), 10.0);
        assert_eq!(rate.per_second(112), 6.0);
        assert_eq!(rate.per_second(200), 0.0);
    }
}
