//! Starts the lab's parts in the order of their dependencies, and stops them in reverse.

mod options;

use std::sync::Arc;
use std::time::Duration;

use baton_traces::run::{self, LabRecords, RunDirectory, STREAM_FILE, UNDELIVERABLE_FILE};
use baton_traces::shown::counted;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::collector::{Collector, SPANS_PATH, TRACES_PATH, Writer};
use crate::control::{Controls, Functions, Page, Parts, SwitchRequest, Token, api};
use crate::error::LabError;
use crate::event_source::EventSource;
use crate::function::{Function, FunctionSettings, environment};
use crate::gateway::{ENDPOINT_PATH, Gateway};
use crate::kinesis::{Kinesis, MAX_RETAINED_BYTES};
use crate::monitoring::{Addresses, Disk, LabStatus, Watcher, disk};
use crate::server::{Listener, Server};

pub use options::{FunctionOptions, LabOptions, Ports, StreamState};

/// How long processes and connections may take to end when no work is left.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// A running lab. Dropping it ends everything at once; [`Lab::stop`] finishes accepted work first.
#[derive(Debug)]
pub struct Lab {
    controls: Arc<Controls>,
    directory: RunDirectory,
    gateway: Gateway,
    kinesis: Kinesis,
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
    /// Records that were left: the consumer had not handled them when the time was over.
    pub left: u64,
    /// Records of those left that stay in the file of the stream, for a lab that is resumed.
    pub waiting: u64,
    /// Records of those left that could not be written to a file: one line of JSON each.
    pub unkept: String,
    /// Which spans are not on disk, and why; `None` if they are all there.
    pub span_error: Option<String>,
}

