//! Reads back what was sent, from the file of the client's spans.
//!
//! It reads only files that this crate writes, and only the fields that a reader of spans leaves
//! out: the scenario and the headers.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use baton_propagators::HeaderList;
use serde::Deserialize;

/// The beginning of the names of attributes that list headers.
pub(crate) const HEADER_ATTRIBUTE: &str = "http.request.header.";

/// One request whose answer had an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentRequest {
    /// The answer's `x-amzn-requestid`.
    pub request_id: String,
    /// The scenario's name, if it has one.
    pub scenario: Option<String>,
    /// The headers of the client's context, if the plan lists them
    /// ([`Settings::spans_list_headers`](crate::Settings::spans_list_headers)).
    pub headers: HeaderList,
}

impl SentRequest {
    /// Reads all requests of the span file at `path`, in the order of the file. Requests without an
    /// id are left out.
    ///
    /// # Errors
    /// If the file cannot be read or is not one that this crate has written.
    pub fn read_file(path: &Path) -> io::Result<Vec<SentRequest>> {
        let mut requests = Vec::new();
        for line in BufReader::new(File::open(path)?).lines() {
            let export: Export = serde_json::from_str(&line?)?;
            requests.extend(export.spans().filter_map(Span::request));
        }
        Ok(requests)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    value: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Value {
    string_value: Option<String>,
    array_value: Values,
}

#[derive(Default, Deserialize)]
struct Values {
    values: Vec<Value>,
}

impl Export {
    fn spans(self) -> impl Iterator<Item = Span> {
        self.resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
    }
}

impl Span {
    fn request(self) -> Option<SentRequest> {
        let mut request_id = None;
        let mut scenario = None;
        let mut headers = HeaderList::new();
        for Attribute { key, value } in self.attributes {
            match key.strip_prefix(HEADER_ATTRIBUTE) {
                Some(name) => {
                    let values = value.array_value.values.into_iter();
                    for text in values.filter_map(|value| value.string_value) {
                        headers.push(name, text);
                    }
                }
                None if key == "aws.request_id" => request_id = value.string_value,
                None if key == "baton.scenario" => scenario = value.string_value,
                None => {}
            }
        }
        Some(SentRequest {
            request_id: request_id?,
            scenario,
            headers,
        })
    }
}
