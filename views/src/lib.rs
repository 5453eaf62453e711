//! What people look at: the service map, waterfalls, the report and the sentences of a summary.
//!
//! `baton-traces` judges. This crate shows the result as SVG, HTML and text for a terminal. All
//! text from spans is escaped by the template engine or made visible first.
//!
//! # What is where
//!
//! - [`service_map`] and [`waterfall`]: each as a picture and as text for a terminal.
//! - [`report`]: `report.html`, one file for each section. [`narrative`]: its sentences.
//! - [`drawing`]: shapes as SVG. [`terminal`]: widths and colours. [`difference`]: figures as text.

pub mod difference;
pub mod drawing;
pub mod narrative;
pub mod report;
pub mod service_map;
pub mod terminal;
pub mod waterfall;
