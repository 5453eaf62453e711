//! The status that a lab reports.

use std::collections::BTreeMap;
use std::fmt::Write;

use baton_traces::shown::counted;
use baton_traces::version::Version;
use serde::{Deserialize, Serialize};

/// The lab's addresses. All are URLs on loopback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Addresses {
    /// The endpoint, which takes a POST with a JSON body.
    pub endpoint: String,
    /// The lab's page.
    pub page: String,
    /// The Kinesis API.
    pub kinesis: String,
    /// The OTLP/HTTP collector, with its path.
    pub otlp: String,
    /// The collector's Zipkin API, with its path.
    pub zipkin: String,
    /// The name of the stream.
    pub stream: String,
}

/// One function of a lab.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FunctionStatus {
    /// The variables that choose its formats, as in its newest processes. Other variables are not
    /// shown, because they may hold secrets.
    pub propagation: BTreeMap<String, String>,
    /// Processes running now.
    pub instances: usize,
    /// Invocations that wait for an instance.
    pub waiting: usize,
    /// Invocations so far.
    pub invocations: u64,
    /// Invocations so far that got no answer.
    pub errors: u64,
    /// From the start of the newest process to its first request for an event, in milliseconds.
    pub cold_start_ms: Option<f64>,
}

/// A lab at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LabStatus {
    /// The version of this document.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    pub version: Version,
    /// The lab's addresses.
    pub addresses: Addresses,
    /// The producer.
    pub producer: FunctionStatus,
    /// The consumer.
    pub consumer: FunctionStatus,
    /// How often modes were switched.
    pub switches: u64,
    /// Records delivered to the consumer.
    pub records_delivered: u64,
    /// Records that were given up, or were left when the lab ended. They are kept in the file of
    /// undelivered records.
    pub records_undeliverable: u64,
    /// Spans received by the collector.
    pub spans: u64,
    /// What cannot be written to disk now: one sentence for each file.
    pub disk_problems: Vec<String>,
}

impl LabStatus {
    /// The status as text for a terminal.
    pub(crate) fn in_words(self) -> String {
        let LabStatus {
            version: _,
            addresses,
            producer,
            consumer,
            switches: _,
            records_delivered,
            records_undeliverable,
            spans,
            disk_problems,
        } = self;
        let mut text = format!(
            "baton lab\n\n\
             endpoint   {}\n\
             Kinesis    {} (stream {})\n\
             collector  {}\n\
             Zipkin     {}\n\n",
            addresses.endpoint,
            addresses.kinesis,
            addresses.stream,
            addresses.otlp,
            addresses.zipkin
        );
        for (name, function) in [("producer", &producer), ("consumer", &consumer)] {
            describe(&mut text, name, function);
        }
        let _ = write!(
            text,
            "\nrecords delivered      {records_delivered}\n\
             records undeliverable  {records_undeliverable}\n\
             spans collected        {spans}\n"
        );
        for problem in disk_problems {
            let _ = writeln!(text, "\nthe disk: {problem}");
        }
        text
    }
}

fn describe(text: &mut String, name: &str, function: &FunctionStatus) {
    let variables: Vec<_> = function
        .propagation
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let _ = writeln!(
        text,
        "{name}   {}; {}, {}, {}, {} waiting",
        match variables.is_empty() {
            true => "tracecontext,baggage".to_owned(),
            false => variables.join(" "),
        },
        counted(function.instances as u64, "instance"),
        counted(function.invocations, "invocation"),
        counted(function.errors, "error"),
        function.waiting
    );
}
