//! An audit of sources that may be runs. Besides the spans, it takes the ids, logs and lab records
//! of runs.

use super::{Audit, HandOff, Judged, Options};
use crate::matching::by_id::Assembly;
use crate::readers::collect::{Collect, Part, own};
use crate::readers::log::LogLine;
use crate::source::extent::Extent;
use crate::span::Span;

/// Takes the spans and log lines of the sources of an audit, and judges their hand-offs.
#[derive(Debug)]
pub struct SourceAudit {
    audit: Audit,
    /// The hand-offs that the ids, logs and lab records of a run show; `None` without a run.
    of_run: Option<Assembly>,
}

impl SourceAudit {
    /// Starts an audit. `has_run` says whether one of the sources is a run.
    pub fn new(options: Options, has_run: bool) -> SourceAudit {
        SourceAudit {
            audit: Audit::new(options),
            of_run: has_run.then(Assembly::without_texts),
        }
    }

    /// Judges every hand-off after all sources have been read. `extent` is theirs. Every judged
    /// hand-off goes to `each`.
    pub fn judge(self, extent: &Extent, each: Option<&mut dyn FnMut(&HandOff)>) -> Judged {
        let (audit, of_run) = self.finish(extent);
        audit.judge_run(of_run.as_ref(), each)
    }

    /// Starts an audit of sources that may be runs, and keeps the text of ids.
    pub(crate) fn with_texts() -> SourceAudit {
        SourceAudit {
            audit: Audit::default(),
            of_run: Some(Assembly::default()),
        }
    }

    /// The same audit, if no source is a run.
    pub(crate) fn without_run(self) -> SourceAudit {
        SourceAudit {
            of_run: None,
            ..self
        }
    }

    /// The audit, and the finished hand-offs of a run, after all sources have been read.
    pub(crate) fn finish(self, extent: &Extent) -> (Audit, Option<Assembly>) {
        let SourceAudit { audit, mut of_run } = self;
        if let Some(of_run) = &mut of_run {
            of_run.finish(extent);
        }
        (audit, of_run)
    }
}

impl Part for SourceAudit {
    fn add(&mut self, span: &Span<'_>) {
        self.audit.add(span);
        if let Some(of_run) = &mut self.of_run {
            of_run.add_span(span);
        }
    }

    fn another(&self) -> Box<dyn Part> {
        Box::new(SourceAudit {
            audit: self.audit.part(),
            of_run: self.of_run.as_ref().map(Assembly::part),
        })
    }
}

impl Collect for SourceAudit {
    fn part(&self) -> Box<dyn Part> {
        self.another()
    }

    fn add_part(&mut self, part: Box<dyn Part>) {
        let Some(part) = own::<SourceAudit>(part) else {
            return;
        };
        self.audit.add_part(part.audit);
        if let Some((of_run, part)) = self.of_run.as_mut().zip(part.of_run) {
            of_run.append(part);
        }
    }

    fn add_log_line(&mut self, line: &LogLine<'_>) {
        if let Some(of_run) = &mut self.of_run {
            of_run.add_log_line(line);
        }
    }
}
