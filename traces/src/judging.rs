//! What an audit takes of its sources: the spans, and the ids, logs and lab records of runs.

use crate::audit::{Audit, HandOff, Judged, Options};
use crate::collect::{Collect, Part};
use crate::extent::Extent;
use crate::readers::log::LogLine;
use crate::tally::Tally;

/// Takes the spans and log lines of the sources of an audit, and judges their hand-offs.
pub struct Judging {
    audit: Audit,
    /// The hand-offs that the ids, logs and lab records of a run show; `None` without a run.
    of_run: Option<Tally>,
}

impl Judging {
    /// Starts an audit. `has_run` says whether one of the sources is a run.
    pub fn new(options: Options, has_run: bool) -> Judging {
        Judging {
            audit: Audit::new(options),
            of_run: has_run.then(Tally::without_texts),
        }
    }

    /// Judges every hand-off after all sources have been read. `extent` is theirs. Every judged
    /// hand-off goes to `each`.
    pub fn judge(mut self, extent: &Extent, each: Option<&mut dyn FnMut(&HandOff)>) -> Judged {
        if let Some(of_run) = &mut self.of_run {
            of_run.finish(extent);
        }
        let of_run = self.of_run.as_ref().map(Tally::assembly);
        self.audit.judge_run(of_run, each)
    }
}

impl Collect for Judging {
    fn part(&self) -> Part {
        Part {
            audit: Some(self.audit.part()),
            tally: self.of_run.as_ref().map(Tally::part),
        }
    }

    fn add_part(&mut self, part: Part) {
        if let Some(audit) = part.audit {
            self.audit.add_part(audit);
        }
        if let Some((of_run, tally)) = self.of_run.as_mut().zip(part.tally) {
            of_run.append(tally);
        }
    }

    fn add_log_line(&mut self, line: &LogLine<'_>) {
        if let Some(of_run) = &mut self.of_run {
            of_run.add_log_line(line);
        }
    }
}
