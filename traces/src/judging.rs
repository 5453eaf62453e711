//! What an audit takes of its sources: the spans, and the ids, logs and lab records of runs.

use crate::assemble::Assembly;
use crate::audit::{Audit, HandOff, Judged, Options};
use crate::collect::Collect;
use crate::extent::Extent;
use crate::readers::log::LogLine;
use crate::span::Span;

/// Takes the spans and log lines of the sources of an audit, and judges their hand-offs.
pub struct Judging {
    audit: Audit,
    /// The hand-offs that the ids, logs and lab records of a run show; `None` without a run.
    of_run: Option<Assembly>,
}

impl Judging {
    /// Starts an audit. `has_run` says whether one of the sources is a run.
    pub fn new(options: Options, has_run: bool) -> Judging {
        Judging {
            audit: Audit::new(options),
            of_run: has_run.then(Assembly::default),
        }
    }

    /// Judges every hand-off after all sources have been read. `extent` is theirs. Every judged
    /// hand-off goes to `each`.
    pub fn judge(mut self, extent: &Extent, each: Option<&mut dyn FnMut(&HandOff)>) -> Judged {
        if let Some(of_run) = &mut self.of_run {
            of_run.finish(extent);
        }
        self.audit.judge_run(self.of_run.as_ref(), each)
    }
}

impl Collect for Judging {
    fn audit(&mut self) -> Option<&mut Audit> {
        Some(&mut self.audit)
    }

    fn takes_spans(&self) -> bool {
        self.of_run.is_some()
    }

    fn add_span(&mut self, span: &Span<'_>) {
        if let Some(of_run) = &mut self.of_run {
            of_run.add_span(span);
        }
    }

    fn add_log_line(&mut self, line: &LogLine<'_>) {
        if let Some(of_run) = &mut self.of_run {
            of_run.add_log_line(line);
        }
    }
}
