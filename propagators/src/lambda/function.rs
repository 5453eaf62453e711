//! The two functions between which context is handed over.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two Lambda functions of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// Takes requests and puts records on the stream.
    Producer,
    /// Reads the stream's records.
    Consumer,
}

impl Function {
    /// The producer and the consumer.
    pub const BOTH: [Function; 2] = [Function::Producer, Function::Consumer];

    /// Its name: `producer` or `consumer`.
    pub const fn name(self) -> &'static str {
        match self {
            Function::Producer => "producer",
            Function::Consumer => "consumer",
        }
    }

    /// Its service name, unless it is configured: `producer-lambda` or `consumer-lambda`.
    pub const fn service_name(self) -> &'static str {
        match self {
            Function::Producer => "producer-lambda",
            Function::Consumer => "consumer-lambda",
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
