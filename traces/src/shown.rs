//! Writes names, durations and counts for people.

use std::time::Duration;

use crate::span::UnixTime;

/// `text` with escapes for characters that could control a terminal, reorder text or be invisible:
/// control characters, line breaks, bidirectional marks, and characters without width. U+FFFE and
/// U+FFFF are escaped too, because XML does not allow them.
///
/// ```
/// use baton_traces::shown::visible;
///
/// assert_eq!(visible("a\u{1b}[31mb\u{202e}c"), "a\\u{1b}[31mb\\u{202e}c");
/// assert_eq!(visible("naïve 日本 \"x\""), "naïve 日本 \"x\"");
/// ```
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A service's name, made [`visible`]. If a service has no name, the text says so.
pub fn service_name(name: &str) -> String {
    if name.is_empty() {
        "(no service name)".to_owned()
    } else {
        visible(name)
    }
}

/// Whether it is a line separator, one of Unicode's control and format characters (Cc and Cf), or a
/// letter without a shape (the fillers of Hangul), or one that XML does not allow.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// A duration in milliseconds, exact to the nanosecond.
///
/// ```
/// use std::time::Duration;
/// use baton_traces::shown::milliseconds;
///
/// assert_eq!(milliseconds(Duration::from_nanos(291_758)).to_string(), "0.291758");
/// ```
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

/// A duration with three significant digits and its unit.
///
/// ```
/// use std::time::Duration;
/// use baton_traces::shown::duration;
///
/// assert_eq!(duration(Duration::from_micros(8213)), "8.21 ms");
/// assert_eq!(duration(Duration::from_nanos(950)), "950 ns");
/// assert_eq!(duration(Duration::from_secs(754)), "12 min 34 s");
/// ```
pub fn duration(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    let seconds = duration.as_secs();
    match nanoseconds {
        0 => "0 ms".to_owned(),
        1..1_000 => format!("{nanoseconds} ns"),
        1_000..999_500 => format!("{} µs", significant(nanoseconds as f64 / 1e3)),
        999_500..999_500_000 => format!("{} ms", significant(nanoseconds as f64 / 1e6)),
        _ if seconds < 60 => format!("{} s", significant(duration.as_secs_f64())),
        _ if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `value` with three significant digits, and without a fraction from 100 on.
pub fn significant(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A date and time in UTC, to the millisecond.
///
/// ```
/// use baton_traces::span::UnixTime;
///
/// let time = UnixTime::from_nanoseconds(1_700_000_000_123_456_789).expect("not 0");
/// assert_eq!(baton_traces::shown::time(time), "2023-11-14 22:13:20.123 UTC");
/// ```
pub fn time(time: UnixTime) -> String {
    let time = time.timestamp();
    time.strftime("%Y-%m-%d %H:%M:%S.%3f UTC").to_string()
}

/// A count with commas between thousands.
///
/// ```
/// assert_eq!(baton_traces::shown::count(1234567), "1,234,567");
/// assert_eq!(baton_traces::shown::count(42), "42");
/// ```
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A count with its noun: `1 span`, `2 spans`.
pub fn counted(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{} {noun}s", count(number)),
    }
}

/// A share, or the lowest and the highest that it may be, in percent. It is rounded down, so that it
/// only shows 100 % if it is that.
///
/// ```
/// use baton_traces::shown::share;
///
/// assert_eq!(share([0.9999, 0.9999]), "99.9 %");
/// assert_eq!(share([0.5, 1.0]), "50.0 to 100 %");
/// ```
pub fn share([low, high]: [f64; 2]) -> String {
    let percent = |share: f64| match share {
        1.0 => "100".to_owned(),
        // in binary, 0.58 * 1000 is a little less than 580
        share => format!("{:.1}", (share * 1000.0 + 1e-9).floor() / 10.0),
    };
    match low == high {
        true => format!("{} %", percent(low)),
        false => format!("{} to {} %", percent(low), percent(high)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_controls_a_terminal() {
        for hostile in [
            "\u{1b}[2J",
            "a\nb",
            "\u{7}",
            "\u{9b}31m",
            "\u{200d}",
            "\u{feff}",
            "\r",
            "\0",
        ] {
            let shown = visible(hostile);
            assert!(!shown.chars().any(is_hidden), "{shown:?}");
            assert!(shown.contains('\\'), "{shown:?}");
        }
    }

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        for (nanoseconds, expected) in [
            (0, "0 ms"),
            (999, "999 ns"),
            (1_500, "1.50 µs"),
            (999_499, "999 µs"),
            (999_600, "1.00 ms"),
            (12_340_000, "12.3 ms"),
            (123_456_789, "123 ms"),
            (1_234_567_890, "1.23 s"),
            (3_700_000_000_000, "1 h 1 min"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanoseconds)), expected);
        }
    }
}
