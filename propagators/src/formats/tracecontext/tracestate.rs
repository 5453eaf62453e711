//! The grammar of `tracestate`: vendors' data that accompanies a `traceparent`.
//!
//! W3C Trace Context Level 2, section 3.3
//! (<https://www.w3.org/TR/trace-context-2/#tracestate-header>):
//!
//! ```text
//! list        = list-member 0*31( OWS "," OWS list-member )
//! list-member = key "=" value / OWS
//! key         = ( lcalpha / DIGIT ) 0*255( lcalpha / DIGIT / "_" / "-" / "*" / "/" / "@" )
//! value       = 0*255( %x20 / nblk-chr ) nblk-chr
//! nblk-chr    = %x21-2B / %x2D-3C / %x3E-7E
//! ```
//!
//! A list has up to 32 members, the most recent first. Empty members are allowed and not counted. A
//! list that breaks the grammar anywhere is dropped as a whole. The `traceparent` beside it stays
//! valid.
//!
//! Size bound: 16,447 bytes, which is 32 members of at most 513 bytes and the commas between them.

use arrayvec::ArrayVec;

use super::NAME;
use crate::carrier::{NOT_TEXT, trimmed};
use crate::context::TraceState;
use crate::format::{Fault, Reject};
use crate::policy::Engine;

/// The name of the header.
pub(crate) const HEADER: &str = "tracestate";

/// The most members of a list.
pub(crate) const MAX_MEMBERS: usize = 32;
/// The most bytes of a key or a value.
const MAX_PART: usize = 256;

const LIST: &str = "W3C Trace Context Level 2, section 3.3.2.1 (list)";
const KEY: &str = "W3C Trace Context Level 2, section 3.3.2.2.1 (key)";
const VALUE: &str = "W3C Trace Context Level 2, section 3.3.2.2.2 (value)";

impl TraceState {
    /// Reads a header's value.
    ///
    /// # Errors
    ///
    /// When the list breaks the grammar. The caller then drops all of it.
    pub fn parse(value: &str) -> Result<Self, Reject> {
        Self::collect(|each| each(value))
    }

    /// Reads the values of all `tracestate` headers, which make one list (RFC 9110, section 5.3).
    pub(crate) fn collect<'a>(
        headers: impl FnOnce(&mut dyn FnMut(&'a str)),
    ) -> Result<Self, Reject> {
        // Created on demand: most contexts have no `tracestate`, and the space for its members is
        // large.
        let mut members: Option<Members<'a>> = None;
        headers(&mut |value| members.get_or_insert_default().read(value));
        members.map_or(Ok(Self::EMPTY), |members| members.finish())
    }
}

impl std::str::FromStr for TraceState {
    type Err = Reject;

    fn from_str(value: &str) -> Result<Self, Reject> {
        Self::parse(value)
    }
}

/// A list during reading. It is on the stack, because most lists are refused or kept unchanged.
#[derive(Default)]
struct Members<'a> {
    /// The key of each member, and the member.
    list: ArrayVec<(&'a str, &'a str), MAX_MEMBERS>,
    /// How many members arrived, including repeated keys.
    count: usize,
    /// The first header's value.
    first: &'a str,
    headers: usize,
    /// Where the current header starts if all are joined.
    offset: usize,
    fault: Option<Reject>,
}

impl<'a> Members<'a> {
    fn read(&mut self, header: &'a str) {
        if self.headers == 0 {
            self.first = header;
        }
        self.headers += 1;
        let mut start = self.offset;
        for piece in header.split(',') {
            if self.fault.is_some() {
                return;
            }
            let (member, cut) = trimmed(piece);
            if !member.is_empty() {
                self.fault = self.add(member, start + cut).err();
            }
            start += piece.len() + 1;
        }
        self.offset = start;
    }

    /// Adds the member at `position`.
    fn add(&mut self, member: &'a str, position: usize) -> Result<(), Reject> {
        let fault = |fault, offset, spec| Reject {
            format: NAME,
            header: HEADER,
            fault,
            position: Some(position + offset),
            spec,
            engine: Engine::Native,
        };
        if member == NOT_TEXT {
            return Err(fault(Fault::NotText, 0, LIST));
        }
        let Some((key, value)) = member.split_once('=') else {
            return Err(fault(Fault::NoEqualsSign, 0, LIST));
        };
        if let Some(offset) = key_fault(key.as_bytes()) {
            let expected = "1 to 256 of a-z, 0-9 and _-*/@ with a letter or digit first";
            return Err(fault(Fault::Key { expected }, offset, KEY));
        }
        if let Some(offset) = value_fault(value.as_bytes()) {
            let expected = "1 to 256 printable ASCII characters other than ',' and '='";
            return Err(fault(
                Fault::Value { expected },
                key.len() + 1 + offset,
                VALUE,
            ));
        }
        self.count += 1;
        if self.count > MAX_MEMBERS {
            return Err(fault(Fault::TooManyMembers { limit: MAX_MEMBERS }, 0, LIST));
        }
        // Each key has one entry. The first is the most recent (section 3.3.3).
        if !self.list.iter().any(|(earlier, _)| *earlier == key) {
            self.list.push((key, member));
        }
        Ok(())
    }

    fn finish(self) -> Result<TraceState, Reject> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let bytes = self
            .list
            .iter()
            .map(|(_, member)| member.len() + 1)
            .sum::<usize>();
        Ok(if self.list.is_empty() {
            TraceState::EMPTY
        } else if self.headers == 1 && bytes == self.first.len() + 1 {
            // Nothing was removed, so the value can be kept.
            TraceState::from_list(self.first)
        } else {
            let mut joined = String::with_capacity(bytes);
            for (_, member) in &self.list {
                if !joined.is_empty() {
                    joined.push(',');
                }
                joined.push_str(member);
            }
            TraceState::from_list(&joined)
        })
    }
}

/// Where a key breaks the grammar.
fn key_fault(key: &[u8]) -> Option<usize> {
    let within =
        |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    match key.first() {
        Some(b'a'..=b'z' | b'0'..=b'9') => {}
        _ => return Some(0),
    }
    key.iter()
        .position(|byte| !within(byte))
        .or((key.len() > MAX_PART).then_some(MAX_PART))
}

/// Where a value breaks the grammar. It has no white space after it.
fn value_fault(value: &[u8]) -> Option<usize> {
    let within = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b',' && *byte != b'=';
    if value.is_empty() {
        return Some(0);
    }
    value
        .iter()
        .position(|byte| !within(byte))
        .or((value.len() > MAX_PART).then_some(MAX_PART))
}
