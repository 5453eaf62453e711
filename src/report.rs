//! `report.html`: one for each run, and one for all that were run together.

use std::path::{Path, PathBuf};

use baton_traces::compare::Comparison;
use baton_traces::measure::Measured;
use baton_traces::report::{Report, Run};
use baton_traces::run::RunDirectory;
use baton_traces::source::Source;

use crate::failure::Failure;
use crate::table::pairing;

/// Writes the report of each run into its directory, and that of all of them into `out`; gives where the latter is.
pub(crate) fn write<'a>(
    out: &Path,
    runs: impl Iterator<Item = (&'a Path, &'a Measured)>,
) -> Result<PathBuf, Failure> {
    let mut report = Report::default();
    let mut all = Vec::new();
    for (path, measured) in runs {
        let mut measured = measured.clone();
        // what people call it, rather than what its directory is called
        measured.summary.name = pairing(&measured.summary);
        let run = Run::read(&Source::from(path), measured.clone()).map_err(Failure::check)?;
        let alone = Report {
            runs: vec![run.clone()],
            ..Report::default()
        };
        let directory = RunDirectory::open(path).map_err(Failure::check)?;
        save(&directory.report_path(), &alone)?;
        report.runs.push(run);
        all.push(measured);
    }
    if all.len() > 1 {
        report.comparison = Some(Comparison::of(&all, 0));
    }
    let path = out.join("report.html");
    save(&path, &report)?;
    Ok(path)
}

fn save(path: &Path, report: &Report) -> Result<(), Failure> {
    std::fs::write(path, report.render())
        .map_err(|error| Failure::check(format!("cannot write {}: {error}", path.display())))
}
