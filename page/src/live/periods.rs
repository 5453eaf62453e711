//! The periods between two switches, each with its counts.

use std::collections::{BTreeMap, VecDeque};

use baton_propagators::Mode;
use baton_traces::span::UnixTime;
use jiff::Timestamp;

use super::audit_state::{AuditState, Notes};
use super::edges::Edges;
use super::names::Name;
use crate::settings::{self, Variables};

/// How many periods are kept, the newest.
const MAX_PERIODS: usize = 200;

/// The time between two switches.
#[derive(Debug)]
pub(crate) struct Period {
    /// When its settings took effect.
    pub(crate) since: Timestamp,
    /// When the next settings took effect. `None` for the present period.
    pub(crate) until: Option<Timestamp>,
    /// The formats that the page writes when it sends a request as a client.
    pub(crate) client: Mode,
    /// The variables that choose the producer's formats.
    pub(crate) producer: Variables,
    /// The consumer's.
    pub(crate) consumer: Variables,
    /// The hand-offs by their edges.
    pub(crate) edges: Edges,
    /// The spans of each service.
    pub(crate) spans: BTreeMap<Name, u64>,
    /// What audits found that is not a hand-off's verdict.
    pub(crate) audit: AuditState,
}

impl Period {
    fn new(since: Timestamp) -> Period {
        Period {
            since,
            until: None,
            client: Mode::NONE,
            producer: Variables::new(),
            consumer: Variables::new(),
            edges: Edges::default(),
            spans: BTreeMap::new(),
            audit: AuditState::default(),
        }
    }

    /// Whether both have the same settings, even if other variables say so. A switch reports each
    /// function separately.
    fn is_set_like(&self, other: &Period) -> bool {
        self.client == other.client
            && settings::are_same(&self.producer, &other.producer)
            && settings::are_same(&self.consumer, &other.consumer)
    }

    /// Keeps what an audit found, and what it knew of traces that have left memory.
    pub(super) fn end_audit(&mut self, round: u32, notes: Notes) {
        for edge in self.audit.end(round, notes) {
            self.edges.more_may_have_broken(edge);
        }
    }
}

/// The periods that are kept. Each has a number, which it never loses.
#[derive(Debug)]
pub(crate) struct Periods {
    /// The number of the first one.
    first: usize,
    kept: VecDeque<Period>,
}

impl Periods {
    /// One period: the time before the lab reports its settings.
    pub(super) fn new() -> Periods {
        Periods {
            first: 0,
            kept: VecDeque::from([Period::new(Timestamp::now())]),
        }
    }

    /// Begins a period with the settings that `change` makes of the present ones. A period in which
    /// nothing was sent is replaced. If there are too many, the oldest leaves with its counts.
    pub(super) fn begin(&mut self, since: Timestamp, change: impl FnOnce(&mut Period)) {
        let mut period = Period::new(since);
        if let Some(last) = self.kept.back_mut() {
            period.client = last.client.clone();
            period.producer = last.producer.clone();
            period.consumer = last.consumer.clone();
            change(&mut period);
            if last.is_set_like(&period) {
                return;
            }
            if last.edges.is_empty() && last.spans.is_empty() {
                *last = period;
                return;
            }
            last.until = Some(since);
        }
        self.kept.push_back(period);
        if self.kept.len() > MAX_PERIODS {
            self.kept.pop_front();
            self.first += 1;
        }
    }

    /// How many have left memory. Their numbers are lower than this.
    pub(crate) fn forgotten(&self) -> usize {
        self.first
    }

    /// The mode of the page's client at present.
    pub(crate) fn client(&self) -> Mode {
        let last = self.kept.back();
        last.map_or(Mode::NONE, |period| period.client.clone())
    }

    /// The number of the present period.
    pub(crate) fn last(&self) -> usize {
        self.first + self.kept.len() - 1
    }

    /// The period with this number; `None` if it has left memory, or has not begun.
    pub(crate) fn get(&self, number: usize) -> Option<&Period> {
        self.kept.get(number.checked_sub(self.first)?)
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut Period> {
        self.kept.get_mut(number.checked_sub(self.first)?)
    }

    /// All that are kept with their numbers, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &Period)> {
        self.kept
            .iter()
            .enumerate()
            .map(|(place, period)| (self.first + place, period))
    }

    /// The number of the period in which something happened: the last one that had begun. If that
    /// has left memory, so has the number.
    pub(super) fn at(&self, time: Option<UnixTime>) -> usize {
        let Some(time) = time else { return self.last() };
        let nanoseconds = i128::from(time.as_nanoseconds());
        let begun = |period: &Period| period.since.as_nanosecond() <= nanoseconds;
        match self.kept.iter().rposition(begun) {
            Some(place) => self.first + place,
            None => self.first.saturating_sub(1),
        }
    }

    /// The period that has to be audited next, with the number of its turn. The newest, which most
    /// people look at, takes turns with the one that has waited longest.
    pub(super) fn next_to_audit(&self) -> Option<(usize, u64)> {
        let turns = self.kept.iter().map(|period| period.audit.turn);
        let last = turns.max().unwrap_or_default();
        let due = || {
            let periods = self.iter().rev();
            periods.filter(|(_, period)| period.audit.is_due)
        };
        let newest = due().next()?;
        let (number, _) = match newest.1.audit.turn == last {
            true => due().min_by_key(|(_, period)| period.audit.turn)?,
            false => newest,
        };
        Some((number, last + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::Names;
    use super::*;

    #[test]
    fn the_newest_period_takes_turns_with_those_that_wait() {
        let mut periods = Periods::new();
        let service = Names::default().number("web");
        for mode in ["b3", "b3multi"] {
            let last = periods.last();
            let period = periods.get_mut(last).expect("the last one");
            period.spans.insert(service, 1);
            let settings = [("OTEL_PROPAGATORS".to_owned(), mode.to_owned())];
            periods.begin(Timestamp::now(), |period| {
                period.producer = settings.into();
            });
        }
        let audited = [(); 6].map(|()| {
            for number in 0..=periods.last() {
                let period = periods.get_mut(number).expect("a period");
                period.audit.is_due = true;
            }
            let (number, turn) = periods.next_to_audit().expect("all are due");
            let period = periods.get_mut(number).expect("a period");
            period.audit.begin(turn);
            number
        });
        assert_eq!(audited, [2, 1, 2, 0, 2, 1]);
    }
}
