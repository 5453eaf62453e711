//! The way through documents and their wrappers. Segments in progress wait until the end, because a
//! later document may have the same segment complete.

use std::collections::HashSet;
use std::io::BufRead;

use serde_json::Value as Json;

use super::{Document, WRAPPER, invalid};
use crate::readers::ids::{span_id, xray_trace_id};
use crate::readers::json::{Fault, JsonReader, json_problem, parse_json};
use crate::readers::skipped::Skipped;
use crate::span::{Span, SpanReference, Want};

pub(super) struct Walk<'a> {
    want: Want,
    each: &'a mut dyn FnMut(&Span<'_>),
    skipped: &'a mut Skipped,
    /// The segments whose end was seen.
    ended: HashSet<SpanReference>,
    /// Documents of segments in progress. They count only if no later document has the segment's
    /// end.
    in_progress: Vec<(SpanReference, u64, Vec<u8>)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        want: Want,
        each: &'a mut dyn FnMut(&Span<'_>),
        skipped: &'a mut Skipped,
    ) -> Self {
        Walk {
            want,
            each,
            skipped,
            ended: HashSet::new(),
            in_progress: Vec::new(),
        }
    }

    /// Reads the next value of the input; returns whether there was one.
    pub(super) fn next<R: BufRead>(&mut self, json: &mut JsonReader<R>) -> Result<bool, Fault> {
        match json.peek()? {
            Some(_) => self.wrapped(json, None).map(|()| true),
            None => Ok(false),
        }
    }

    /// Passes on the segments in progress whose end no document has.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        for (reference, line, json) in std::mem::take(&mut self.in_progress) {
            if self.ended.insert(reference) {
                let document: Result<Document<'_>, _> = parse_json(&json);
                let problem = |problem| Fault::Problem { line, problem };
                let document = document.map_err(|error| problem(json_problem(&error)))?;
                let service = document.service();
                let read =
                    document.hand_over(reference.trace_id, None, &service, self.want, self.each);
                read.map_err(problem)?;
            }
        }
        Ok(())
    }

    /// Reads documents inside any wrapper. `id` is the trace's id, if a wrapper gave it.
    fn wrapped<R: BufRead>(
        &mut self,
        json: &mut JsonReader<R>,
        id: Option<&str>,
    ) -> Result<(), Fault> {
        match json.peek()? {
            Some(b'[') => json.array(|json| self.wrapped(json, id)),
            Some(b'"') => self.document_in_string(json, id),
            _ => self.object(json, id),
        }
    }

    /// Reads a wrapper, the daemon's header, or a document. Only a document is held in memory.
    fn object<R: BufRead>(
        &mut self,
        json: &mut JsonReader<R>,
        outer: Option<&str>,
    ) -> Result<(), Fault> {
        let line = json.line();
        let mut id = None;
        let mut own = Vec::new();
        json.object(|json, name| {
            match name {
                "Id" => id = json.parse::<Option<String>>()?,
                _ if WRAPPER.members.contains(&name) => {
                    // A segment's `id` is not the trace's id.
                    let trace = id.as_deref().filter(|id| xray_trace_id(id).is_some());
                    self.wrapped(json, trace.or(outer))?;
                }
                _ if name.starts_with(char::is_uppercase) || WRAPPER.is_misspelt(name) => {
                    self.unknown(json, name)?;
                }
                _ => {
                    own.push(if own.is_empty() { b'{' } else { b',' });
                    own.extend_from_slice(Json::from(name).to_string().as_bytes());
                    own.push(b':');
                    own.extend_from_slice(json.value()?);
                }
            }
            Ok(())
        })?;
        if own.is_empty() {
            return Ok(());
        }
        own.push(b'}');
        let read = self.document(&own, line, outer);
        read.map_err(|problem| Fault::Problem { line, problem })
    }

    fn document_in_string<R: BufRead>(
        &mut self,
        json: &mut JsonReader<R>,
        id: Option<&str>,
    ) -> Result<(), Fault> {
        let line = json.line();
        let document: String = json.parse()?;
        let read = self.document(document.as_bytes(), line, id);
        read.map_err(|problem| Fault::Problem { line, problem })
    }

    /// Passes a document on. `id` is the trace's id, which the document itself may lack.
    fn document(&mut self, json: &[u8], line: u64, id: Option<&str>) -> Result<(), String> {
        let document: Document<'_> = parse_json(json)
            .map_err(|error| format!("in a segment's document, {}", json_problem(&error)))?;
        if document.is_header() {
            return Ok(());
        }
        if document.is_of_opentelemetry() {
            return Err(
                "found: a span of OpenTelemetry, expected an X-Ray segment document: give \
                        `aws xray list-retrieved-traces` the option `--trace-format XRAY`"
                    .to_owned(),
            );
        }
        let own = Some(&*document.trace_id.0).filter(|id| !id.is_empty());
        let trace_id = own.or(id).and_then(xray_trace_id).ok_or_else(|| {
            invalid(
                "trace id 1-<8 hex digits>-<24 hex digits>",
                &document.trace_id,
            )
        })?;
        if let Some(span_id) = span_id(&document.id.0) {
            let reference = SpanReference { trace_id, span_id };
            if document.in_progress == Some(true) {
                self.in_progress.push((reference, line, json.to_vec()));
                return Ok(());
            }
            self.ended.insert(reference);
        }
        let service = document.service();
        document.hand_over(trace_id, None, &service, self.want, self.each)
    }

    /// Skips an unknown member, and counts it if it should be reported.
    fn unknown<R: BufRead>(&mut self, json: &mut JsonReader<R>, name: &str) -> Result<(), Fault> {
        self.skipped.line = json.line();
        let beginning = json.skip_showing()?;
        if WRAPPER.misses(name, &beginning) {
            self.skipped.add(&WRAPPER, name);
        }
        Ok(())
    }
}
