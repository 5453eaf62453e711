//! The state of a running lab and the switch for its modes, for the lab and its page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use baton_propagators::mode::Mode;
use baton_traces::version::Version;
use tokio::sync::Mutex;

use crate::collector::Collector;
use crate::disk::Disk;
use crate::error::LabError;
use crate::event_source::Deliveries;
use crate::function::Function;
use crate::function_environment;
use crate::status::{Addresses, LabStatus};

/// The longest wait for records on the stream before the spans are flushed.
const MAX_DELIVERY_WAIT: Duration = Duration::from_secs(2);

/// Reads the state of a running lab and switches its modes. The lab and its page share it.
#[derive(Debug)]
pub(crate) struct Controls {
    addresses: Addresses,
    functions: Functions,
    deliveries: Arc<Deliveries>,
    collector: Collector,
    disk: Disk,
    switching: Mutex<()>,
    switches: AtomicU64,
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
    pub(crate) fn new(
        addresses: Addresses,
        functions: Functions,
        deliveries: Arc<Deliveries>,
        collector: Collector,
        disk: Disk,
    ) -> Self {
        Controls {
            addresses,
            functions,
            deliveries,
            collector,
            disk,
            switching: Mutex::new(()),
            switches: AtomicU64::new(0),
        }
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    pub(crate) fn status(&self) -> LabStatus {
        LabStatus {
            version: Version::default(),
            addresses: self.addresses.clone(),
            producer: self.functions.producer.status(),
            consumer: self.functions.consumer.status(),
            switches: self.switches.load(Ordering::Relaxed),
            records_delivered: self.deliveries.delivered(),
            records_undeliverable: self.deliveries.undeliverable(),
            spans: self.collector.spans(),
            disk_problems: self.disk.failures(),
        }
    }

    /// Waits for records that are on the stream, at most [`MAX_DELIVERY_WAIT`]. Gives whether all
    /// were delivered.
    pub(crate) async fn settle(&self) -> bool {
        let caught_up = self.deliveries.caught_up();
        tokio::time::timeout(MAX_DELIVERY_WAIT, caught_up)
            .await
            .is_ok()
    }

    /// Waits for records that are on the stream, at most [`MAX_DELIVERY_WAIT`]. Then makes every
    /// span received so far readable in the lab's directory. Returns whether that worked.
    pub(crate) async fn flush_spans(&self) -> bool {
        self.settle().await;
        self.collector.flush().await
    }

    /// Switches the modes of one or both functions. It finishes even if the caller drops its
    /// future.
    ///
    /// # Errors
    /// When a function does not start in its new mode. Then it keeps the old one.
    pub(crate) async fn switch(
        self: Arc<Self>,
        producer: Option<Mode>,
        consumer: Option<Mode>,
    ) -> Result<(), LabError> {
        let switching = tokio::spawn(async move {
            let _one_at_a_time = self.switching.lock().await;
            for (function, mode) in [
                (&self.functions.producer, producer),
                (&self.functions.consumer, consumer),
            ] {
                if let Some(mode) = mode {
                    let mut environment = function.environment();
                    function_environment::set_mode(&mut environment, &mode);
                    function.switch(environment).await?;
                    self.switches.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(())
        });
        switching.await.unwrap_or(Err(LabError::Stopping))
    }
}
