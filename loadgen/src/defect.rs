//! How a header is broken on purpose: the ways in which real senders break it.

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

/// One way in which a header is malformed. Its [`Defect::name`] is the attribute `baton.defect` of the client's span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// The trace id has a digit too few: leading zeros cut off by a number formatter.
    ShortId,
    /// The ids are in capitals.
    UpperCase,
    /// The ids are all zeros: a span that was never started.
    Zeros,
    /// Other separators than the format's.
    Separator,
    /// The second half of the header is missing: a field of a database or a log line that was too short.
    Truncated,
    /// A character in the trace id that is no digit.
    NotADigit,
    /// The value stands in quotes: a JSON text put into a header as it is.
    Quoted,
    /// The word `undefined`: JavaScript's missing value.
    Undefined,
    /// The value twice, joined by a comma: what a proxy makes of a header that came twice.
    Joined,
    /// The header twice.
    Duplicate,
}

use Defect::{
    Duplicate, Joined, NotADigit, Quoted, Separator, ShortId, Truncated, Undefined, UpperCase,
    Zeros,
};

/// Each format with the headers that hold its trace id, and what they are broken by. Every entry makes the format's
/// header malformed by its specification; what a format allows (capitals in Jaeger's ids, say) is no defect of it.
const FORMATS: &[(&str, &[&str], &[Defect])] = &[
    (
        "tracecontext",
        &["traceparent"],
        &[
            ShortId, UpperCase, Zeros, Separator, Truncated, NotADigit, Quoted, Undefined, Joined,
            Duplicate,
        ],
    ),
    (
        "b3",
        // the upstream crates write both
        &["b3", "x-b3-traceid"],
        &[
            ShortId, UpperCase, Zeros, Separator, Truncated, NotADigit, Quoted, Undefined, Joined,
        ],
    ),
    (
        "b3multi",
        &["x-b3-traceid"],
        &[
            ShortId, UpperCase, Zeros, NotADigit, Quoted, Undefined, Joined,
        ],
    ),
    (
        "jaeger",
        &["uber-trace-id"],
        &[
            Zeros, Separator, Truncated, NotADigit, Quoted, Undefined, Joined,
        ],
    ),
    (
        "xray",
        &["x-amzn-trace-id"],
        &[ShortId, Zeros, Truncated, NotADigit],
    ),
    (
        "datadog",
        &["x-datadog-trace-id"],
        &[Zeros, NotADigit, Quoted, Undefined, Joined],
    ),
    (
        "ottrace",
        &["ot-tracer-traceid"],
        &[ShortId, Zeros, NotADigit, Quoted, Undefined, Joined],
    ),
];

/// As many digits as an id has at least; shorter runs are versions and flags.
const ID_DIGITS: usize = 8;

impl Defect {
    /// What can be wrong with a format's headers; nothing is known for some.
    pub(crate) fn of(format: &str) -> &'static [Defect] {
        entry(format).map_or(&[], |(_, _, defects)| defects)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            ShortId => "short_id",
            UpperCase => "upper_case",
            Zeros => "zeros",
            Separator => "separator",
            Truncated => "truncated",
            NotADigit => "not_a_digit",
            Quoted => "quoted",
            Undefined => "undefined",
            Joined => "joined",
            Duplicate => "duplicate",
        }
    }

    /// Breaks the headers of `format`. Gives what is wrong with them now: capitals need a letter, so an id that has
    /// none is broken otherwise.
    pub(crate) fn break_headers(self, format: &str, headers: &mut HeaderMap) -> Option<Defect> {
        let (_, names, _) = entry(format)?;
        let mut done = None;
        for name in *names {
            if self == Duplicate {
                if let Some(value) = headers.get(*name).cloned() {
                    headers.append(*name, value);
                    done = Some(self);
                }
                continue;
            }
            let Some(value) = headers.get_mut(*name) else {
                continue;
            };
            let whole = value.to_str().unwrap_or_default();
            let broken = self.apply(whole);
            let (defect, broken) = if broken == whole {
                (NotADigit, NotADigit.apply(whole))
            } else {
                (self, broken)
            };
            if let Ok(broken) = HeaderValue::from_str(&broken) {
                *value = broken;
                done = Some(defect);
            }
        }
        done
    }

    fn apply(self, value: &str) -> String {
        let runs = || digit_runs(value).into_iter();
        // the longest is the trace id's, or the most of it
        let (start, end) = runs()
            .rev()
            .max_by_key(|(start, end)| end - start)
            .unwrap_or((0, value.len()));
        match self {
            ShortId => format!("{}{}", &value[..start], &value[start + 1..]),
            UpperCase => runs().fold(value.to_owned(), |text, (start, end)| {
                let ids = text[start..end].to_ascii_uppercase();
                format!("{}{ids}{}", &text[..start], &text[end..])
            }),
            Zeros => runs().fold(value.to_owned(), |text, (start, end)| {
                format!(
                    "{}{}{}",
                    &text[..start],
                    "0".repeat(end - start),
                    &text[end..]
                )
            }),
            Separator => value.replace(['-', ':'], "_"),
            Truncated => value[..value.len() / 2].to_owned(),
            NotADigit => format!("{}x{}", &value[..end - 1], &value[end..]),
            Quoted => format!("\"{value}\""),
            Undefined => "undefined".to_owned(),
            Joined => format!("{value}, {value}"),
            // The value stays; break_headers adds another header.
            Duplicate => value.to_owned(),
        }
    }
}

