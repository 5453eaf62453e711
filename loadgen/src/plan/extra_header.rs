//! Extra headers for every request, such as API keys.

use std::fmt;

use baton_propagators::FORMATS;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};

use crate::plan::invalid_settings::InvalidSetting;

/// Headers that the HTTP client derives from the request.
const OF_THE_REQUEST: [HeaderName; 4] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::HOST,
];

/// A header that every request has. Its value may be a secret, so it is sent but never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Header {
    /// Reads a line `name: value`.
    ///
    /// # Errors
    /// If the line has no colon. The error does not repeat the line.
    pub fn parse(line: &str) -> Result<Self, InvalidSetting> {
        let (name, value) = line.split_once(':').ok_or(InvalidSetting::HeaderLine)?;
        Ok(Self {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
        })
    }

    fn read(&self) -> Result<(HeaderName, HeaderValue), InvalidSetting> {
        let name =
            HeaderName::from_bytes(self.name.as_bytes()).map_err(|_| InvalidSetting::HeaderLine)?;
        let is_context = FORMATS.iter().any(|format| format.reads(name.as_str()));
        if is_context || OF_THE_REQUEST.contains(&name) {
            return Err(InvalidSetting::HeaderTaken(name.to_string()));
        }
        let mut value = HeaderValue::from_str(&self.value)
            .map_err(|_| InvalidSetting::HeaderValue(name.to_string()))?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The headers in the form that is sent, and what is wrong with the others.
pub(crate) fn read_all(headers: &[Header]) -> (HeaderMap, Vec<InvalidSetting>) {
    let (mut map, mut faults) = (HeaderMap::new(), Vec::new());
    for header in headers {
        match header.read() {
            Ok((name, value)) => {
                map.append(name, value);
            }
            Err(fault) => faults.push(fault),
        }
    }
    (map, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_about_a_header_does_not_repeat_its_value() {
        for (line, sentence) in [
            (
                "secret",
                "a header has no name that HTTP allows; write it like x-api-key: value",
            ),
            (
                "se cret: x",
                "a header has no name that HTTP allows; write it like x-api-key: value",
            ),
            (
                "x-api-key: sec\nret",
                "the value of the header x-api-key has characters that HTTP does not allow",
            ),
            (
                "TraceParent: secret",
                "the client sends the header traceparent itself; leave it out",
            ),
            (
                "uberctx-secret: secret",
                "the client sends the header uberctx-secret itself; leave it out",
            ),
            (
                "content-length: 5",
                "the client sends the header content-length itself; leave it out",
            ),
        ] {
            let fault = match Header::parse(line) {
                Ok(header) => read_all(&[header]).1.remove(0),
                Err(fault) => fault,
            };
            assert_eq!(fault.to_string(), sentence);
        }
    }

    #[test]
    fn a_value_is_not_shown() {
        let header = Header::parse("x-api-key: secret").unwrap();
        assert!(!format!("{header:?}").contains("secret"));
        let (map, faults) = read_all(&[header]);
        assert_eq!(
            (map["x-api-key"].to_str().unwrap(), faults.len()),
            ("secret", 0)
        );
        assert!(!format!("{map:?}").contains("secret"));
    }
}
