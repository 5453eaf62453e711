//! What the formats promise, by their public interface. One program, so that it is linked once.

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
mod w3c_test_service;
