//! The result of reading a paste: carriers, their headers, and what was found but not read.

use baton_propagators::carrier::NOT_TEXT;
use baton_propagators::lambda::xray_header::X_AMZN_TRACE_ID;
use baton_propagators::{Format, HeaderList};

/// The attribute of an SQS message that has X-Ray's header.
pub(crate) const AWS_TRACE_HEADER: &str = "AWSTraceHeader";

/// The carriers and notes of one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paste {
    /// The carriers in the order of the text, at most [`MAX_CARRIERS`](crate::MAX_CARRIERS).
    pub carriers: Vec<Carrier>,
    /// How many more carriers the text has.
    pub beyond: usize,
    /// Which parts of the text were not read, and why: one sentence each.
    pub notes: Vec<String>,
}

/// Headers that one receiver gets together: those of a request, a record or a log line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carrier {
    /// Its place: `Records[0]`, `line 3`, `request 2 (GET /orders)`. `None` if the whole text is
    /// one carrier.
    pub place: Option<String>,
    /// The headers that some format reads, in order.
    pub headers: Vec<Header>,
    /// The names of all other headers, each once. Their values are dropped, because they may be
    /// credentials.
    pub others: Vec<String>,
    /// What looks like trace context but is not read by any format.
    pub unread: Vec<Unread>,
    /// Sentences about which software reads which place, and about the form.
    pub notes: Vec<String>,
}

/// One header, or one of several with the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name: as written if formats read that name, otherwise the name that formats read.
    pub name: String,
    /// Its value, which may be any bytes.
    pub value: Vec<u8>,
    /// Its place: `Records[0].messageAttributes.traceparent`, `line 3`.
    pub place: String,
    /// Whether another place in the same carrier repeats it. It counts once.
    pub repeated: bool,
    /// Whether it is X-Ray's header in an attribute of an SQS message (`AWSTraceHeader`).
    pub is_attribute: bool,
}

/// A name or a value that belongs to tracing, but that no format of baton reads as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its name.
    pub name: String,
    /// Its value; empty if there is none.
    pub value: String,
    /// Its place.
    pub place: String,
    /// What it is, and why it is not read: one or two sentences.
    pub why: String,
}

impl Header {
    /// Whether it has this name. Case is ignored.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Its name for people: that of the attribute of an SQS message that has X-Ray's header.
    pub fn shown_name(&self) -> &str {
        match self.is_attribute {
            true => AWS_TRACE_HEADER,
            false => &self.name,
        }
    }

    /// Whether `format` reads it.
    pub fn belongs_to(&self, format: &dyn Format) -> bool {
        belongs_to(&self.name, format)
    }
}

/// Whether `format` reads headers with this name.
pub(crate) fn belongs_to(name: &str, format: &dyn Format) -> bool {
    format.lambda_variable() == Some(name) || format.reads(name)
}

impl Carrier {
    /// The headers as a service gets them, without values that are not UTF-8.
    pub fn header_list(&self) -> HeaderList {
        let headers = self.counted();
        let headers = headers.filter(|header| header.name != X_AMZN_TRACE_ID);
        headers
            .map(|header| (header.name.as_str(), text(&header.value)))
            .collect()
    }

    /// The value of Lambda's environment variable for tracing, if the carrier has it.
    pub fn environment(&self) -> Option<&str> {
        let header = self
            .counted()
            .find(|header| header.name == X_AMZN_TRACE_ID)?;
        Some(text(&header.value))
    }

    /// The headers without repetitions in other places.
    pub fn counted(&self) -> impl Iterator<Item = &Header> {
        self.headers.iter().filter(|header| !header.repeated)
    }

    /// `text` with the names of headers as people see them in the paste.
    pub fn as_shown(&self, text: String) -> String {
        let mut headers = self.counted().filter(|header| header.is("x-amzn-trace-id"));
        match (headers.next(), headers.next()) {
            (Some(only), None) if only.is_attribute => {
                let spellings = [&*only.name, "X-Amzn-Trace-Id"];
                let shown = |text: String, name| text.replace(name, only.shown_name());
                spellings.into_iter().fold(text, shown)
            }
            _ => text,
        }
    }

    /// Whether the carrier is empty.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.others.is_empty() && self.unread.is_empty()
    }
}

fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).unwrap_or(NOT_TEXT)
}
