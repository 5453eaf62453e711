//! Times of spans and events.

use std::num::NonZeroU64;
use std::time::Duration;

/// A time in nanoseconds since the Unix epoch. There is no value for an unknown time, which OTLP
/// writes as 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(NonZeroU64);

impl UnixTime {
    /// The time `nanoseconds` after the epoch; `None` for 0, which means an unknown time.
    pub fn from_nanoseconds(nanoseconds: u64) -> Option<UnixTime> {
        NonZeroU64::new(nanoseconds).map(UnixTime)
    }

    /// Parses an RFC 3339 time, such as `2026-11-29T12:00:00Z`.
    ///
    /// # Errors
    /// If `text` is not such a time, or is before 1970.
    pub fn parse(text: &str) -> Result<UnixTime, String> {
        let expected =
            || format!("{text:?} is not a time; write it like 2026-11-29T12:00:00Z (RFC 3339)");
        let time: jiff::Timestamp = text.parse().map_err(|_| expected())?;
        UnixTime::of(time).ok_or_else(expected)
    }

    /// The time of a timestamp; `None` if it is not after 1970 began, or is too late for OTLP.
    pub fn of(time: jiff::Timestamp) -> Option<UnixTime> {
        UnixTime::from_nanoseconds(u64::try_from(time.as_nanosecond()).ok()?)
    }

    /// Nanoseconds since the epoch.
    pub fn as_nanoseconds(self) -> u64 {
        self.0.get()
    }

    /// The same time as a timestamp, which JSON shows as RFC 3339.
    pub fn timestamp(self) -> jiff::Timestamp {
        // the latest time is in the year 2554
        jiff::Timestamp::from_nanosecond(self.0.get().into()).unwrap_or_default()
    }

    /// The time between `earlier` and this time; `None` if `earlier` is later, because clocks
    /// disagree.
    pub fn since(self, earlier: UnixTime) -> Option<Duration> {
        self.0
            .get()
            .checked_sub(earlier.0.get())
            .map(Duration::from_nanos)
    }
}
