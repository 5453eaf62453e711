//! The progress of long work: on a terminal a bar with rate and remaining time, otherwise plain
//! lines.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use baton_experiments::{Load, Observer};
use baton_loadgen::{Latency, Progress as News, Stop};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::print::output::Output;

/// How often a line is printed if there is no bar.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// What ends all stages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Total {
    /// This many requests in total.
    Requests(u64),
    /// This time, with any number of requests.
    Time(Duration),
}

impl Total {
    /// The end of a load that is sent `times` times.
    pub(crate) fn of(load: &Load, times: usize) -> Total {
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        let bursts = times.saturating_mul(load.bursts);
        match load.stop {
            Stop::Requests(requests) => Total::Requests(requests.saturating_mul(bursts.into())),
            Stop::Duration(duration) => Total::Time(duration.saturating_mul(bursts)),
        }
    }
}

/// Shows how far a command has come.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    bar: ProgressBar,
    output: &'a Output,
    total: Total,
    stage: Mutex<Stage>,
}

/// The current stage.
#[derive(Debug, Default)]
struct Stage {
    name: String,
    /// The bar's position when the stage or its current turn started.
    start: u64,
    /// The elapsed time of the stage when a line was last printed, and how many requests had ended.
    last_line: Duration,
    last_ended: u64,
}

impl<'a> Progress<'a> {
    /// Progress towards `total`.
    pub(crate) fn new(output: &'a Output, total: Total) -> Self {
        let (length, template) = match total {
            Total::Requests(requests) => (
                requests,
                "{msg:!30} {wide_bar} {pos}/{len} requests, {prefix}, {eta} left",
            ),
            Total::Time(time) => (
                milliseconds(time),
                "{msg:!30} {wide_bar} {percent}%, {prefix}, {eta} left",
            ),
        };
        let bar = ProgressBar::new(length);
        if output.quiet || !output.terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix("0/s");
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress {
            bar,
            output,
            total,
            stage: Mutex::default(),
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn stage_now(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress<'_> {
    /// On a terminal the name is beside the bar, otherwise on its own line.
    fn stage(&self, name: &str) {
        *self.stage_now() = Stage {
            name: name.to_owned(),
            start: self.bar.position(),
            ..Stage::default()
        };
        self.bar.set_message(name.to_owned());
        if !self.output.terminal {
            self.output.note(name);
        }
    }

    fn turn(&self, name: &str) {
        let mut stage = self.stage_now();
        *stage = Stage {
            name: std::mem::take(&mut stage.name),
            start: self.bar.position(),
            ..Stage::default()
        };
        self.bar.set_message(format!("{} {name}", stage.name));
    }

    fn advance(&self, news: &News) {
        let step = match self.total {
            Total::Requests(_) => news.requests.sent,
            Total::Time(_) => milliseconds(news.elapsed),
        };
        let mut stage = self.stage_now();
        self.bar.set_position(stage.start + step);
        self.bar.set_prefix(at_the_moment(news));
        if !self.output.terminal && news.elapsed >= stage.last_line + LINE_INTERVAL {
            let since = (news.elapsed - stage.last_line, stage.last_ended);
            stage.last_line = news.elapsed;
            stage.last_ended = ended(news);
            self.output.note(&line(news, since));
        }
    }

    fn stage_done(&self, requests: u64) {
        if let Total::Requests(_) = self.total {
            self.bar.set_position(self.stage_now().start + requests);
        }
    }

    fn add(&self, requests: u64) {
        self.bar.inc(requests);
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| self.output.note(text));
    }

    fn detail(&self, text: &str) {
        self.bar.suspend(|| self.output.detail(text));
    }
}

/// A line of progress: the requests of the stage, the rate since the line before, and the
/// percentiles of the stage. `since` is the time since that line, and how many requests had ended
/// then.
fn line(news: &News, (time, before): (Duration, u64)) -> String {
    let seconds = time.as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        reason = "the number of requests is far below 2^52"
    )]
    let rate = ended(news).saturating_sub(before) as f64 / seconds;
    let mut text = format!(
        "{:4.0} s  {} requests, {rate:.0}/s",
        news.elapsed.as_secs_f64(),
        news.requests.sent
    );
    text.push_str(&percentiles_and_failures(news, news.latency_ms));
    text
}

fn ended(news: &News) -> u64 {
    news.requests.ok + news.requests.failed
}

/// The rate and percentiles since the last report, and the failures of the whole stage.
fn at_the_moment(news: &News) -> String {
    let recent = &news.recent;
    let seconds = recent.time.as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        reason = "the number of requests is far below 2^52"
    )]
    let ended = (recent.ok + recent.failed) as f64;
    let rate = if seconds > 0.0 { ended / seconds } else { 0.0 };
    format!(
        "{rate:.0}/s{}",
        percentiles_and_failures(news, recent.latency_ms)
    )
}

fn percentiles_and_failures(news: &News, latency: Option<Latency>) -> String {
    let mut text = String::new();
    if let Some(latency) = latency {
        text.push_str(&format!(
            ", p50 {:.1} p99 {:.1} ms",
            latency.p50, latency.p99
        ));
    }
    if news.requests.failed > 0 {
        text.push_str(&format!(", {} failed", news.requests.failed));
    }
    text
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use baton_loadgen::{Recent, Requests};

    use super::*;

    #[test]
    fn the_moment_is_rate_percentiles_and_failures() {
        let latency = Latency {
            p50: 1.25,
            p90: 2.0,
            p99: 4.0,
            p999: 5.0,
            max: 6.0,
            ..Latency::default()
        };
        let mut news = News {
            requests: Requests {
                sent: 30,
                ok: 28,
                failed: 2,
            },
            elapsed: Duration::from_secs(2),
            latency_ms: None,
            recent: Recent {
                time: Duration::from_millis(250),
                ok: 24,
                failed: 1,
                latency_ms: Some(latency),
            },
        };
        assert_eq!(at_the_moment(&news), "100/s, p50 1.2 p99 4.0 ms, 2 failed");
        news.requests.failed = 0;
        news.recent = Recent::default();
        assert_eq!(at_the_moment(&news), "0/s");
        // the last line was printed 1.4 s ago, when no request had ended; 28 have ended since
        assert_eq!(
            line(&news, (Duration::from_millis(1_400), 0)),
            "   2 s  30 requests, 20/s"
        );
    }
}
