//! Times on the command line.

use std::time::Duration;

/// No flag needs a longer time, and clock arithmetic overflows at some point.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

/// Parses a time with its unit: `250ms`, `10s`, `2m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let explain =
        || format!("{text:?} is not a time; write a number and its unit, as in 250ms, 10s or 2m");
    let unit_start = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .ok_or_else(explain)?;
    let (number, unit) = text.split_at(unit_start);
    let number: f64 = number.parse().map_err(|_| explain())?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(explain()),
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration > MAX_DURATION => Err(format!("{text:?} is longer than a day")),
        duration => duration.map_err(|_| explain()),
    }
}

/// Parses a time longer than zero.
pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err(format!(
            "{text:?} is too short; it has to be longer than zero"
        )),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "10", "s", "10 s", "-1s", "1d", "1e400s", "é1s"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }
}
