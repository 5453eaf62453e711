//! The `traceparent` of version 00, as the regular expressions of OpenTelemetry for JavaScript and
//! Python read it.

use super::digits;
use super::read::Found;

/// `version-traceid-spanid-flags` in lower case; more only behind a dash and not in version 00;
/// never version ff. Ids of zero are for the caller to refuse.
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
