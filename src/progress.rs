//! Progress of long work: a bar with rate and time left on a terminal, plain lines otherwise.

use std::cell::Cell;
use std::fmt::Write;
use std::time::Duration;

use baton_loadgen::Progress as News;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output::Output;

/// What there is to do over all stages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Total {
    /// That many requests.
    Requests(u64),
    /// As many requests as this time allows.
    Time(Duration),
}

/// Shows how far a command has come.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    bar: ProgressBar,
    output: &'a Output,
    total: Total,
    /// The bar's position when the present stage began.
    stage_start: Cell<u64>,
}

impl<'a> Progress<'a> {
    /// Progress towards `total`.
    pub(crate) fn new(output: &'a Output, total: Total) -> Self {
        let (length, template) = match total {
            Total::Requests(requests) => (
                requests,
                "{msg:!30} {wide_bar} {pos}/{len} requests, {rate}/s, {eta} left",
            ),
            Total::Time(time) => (
                milliseconds(time),
                "{msg:!30} {wide_bar} {percent}%, {eta} left",
            ),
        };
        let bar = ProgressBar::new(length);
        if output.quiet || !output.terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(
                style.with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
                    let _ = write!(text, "{:.0}", state.per_sec());
                }),
            );
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress {
            bar,
            output,
            total,
            stage_start: Cell::new(0),
        }
    }

    /// Begins a stage; its name stands beside the bar on a terminal, otherwise on a line of its own.
    pub(crate) fn stage(&self, name: &str) {
        self.stage_start.set(self.bar.position());
        self.bar.set_message(name.to_owned());
        if !self.output.terminal {
            self.output.note(name);
        }
    }

    /// The present stage's attack has come this far.
    pub(crate) fn advance(&self, news: &News) {
        let step = match self.total {
            Total::Requests(_) => news.requests.sent,
            Total::Time(_) => milliseconds(news.elapsed),
        };
        self.bar.set_position(self.stage_start.get() + step);
    }

    /// The present stage is over, after this many requests.
    pub(crate) fn stage_done(&self, requests: u64) {
        if let Total::Requests(_) = self.total {
            self.bar.set_position(self.stage_start.get() + requests);
        }
    }

    /// That many more requests are done, of whichever stage.
    pub(crate) fn add(&self, requests: u64) {
        self.bar.inc(requests);
    }

    /// Says something without tearing the bar.
    pub(crate) fn note(&self, text: &str) {
        self.bar.suspend(|| self.output.note(text));
    }

    /// Says a detail, as [`Progress::note`] does, where `--verbose` asks for it.
    pub(crate) fn detail(&self, text: &str) {
        self.bar.suspend(|| self.output.detail(text));
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
