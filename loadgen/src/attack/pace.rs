//! The due times of requests under a rate.

use std::time::Duration;

/// A fixed schedule, shared by all users. The due time of a request does not depend on earlier
/// requests. If the system under test stalls, delayed requests are sent as soon as users are free,
/// and their latency counts from the due time. A schedule that waited for the stall to end would
/// hide it (coordinated omission).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Requests per second.
    rate: f64,
    /// How long the rate rises from 0, in seconds.
    ramp: f64,
}

impl Pace {
    /// Requests at `rate` per second, after rising to it during `ramp`. A
    /// [`Plan`](crate::plan::Plan) has checked the rate.
    pub(crate) fn new(rate: f64, ramp: Duration) -> Self {
        let ramp = ramp.as_secs_f64();
        Self { rate, ramp }
    }

    /// How long after the beginning request `number` is due.
    pub(crate) fn due(&self, number: u64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the number of requests is far below 2^52"
        )]
        let number = number as f64;
        // the rate rises linearly, so the count rises with the square of the time
        let while_rising = self.rate * self.ramp / 2.0;
        let seconds = if number < while_rising {
            (2.0 * self.ramp * number / self.rate).sqrt()
        } else {
            number / self.rate + self.ramp / 2.0
        };
        Duration::from_secs_f64(seconds)
    }

    /// How many requests are due before `elapsed` has passed.
    pub(crate) fn count(&self, elapsed: Duration) -> u64 {
        let elapsed = elapsed.as_secs_f64();
        let count = if elapsed < self.ramp {
            self.rate * elapsed * elapsed / (2.0 * self.ramp)
        } else {
            self.rate * (elapsed - self.ramp / 2.0)
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a plan's rate and duration make no more than 2^37"
        )]
        let count = count.ceil() as u64;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(rate: f64, ramp: u64, numbers: &[u64]) -> Vec<u128> {
        let pace = Pace::new(rate, Duration::from_secs(ramp));
        let due = numbers.iter().map(|number| pace.due(*number));
        due.map(|due| due.as_millis()).collect()
    }

    #[test]
    fn requests_are_as_far_apart_as_the_rate_says() {
        assert_eq!(due(100.0, 0, &[0, 1, 2, 1_000]), [0, 10, 20, 10_000]);
        assert_eq!(due(0.5, 0, &[0, 1]), [0, 2_000], "less than one a second");
    }

    #[test]
    fn a_ramp_rises_evenly_to_the_rate() {
        // half of ten seconds' requests after ten seconds, a quarter of that after five
        assert_eq!(
            due(100.0, 10, &[0, 125, 500, 600]),
            [0, 5_000, 10_000, 11_000]
        );
    }

    #[test]
    fn due_requests_can_be_counted() {
        for (ramp, elapsed, count) in [(0, 10, 1_000), (10, 5, 125), (10, 10, 500), (10, 20, 1_500)]
        {
            let pace = Pace::new(100.0, Duration::from_secs(ramp));
            assert_eq!(
                pace.count(Duration::from_secs(elapsed)),
                count,
                "{ramp} {elapsed}"
            );
        }
    }
}
