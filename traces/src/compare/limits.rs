//! Limits for figures, as in `--fail-under connected=99.9%` and `--fail-over p99=50ms`, and whether
//! figures are within them.

use std::fmt;

use serde::Serialize;

/// A figure that can have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its name on the command line and in JSON.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
}

impl Figure {
    /// A figure of this name and unit.
    pub const fn new(name: &'static str, unit: Unit) -> Figure {
        Figure { name, unit }
    }
}

/// The unit of a figure and of its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A part of a whole, from 0 to 1. It is written like that or with `%`.
    Share,
    /// A time in milliseconds. It is written with `ms` or `s`.
    Milliseconds,
    /// A plain number.
    Number,
}

/// The side of a limit on which a figure fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Below it: `--fail-under`.
    Under,
    /// Above it: `--fail-over`.
    Over,
}

/// One limit of the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The figure's name.
    pub name: String,
    /// The side on which the figure fails.
    pub side: Side,
    /// The limit as the user wrote it, for example `99.9%`.
    pub text: String,
    /// The limit in the figure's unit: a share is from 0 to 1, a time is in milliseconds.
    pub value: f64,
}

/// The result for one limit: one element of `checks` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// The figure's name.
    pub name: String,
    /// The limit as the user wrote it.
    pub limit: String,
    /// The figure of what was judged; `None` if it is unknown on which side of the limit the figure
    /// of all is, in which case the check has failed.
    pub value: Option<f64>,
    /// The lowest and the highest value that the figure of all may have, if it is only known that
    /// far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<[f64; 2]>,
    /// Whether the figure is within the limit.
    pub passed: bool,
    /// The run or burst that the figure belongs to, if several were checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    #[serde(skip)]
    side: Side,
}

/// Reads a value of `--fail-under`.
///
/// # Errors
/// A sentence, if it is not `NAME=LIMIT`.
pub fn fail_under(text: &str) -> Result<Limit, String> {
    Limit::parse(Side::Under, text)
}

/// The name of a limit for all hand-offs together.
pub const ALL_HAND_OFFS: &str = "all hand-offs";

/// Reads a minimum share of whole hand-offs: `99%` of all, or `FROM->TO=95%` of one edge.
///
/// # Errors
/// A sentence, if it is not a share.
pub fn share(text: &str) -> Result<Limit, String> {
    let explain = || {
        format!(
            "{text:?} is not a limit; write a share, as in 99% or 0.99, or one for an edge, as in 'web->booking=95%'"
        )
    };
    let (name, share) = match text.rsplit_once('=') {
        Some((edge, share)) if edge.contains("->") => (edge, share),
        Some(_) => return Err(explain()),
        None => (ALL_HAND_OFFS, text),
    };
    let limit = Limit::parse(Side::Under, &format!("share={share}")).map_err(|_| explain())?;
    if limit.value > 1.0 || !matches!(suffix(share), "" | "%") {
        return Err(explain());
    }
    Ok(Limit {
        name: name.to_owned(),
        ..limit
    })
}

/// Reads a value of `--fail-over`.
///
/// # Errors
/// A sentence, if it is not `NAME=LIMIT`.
pub fn fail_over(text: &str) -> Result<Limit, String> {
    Limit::parse(Side::Over, text)
}

/// The limits of `--fail-under` and `--fail-over`, in this order.
///
/// # Errors
/// As [`check_names`].
pub fn of_flags(under: &[Limit], over: &[Limit], figures: &[Figure]) -> Result<Vec<Limit>, String> {
    let limits = [under, over].concat();
    check_names(&limits, figures)?;
    Ok(limits)
}

