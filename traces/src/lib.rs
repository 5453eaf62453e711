//! Spans in, verdicts out: what became of the trace context at every hand-off.
//!
//! A run under one pairing of modes leaves a directory ([`run`]) with its spans and the functions'
//! logs. Other backends export their spans as files or over HTTP ([`source`]). The [`readers`]
//! stream all of these. [`matching`] keeps the two ends of every hand-off, [`hand_off`] judges
//! them, and [`measure`] counts the verdicts and the latencies into a [`summary`], the content of
//! `summary.json`. [`audit`] judges the hand-offs between the services of any system. [`merge`]
//! joins the runs of several load generators into one. [`compare`] says which differences between
//! them are more than noise, and [`trace::difference`] compares two traces span by span.
//!
//! The two ends of a hand-off are matched by the API's request id and by the sequence number that
//! Kinesis gave the record, never by the trace context that is being judged.
//!
//! ```
//! use baton_traces::source::extent::Extent;
//! use baton_traces::hand_off::{Hop, Verdict};
//! use baton_traces::readers::otlp_json;
//! use baton_traces::span::Want;
//! use baton_traces::figures::tally::Tally;
//!
//! let line = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[
//!   {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","kind":4,
//!    "attributes":[{"key":"messaging.message.id","value":{"stringValue":"49590338271490256608559692538361571095921575989136588898"}}]},
//!   {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","kind":5,
//!    "parentSpanId":"b7ad6b7169203331","flags":768,
//!    "attributes":[{"key":"messaging.message.id","value":{"stringValue":"49590338271490256608559692538361571095921575989136588898"}}]}
//! ]}]}]}"#;
//!
//! let mut tally = Tally::default();
//! otlp_json::read_request(line, Want::Judging, &mut |span| tally.add_span(span)).expect("a valid request");
//! tally.finish(&Extent::default());
//! let counts = tally.verdicts();
//! assert_eq!(counts[&Hop::Record].verdicts[&Verdict::Connected], 1);
//! ```

pub mod audit;
pub mod compare;
mod edges;
pub mod figures;
pub mod hand_off;
pub mod matching;
pub mod merge;
pub mod otlp;
pub mod percentiles;
pub mod readers;
pub mod run;
#[cfg(test)]
mod schemas;
pub mod service_map;
pub mod shown;
pub mod source;
pub mod span;
mod threads;
pub mod trace;
pub mod version;

pub use self::figures::{measure, summary};