fn entry(
    format: &str,
) -> Option<&'static (&'static str, &'static [&'static str], &'static [Defect])> {
    FORMATS.iter().find(|(name, _, _)| *name == format)
}

/// The places of all runs of hexadecimal digits that are long enough for an id, or the whole text where there is none.
fn digit_runs(value: &str) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut start = 0;
    for part in value.split(|character: char| !character.is_ascii_hexdigit()) {
        if part.len() >= ID_DIGITS {
            runs.push((start, start + part.len()));
        }
        start += part.len() + 1;
    }
    if runs.is_empty() {
        runs.push((0, value.len()));
    }
    runs
}

#[cfg(test)]
mod tests {
    use baton_propagators::context::{Outgoing, TraceContext};
    use baton_propagators::format::{self, Outcome};
    use baton_propagators::id::{SpanId, TraceId};
    use baton_propagators::sampling::Sampling;
    use fastrand::Rng;

    use super::*;

    #[test]
    fn every_defect_of_a_format_makes_it_malformed() {
        let mut rng = Rng::with_seed(7);
        for name in format::formats().filter(|name| *name != "baggage") {
            let format = format::find(name).unwrap();
            let defects = Defect::of(name);
            assert!(!defects.is_empty(), "{name} is never broken");
            for defect in defects {
                for _ in 0..200 {
                    let ids = (rng.u128(1..), rng.u64(1..));
                    let context = TraceContext::new(
                        TraceId::from_bytes(ids.0.to_be_bytes()).unwrap(),
                        SpanId::from_bytes(ids.1.to_be_bytes()).unwrap(),
                        Sampling::Keep,
                    );
                    let mut headers = HeaderMap::new();
                    format.inject(&Outgoing::from(context), &mut headers);
                    let whole = headers.clone();
                    let done = defect.break_headers(name, &mut headers);
                    assert!(done.is_some() && headers != whole, "{name} {defect:?}");
                    let candidate = format.extract(&headers);
                    assert!(
                        matches!(candidate.outcome, Outcome::Malformed(_)),
                        "{name} {defect:?}: {headers:?} gives {candidate:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_defects_look_as_they_are_described() {
        let whole = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (defect, broken) in [
            (
                ShortId,
                "00-af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
            (
                UpperCase,
                "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
            ),
            (
                Zeros,
                "00-00000000000000000000000000000000-0000000000000000-01",
            ),
            (
                Separator,
                "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            ),
            (Truncated, "00-0af7651916cd43dd8448eb21"),
            (
                NotADigit,
                "00-0af7651916cd43dd8448eb211c80319x-b7ad6b7169203331-01",
            ),
            (
                Quoted,
                "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"",
            ),
            (Undefined, "undefined"),
            (
                Joined,
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01, \
                 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
        ] {
            assert_eq!(defect.apply(whole), broken);
        }
    }

    #[test]
    fn a_duplicate_is_the_same_header_twice() {
        let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", value.parse().unwrap());
        let done = Duplicate.break_headers("tracecontext", &mut headers);
        assert_eq!(done, Some(Duplicate));
        let values: Vec<_> = headers.get_all("traceparent").iter().collect();
        assert_eq!(values, [value, value]);
    }

    #[test]
    fn capitals_without_a_letter_are_another_defect() {
        let mut headers = HeaderMap::new();
        let digits = "00-12345678901234567890123456789012-1234567890123456-01";
        headers.insert("traceparent", digits.parse().unwrap());
        let done = UpperCase.break_headers("tracecontext", &mut headers);
        assert_eq!(done, Some(NotADigit));
    }
}
