//! Limits on figures, `--fail-under connected=99.9%` and `--fail-over p99=50ms`, and whether they were kept.

use std::fmt;

use serde::Serialize;

/// A figure that can have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    /// Its name on the command line and in JSON.
    pub(crate) name: &'static str,
    /// What it is measured in.
    pub(crate) unit: Unit,
}

/// What a figure, or the number of a limit, is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A part of a whole, 0 to 1; written as that or with `%`.
    Share,
    /// A time in milliseconds; written as that, or with `ms` or `s`.
    Milliseconds,
    /// A plain number.
    Number,
}

/// On which side of a limit a figure fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Below it: `--fail-under`.
    Under,
    /// Above it: `--fail-over`.
    Over,
}

/// One limit, as the command line has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    /// The figure's name.
    pub(crate) name: String,
    /// On which side it fails.
    pub(crate) side: Side,
    /// The limit as it was written, as in `99.9%`.
    pub(crate) text: String,
    /// The limit in the figure's unit: a share is 0 to 1, a time is in milliseconds.
    pub(crate) value: f64,
}

/// What came of a limit: one element of `checks` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Check {
    /// The figure's name.
    pub(crate) name: String,
    /// The limit as it was written.
    pub(crate) limit: String,
    /// The figure; `None` where it is not known, and then the check has failed.
    pub(crate) value: Option<f64>,
    /// Whether the limit was kept.
    pub(crate) passed: bool,
    /// What the figure is of, where several things were checked: a run, a burst.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<String>,
    #[serde(skip)]
    side: Side,
}

/// Reads a value of `--fail-under`, for clap.
pub(crate) fn fail_under(text: &str) -> Result<Limit, String> {
    Limit::parse(Side::Under, text)
}

/// Reads a value of `--fail-over`, for clap.
pub(crate) fn fail_over(text: &str) -> Result<Limit, String> {
    Limit::parse(Side::Over, text)
}

/// Whether every limit is on one of `metrics`, in a unit that it is measured in.
pub(crate) fn check_names<'a>(
    limits: impl IntoIterator<Item = &'a Limit>,
    metrics: &[Metric],
) -> Result<(), String> {
    for limit in limits {
        let (flag, name, text) = (limit.side.flag(), &limit.name, &limit.text);
        let Some(metric) = metrics.iter().find(|metric| metric.name == name) else {
            let names: Vec<_> = metrics.iter().map(|metric| metric.name).collect();
            return Err(format!(
                "{flag} {name}={text}: there is no figure {name:?}; the figures are {}",
                names.join(", ")
            ));
        };
        let unit = match suffix(text) {
            "" => metric.unit,
            "%" => Unit::Share,
            _ => Unit::Milliseconds,
        };
        let fits = unit == metric.unit && (unit != Unit::Share || limit.value <= 1.0);
        if !fits {
            let (kind, example) = match metric.unit {
                Unit::Share => ("a share", "99.9% or 0.999"),
                Unit::Milliseconds => ("a time", "50ms or 1.5s"),
                Unit::Number => ("a number", "1000"),
            };
            return Err(format!(
                "{flag} {name}={text}: {name} is {kind}; write it like {example}"
            ));
        }
    }
    Ok(())
}

impl Limit {
    fn parse(side: Side, text: &str) -> Result<Limit, String> {
        let explain = || {
            format!(
                "{text:?} is no limit; write NAME=LIMIT, as in {}",
                side.example()
            )
        };
        let (name, text) = text.split_once('=').ok_or_else(explain)?;
        let suffix = suffix(text);
        let number = text.strip_suffix(suffix).unwrap_or(text);
        // the decimal point is moved in the text: 99.9 / 100 is not 0.999 in binary
        let exponent = match suffix {
            "%" => "e-2",
            "s" => "e3",
            _ => "",
        };
        let value: f64 = format!("{number}{exponent}")
            .parse()
            .map_err(|_| explain())?;
        // `parse` takes words too: infinity, nan
        if name.is_empty() || !value.is_finite() || value < 0.0 {
            return Err(explain());
        }
        Ok(Limit {
            name: name.to_owned(),
            side,
            text: text.to_owned(),
            value,
        })
    }

    /// Judges the figure that `lookup` gives for the limit's name. One that it does not know fails.
    pub(crate) fn evaluate(&self, lookup: impl Fn(&str) -> Option<f64>) -> Check {
        let value = lookup(&self.name);
        Check {
            name: self.name.clone(),
            limit: self.text.clone(),
            value,
            passed: value.is_some_and(|value| self.side.keeps(value, self.value)),
            of: None,
            side: self.side,
        }
    }
}

impl Check {
    /// The same check, said to be of a run or a burst.
    pub(crate) fn of(self, what: impl Into<String>) -> Check {
        Check {
            of: Some(what.into()),
            ..self
        }
    }

