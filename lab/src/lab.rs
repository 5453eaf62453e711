//! Starts the lab's parts in the order of their dependencies, and stops them in reverse.

use std::fs::OpenOptions;
use std::sync::Arc;
use std::time::Duration;

use baton_propagators::mode::Mode;
use baton_traces::run::{self, LabRecords, RunDirectory, UNDELIVERABLE_FILE};

use crate::collector::{Collector, SPANS_PATH, TRACES_PATH, Writer};
use crate::controls::{Controls, Functions};
use crate::error::LabError;
use crate::event_source::EventSource;
use crate::function::{Function, FunctionSettings};
use crate::function_environment;
use crate::gateway::{ENDPOINT_PATH, Gateway};
use crate::kinesis::Kinesis;
use crate::options::{FunctionOptions, LabOptions};
use crate::page;
use crate::server::{Listener, Server};
use crate::status::{Addresses, LabStatus};

/// How long processes and connections may take to end when no work is left.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// A running lab. Dropping it ends everything at once; [`Lab::stop`] finishes accepted work first.
#[derive(Debug)]
pub struct Lab {
    controls: Arc<Controls>,
    directory: RunDirectory,
    gateway: Gateway,
    event_source: EventSource,
    writer: Writer,
    servers: Servers,
    invocation_timeout: Duration,
    drain_timeout: Duration,
}

#[derive(Debug)]
struct Servers {
    endpoint: Server,
    page: Server,
    kinesis: Server,
    otlp: Server,
    zipkin: Server,
}

/// How a lab ended.
#[derive(Debug)]
pub struct Ending {
    /// The last status.
    pub status: LabStatus,
    /// Whether everything accepted was delivered, or failed too often, before the time was over.
    pub drained: bool,
    /// Why spans may be missing on disk; `None` if they are all there.
    pub span_error: Option<std::io::Error>,
}

impl Ending {
    /// What became of the records that the lab accepted.
    pub fn records(&self) -> LabRecords {
        LabRecords {
            delivered: self.status.records_delivered,
            undelivered: self.status.records_undeliverable,
        }
    }
}

impl Lab {
    /// Starts everything. Returns when the lab can answer a request.
    ///
    /// # Errors
    /// If a port is in use, a function does not start, or a directory cannot be written. No process
    /// is left running.
    pub async fn start(options: LabOptions) -> Result<Self, LabError> {
        let ports = options.ports;
        let endpoint = Listener::bind("endpoint", "--port", ports.endpoint).await?;
        let page = Listener::bind("page", "--page-port", ports.page).await?;
        let kinesis_listener =
            Listener::bind("Kinesis API", "--kinesis-port", ports.kinesis).await?;
        let otlp = Listener::bind("OTLP collector", "--otlp-port", ports.otlp).await?;
        let zipkin = Listener::bind("Zipkin collector", "--zipkin-port", ports.zipkin).await?;
        let addresses = Addresses {
            endpoint: format!("http://{}{ENDPOINT_PATH}", endpoint.address()),
            page: format!("http://{}", page.address()),
            kinesis: format!("http://{}", kinesis_listener.address()),
            otlp: format!("http://{}{TRACES_PATH}", otlp.address()),
            zipkin: format!("http://{}{SPANS_PATH}", zipkin.address()),
            stream: options.stream.clone(),
        };

        let directory = options.directory.clone();
        let earlier = directory.set_aside().map_err(LabError::Directory)?;
        let (collector, writer) = Collector::new(&directory.spans_path())?;
        let otlp = otlp.serve(collector.otlp_router());
        let zipkin = zipkin.serve(collector.zipkin_router());
        let (kinesis, kinesis_router) = Kinesis::new(&options.stream, options.shards).await?;
        let kinesis_server = kinesis_listener.serve(kinesis_router);

        let functions = Functions {
            producer: function(
                run::Function::Producer,
                &options,
                &options.producer,
                &addresses,
            )?,
            consumer: function(
                run::Function::Consumer,
                &options,
                &options.consumer,
                &addresses,
            )?,
        };
        tokio::try_join!(functions.producer.start(), functions.consumer.start())?;
        let undeliverable = directory.path().join(UNDELIVERABLE_FILE);
        let event_source = EventSource::start(
            &kinesis,
            &functions.consumer,
            &options.event_source,
            undeliverable,
        )?;
        earlier.remove().map_err(LabError::Directory)?;

        let gateway = Gateway::new(functions.producer.clone());
        let deliveries = event_source.deliveries();
        let controls = Arc::new(Controls::new(addresses, functions, deliveries, collector));
        let servers = Servers {
            endpoint: endpoint.serve(gateway.router()),
            page: page.serve(page::router(Arc::clone(&controls))),
            kinesis: kinesis_server,
            otlp,
            zipkin,
        };
        Ok(Lab {
            controls,
            directory,
            gateway,
            event_source,
            writer,
            servers,
            invocation_timeout: options.invocation_timeout,
            drain_timeout: options.drain_timeout,
        })
    }

    /// The lab's addresses.
    pub fn addresses(&self) -> &Addresses {
        self.controls.addresses()
    }

    /// The lab's directory.
    pub fn directory(&self) -> &RunDirectory {
        &self.directory
    }

    /// The lab's present state.
    pub fn status(&self) -> LabStatus {
        self.controls.status()
    }

    /// Waits until every accepted record was delivered, for a few seconds at most. Gives whether
    /// they were.
    pub async fn settle(&self) -> bool {
        self.controls.settle().await
    }

    /// Changes the modes of one or both functions without losing a request.
    ///
    /// # Errors
    /// If a function does not start in its new mode. It keeps its old mode.
    pub async fn switch(
        &self,
        producer: Option<Mode>,
        consumer: Option<Mode>,
    ) -> Result<(), LabError> {
        Arc::clone(&self.controls).switch(producer, consumer).await
    }

    /// Stops the lab: refuses new requests, finishes requests in progress, delivers every accepted
    /// record, writes all spans, and ends the processes.
    pub async fn stop(self) -> Ending {
        let Functions { producer, consumer } = self.controls.functions();
        self.gateway.close(self.invocation_timeout).await;
        self.servers.endpoint.stop(STOP_PATIENCE).await;
        // producers may still be working for clients that have gone; their records are accepted
        producer.stop(self.invocation_timeout).await;
        self.servers.kinesis.stop(STOP_PATIENCE).await;
        let drained = self.event_source.drain(self.drain_timeout).await;
        consumer.stop(STOP_PATIENCE).await;
        let status = self.controls.status();
        tokio::join!(
            self.servers.page.stop(STOP_PATIENCE),
            self.servers.otlp.stop(STOP_PATIENCE),
            self.servers.zipkin.stop(STOP_PATIENCE),
        );
        drop(self.controls);
        Ending {
            status,
            drained,
            span_error: self.writer.finish().await.err(),
        }
    }
}

fn function(
    function: run::Function,
    options: &LabOptions,
    function_options: &FunctionOptions,
    addresses: &Addresses,
) -> Result<Function, LabError> {
    let path = options.directory.log_path(function);
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|reason| LabError::File {
            path: path.clone(),
            reason,
        })?;
    let settings = FunctionSettings {
        name: function.name(),
        command: function_options.command.clone(),
        instances: options.instances,
        timeout: options.invocation_timeout,
        freeze: options.freeze,
        log,
        log_path: path,
    };
    let environment = function_environment::environment(
        function.name(),
        &function_options.environment,
        addresses,
    );
    Ok(Function::new(settings, environment))
}
