//! Numbers for people.

/// A figure with thousands set apart: whole from 100 on, otherwise three digits that say something.
pub(super) fn figure(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    let decimals = usize::try_from(2 - magnitude).unwrap_or(0).min(9);
    let text = format!("{value:.decimals$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    grouped(text)
}

/// An amount of US dollars: whole from 100 on, otherwise with cents.
pub(super) fn dollars(value: f64) -> String {
    match value >= 100.0 {
        true => format!("${}", grouped(&format!("{value:.0}"))),
        false => format!("${value:.2}"),
    }
}

/// So many of something, as in 1 shard, 2 shards.
pub(super) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", figure(number as f64))
}

/// Sets the thousands of a number apart.
fn grouped(text: &str) -> String {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (text, String::new()),
    };
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_say_something() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.018, "0.018"),
            (2.8, "2.8"),
            (1.7275, "1.73"),
            (99.96, "100"),
            (1234.5, "1,234"),
            (1_000_000.0, "1,000,000"),
            (2_628_000_000.0, "2,628,000,000"),
        ] {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn small_amounts_have_cents() {
        for (value, text) in [(0.0, "$0.00"), (36.792, "$36.79"), (9198.4, "$9,198")] {
            assert_eq!(dollars(value), text);
        }
    }
}