    /// A figure with three decimals, or as many as it takes not to look as if it kept a limit that it broke.
    fn rounded(&self, value: f64, suffix: &str) -> String {
        let limit: f64 = self
            .limit
            .strip_suffix(suffix)
            .and_then(|number| number.parse().ok())
            .unwrap_or_default();
        let mut text = String::new();
        for decimals in [3, 6, 9] {
            text = format!("{value:.decimals$}");
            let rounded = text.parse().unwrap_or(value);
            if self.side.keeps(rounded, limit) == self.passed {
                break;
            }
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// One sentence: what the figure is, and what its limit says to it.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(what) = &self.of {
            write!(f, "{what}: ")?;
        }
        let Some(value) = self.value else {
            return write!(
                f,
                "{} has no value, so its limit of {} is not kept",
                self.name, self.limit
            );
        };
        // in the limit's own unit
        let suffix = suffix(&self.limit);
        let value = match suffix {
            "%" => value * 100.0,
            "s" => value / 1000.0,
            _ => value,
        };
        let place = match (self.side, self.passed) {
            (Side::Under, true) => "at or above",
            (Side::Under, false) => "under",
            (Side::Over, true) => "at or below",
            (Side::Over, false) => "over",
        };
        write!(
            f,
            "{} is {}{suffix}, {place} the limit of {}",
            self.name,
            self.rounded(value, suffix),
            self.limit
        )
    }
}

impl Side {
    fn flag(self) -> &'static str {
        match self {
            Side::Under => "--fail-under",
            Side::Over => "--fail-over",
        }
    }

    fn keeps(self, value: f64, limit: f64) -> bool {
        match self {
            Side::Under => value >= limit,
            Side::Over => value <= limit,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Side::Under => "ok=99.9%",
            Side::Over => "p99=50ms",
        }
    }
}

/// What stands behind the number of a limit; empty where that is plain.
fn suffix(text: &str) -> &'static str {
    // `ms` before `s`, which it ends with
    let suffixes = ["%", "ms", "s"];
    suffixes
        .into_iter()
        .find(|suffix| text.ends_with(suffix))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &[Metric] = &[
        Metric {
            name: "ok",
            unit: Unit::Share,
        },
        Metric {
            name: "p99",
            unit: Unit::Milliseconds,
        },
        Metric {
            name: "rps",
            unit: Unit::Number,
        },
    ];

    #[test]
    fn limits_have_units() {
        for (text, name, value) in [
            ("ok=50%", "ok", 0.5),
            ("ok=0.999", "ok", 0.999),
            ("p99=50ms", "p99", 50.0),
            ("p99=1.5s", "p99", 1500.0),
            ("p99=50", "p99", 50.0),
            ("rps=1000", "rps", 1000.0),
        ] {
            let limit = fail_over(text).expect(text);
            assert_eq!((&*limit.name, limit.value), (name, value), "{text}");
            assert_eq!(check_names([&limit], METRICS), Ok(()), "{text}");
        }
        for wrong in [
            "", "ok", "=5", "ok=", "ok=%", "ok=-1", "ok=inf", "ok=NaN", "p99=5 ms", "p99=ms",
        ] {
            assert!(fail_under(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_unknown_figure_and_a_wrong_unit_are_refused() {
        for (text, sentence) in [
            (
                "p98=5ms",
                "--fail-over p98=5ms: there is no figure \"p98\"; the figures are ok, p99, rps",
            ),
            (
                "ok=5ms",
                "--fail-over ok=5ms: ok is a share; write it like 99.9% or 0.999",
            ),
            (
                "ok=99",
                "--fail-over ok=99: ok is a share; write it like 99.9% or 0.999",
            ),
            (
                "p99=5%",
                "--fail-over p99=5%: p99 is a time; write it like 50ms or 1.5s",
            ),
            (
                "rps=5s",
                "--fail-over rps=5s: rps is a number; write it like 1000",
            ),
        ] {
            let limit = fail_over(text).expect(text);
            let refusal = check_names([&limit], METRICS);
            assert_eq!(refusal.as_ref().map_err(String::as_str), Err(sentence));
        }
    }

    #[test]
    fn a_figure_is_on_one_side_of_its_limit_or_fails() {
        type Read = fn(&str) -> Result<Limit, String>;
        let cases: [(Read, &str, Option<f64>, bool, &str); 7] = [
            (
                fail_under,
                "ok=99.9%",
                Some(0.999),
                true,
                "ok is 99.9%, at or above the limit of 99.9%",
            ),
            (
                fail_under,
                "ok=99.9%",
                Some(0.9985),
                false,
                "ok is 99.85%, under the limit of 99.9%",
            ),
            (
                fail_under,
                "ok=100%",
                Some(0.999_999),
                false,
                "ok is 99.9999%, under the limit of 100%",
            ),
            (
                fail_over,
                "p99=50ms",
                Some(50.0),
                true,
                "p99 is 50ms, at or below the limit of 50ms",
            ),
            (
                fail_over,
                "p99=1.5s",
                Some(1612.0),
                false,
                "p99 is 1.612s, over the limit of 1.5s",
            ),
            (
                fail_under,
                "rps=1000",
                Some(12.0),
                false,
                "rps is 12, under the limit of 1000",
            ),
            (
                fail_over,
                "p99=50ms",
                None,
                false,
                "p99 has no value, so its limit of 50ms is not kept",
            ),
        ];
        for (read, text, value, passed, sentence) in cases {
            let check = read(text).expect(text).evaluate(|_| value);
            assert_eq!((check.passed, &*check.to_string()), (passed, sentence));
        }
    }

    #[test]
    fn a_check_is_an_element_of_checks() {
        let check = fail_under("ok=50%")
            .expect("a limit")
            .evaluate(|_| Some(1.0));
        assert_eq!(
            serde_json::to_value(&check).expect("JSON"),
            serde_json::json!({"name": "ok", "limit": "50%", "value": 1.0, "passed": true})
        );
        let named = serde_json::to_value(check.of("burst 2")).expect("JSON");
        assert_eq!(named["of"], "burst 2");
    }
}