impl Ending {
    /// What was not delivered or not saved: one sentence each. `directory` is the lab's.
    pub fn problems(&self, directory: &RunDirectory) -> Vec<String> {
        let mut problems = Vec::new();
        let unkept = self.unkept.lines().count() as u64;
        let kept = self.status.records_undeliverable - unkept - self.waiting;
        if kept > 0 {
            let left = match self.left.saturating_sub(unkept + self.waiting) {
                0 => String::new(),
                left => format!(" ({left} of them were left at the end)"),
            };
            problems.push(format!(
                "{} could not be delivered{left}; kept in {}",
                counted(kept, "record"),
                directory.path().join(UNDELIVERABLE_FILE).display()
            ));
        }
        if unkept > 0 {
            problems.push(format!(
                "{} could not be delivered, and could not be written to {}; printed here instead",
                counted(unkept, "record"),
                directory.path().join(UNDELIVERABLE_FILE).display()
            ));
        }
        if self.waiting > 0 {
            problems.push(format!(
                "{} could not be delivered; kept in {}, and `baton up --save {} --resume` takes them up again",
                counted(self.waiting, "record"),
                directory.path().join(STREAM_FILE).display(),
                directory.path().display()
            ));
        }
        problems.extend(self.span_error.clone());
        problems
    }

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
    pub fn start(options: LabOptions) -> BoxFuture<'static, Result<Self, LabError>> {
        // boxed, as other futures of the lab, so that it is compiled here and not in every program
        Box::pin(Self::start_parts(options, None))
    }

    /// The same, with a page for people.
    ///
    /// # Errors
    /// As [`Lab::start`].
    pub fn start_with_page(
        options: LabOptions,
        page: Arc<dyn Page>,
    ) -> BoxFuture<'static, Result<Self, LabError>> {
        Box::pin(Self::start_parts(options, Some(page)))
    }

    async fn start_parts(
        options: LabOptions,
        page: Option<Arc<dyn Page>>,
    ) -> Result<Self, LabError> {
        let token = Token::draw().map_err(LabError::Token)?;
        let ports = options.ports;
        let endpoint = Listener::bind("endpoint", "--port", ports.endpoint).await?;
        let page_listener = Listener::bind("page", "--page-port", ports.page).await?;
        let kinesis_listener =
            Listener::bind("Kinesis API", "--kinesis-port", ports.kinesis).await?;
        let otlp = Listener::bind("OTLP collector", "--otlp-port", ports.otlp).await?;
        let zipkin = Listener::bind("Zipkin collector", "--zipkin-port", ports.zipkin).await?;
        let addresses = Addresses {
            endpoint: format!("http://{}{ENDPOINT_PATH}", endpoint.address()),
            page: format!("http://{}", page_listener.address()),
            kinesis: format!("http://{}", kinesis_listener.address()),
            otlp: format!("http://{}{TRACES_PATH}", otlp.address()),
            zipkin: format!("http://{}{SPANS_PATH}", zipkin.address()),
            stream: options.stream.clone(),
        };

        let directory = options.directory.clone();
        let is_resumed = options.stream_state == StreamState::Resumed;
        let earlier = match is_resumed {
            true => None,
            false => Some(directory.set_aside().map_err(LabError::Directory)?),
        };
        let disk = Disk::new();
        let watcher = page.clone().map(|page| page as Arc<dyn Watcher>);
        let (collector, writer) =
            Collector::new(&directory.spans_path(), disk.clone(), watcher.clone())?;
        let otlp = otlp.serve(collector.otlp_router());
        let zipkin = zipkin.serve(collector.zipkin_router());
        let journal = directory.path().join(STREAM_FILE);
        let journal = (options.stream_state != StreamState::Memory).then_some(journal);
        let (kinesis, kinesis_router) = Kinesis::new(
            &options.stream,
            options.shards,
            MAX_RETAINED_BYTES,
            journal,
            disk.clone(),
        )
        .await?;
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
            disk.clone(),
            watcher.as_ref(),
        );
        if let Some(earlier) = earlier {
            earlier.remove().map_err(LabError::Directory)?;
        }

        let gateway = Gateway::new(functions.producer.clone(), disk.clone());
        let deliveries = event_source.deliveries();
        let controls = Arc::new(Controls::new(Parts {
            addresses,
            directory: directory.clone(),
            token,
            functions,
            deliveries,
            collector,
            disk,
            watcher: watcher.clone(),
        }));
        if let Some(watcher) = &watcher {
            watcher.switched(&controls.status());
        }
        let servers = Servers {
            endpoint: endpoint.serve(gateway.router()),
            page: page_listener.serve(api::router(&controls, page)),
            kinesis: kinesis_server,
            otlp,
            zipkin,
        };
        Ok(Lab {
            controls,
            directory,
            gateway,
            kinesis,
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

    /// The secret that a request to the control API has to carry if it changes something.
    pub fn token(&self) -> &Token {
        self.controls.token()
    }

    /// Waits until every accepted record was delivered, for a few seconds at most. Returns whether
    /// they were.
    pub fn settle(&self) -> BoxFuture<'_, bool> {
        self.controls.settle()
    }

    /// Changes the modes of one or both functions without losing a request.
    ///
    /// # Errors
    /// As [`Controls::switch`].
    pub fn switch<'a>(
        &self,
        request: &'a SwitchRequest,
    ) -> BoxFuture<'a, Result<LabStatus, LabError>> {
        Arc::clone(&self.controls).switch(request)
    }

    /// Waits until what cannot be written to disk changes, and returns it: one sentence for each
    /// file.
    pub async fn disk_problems_changed(&self) -> Vec<String> {
        let mut changes = self.controls.disk().subscribe();
        changes.mark_unchanged();
        // the sender is in `self`, so it is not dropped
        let _ = changes.changed().await;
        self.controls.disk().failures()
    }

    /// Stops the lab: refuses new requests, finishes requests in progress, delivers every accepted
    /// record, writes all spans, and ends the processes. It keeps delivering while records get
    /// through. When `hurry` ends, it waits for nothing more, and only saves what is left.
    pub fn stop<'a>(self, hurry: impl Future<Output = ()> + Send + 'a) -> BoxFuture<'a, Ending> {
        self.stop_boxed(Box::pin(hurry))
    }

    fn stop_boxed(self, hurry: BoxFuture<'_, ()>) -> BoxFuture<'_, Ending> {
        Box::pin(self.stopped(hurry))
    }

    async fn stopped(self, hurry: BoxFuture<'_, ()>) -> Ending {
        let (hurrying, hurried) = watch::channel(false);
        let mut stopping = std::pin::pin!(self.wind_down(hurried));
        tokio::select! {
            ending = &mut stopping => return ending,
            () = hurry => {}
        }
        hurrying.send_replace(true);
        stopping.await
    }

    async fn wind_down(self, hurried: watch::Receiver<bool>) -> Ending {
        self.controls.stop();
        let Functions { producer, consumer } = self.controls.functions();
        unless(&hurried, self.gateway.close(self.invocation_timeout)).await;
        self.servers.endpoint.stop(STOP_PATIENCE).await;
        // producers may still be working for clients that have gone; their records are accepted
        unless(&hurried, producer.stop(self.invocation_timeout)).await;
        self.servers.kinesis.stop(STOP_PATIENCE).await;
        let hurry = unless(&hurried, std::future::pending());
        let drained = self.event_source.drain(self.drain_timeout, hurry).await;
        if drained.waiting == 0 {
            self.kinesis.forget_journal();
        }
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
            left: drained.left,
            waiting: drained.waiting,
            unkept: String::from_utf8_lossy(&drained.unkept).into_owned(),
            span_error: self.writer.finish().await,
        }
    }
}

/// Waits until `work` has ended, or `hurried` becomes true.
async fn unless(hurried: &watch::Receiver<bool>, work: impl Future<Output = ()>) {
    let mut hurried = hurried.clone();
    let hurry = async {
        if hurried.wait_for(|hurried| *hurried).await.is_err() {
            // the sender is gone, so there will be no hurry
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = work => {}
        () = hurry => {}
    }
}

fn function(
    function: run::Function,
    options: &LabOptions,
    function_options: &FunctionOptions,
    addresses: &Addresses,
) -> Result<Function, LabError> {
    let path = options.directory.log_path(function);
    let log = disk::open(&path).map_err(LabError::Disk)?;
    let settings = FunctionSettings {
        name: function.name(),
        command: function_options.command.clone(),
        instances: options.instances,
        timeout: options.invocation_timeout,
        freeze: options.freeze,
        log,
        log_path: path,
    };
    let environment = environment::environment(function, &function_options.environment, addresses);
    Ok(Function::new(settings, environment))
}
