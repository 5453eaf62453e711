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
//! - `map`, `mode_forecast`, `causes`, `explain`: what the page says, without HTTP.
//! - `job`, `burst`, `matrix`, `runs`: what the page starts and keeps.
//! - `routes`: one file for each address, with the values that its template shows.

mod burst;
mod carrier;
mod causes;
mod explain;
mod frame;
mod job;
mod live;
mod log_tail;
mod map;
mod matrix;
mod mode_forecast;
mod routes;
mod runs;
mod settings;

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use baton_experiments::{Functions, Program};
use baton_lab::{Controls, DeliveredRecord, LabStatus, Page, Routes, Watcher};
use baton_propagators::Mode;
use baton_traces::run::Function;
use tokio::sync::watch;

use crate::burst::Bursts;
use crate::live::{GrowingLog, Live, SharedLive};
use crate::matrix::Matrices;

/// The settings of a page.
#[derive(Clone, Debug)]
pub struct PageOptions {
    /// The most traces that are held in memory. The run on disk keeps all of them.
    pub max_traces: usize,
    /// The directory for the runs that a person keeps.
    pub runs: PathBuf,
    /// The program that generates load.
    pub program: Program,
    /// The functions of a matrix.
    pub functions: Functions,
}

/// The page of one lab.
#[derive(Debug)]
pub struct LabPage {
    options: PageOptions,
    live: SharedLive,
    bursts: Bursts,
    matrices: Matrices,
}

impl LabPage {
    /// A page that has seen nothing yet.
    pub fn new(options: PageOptions) -> LabPage {
        LabPage {
            live: Arc::new(Live::new(options.max_traces)),
            bursts: Bursts::default(),
            matrices: Matrices::default(),
            options,
        }
    }

    /// The mode of the page's client.
    fn client(&self) -> Mode {
        self.live.held().periods().client()
    }
}

/// The shortest time between two audits, and the share of one core that they may take.
const AUDIT_INTERVAL: Duration = Duration::from_millis(500);
const AUDIT_SHARE: u32 = 10;

/// Audits what ids do not show, as long as the lab runs.
async fn audits(live: Weak<Live>, mut stopping: watch::Receiver<bool>) {
    let mut pause = AUDIT_INTERVAL;
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(pause) => {}
        }
        let Some(live) = live.upgrade() else { return };
        let start = Instant::now();
        // an audit of many spans takes long
        let audit = tokio::task::spawn_blocking(move || live.audit());
        if audit.await.is_err() {
            return;
        }
        pause = AUDIT_INTERVAL.max(start.elapsed() * AUDIT_SHARE);
    }
}

/// How often the functions' logs are looked at.
const LOG_INTERVAL: Duration = Duration::from_millis(500);

/// Takes from the functions' logs what no span shows, as long as the lab runs.
async fn logs(live: Weak<Live>, mut logs: Vec<GrowingLog>, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(LOG_INTERVAL) => {}
        }
        let Some(live) = live.upgrade() else { return };
        let read = tokio::task::spawn_blocking(move || {
            live.follow(&mut logs);
            logs
        });
        let Ok(read) = read.await else { return };
        logs = read;
    }
}

impl Page for LabPage {
    fn routes(self: Arc<Self>, controls: Arc<Controls>) -> Routes {
        let directory = controls.directory();
        let growing = |function| GrowingLog::new(function, directory.log_path(function));
        let growing = Function::BOTH.into_iter().map(growing).collect();
        let live = Arc::downgrade(&self.live);
        tokio::spawn(logs(live, growing, controls.stopping()));
        tokio::spawn(audits(Arc::downgrade(&self.live), controls.stopping()));
        routes::all(self, controls)
    }
}

impl Watcher for LabPage {
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
