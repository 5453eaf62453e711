//! What a paste holds: carriers, the headers in them, and what was seen and not taken.

use baton_propagators::HeaderList;
use baton_propagators::carrier::NOT_TEXT;
use baton_propagators::format::Format;
use baton_propagators::xray_from_lambda::X_AMZN_TRACE_ID;

/// Everything that one text holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paste {
    /// The carriers in the order of the text, at most [`MAX_CARRIERS`](crate::MAX_CARRIERS).
    pub carriers: Vec<Carrier>,
    /// How many more carriers the text has.
    pub beyond: usize,
    /// What of the text was not read, and why: a sentence each.
    pub notes: Vec<String>,
}

/// Headers that one receiver gets together: those of a request, of a record, of a log line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carrier {
    /// Where it was: `Records[0]`, `line 3`, `request 2 (GET /orders)`. `None` where the text is one carrier.
    pub place: Option<String>,
    /// The headers that formats read, in their order.
    pub headers: Vec<Header>,
    /// The names of all other headers, each once. Their values are not kept: credentials are among them.
    pub others: Vec<String>,
    /// What looks like trace context and is not read by any format.
    pub unread: Vec<Unread>,
    /// Which reader looks where, and what else to know about the form: a sentence or a few each.
    pub notes: Vec<String>,
}

/// One header, or one of several with the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name: in its own casing where it is the one that formats read, else the one that stands for it.
    pub name: String,
    /// Its value. It need not be text.
    pub value: Vec<u8>,
    /// Where it was: `Records[0].messageAttributes.traceparent`, `line 3`.
    pub place: String,
    /// Whether another place of the same carrier repeats it: it was found there too, and counts once.
    pub repeated: bool,
}

/// A name or a value that belongs to tracing, which no format of baton reads as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The name under which it was.
    pub name: String,
    /// Its value; empty where there is none.
    pub value: String,
    /// Where it was.
    pub place: String,
    /// What it is and why it is not read: a sentence or two.
    pub why: String,
}

impl Header {
    /// Whether it goes by this name. Case does not matter.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether a format reads it.
    pub fn belongs_to(&self, format: &dyn Format) -> bool {
        belongs_to(&self.name, format)
    }
}

/// Whether a format reads headers of this name.
pub(crate) fn belongs_to(name: &str, format: &dyn Format) -> bool {
    let starts_with = |prefix: &&str| {
        let start = name.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    (name == X_AMZN_TRACE_ID && format.name() == "xray")
        || (format.fields().iter()).any(|field| field.eq_ignore_ascii_case(name))
        || format.prefixes().iter().any(starts_with)
}

impl Carrier {
    /// The headers as a service gets them. A value that is not UTF-8 is none.
    pub fn header_list(&self) -> HeaderList {
        let headers = self.counted();
        let headers = headers.filter(|header| header.name != X_AMZN_TRACE_ID);
        headers
            .map(|header| (header.name.as_str(), text(&header.value)))
            .collect()
    }

    /// Lambda's tracing header, where it came under the name of its environment variable.
    pub fn environment(&self) -> Option<&str> {
        let header = self
            .counted()
            .find(|header| header.name == X_AMZN_TRACE_ID)?;
        Some(text(&header.value))
    }

    /// Each header once, although another place may repeat it.
    pub fn counted(&self) -> impl Iterator<Item = &Header> {
        self.headers.iter().filter(|header| !header.repeated)
    }

    /// Whether it holds nothing at all.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.others.is_empty() && self.unread.is_empty()
    }
}

fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).unwrap_or(NOT_TEXT)
}
