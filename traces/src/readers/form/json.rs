//! Finds the form of JSON by the members of its first objects.

use super::known_json;
use super::{Form, starts_with};
use crate::readers::clickhouse;
use crate::readers::json::{Fault, JsonReader};

/// Zipkin's and Datadog's lists of traces are two arrays deep.
const MAX_DEPTH: usize = 3;

/// JSON whose form cannot be read.
pub(super) enum Unread {
    /// It is known, and this says what it is.
    Known(String),
    /// It is not known, and this describes it. A known form may be inside.
    Unknown(String),
}

/// The form of JSON with this beginning, or what it is instead.
pub(super) fn form(text: &[u8]) -> Result<Form, Unread> {
    let text = without_empty_lists(text);
    if text.is_empty() {
        return Ok(Form::OtlpJson);
    }
    let mut look = Look::default();
    let walked = look.at(&mut JsonReader::new(text), 0);
    if let Some(found) = look.found {
        return found.map_err(Unread::Known);
    }
    match walked {
        // JSON without content is an export without spans.
        Ok(()) if look.names.is_empty() => Ok(Form::OtlpJson),
        Ok(()) if is_list_of_text(JsonReader::new(text)) => {
            Err(Unread::Known(known_json::NAMES.to_owned()))
        }
        Ok(()) => {
            const MAX_NAMES: usize = 5;
            look.names.truncate(MAX_NAMES);
            let members = format!("JSON with the members {}", look.names.join(", "));
            Err(Unread::Unknown(members))
        }
        Err(_) => Err(Unread::Unknown(starts_with(text))),
    }
}

/// The text after empty lists, which show no form. Whatever collects the requests of an exporter may
/// have some: Zipkin's senders send an empty list to test the connection.
fn without_empty_lists(text: &[u8]) -> &[u8] {
    let after_list = |text: &'_ [u8]| {
        let inside = text.strip_prefix(b"[")?.trim_ascii_start();
        Some(inside.strip_prefix(b"]")?.trim_ascii_start().len())
    };
    let mut rest = text;
    while let Some(length) = after_list(rest) {
        rest = &rest[rest.len() - length..];
    }
    rest
}

/// The form of the next value, or the error for a known one that cannot be read; `None` if it is
/// not known.
pub(super) fn known(mut json: JsonReader<&[u8]>) -> Option<Result<Form, String>> {
    let mut look = Look::default();
    // If the text is cut short, the form may still be known.
    let _ = look.at(&mut json, 0);
    look.found
}

/// What the search has seen so far.
#[derive(Default)]
struct Look {
    /// The members' names, for an error's message.
    names: Vec<String>,
    found: Option<Result<Form, String>>,
}

impl Look {
    /// Examines the next value, until the form is found.
    fn at(&mut self, json: &mut JsonReader<&[u8]>, depth: usize) -> Result<(), Fault> {
        match json.peek()? {
            Some(b'[') if depth < MAX_DEPTH => json.array(|json| {
                self.at(json, depth + 1)?;
                self.go_on(json)
            }),
            Some(b'{') => {
                let mut members = Members::default();
                let walked = json.object(|json, name| {
                    self.found = members.add(name, json)?;
                    self.go_on(json)?;
                    self.names.push(format!("`{}`", name.escape_debug()));
                    json.skip()
                });
                if self.found.is_none() {
                    self.found = members.probable.map(Ok);
                }
                match self.found {
                    Some(_) => self.go_on(json),
                    None => walked,
                }
            }
            _ => {
                self.names.push("of another kind".to_owned());
                json.skip()
            }
        }
    }

    /// Stops the walk with an error once the form is found. The form's reader starts again.
    fn go_on(&self, json: &mut JsonReader<&[u8]>) -> Result<(), Fault> {
        match self.found {
            None => Ok(()),
            Some(_) => Err(json.unexpected("no more")),
        }
    }
}

/// The members of one object, which together show the form.
#[derive(Default)]
struct Members {
    names: Vec<String>,
    /// The form, unless a later member contradicts it.
    probable: Option<Form>,
}

