//! Spring Boot 4 with either bridge of Micrometer Tracing. Both continue the first format of the
//! list that holds anything. So the OpenTelemetry bridge chooses the opposite of OpenTelemetry
//! itself (`b.w3c+b3.trace`).

use super::arrived::{Arrived, Delivery};
use super::opentelemetry::java;
use super::read::{Read, first};
use super::sends::{self, Writer};
use super::{Library, Reader, Undecided, brave, tracestate};

pub(super) static BRAVE: Library = Library {
    name: "spring-boot-brave",
    title: "Spring Boot on Brave",
    version: "4.1.2",
    delivery: Delivery::Multimap,
    readers: BRAVE_READERS,
    choose: first,
    undecided: Undecided::Sampled,
    one_format: false,
    opened: sends::takes_all,
    writers: BRAVE_WRITERS,
};

pub(super) static OTEL: Library = Library {
    name: "spring-boot-otel",
    title: "Spring Boot on OpenTelemetry",
    version: "4.1.2",
    delivery: Delivery::Multimap,
    readers: OTEL_READERS,
    choose: first,
    undecided: Undecided::NotSampled,
    one_format: false,
    opened: sends::takes_all,
    writers: OTEL_WRITERS,
};

const BRAVE_READERS: &[(&str, Reader)] = &[
    ("tracecontext", trace_context_brave),
    ("b3", brave::b3),
    ("b3multi", brave::b3),
];

const OTEL_READERS: &[(&str, Reader)] = &[
    ("tracecontext", trace_context_otel),
    ("b3", java::b3),
    ("b3multi", java::b3),
];

const OTEL_WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_with_flags),
    ("b3", sends::b3_single),
    ("b3multi", sends::b3_multi_debug_and_sampled),
];

const BRAVE_WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_micrometer),
    ("b3", sends::b3_brave),
    ("b3multi", sends::b3_multi_brave),
];

/// Micrometer's W3C propagation reads `traceparent` like Brave and never keeps `tracestate`
/// (`a.w3c.tracestate`).
fn trace_context_brave(arrived: &Arrived<'_>) -> Read {
    arrived
        .first("traceparent")
        .map_or(Read::Absent, brave::traceparent)
}

/// With baggage, one reader handles `traceparent` and `baggage` together. So a `baggage` header
/// without `traceparent` also counts as found, and later formats are not read.
fn trace_context_otel(arrived: &Arrived<'_>) -> Read {
    let read = java::trace_context_with(arrived, tracestate::java_1_62);
    let baggage = arrived.filled("baggage").is_some_and(|list| {
        list.split(',').any(|member| {
            member
                .trim()
                .split_once('=')
                .is_some_and(|(key, _)| !key.is_empty())
        })
    });
    match read {
        Read::Absent | Read::Refused(_) if baggage => {
            Read::Void("a baggage header counts as a W3C context and ends the search")
        }
        read => read,
    }
}
