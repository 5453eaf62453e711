//! The matrix that the page measures: one at a time, by the code of `baton matrix`.

use std::sync::Arc;
use std::time::Duration;

use baton_experiments::matrix::{Counts, Matrix, MatrixSettings, Preparation, modes};
use baton_experiments::{ExperimentError, Observer};
use baton_lab::Controls;
use baton_propagators::{Engine, Select};
use baton_traces::shown::visible;

use crate::LabPage;
use crate::job::Job;

/// The most modes of one matrix. Each pair of them is a lab of its own.
const MAX_MODES: usize = 6;
/// Requests for each cell.
const REQUESTS: u64 = 5;
/// How long a measurement may take to end when it is stopped.
const PATIENCE: Duration = Duration::from_secs(20);

/// The matrix that is measured, and the last one, or why it failed.
pub(crate) type Matrices = Job<MatrixProgress, Result<Arc<Matrix>, String>>;

/// How far a measurement is, in requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatrixProgress {
    done: u64,
    total: u64,
}

impl MatrixProgress {
    /// In percent.
    pub(crate) fn percent(&self) -> u64 {
        self.done * 100 / self.total.max(1)
    }
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
    let progress = MatrixProgress {
        done: 0,
        total: preparation.total(),
    };
    let lost = "the measurement ended early, for an unknown reason".to_owned();
    let begun = page.matrices.begin(progress, Err(lost));
    let begun = begun.ok_or("a matrix is already being measured; stop it first")?;
    page.live.changed();
    let deadline = begun.deadline(controls.stopping(), Duration::MAX, PATIENCE);
    let page = Arc::clone(page);
    tokio::spawn(async move {
        let observer = Watching(Arc::clone(&page));
        let measured = tokio::select! {
            measured = preparation.measure(&observer, begun.stopped()) => measured,
            () = deadline => Err(ExperimentError::Interrupted),
        };
        let last = match measured {
            Ok(matrix) => Some(Ok(Arc::new(matrix))),
            // the one before stays
            Err(ExperimentError::Interrupted) => None,
            Err(error) => Some(Err(visible(&error.to_string()))),
        };
        begun.end(last);
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
    let state = match (counts.is_judged(), counts.holds()) {
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
    fn add(&self, requests: u64) {
        self.0.matrices.update(|matrix| matrix.done += requests);
        self.0.live.changed();
    }
}
