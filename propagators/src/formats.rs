//! All formats, one to a file, and the list of them.

#[cfg(test)]
mod added;
pub mod b3;
mod b3_headers;
pub mod b3multi;
pub mod baggage;
pub mod datadog;
pub mod jaeger;
pub mod ottrace;
mod prefixed;
pub mod tracecontext;
pub mod xray;

use std::borrow::Cow;

use crate::format::Format;

/// Every format, in the order in which users see them. A new format needs one file in `formats/`,
/// one line here, and one file of cases: modes, the contract test and the command's listings use
/// this list.
pub static FORMATS: &[&dyn Format] = &[
    &tracecontext::TraceContext,
    &baggage::Baggage,
    &b3::B3,
    &b3multi::B3Multi,
    &jaeger::Jaeger,
    &xray::XRay,
    &datadog::Datadog,
    &ottrace::OtTrace,
    #[cfg(test)]
    &added::Added,
];

/// How many formats there are. A mode lists each at most once.
pub(crate) const COUNT: usize = FORMATS.len();

/// The names of all formats, in the order of [`FORMATS`].
pub fn formats() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.name())
}

/// The format of this standard name. Case does not matter.
pub fn find(name: &str) -> Option<&'static dyn Format> {
    FORMATS
        .iter()
        .copied()
        .find(|format| format.name().eq_ignore_ascii_case(name))
}

/// The name of a header as people write it: `X-B3-*` for any of B3's several headers, and the name
/// itself if the header is not one of such a group.
///
/// ```
/// use baton_propagators::formats::header_group;
///
/// assert_eq!(header_group("x-b3-traceid"), "X-B3-*");
/// assert_eq!(header_group("uberctx-plan"), "uberctx-*");
/// assert_eq!(header_group("Traceparent"), "Traceparent");
/// ```
pub fn header_group(name: &str) -> Cow<'_, str> {
    let starts_with = |prefix: &str| {
        let start = name.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    for format in FORMATS {
        let group = format.headers();
        if group.strip_suffix('*').is_some_and(starts_with) {
            return Cow::Borrowed(group);
        }
        let mut prefixes = format.prefixes().iter();
        if let Some(prefix) = prefixes.find(|prefix| starts_with(prefix)) {
            return Cow::Owned(format!("{prefix}*"));
        }
    }
    Cow::Borrowed(name)
}
