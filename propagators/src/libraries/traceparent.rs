//! Reads `traceparent` with the regular expression that OpenTelemetry for JavaScript and Python
//! use.

use super::digits;
use super::read::Found;

/// `version-traceid-spanid-flags` in lower case. More text may follow after a dash, except in
/// version 00. Version ff is refused. The caller must refuse ids of zero.
pub(super) fn read(value: &str) -> Option<Found> {
    let (version, rest) = value.trim().split_once('-')?;
    let (trace, rest) = rest.split_once('-')?;
    let (span, rest) = rest.split_once('-')?;
    let (flags, more) = match rest.split_once('-') {
        Some((flags, _)) => (flags, true),
        None => (rest, false),
    };
    let version = digits::lower(version, 2)?;
    let flags = digits::lower(flags, 2)?;
    if version == 0xff || (version == 0 && more) {
        return None;
    }
    let mut found = Found::new(
        digits::lower(trace, 32)?,
        digits::lower(span, 16)?,
        Some(flags & 1 == 1),
    );
    found.random = flags & 2 == 2;
    Some(found)
}
