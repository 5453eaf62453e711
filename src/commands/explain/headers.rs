//! Headers as they arrived, to the byte.

use std::collections::HashSet;

use baton_propagators::carrier::NOT_TEXT;
use baton_propagators::format::Format;
use baton_propagators::xray_from_lambda::X_AMZN_TRACE_ID;
use baton_propagators::{FORMATS, HeaderList};

/// Headers in the order of arrival. Their values need not be text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers(Vec<Header>);

/// One header, or one of several with the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// In its own casing.
    pub(super) name: String,
    pub(super) value: Vec<u8>,
}

impl Header {
    /// Whether it goes by this name, whose case does not matter.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether a format reads it.
    pub(super) fn belongs_to(&self, format: &dyn Format) -> bool {
        format.lambda_variable() == Some(&*self.name) || format.reads(&self.name)
    }

    /// Whether any format reads it.
    pub(super) fn is_known(&self) -> bool {
        FORMATS.iter().any(|format| self.belongs_to(*format))
    }
}

impl Headers {
    pub(super) fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push(Header {
            name: name.into(),
            value: value.into(),
        });
    }

    /// The last header, which a folded line goes on with.
    pub(super) fn last_mut(&mut self) -> Option<&mut Header> {
        self.0.last_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }

    /// Whether any of them is one that a format reads.
    pub(super) fn any_known(&self) -> bool {
        self.0.iter().any(Header::is_known)
    }

    /// The carrier that propagators read, as a service's would be: a value that is not UTF-8 is none.
    pub(super) fn carrier(&self) -> HeaderList {
        let headers = self
            .0
            .iter()
            .filter(|header| header.name != X_AMZN_TRACE_ID);
        headers
            .map(|header| (header.name.as_str(), text(&header.value)))
            .collect()
    }

    /// Lambda's tracing header, given under the name of its environment variable.
    pub(super) fn environment(&self) -> Option<String> {
        let header = self
            .0
            .iter()
            .find(|header| header.name == X_AMZN_TRACE_ID)?;
        Some(text(&header.value).to_owned())
    }

    /// The headers that formats read. The values of all others are nobody's business: credentials are among them.
    pub(super) fn known(&self) -> HeaderList {
        let known = self.0.iter().filter(|header| header.is_known());
        known
            .map(|header| (header.name.as_str(), String::from_utf8_lossy(&header.value)))
            .collect()
    }

    /// The names of the headers that no format reads, each once.
    pub(super) fn other_names(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let unknown = self.0.iter().filter(|header| !header.is_known());
        unknown
            .filter(|header| seen.insert(header.name.to_ascii_lowercase()))
            .map(|header| header.name.as_str())
            .collect()
    }

    /// What becomes of the environment's header beside others: which of several counts, and whether it is read at all.
    pub(super) fn notes(&self) -> Vec<String> {
        let count = |wanted: &dyn Fn(&&Header) -> bool| self.0.iter().filter(wanted).count();
        let of_environment = count(&|header| header.name == X_AMZN_TRACE_ID);
        let mut notes = Vec::new();
        if of_environment > 0 && count(&|header| header.is("x-amzn-trace-id")) > 0 {
            notes.push(format!(
                "{X_AMZN_TRACE_ID} is not read where a request has an X-Amzn-Trace-Id header."
            ));
        }
        if of_environment > 1 {
            notes.push(format!(
                "{X_AMZN_TRACE_ID} is given {of_environment} times, and an environment has it once: the first counts here."
            ));
        }
        notes
    }
}

fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).unwrap_or(NOT_TEXT)
}
