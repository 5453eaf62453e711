//! The live page of a lab: the map that changes as spans arrive, the modes, traces, headers
//! explained, bursts, runs and logs.
//!
//! [`LabPage`] is given to [`baton_lab::Lab::start_with_page`]. The lab tells it of every span and
//! record, and serves its routes. All HTML and SVG comes from templates that escape what they show;
//! a short script in `assets/page.js` replaces parts of the page with what the server sends, and
//! without it the page can be read.
//!
//! # What is where
//!
//! - `live`: what is held in memory, and the counts of each period between two switches.
//! - `map`, `prediction`, `explain`: what the page says, without HTTP.
//! - `routes`: one file for each address, with the values that its template shows.

mod burst;
mod carrier;
mod explain;
mod frame;
mod live;
mod map;
mod prediction;
mod routes;
mod runs;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use baton_experiments::Program;
use baton_lab::{Controls, DeliveredRecord, LabStatus, Page, Routes};
use baton_propagators::Mode;

use crate::burst::Bursts;
use crate::live::{Live, SharedLive};

/// The settings of a page.
#[derive(Clone, Debug)]
pub struct PageOptions {
    /// The most traces that are held in memory. The run on disk keeps all of them.
    pub max_traces: usize,
    /// The directory for the runs that a person keeps.
    pub runs: PathBuf,
    /// The program that generates load.
    pub program: Program,
}

/// The page of one lab.
#[derive(Debug)]
pub struct LabPage {
    options: PageOptions,
    live: SharedLive,
    bursts: Bursts,
    /// The formats that the page writes when it sends a request as a client.
    client: Mutex<Mode>,
}

impl LabPage {
    /// A page that has seen nothing yet.
    pub fn new(options: PageOptions) -> LabPage {
        LabPage {
            live: Arc::new(Live::new(options.max_traces)),
            bursts: Bursts::default(),
            client: Mutex::new(Mode::NONE),
            options,
        }
    }

    fn client(&self) -> Mode {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.clone()
    }

    fn set_client(&self, mode: Mode) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }
}

impl Page for LabPage {
    fn routes(self: Arc<Self>, controls: Arc<Controls>) -> Routes {
        routes::all(self, controls)
    }

    fn spans(&self, request: &[u8]) {
        self.live.add_spans(request);
    }

    fn delivered(&self, record: DeliveredRecord<'_>) {
        self.live.add_record(record);
    }

    fn switched(&self, status: &LabStatus) {
        self.live.switch(status);
    }
}
