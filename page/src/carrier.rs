//! The headers of a record, as they were on the stream.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use baton_propagators::HeaderList;
use baton_propagators::lambda::envelope;

/// The most bytes of headers that are kept of one record.
const MAX_BYTES: usize = 16 << 10;

/// What a record carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// These headers, in an envelope.
    Headers(HeaderList),
    /// No envelope: the record is the body alone.
    None,
    /// Headers that are too long to be kept, with their size in bytes.
    TooLong(usize),
}

impl Carrier {
    /// The carrier of a record whose data is `base64`; `None` if that is not base64.
    pub(crate) fn of_record(base64: &str) -> Option<Carrier> {
        let data = STANDARD.decode(base64).ok()?;
        let record = envelope::decode(&data);
        let Some(headers) = record.headers() else {
            return Some(Carrier::None);
        };
        let bytes = bytes_of(headers);
        Some(match bytes > MAX_BYTES {
            true => Carrier::TooLong(bytes),
            false => Carrier::Headers(headers.clone()),
        })
    }

    /// How many bytes of headers are kept.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Carrier::Headers(headers) => bytes_of(headers),
            Carrier::None | Carrier::TooLong(_) => 0,
        }
    }
}

fn bytes_of(headers: &HeaderList) -> usize {
    let headers = headers.iter();
    headers.map(|(name, value)| name.len() + value.len()).sum()
}
