//! Splunk Observability Cloud's ingest: the address of a realm, and its token.
//!
//! It takes OTLP over HTTP in protobuf, as described under "Span formats compatible with the ingest
//! endpoint" in <https://docs.splunk.com/observability/en/apm/apm-spans-traces/span-formats.html>.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const SPLUNK_ACCESS_TOKEN: &str = "SPLUNK_ACCESS_TOKEN";
pub(crate) const SPLUNK_REALM: &str = "SPLUNK_REALM";
/// The header that carries the access token.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-sf-token");
/// The longest label of a host name (RFC 1035, section 2.3.4).
const MAX_LABEL_LENGTH: usize = 63;

/// A realm's ingest and the token for it. Only [`SplunkIngest::headers`] gives the token out.
#[derive(Clone)]
pub(crate) struct SplunkIngest {
    realm: String,
    access_token: HeaderValue,
}

impl SplunkIngest {
    /// The ingest of `realm`, which becomes part of a host name.
    ///
    /// # Errors
    /// The variable with an invalid value, and what would be valid.
    pub(crate) fn new(
        realm: &str,
        access_token: &str,
    ) -> Result<Self, (&'static str, &'static str)> {
        let realm = realm.trim();
        let is_plain = |realm: &str| {
            let ends_in_hyphen = realm.starts_with('-') || realm.ends_with('-');
            let is_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=MAX_LABEL_LENGTH).contains(&realm.len())
                && !ends_in_hyphen
                && realm.bytes().all(is_label)
        };
        // in Splunk's own distributions, "none" means a local collector
        if !is_plain(realm) || realm.eq_ignore_ascii_case("none") {
            return Err((
                SPLUNK_REALM,
                "the name of a realm alone, such as us0 or eu1: letters, digits and hyphens",
            ));
        }
        let access_token = Some(access_token.trim())
            .filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()))
            .and_then(|token| HeaderValue::from_str(token).ok());
        let mut access_token = access_token.ok_or((
            SPLUNK_ACCESS_TOKEN,
            "an access token, which has visible ASCII characters only",
        ))?;
        access_token.set_sensitive(true);
        Ok(SplunkIngest {
            realm: realm.to_owned(),
            access_token,
        })
    }

    /// The address for traces.
    pub(crate) fn endpoint(&self) -> String {
        format!("https://ingest.{}.signalfx.com/v2/trace/otlp", self.realm)
    }

    /// The headers of each request.
    pub(crate) fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(TOKEN_HEADER, self.access_token.clone())])
    }
}

impl fmt::Debug for SplunkIngest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SplunkIngest")
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_is_one_label_of_a_host_name() {
        for realm in ["us0", "eu1", " jp0 ", "lab-2", "US1", &"a".repeat(63)] {
            let ingest = SplunkIngest::new(realm, "token").expect(realm);
            let expected = format!("https://ingest.{}.signalfx.com/v2/trace/otlp", realm.trim());
            assert_eq!(ingest.endpoint(), expected);
        }
        for realm in [
            "",
            "none",
            "us0.evil.example",
            "evil.example/",
            "us0/",
            "us0#",
            "us0?x=",
            "us0@evil.example",
            "us0:443",
            "us 0",
            "us\n0",
            "-us0",
            "us0-",
            "us_0",
            "\u{fc}s0",
            "%75s0",
            &"a".repeat(64),
        ] {
            let (variable, expected) = SplunkIngest::new(realm, "token").expect_err(realm);
            assert_eq!(variable, SPLUNK_REALM, "{realm}");
            assert!(expected.contains("us0"), "{expected}");
        }
    }

    #[test]
    fn the_token_goes_into_its_header_and_is_shown_nowhere() {
        let ingest = SplunkIngest::new("us0", "hush-hush").expect("valid");
        let headers = ingest.headers();
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["X-SF-Token"], "hush-hush");
        let shown = format!("{ingest:?} {headers:?} {}", ingest.endpoint());
        assert!(!shown.contains("hush"), "{shown}");
        for token in ["hush\nX-Other: 1", "hush\u{7f}"] {
            let (variable, expected) = SplunkIngest::new("us0", token).expect_err(token);
            assert_eq!(variable, SPLUNK_ACCESS_TOKEN);
            assert!(!expected.contains("hush"), "{expected}");
        }
    }
}
