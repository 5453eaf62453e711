//! Numbers on the command line.

use std::str::FromStr;

/// A number, with a fraction or without.
pub(super) fn number(text: &str) -> Result<f64, String> {
    // `parse` also accepts words: infinity, nan
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("{text:?} is not a number; write one like 100 or 0.5"))
}

/// A share of a whole, as in 3% or 0.03.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => number(percent.trim()).map(|percent| percent / 100.0),
        None => number(text),
    };
    let share = share.ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("{text:?} is not a share; write one like 3% or 0.03"))
}

/// Parses a number without sign and fraction, up to the largest of its type.
pub(super) fn whole_number<T: FromStr>(text: &str) -> Result<T, String> {
    let fault = match text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // only types without zero refuse it
        true if text.bytes().all(|byte| byte == b'0') => "too small; it has to be 1 or more",
        true => "too large",
        false => "not a whole number; write one like 100",
    };
    text.parse().map_err(|_| format!("{text:?} is {fault}"))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    #[test]
    fn text_that_is_not_a_number_is_refused_with_an_example() {
        for (text, fault) in [
            ("x", "\"x\" is not a whole number; write one like 100"),
            ("-1", "\"-1\" is not a whole number; write one like 100"),
            ("", "\"\" is not a whole number; write one like 100"),
            (
                "99999999999999999999",
                "\"99999999999999999999\" is too large",
            ),
            ("0", "\"0\" is too small; it has to be 1 or more"),
        ] {
            assert_eq!(whole_number::<NonZeroUsize>(text), Err(fault.to_owned()));
        }
        assert_eq!(whole_number::<u64>("0"), Ok(0));
        assert_eq!(number("0.5"), Ok(0.5));
        assert_eq!([share("3%"), share("0.03")], [Ok(0.03), Ok(0.03)]);
        for text in ["3", "-1%", "101 %", "%", "three"] {
            assert!(share(text).is_err(), "{text}");
        }
        for text in ["abc", "NaN", "inf"] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
