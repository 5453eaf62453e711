//! Reads OTLP/JSON that is not one request per line. It walks from span to span, so the input may
//! have any size.

use std::io::BufRead;

use super::containers::{self, Member, REQUEST, RESOURCE_SPANS, SCOPE_SPANS};
use super::recent::{Recent, Resource};
use super::span;
use crate::readers::json::cursor::{Cursor, Mistake, cursor};
use crate::readers::json::{Fault, JsonReader};
use crate::readers::skipped::{Place, Skipped};
use crate::span::{Span, Want};

/// What to do with the spans.
pub(super) struct Walk<'a> {
    pub(super) want: Want,
    pub(super) each: &'a mut dyn FnMut(&Span<'_>),
    pub(super) skipped: &'a mut Skipped,
}

/// Passes every span of the requests in `input` to `each`. The requests are in a list, or follow
/// each other.
pub(crate) fn walk(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    let mut walk = Walk {
        want,
        each,
        skipped,
    };
    while let Some(byte) = json.peek()? {
        match byte {
            b'[' => json.array(|json| walk.object(json, &REQUEST))?,
            _ => walk.object(&mut json, &REQUEST)?,
        }
    }
    Ok(())
}

impl Walk<'_> {
    /// Reads a request, a wrapper around one, or a `ResourceSpans`. The resource usually comes
    /// first. Spans before it wait for it.
    fn object<R: BufRead>(
        &mut self,
        json: &mut JsonReader<R>,
        place: &'static Place,
    ) -> Result<(), Fault> {
        let mut resource: Option<Vec<u8>> = None;
        let mut waiting: Vec<(u64, Vec<u8>)> = Vec::new();
        json.object(|json, name| match (Member::of(name), &resource) {
            (Member::ResourceSpans, _) => json.array(|json| self.object(json, &RESOURCE_SPANS)),
            (Member::Wrapped, _) if json.peek()? == Some(b'{') => self.object(json, &REQUEST),
            (Member::Resource, _) => {
                resource = Some(json.value()?.to_vec());
                Ok(())
            }
            (Member::ScopeSpans, None) => {
                waiting.push((json.line(), json.value()?.to_vec()));
                Ok(())
            }
            (Member::ScopeSpans, Some(resource)) => self.scopes(json, 0, resource),
            (Member::OtherSignal, _) => {
                self.skipped.other_signals += 1;
                json.skip()
            }
            _ => self.unknown(json, place, name),
        })?;
        let resource = resource.as_deref().unwrap_or(b"null");
        for (line, waiting) in waiting {
            let mut json = JsonReader::new(waiting.as_slice());
            self.scopes(&mut json, line - 1, resource)?;
        }
        Ok(())
    }

    /// Reads a list of `ScopeSpans` that begins after `lines` lines.
    fn scopes<R: BufRead>(
        &mut self,
        json: &mut JsonReader<R>,
        lines: u64,
        resource: &[u8],
    ) -> Result<(), Fault> {
        self.skipped.line = lines + json.line();
        let resource: Resource<'_> = decoded(resource, self.skipped.line, |cursor| {
            containers::resource(cursor, self.want, self.skipped, &mut Recent::default())
        })?;
        json.array(|json| {
            json.object(|json, name| match name {
                "spans" => json.array(|json| self.span(json, lines, &resource)),
                "scope" | "instrumentationLibrary" => json.skip(),
                _ => self.unknown(json, &SCOPE_SPANS, name),
            })
        })
    }

    fn span<R: BufRead>(
        &mut self,
        json: &mut JsonReader<R>,
        lines: u64,
        resource: &Resource<'_>,
    ) -> Result<(), Fault> {
        let line = lines + json.line();
        self.skipped.line = line;
        let mut span = decoded(json.value()?, line, |cursor| {
            span::span(cursor, self.want, self.skipped, &mut Recent::default())
        })?;
        span.service = &resource.service;
        span.resource_attributes = &resource.attributes;
        (self.each)(&span);
        Ok(())
    }

    /// Skips an unknown member, and counts it if it should be reported.
    fn unknown<R: BufRead>(
        &mut self,
        json: &mut JsonReader<R>,
        place: &'static Place,
        name: &str,
    ) -> Result<(), Fault> {
        self.skipped.line = json.line();
        let beginning = json.skip_showing()?;
        if place.misses(name, &beginning) {
            self.skipped.add(place, name);
        }
        Ok(())
    }
}

/// Decodes a value in memory. `line` is its line, for errors.
pub(super) fn decoded<'a, T>(
    json: &'a [u8],
    line: u64,
    decode: impl FnOnce(&mut Cursor<'a>) -> Result<T, Mistake>,
) -> Result<T, Fault> {
    let decoded = cursor(json).and_then(|mut cursor| decode(&mut cursor));
    decoded.map_err(|mistake| Fault::Problem {
        line,
        problem: mistake.explain(json).1,
    })
}
