//! From any text that people paste to the trace headers in it.
//!
//! People have headers in the forms in which their tools print them: events of AWS, log lines, dumps of objects in any
//! language, `curl -v`, HAR files, packets. [`read`] takes such a text and finds the carriers in it: which headers
//! came together, where each was, and what belongs to tracing although no format reads it.
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
//! - `forms`: the forms of text, one file each, and the list of them. The last one takes any text.
//! - `events`: the shapes of JSON that are known, one file each: who reads which place of them.
//! - `walk`: through JSON and all that is packed in it; `scan`: through text of any kind; `group`: from what they find to
//!   carriers.
//! - `names`, `systems` and `shapes`: what is known by its name, and by its looks.
//!
//! # What it promises
//!
//! It does no I/O. Reading is total: any bytes give an answer, never a panic, and never more work or memory than the limits
//! allow. Values of headers that no format reads are dropped on the spot, since credentials are among them.

#![forbid(unsafe_code)]

mod carrier;
mod decode;
mod events;
mod finding;
mod forms;
mod group;
mod names;
mod scan;
mod shapes;
mod systems;
mod tree;
mod walk;

pub use carrier::{Carrier, Header, Paste, Unread};
pub use decode::MAX_DECODED;
pub use forms::{is_header, read};

/// The most carriers that are kept of one text.
pub const MAX_CARRIERS: usize = 100;