impl Members {
    /// Adds the next member. Returns the form if it is now certain.
    fn add(
        &mut self,
        name: &str,
        json: &mut JsonReader<&[u8]>,
    ) -> Result<Option<Result<Form, String>>, Fault> {
        self.names.push(name.to_owned());
        if let Some(found) = known_json::object(&self.names) {
            return Ok(Some(Err(found)));
        }
        match by_one_name(name) {
            // rows of other backends have one too
            Some(Form::Jaeger) => {
                self.probable = Some(Form::Jaeger);
                return Ok(None);
            }
            Some(form) => return Ok(Some(Ok(form))),
            None => {}
        }
        let is_nested = matches!(json.peek()?, Some(b'[' | b'{'));
        if is_nested {
            let inner = first_names(json.ahead());
            let is_first = self.names.len() == 1;
            let of_intake =
                is_first.then(|| known_json::intake(name, &inner, || names_agent(json.ahead())));
            if let Some(found) = of_intake
                .flatten()
                .or_else(|| known_json::member(name, &inner))
            {
                return Ok(Some(Err(found)));
            }
        }
        let form = match name {
            "data" if is_nested || json.peek()? == Some(b'n') => {
                let inner = first_names(json.ahead());
                match known_json::data(&inner) {
                    Some(found) => return Ok(Some(Err(found))),
                    None if is_list_of_text(json.ahead()) => {
                        return Ok(Some(Err(known_json::NAMES.to_owned())));
                    }
                    None if clickhouse::is_row(&inner) => Form::ClickHouse,
                    None if json.peek()? == Some(b'{') => return Ok(None),
                    None => Form::Jaeger,
                }
            }
            // Elastic APM also has a member `trace`.
            "trace" | "result" if is_nested => match first_names(json.ahead()) {
                inner if inner.is_empty() || inner.iter().any(|name| is_of_otlp(name)) => {
                    Form::OtlpJson
                }
                _ => return Ok(None),
            },
            "hits" | "_source" if is_nested => {
                match names_of_document(&mut json.ahead(), name, 0) {
                    Some(inner) => match known_json::document(&inner) {
                        Some(found) => return Ok(Some(Err(found))),
                        None => Form::Jaeger,
                    },
                    None => Form::Jaeger,
                }
            }
            "context" if is_nested => match first_names(json.ahead()) {
                inner if inner.iter().any(|name| name == "trace_id") => Form::Console,
                _ => return Ok(None),
            },
            "events" | "results" if is_nested && self.names.len() == 1 => {
                match first_names(json.ahead()) {
                    inner if has_any(&inner, &["message", "field"]) => Form::CloudWatch,
                    inner => return Ok(known_json::object(&inner).map(Err)),
                }
            }
            // JavaScript's console exporter uses Zipkin's names, but its kinds are numbers.
            "kind" if json.peek()?.is_some_and(|byte| byte.is_ascii_digit()) => {
                match by_all_names(&self.names).or(self.probable) {
                    Some(Form::Zipkin) => Form::Console,
                    _ => return Ok(None),
                }
            }
            _ => match by_all_names(&self.names) {
                Some(form @ (Form::Zipkin | Form::XRay | Form::Datadog)) => {
                    self.probable.get_or_insert(form);
                    return Ok(None);
                }
                form => return Ok(form.map(Ok)),
            },
        };
        Ok(Some(Ok(form)))
    }
}

/// Whether a value is a list whose first element is text.
fn is_list_of_text(mut json: JsonReader<&[u8]>) -> bool {
    let mut is_text = false;
    let _ = json.array(|json| {
        is_text = json.peek()? == Some(b'"');
        Err(json.unexpected("no more"))
    });
    is_text
}

/// The form that this member alone identifies.
fn by_one_name(name: &str) -> Option<Form> {
    Some(match name {
        "resource_spans" | "batches" | "scope_spans" => Form::OtlpJson,
        "instrumentationLibrarySpans" | "instrumentation_library_spans" => Form::OtlpJson,
        "traceID" => Form::Jaeger,
        "Traces" | "Segments" | "TraceSegmentDocuments" | "Document" => Form::XRay,
        "SpanContext" => Form::Console,
        // Names in the wrong case are accepted here; the reader reports them.
        _ => match name.to_ascii_lowercase().replace('_', "").as_str() {
            "resourcespans" | "resourcelogs" | "resourcemetrics" | "resourceprofiles" => {
                Form::OtlpJson
            }
            "scopespans" | "scopelogs" => Form::OtlpJson,
            _ => return None,
        },
    })
}

