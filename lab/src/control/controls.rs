//! The state of a running lab and the switch for its modes, for the lab and its page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use baton_traces::run::RunDirectory;
use baton_traces::version::Version;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, watch};

use super::change::{Change, SwitchRequest};
use super::token::Token;
use crate::collector::Collector;
use crate::error::LabError;
use crate::event_source::Deliveries;
use crate::function::{Function, environment};
use crate::monitoring::{Addresses, Disk, LabStatus, Watcher};

/// The longest wait for records on the stream before the spans are flushed.
const MAX_DELIVERY_WAIT: Duration = Duration::from_secs(2);

/// Reads the state of a running lab and switches its modes. The lab and its page share it.
#[derive(Debug)]
pub struct Controls {
    parts: Parts,
    switching: Mutex<()>,
    switches: AtomicU64,
    stopping: watch::Sender<bool>,
}

/// The parts of a lab that its controls use.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) addresses: Addresses,
    pub(crate) directory: RunDirectory,
    pub(crate) token: Token,
    pub(crate) functions: Functions,
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) collector: Collector,
    pub(crate) disk: Disk,
    pub(crate) watcher: Option<Arc<dyn Watcher>>,
}

/// The two functions. Dropping it ends their processes.
#[derive(Debug)]
pub(crate) struct Functions {
    pub(crate) producer: Function,
    pub(crate) consumer: Function,
}

impl Drop for Functions {
    fn drop(&mut self) {
        self.producer.abort();
        self.consumer.abort();
    }
}

impl Controls {
    pub(crate) fn new(parts: Parts) -> Self {
        Controls {
            parts,
            switching: Mutex::new(()),
            switches: AtomicU64::new(0),
            stopping: watch::Sender::new(false),
        }
    }

    /// The lab's addresses.
    pub fn addresses(&self) -> &Addresses {
        &self.parts.addresses
    }

    /// The lab's directory.
    pub fn directory(&self) -> &RunDirectory {
        &self.parts.directory
    }

    /// The secret that a request has to carry if it changes something.
    pub fn token(&self) -> &Token {
        &self.parts.token
    }

    /// Becomes true when the lab stops. An answer without an end has to end then.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.parts.disk
    }

    pub(crate) fn functions(&self) -> &Functions {
        &self.parts.functions
    }

    /// The lab's present state.
    pub fn status(&self) -> LabStatus {
        let Parts {
            addresses,
            functions,
            deliveries,
            collector,
            disk,
            ..
        } = &self.parts;
        LabStatus {
            version: Version::default(),
            addresses: addresses.clone(),
            producer: functions.producer.status(),
            consumer: functions.consumer.status(),
            switches: self.switches.load(Ordering::Relaxed),
            records_delivered: deliveries.delivered(),
            records_undeliverable: deliveries.undeliverable(),
            spans: collector.spans(),
            disk_problems: disk.failures(),
        }
    }

    /// The lab's present state as text for a terminal.
    pub fn in_words(&self) -> String {
        self.status().in_words()
    }

    /// Keeps `count` spans as the collector does. `request` is an `ExportTraceServiceRequest` in
    /// OTLP/JSON.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn keep_spans(
        &self,
        request: serde_json::Value,
        count: u64,
    ) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let kept = self.parts.collector.keep_converted(request, count).await;
            kept.map_err(|(_, reason)| reason)
        })
    }

    /// Waits for records that are on the stream, at most two seconds. Returns whether all
    /// were delivered.
    pub fn settle(&self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            let caught_up = self.parts.deliveries.caught_up();
            let caught_up = tokio::time::timeout(MAX_DELIVERY_WAIT, caught_up);
            caught_up.await.is_ok()
        })
    }

    /// Waits for records that are on the stream, at most two seconds. Then makes every
    /// span received so far readable in the lab's directory. Returns whether that worked.
    pub fn flush_spans(&self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            self.settle().await;
            self.parts.collector.flush().await
        })
    }

    /// Changes modes and settings of one or both functions without losing a request. It finishes
    /// even if the caller drops its future. Returns the status afterwards.
    ///
    /// # Errors
    /// If a setting has no such value, or a function does not start with its new settings. Then it
    /// keeps the old ones.
    pub fn switch(
        self: Arc<Self>,
        request: &SwitchRequest,
    ) -> BoxFuture<'_, Result<LabStatus, LabError>> {
        Box::pin(self.switched(request))
    }

    async fn switched(self: Arc<Self>, request: &SwitchRequest) -> Result<LabStatus, LabError> {
        let change = Change::try_from(request).map_err(LabError::Setting)?;
        let switching = tokio::spawn(async move {
            let _one_at_a_time = self.switching.lock().await;
            let functions = &self.parts.functions;
            for (function, mode) in [
                (&functions.producer, &change.producer),
                (&functions.consumer, &change.consumer),
            ] {
                if mode.is_none() && !change.is_for_both() {
                    continue;
                }
                let mut environment = function.environment();
                if let Some(mode) = mode {
                    environment::set_mode(&mut environment, mode);
                }
                environment::set_policies(
                    &mut environment,
                    change.engine,
                    change.select,
                    change.on_conflict,
                );
                let switched = function.switch(environment).await;
                if switched.is_ok() {
                    self.switches.fetch_add(1, Ordering::Relaxed);
                }
                // the watcher is also told if only one function has made the change
                if let Some(watcher) = &self.parts.watcher {
                    watcher.switched(&self.status());
                }
                switched?;
            }
            Ok(self.status())
        });
        switching.await.unwrap_or(Err(LabError::Stopping))
    }
}
