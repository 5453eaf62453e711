//! What a lab and its page tell each other.
//!
//! The lab serves the routes of a [`Page`], and tells it of every span, every delivered record and
//! every switch. The page reads and changes the lab through [`Controls`](crate::Controls).

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;

use crate::controls::Controls;
use crate::status::LabStatus;

/// A page for people that a lab serves in addition to its control API.
///
/// The lab calls [`Page::spans`] and [`Page::delivered`] while it works, so they have to return
/// quickly. A page must not keep the [`Controls`] outside of its routes: the lab's span file is
/// complete only when the last of them is gone.
pub trait Page: Debug + Send + Sync {
    /// The page's routes. It serves `GET /`; every other path of the control API is taken.
    fn routes(self: Arc<Self>, controls: Arc<Controls>) -> Routes;

    /// Spans that the collector has received: one `ExportTraceServiceRequest` in OTLP/JSON.
    fn spans(&self, request: &[u8]);

    /// A record that the consumer has handled.
    fn delivered(&self, record: DeliveredRecord<'_>);

    /// The functions have new modes from now on.
    fn switched(&self, status: &LabStatus);
}

/// The routes of a page.
#[derive(Debug, Default)]
pub struct Routes {
    /// Routes that change nothing.
    pub reading: Router,
    /// Routes that change something. The lab answers 403 without its token, and to pages of other
    /// origins.
    pub changing: Router,
}

/// A record that the consumer has handled.
#[derive(Clone, Copy, Debug)]
pub struct DeliveredRecord<'a> {
    /// The sequence number that Kinesis gave it.
    pub sequence_number: &'a str,
    /// Its data, in base64.
    pub data: &'a str,
}
