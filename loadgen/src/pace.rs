//! A cap on the rate of requests, shared by all users.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How late a turn may be taken without losing its place: timers are that coarse, and a capped rate should be met, not
/// only never exceeded. More is never made up for, so that a pause of the system under test is not followed by a flood.
const SLACK: Duration = Duration::from_millis(20);

/// Gives out turns at a steady rate.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Turns at `rate` per second, which a [`Plan`](crate::plan::Plan) has checked.
    pub(crate) fn new(rate: f64) -> Self {
        Self {
            interval: Duration::from_secs_f64(1.0 / rate),
            next: Mutex::new(None),
        }
    }

    /// When the next turn is, for somebody who asks at `now`; each turn is given once.
    pub(crate) fn turn(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = match *next {
            Some(next) if next + SLACK >= now => next,
            _ => now,
        };
        *next = Some(turn + self.interval);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(rate: f64, asked_at_ms: &[u64]) -> Vec<u128> {
        let start = Instant::now();
        let pace = Pace::new(rate);
        asked_at_ms
            .iter()
            .map(|&ms| {
                let turn = pace.turn(start + Duration::from_millis(ms));
                turn.duration_since(start).as_millis()
            })
            .collect()
    }

    #[test]
    fn turns_are_as_far_apart_as_the_rate_says() {
        assert_eq!(
            turns(100.0, &[0, 0, 0, 0]),
            [0, 10, 20, 30],
            "all ask at once"
        );
        assert_eq!(
            turns(100.0, &[0, 15, 22, 39]),
            [0, 10, 20, 30],
            "a little late each time"
        );
        assert_eq!(turns(0.5, &[0, 1]), [0, 2_000], "less than one a second");
    }

    #[test]
    fn a_pause_is_not_followed_by_a_flood() {
        assert_eq!(turns(100.0, &[0, 500, 500, 500]), [0, 500, 510, 520]);
    }
}
