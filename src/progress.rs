//! Progress of long work: a bar with rate and time left on a terminal, plain lines otherwise.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// Shows how far a command has come.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    bar: ProgressBar,
    output: &'a Output,
}

impl<'a> Progress<'a> {
    /// Progress over `total` steps; without a total there is only a count.
    pub(crate) fn new(output: &'a Output, total: Option<u64>, unit: &str) -> Self {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        if output.quiet || !output.terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = match total {
            Some(_) => {
                format!("{{msg}} {{wide_bar}} {{pos}}/{{len}} {unit} {{per_sec}}, {{eta}} left")
            }
            None => format!("{{msg}} {{spinner}} {{pos}} {unit} {{per_sec}}, {{elapsed}}"),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, output }
    }

    /// Names what is being done now; on a terminal beside the bar, otherwise as a line.
    pub(crate) fn stage(&self, text: &str) {
        self.bar.set_message(text.to_owned());
        if !self.output.terminal {
            self.output.note(text);
        }
    }

    /// Sets how many steps are done.
    pub(crate) fn position(&self, position: u64) {
        self.bar.set_position(position);
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
