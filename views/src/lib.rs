//! What people look at: the service map, waterfalls, the report and the sentences of a summary.
//!
//! `baton-traces` judges. This crate shows the result as SVG, HTML and text for a terminal. All
//! text from spans is escaped by the template engine or made visible first.

pub mod difference;
pub mod drawing;
pub mod narrative;
pub mod report;
pub mod service_map;
pub mod terminal;
pub mod waterfall;