/// Checks that every limit is for one of `figures`, in the figure's unit.
///
/// # Errors
/// A sentence about the first limit that is not.
pub fn check_names<'a>(
    limits: impl IntoIterator<Item = &'a Limit>,
    figures: &[Figure],
) -> Result<(), String> {
    for limit in limits {
        let (flag, name, text) = (limit.side.flag(), &limit.name, &limit.text);
        let Some(figure) = figures.iter().find(|figure| figure.name == name) else {
            let names: Vec<_> = figures.iter().map(|figure| figure.name).collect();
            return Err(format!(
                "{flag} {name}={text}: there is no figure {name:?}; the figures are {}",
                names.join(", ")
            ));
        };
        let fits = match (figure.unit, suffix(text)) {
            (Unit::Share, "" | "%") => limit.value <= 1.0,
            // zero is the same in every unit
            (Unit::Milliseconds, "") => limit.value == 0.0,
            (Unit::Milliseconds, "ms" | "s") | (Unit::Number, "") => true,
            _ => false,
        };
        if !fits {
            let (kind, example) = match figure.unit {
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
                "{text:?} is not a limit; write NAME=LIMIT, as in {}",
                side.example()
            )
        };
        let (name, text) = text.split_once('=').ok_or_else(explain)?;
        let suffix = suffix(text);
        let number = text.strip_suffix(suffix).unwrap_or(text);
        // the decimal point is moved in the text, because 99.9 / 100 is not exactly 0.999 in binary
        let exponent = match suffix {
            "%" => "e-2",
            "s" => "e3",
            _ => "",
        };
        let value: f64 = format!("{number}{exponent}")
            .parse()
            .map_err(|_| explain())?;
        // `parse` also accepts words: infinity, nan
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

    /// Checks the figure that `lookup` gives for the limit's name. If the figure is unknown, the
    /// check fails.
    pub fn evaluate(&self, lookup: impl Fn(&str) -> Option<f64>) -> Check {
        self.evaluate_bounds(|name| lookup(name).map(Bounds::exactly))
    }

    /// The same as [`Limit::evaluate`], for a figure that is only known within bounds. If the limit
    /// lies between them, it is unknown whether the figure is within it, and the check fails.
    pub fn evaluate_bounds(&self, lookup: impl Fn(&str) -> Option<Bounds>) -> Check {
        let bounds = lookup(&self.name);
        let keeps = |value| self.side.keeps(value, self.value);
        let is_decided = |bounds: &Bounds| keeps(bounds.low) == keeps(bounds.high);
        let decided = bounds.filter(is_decided);
        Check {
            name: self.name.clone(),
            limit: self.text.clone(),
            value: decided.map(|bounds| bounds.value),
            between: bounds
                .filter(|bounds| bounds.low < bounds.high)
                .map(|bounds| [bounds.low, bounds.high]),
            passed: decided.is_some_and(|bounds| keeps(bounds.value)),
            of: None,
            side: self.side,
        }
    }
}

/// A figure, and the lowest and the highest value that it may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The figure of what was judged.
    pub value: f64,
    /// The lowest value.
    pub low: f64,
    /// The highest value.
    pub high: f64,
}

impl Bounds {
    /// A figure that is known.
    pub fn exactly(value: f64) -> Bounds {
        Bounds {
            value,
            low: value,
            high: value,
        }
    }

    /// The share of `part` in `of`. A further `unknown` may or may not belong to the part.
    /// `None` if `of` is 0.
    pub fn of_share(part: u64, of: u64, unknown: u64) -> Option<Bounds> {
        let all = (of + unknown) as f64;
        (of > 0).then(|| Bounds {
            value: part as f64 / of as f64,
            low: part as f64 / all,
            high: (part + unknown) as f64 / all,
        })
    }

    /// The lower of two figures.
    pub fn min(self, other: Bounds) -> Bounds {
        Bounds {
            value: self.value.min(other.value),
            low: self.low.min(other.low),
            high: self.high.min(other.high),
        }
    }
}

/// The flag and its value, as the user wrote them.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}={}", self.side.flag(), self.name, self.text)
    }
}

impl Check {
    /// The same check, of this run or burst.
    pub fn of(self, what: impl Into<String>) -> Check {
        Check {
            of: Some(what.into()),
            ..self
        }
    }

    /// The figure with three decimals, or more if rounding would move it across the limit.
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

/// One sentence: the figure, and whether it is within its limit.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(what) = &self.of {
            write!(f, "{what}: ")?;
        }
        match self.name.as_str() {
            ALL_HAND_OFFS => f.write_str("the share of all hand-offs that held")?,
            edge if edge.contains("->") => write!(f, "the share that held of {edge}")?,
            figure => f.write_str(figure)?,
        }
        // in the limit's own unit
        let suffix = suffix(&self.limit);
        let shown = |value: f64| {
            let value = match suffix {
                "%" => value * 100.0,
                "s" => value / 1000.0,
                _ => value,
            };
            format!("{}{suffix}", self.rounded(value, suffix))
        };
        match (self.between, self.value) {
            (Some([low, high]), Some(_)) => {
                write!(f, " is between {} and {}", shown(low), shown(high))?;
            }
            (Some([low, high]), None) => write!(
                f,
                " is between {:.1}% and {:.1}%",
                (low * 1000.0).floor() / 10.0,
                (high * 1000.0).ceil() / 10.0
            )?,
            (None, Some(value)) => write!(f, " is {}", shown(value))?,
            (None, None) => f.write_str(" is not known")?,
        }
        let limit = &self.limit;
        match (self.value, self.side, self.passed) {
            (None, ..) if self.between.is_none() => {
                write!(f, ", so the check of its limit {limit} fails")
            }
            (None, ..) => write!(
                f,
                ", on both sides of its limit {limit}, so the check fails"
            ),
            (_, Side::Under, true) => write!(f, ", at or above the limit of {limit}"),
            (_, Side::Under, false) => write!(f, ", under the limit of {limit}"),
            (_, Side::Over, true) => write!(f, ", at or below the limit of {limit}"),
            (_, Side::Over, false) => write!(f, ", over the limit of {limit}"),
        }
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

/// The unit after the number of a limit; empty for a plain number.
fn suffix(text: &str) -> &'static str {
    // `ms` before `s`, because `ms` ends with `s`
    let suffixes = ["%", "ms", "s"];
    suffixes
        .into_iter()
        .find(|suffix| text.ends_with(suffix))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
