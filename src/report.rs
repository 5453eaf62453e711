//! The `summary.json` and `report.html` of a run, and the report of several runs.

use std::path::{Path, PathBuf};

use baton_traces::compare::Comparison;
use baton_traces::measure::Measured;
use baton_traces::run::{REPORT_FILE, RunDirectory, write_private};
use baton_traces::source::Source;
use baton_views::report::{Report, Run};

use crate::failure::Failure;
use crate::print::table::runs::pairing;

/// Reads a finished run, and writes its summary and its report into its directory.
pub(crate) fn of_run(directory: &RunDirectory) -> Result<Run, Failure> {
    let run = Run::read(&Source::from(directory.path()))?;
    let summary = &run.measured().summary;
    summary.write(directory)?;
    let alone = Report {
        runs: vec![by_pairing(run.clone())],
        ..Report::default()
    };
    save(&directory.report_path(), &alone)?;
    Ok(run)
}

/// What every report has in its head.
const MARK: &str = " – baton</title>";

/// Checks that [`of_all`] would replace no file that is not a report of baton.
///
/// # Errors
/// If `out` has such a file.
pub(crate) fn check_place(out: &Path) -> Result<(), Failure> {
    let path = out.join(REPORT_FILE);
    match std::fs::read(&path) {
        Ok(text) if !String::from_utf8_lossy(&text).contains(MARK) => Err(Failure::usage(format!(
            "{} is not a report of baton, and would be replaced; name another directory",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Writes the report of all `runs` into `out`. `smallest` is the smallest difference of a latency
/// that counts. Returns the report's path.
pub(crate) fn of_all(runs: &[Run], out: &Path, smallest: f64) -> Result<PathBuf, Failure> {
    let runs: Vec<Run> = runs.iter().cloned().map(by_pairing).collect();
    let measured: Vec<Measured> = runs.iter().map(|run| run.measured().clone()).collect();
    let report = Report {
        comparison: (runs.len() > 1).then(|| Comparison::with_smallest(&measured, 0, smallest)),
        runs,
        ..Report::default()
    };
    let path = out.join(REPORT_FILE);
    save(&path, &report)?;
    Ok(path)
}

/// The run, named after its pairing instead of its directory.
fn by_pairing(run: Run) -> Run {
    let name = pairing(&run.measured().summary);
    run.named(name)
}

fn save(path: &Path, report: &Report) -> Result<(), Failure> {
    write_private(path, report.render().as_bytes()).map_err(Failure::writing(path))
}
