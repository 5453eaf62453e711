//! The matrix that the page measures: one at a time, by the code of `baton matrix`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_experiments::matrix::{Counts, Matrix, MatrixSettings, Preparation, modes};
use baton_experiments::{ExperimentError, Observer};
use baton_lab::Controls;
use baton_loadgen::Progress;
use baton_propagators::{Engine, Select};
use baton_traces::shown::visible;
use tokio::sync::watch;

use crate::LabPage;

/// The most modes of one matrix. Each pair of them is a lab of its own.
const MAX_MODES: usize = 6;
/// Requests for each cell.
const REQUESTS: u64 = 5;

/// The matrix that is measured, and the last one.
#[derive(Debug, Default)]
pub(crate) struct Matrices(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    last: Option<Result<Arc<Matrix>, String>>,
}

#[derive(Debug)]
struct Running {
    stop: watch::Sender<bool>,
    done: u64,
    total: u64,
}

/// What the page shows of the matrix.
pub(crate) struct MatrixState {
    /// How far the running one is, in percent.
    pub(crate) running: Option<u64>,
    /// The last one, or why it failed.
    pub(crate) last: Option<Result<Arc<Matrix>, String>>,
}

/// One grid: a row for each sender, a column for each receiver.
pub(crate) struct GridView {
    /// What rows and columns are.
    pub(crate) title: String,
    /// What the rows are.
    pub(crate) corner: &'static str,
    /// The receivers' modes.
    pub(crate) columns: Vec<String>,
    /// The senders, each with its cells.
    pub(crate) rows: Vec<(String, Vec<CellView>)>,
}

/// One cell.
#[derive(Clone, Default)]
pub(crate) struct CellView {
    /// `whole`, `broken`, or empty if nothing is judged.
    pub(crate) state: &'static str,
    /// The verdicts.
    pub(crate) text: String,
    /// Why.
    pub(crate) why: String,
}

impl Matrices {
    fn state_now(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state now.
    pub(crate) fn state(&self) -> MatrixState {
        let state = self.state_now();
        let running = state.running.as_ref();
        MatrixState {
            running: running.map(|running| running.done * 100 / running.total.max(1)),
            last: state.last.clone(),
        }
    }

    /// Asks the running measurement to end. Gives whether one runs.
    pub(crate) fn stop(&self) -> bool {
        let state = self.state_now();
        let running = state.running.as_ref();
        running.is_some_and(|running| {
            running.stop.send_replace(true);
            true
        })
    }
}

/// Starts to measure the matrix of these modes, separated by spaces.
///
/// # Errors
/// Why it cannot be measured, as a sentence.
pub(crate) fn start(
    page: &Arc<LabPage>,
    controls: &Controls,
    words: &str,
    engine: &str,
) -> Result<(), String> {
    let words: Vec<&str> = words.split_whitespace().collect();
    if words.is_empty() || words.len() > MAX_MODES {
        return Err(format!("choose from 1 to {MAX_MODES} modes"));
    }
    let engine: Engine = engine
        .parse()
        .map_err(|error: <Engine as std::str::FromStr>::Err| error.to_string())?;
    let preparation = Preparation::of(MatrixSettings {
        modes: modes(words).map_err(|error| error.to_string())?,
        engines: vec![engine],
        requests: REQUESTS,
        select: Select::Last,
        functions: page.options.functions.clone(),
    })
    .map_err(|error| error.to_string())?;
    let (stop, stopped) = watch::channel(false);
    {
        let mut state = page.matrices.state_now();
        if state.running.is_some() {
            return Err("a matrix is measured already; stop it first".to_owned());
        }
        state.running = Some(Running {
            stop: stop.clone(),
            done: 0,
            total: preparation.total(),
        });
    }
    page.live.changed();
    let mut stopping = controls.stopping();
    let page = Arc::clone(page);
    tokio::spawn(async move {
        let observer = Watching(Arc::clone(&page));
        let mut measured = std::pin::pin!(preparation.measure(&observer, stopped));
        let lab_stops = async {
            let _ = stopping.wait_for(|stopping| *stopping).await;
        };
        let measured = tokio::select! {
            measured = &mut measured => measured,
            () = lab_stops => {
                stop.send_replace(true);
                measured.await
            }
        };
        let last = match measured {
            Ok(matrix) => Some(Ok(Arc::new(matrix))),
            // the one before stays
            Err(ExperimentError::Interrupted) => None,
            Err(error) => Some(Err(visible(&error.to_string()))),
        };
        let mut state = page.matrices.state_now();
        state.running = None;
        state.last = last.or(state.last.take());
        drop(state);
        page.live.changed();
    });
    Ok(())
}

/// The grids of a matrix: records and requests, for each engine.
pub(crate) fn grids(matrix: &Matrix) -> Vec<GridView> {
    let engines = matrix.engines().into_iter();
    let grids = engines.flat_map(|engine| {
        let record = matrix.record_of(engine).map(|cell| {
            let (row, column) = (cell.producer.to_string(), cell.consumer.to_string());
            (row, column, view(&cell.outcome.counts, &cell.outcome.why))
        });
        let ingress = matrix.ingress_of(engine).map(|cell| {
            let (row, column) = (visible(&cell.client), cell.producer.to_string());
            (row, column, view(&cell.outcome.counts, &cell.outcome.why))
        });
        let record_title = format!(
            "What a consumer makes of what a producer puts into the record (engine {engine})"
        );
        let ingress_title =
            format!("What a producer makes of what a client sends (engine {engine})");
        [
            grid(record_title, "producer", record.collect()),
            grid(ingress_title, "client", ingress.collect()),
        ]
    });
    grids.filter(|grid| !grid.rows.is_empty()).collect()
}

fn grid(title: String, corner: &'static str, cells: Vec<(String, String, CellView)>) -> GridView {
    let mut grid = GridView {
        title,
        corner,
        columns: Vec::new(),
        rows: Vec::new(),
    };
    for (_, column, _) in &cells {
        if !grid.columns.contains(column) {
            grid.columns.push(column.clone());
        }
    }
    for (row, column, cell) in cells {
        let place = grid.columns.iter().position(|known| *known == column);
        let Some(place) = place else { continue };
        if !grid.rows.iter().any(|(known, _)| *known == row) {
            let empty = vec![CellView::default(); grid.columns.len()];
            grid.rows.push((row.clone(), empty));
        }
        if let Some((_, cells)) = grid.rows.iter_mut().find(|(known, _)| *known == row) {
            cells[place] = cell;
        }
    }
    grid
}

fn view(counts: &Counts, why: &str) -> CellView {
    let state = match (counts.is_judged(), counts.is_whole()) {
        (false, _) => "",
        (true, true) => "whole",
        (true, false) => "broken",
    };
    CellView {
        state,
        text: match counts.is_judged() {
            true => counts.in_words(),
            false => "unknown".to_owned(),
        },
        why: visible(why),
    }
}

/// Counts the requests that ended.
struct Watching(Arc<LabPage>);

impl Observer for Watching {
    fn stage(&self, _name: &str) {}

    fn turn(&self, _name: &str) {}

    fn advance(&self, _progress: &Progress) {}

    fn stage_done(&self, _requests: u64) {}

    fn add(&self, requests: u64) {
        if let Some(running) = &mut self.0.matrices.state_now().running {
            running.done += requests;
        }
        self.0.live.changed();
    }

    fn note(&self, _text: &str) {}

    fn detail(&self, _text: &str) {}
}