/// The form that these members identify together.
fn by_all_names(names: &[String]) -> Option<Form> {
    let has = |name: &str| names.iter().any(|known| known == name);
    let has_any = |wanted: &[&str]| has_any(names, wanted);
    if clickhouse::is_row(names) {
        Some(Form::ClickHouse)
    } else if has("traceId") && has_any(&["id", "parentId", "localEndpoint", "binaryAnnotations"]) {
        Some(Form::Zipkin)
    } else if has_any(&["traceId", "trace_id"])
        && has_any(&["spanId", "span_id"])
        && has_any(&["startTimeUnixNano", "start_time_unix_nano"])
    {
        Some(Form::OtlpLogLines)
    } else if has("trace_id") && has("span_id") && has_any(&["start", "duration", "meta"]) {
        Some(Form::Datadog)
    } else if has("id") && has_any(&["trace_id", "start_time", "subsegments"])
        || has("format") && has("version")
    {
        Some(Form::XRay)
    } else {
        None
    }
}

fn has_any(names: &[String], wanted: &[&str]) -> bool {
    names.iter().any(|name| wanted.contains(&&**name))
}

/// Whether a member of this name, in any case, belongs to a request of OTLP.
fn is_of_otlp(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "");
    matches!(&*name, "resourcespans" | "batches" | "scopespans")
}

/// The names in the first document of an answer of Elasticsearch, whose member `name` comes next;
/// `None` if there is no document. `depth` counts the values around it, because the search calls
/// itself for each.
fn names_of_document(
    json: &mut JsonReader<&[u8]>,
    name: &str,
    depth: usize,
) -> Option<Vec<String>> {
    /// An answer has `hits`, its list of `hits`, and a hit with its `_source`.
    const MAX_DOCUMENT_DEPTH: usize = 4;
    if depth > MAX_DOCUMENT_DEPTH {
        return None;
    }
    if name == "_source" {
        return Some(first_names(json.ahead()));
    }
    let mut found = None;
    // If the text is cut short here, the reader reports it.
    let _ = match json.peek() {
        Ok(Some(b'[')) => json.array(|json| {
            let hit = first_names(json.ahead());
            found = names_of_document(json, "", depth + 1).or(Some(hit));
            Err(json.unexpected("no more"))
        }),
        _ => json.object(|json, name| {
            if found.is_none() && matches!(name, "hits" | "_source") {
                found = names_of_document(&mut json.ahead(), name, depth + 1);
            }
            json.skip()
        }),
    };
    found
}

/// Whether the member `service` of an object has an agent, as in the metadata of Elastic APM's
/// intake.
fn names_agent(mut json: JsonReader<&[u8]>) -> bool {
    let mut is_found = false;
    // text that is cut off has said enough before
    let _ = json.object(|json, name| {
        let is_agent = |name: &String| name == "agent";
        is_found |= name == "service" && first_names(json.ahead()).iter().any(is_agent);
        json.skip()
    });
    is_found
}

/// The names of the members of the first object in a value, up to the first error.
fn first_names(mut json: JsonReader<&[u8]>) -> Vec<String> {
    fn look(
        json: &mut JsonReader<&[u8]>,
        names: &mut Vec<String>,
        depth: usize,
    ) -> Result<(), Fault> {
        match json.peek()? {
            Some(b'[') if depth < MAX_DEPTH => json.array(|json| {
                look(json, names, depth + 1)?;
                Err(json.unexpected("no more"))
            }),
            Some(b'{') => json.object(|json, name| {
                names.push(name.to_owned());
                json.skip()
            }),
            _ => json.skip(),
        }
    }
    let mut names = Vec::new();
    // If the text is cut short here, the reader reports it.
    let _ = look(&mut json, &mut names, 0);
    names
}
