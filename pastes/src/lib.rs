//! From any text that people paste to the trace headers in it.
//!
//! Headers come in the forms in which tools print them: AWS events, log lines, dumps of objects in
//! any language, `curl -v`, HAR files, network packets. [`read`] takes such a text and finds the
//! carriers in it: which headers belong together, where each was, and what belongs to tracing
//! although no format reads it.
//!
//! ```
//! let log = "08:11:02 got {'traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'}";
//! let paste = baton_pastes::read(log.as_bytes());
//! let header = &paste.carriers[0].headers[0];
//! assert_eq!(header.name, "traceparent");
//! assert_eq!(header.place, "line 1");
//! ```
//!
//! # What is where
//!
//! - `forms`: the forms of text, one file each, and their list. The last one accepts any text.
//! - `events`: known shapes of JSON, one file each, and who reads which place in them.
//! - `walk`: goes through JSON and everything packed in it. `scan`: goes through any text. `group`:
//!   turns their findings into carriers.
//! - `json`: JSON with its members in order. `decode`: layers around a text, such as gzip. `marks`:
//!   quotes and escapes around headers.
//! - [`explain`]: what formats, modes and libraries make of a carrier.
//! - `names`, `systems` and `shapes`: what is recognised by its name or its shape.
//! - `responses`: which headers belong to a response.
//!
//! # What it promises
//!
//! It does no I/O. Reading is total: any bytes give an answer, never a panic, and work and memory
//! stay within limits. Values of headers that no format reads are dropped at once, because they may
//! be credentials.

#![forbid(unsafe_code)]

mod carrier;
mod decode;
mod events;
pub mod explain;
mod finding;
mod forms;
mod group;
mod json;
mod marks;
mod names;
mod responses;
mod scan;
mod shapes;
mod systems;
mod walk;

pub use carrier::{Carrier, Header, Paste, Unread};
pub use decode::MAX_DECODED;
pub use forms::{is_header, read};

/// The most carriers that are kept from one text.
pub const MAX_CARRIERS: usize = 100;
