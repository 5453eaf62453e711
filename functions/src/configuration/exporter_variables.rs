//! The variables that the exporters read themselves. An exporter ignores a value that it does not
//! understand, or repeats it in an error. So each value is checked here first, by the exporter's
//! own rules.

use http::{HeaderName, HeaderValue, Uri};
use reqwest::Url;

use super::Environment;

/// Printed in place of a value that may hold a password or a key.
const NOT_SHOWN: &str = "(not shown)";

impl Environment<'_> {
    pub(super) fn exporter_variables(&mut self) {
        for name in [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ] {
            let expected = "an http or https URL; a user and password go into OTEL_EXPORTER_OTLP_HEADERS as authorization";
            self.secret(name, expected, |value| {
                is_endpoint(value) && !has_user(value)
            });
        }
        self.secret(
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
            "an http or https URL",
            is_endpoint,
        );
        for name in [
            "OTEL_EXPORTER_OTLP_HEADERS",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        ] {
            self.secret(name, "headers as in name=value,name=value", are_headers);
        }
        for name in [
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        ] {
            self.understood(name, "one of gzip, none", |value| {
                ["gzip", "none"]
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(value))
            });
        }
        for name in [
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        ] {
            self.understood(name, "a whole number of milliseconds", |value| {
                value.parse::<u64>().is_ok()
            });
        }
    }

    fn secret(&mut self, name: &'static str, expected: &str, accepts: impl Fn(&str) -> bool) {
        if self.get(name).is_some_and(|value| !accepts(&value)) {
            self.problem(name, NOT_SHOWN, expected);
        }
    }

    fn understood(&mut self, name: &'static str, expected: &str, accepts: impl Fn(&str) -> bool) {
        if let Some(value) = self.get(name).filter(|value| !accepts(value)) {
            self.problem(name, &value, expected);
        }
    }
}

/// The exporters need a `Uri`, and their HTTP client a `Url`. Neither accepts all that the other
/// does.
fn is_endpoint(value: &str) -> bool {
    value.parse::<Uri>().is_ok()
        && Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Whether the address has a user or a password. The OTLP exporter would send neither.
fn has_user(value: &str) -> bool {
    Url::parse(value).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

/// Whether the value is a list of headers, as in
/// <https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables>
fn are_headers(value: &str) -> bool {
    value.split_terminator(',').all(|header| {
        header.split_once('=').is_some_and(|(name, value)| {
            let value = value.trim();
            name.trim().parse::<HeaderName>().is_ok()
                && !value.is_empty()
                && HeaderValue::from_str(value).is_ok()
                && !has_encoded_control(value)
        })
    })
}

/// Whether percent-decoding gives a control character, as `%0A` does. A header may not contain one.
fn has_encoded_control(value: &str) -> bool {
    let pieces = value.split('%').skip(1);
    let digits = pieces.filter_map(|piece| piece.get(..2));
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let codes = digits.filter_map(|digits| u8::from_str_radix(digits, 16).ok());
    codes.into_iter().any(|code| code.is_ascii_control())
}
