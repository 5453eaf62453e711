//! Tests of the formats through their public interface, in one program, which is linked only once.

mod allocations;
mod carriers;
mod cases;
mod claims;
mod compatibility;
mod configuration;
mod contract;
mod explained;
mod explanation;
mod explanation_notes;
mod extraction;
mod libraries;
mod opentelemetry;
mod properties;
mod truth;
