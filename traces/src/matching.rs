//! Brings the two ends of each hand-off together.
//!
//! Spans and log lines go in, in any order. Pairs of a sender and a receiver come out, each with
//! its verdict. In a run, [`by_id`] finds them by request ids and message keys. In spans of any
//! other origin, `evidence` finds them: it looks at all spans of a source, which `spans` holds in a
//! compact form.

pub mod by_id;
pub(crate) mod evidence;
pub(crate) mod names;
pub(crate) mod sort;
pub(crate) mod spans;
