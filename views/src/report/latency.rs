//! The section on latency: the runs' distributions, one above the other, on one logarithmic axis.

use std::fmt::Write as _;
use std::time::Duration;

use super::Run;
use crate::drawing::{Drawing, Pixels};
use baton_traces::percentiles::{Durations, Percentiles};
use baton_traces::shown::{count, duration, significant, visible};

/// The resolution of a distribution: how many steps a power of ten has.
const STEPS_PER_DECADE: f64 = 24.0;
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 44.0;

/// The runs' distributions of one kind of latency.
pub(super) struct LatencyFigure {
    pub(super) heading: &'static str,
    pub(super) explanation: &'static str,
    pub(super) rows: Vec<LatencyRow>,
    pub(super) ticks: Vec<Tick>,
}

/// One run's row.
pub(super) struct LatencyRow {
    pub(super) run: String,
    pub(super) count: String,
    pub(super) picture: String,
    /// The percentiles by name, in milliseconds.
    pub(super) percentiles: Vec<(&'static str, String)>,
}

/// A mark on the axis: its place in percent of the width, and its text.
pub(super) struct Tick {
    pub(super) percent: String,
    pub(super) text: String,
    /// The CSS class that keeps the text of the outermost marks inside the picture.
    pub(super) class: &'static str,
}

/// A logarithmic axis.
#[derive(Clone, Copy)]
struct Axis {
    /// The base 10 logarithms of both ends in nanoseconds.
    from: f64,
    to: f64,
}

/// A figure for requests and one for end to end, where any run knows the latency.
pub(super) fn figures(runs: &[Run]) -> Vec<LatencyFigure> {
    let request = figure(
        "Requests",
        "from the client's request to the answer, of requests that succeeded",
        runs,
        |run| &run.measured.request,
    );
    let end_to_end = figure(
        "End to end",
        "from the client's request to the end of the record's handling in the consumer",
        runs,
        |run| &run.measured.end_to_end,
    );
    [request, end_to_end].into_iter().flatten().collect()
}

fn figure(
    heading: &'static str,
    explanation: &'static str,
    runs: &[Run],
    durations: impl Fn(&Run) -> &Durations,
) -> Option<LatencyFigure> {
    let axis = Axis::over(runs.iter().flat_map(|run| durations(run).buckets()))?;
    let rows = runs
        .iter()
        .filter_map(|run| row(&run.summary().name, durations(run), axis))
        .collect();
    Some(LatencyFigure {
        heading,
        explanation,
        rows,
        ticks: axis.ticks(),
    })
}

fn row(name: &str, durations: &Durations, axis: Axis) -> Option<LatencyRow> {
    let percentiles = durations.percentiles()?;
    Some(LatencyRow {
        run: visible(name),
        count: count(durations.count()),
        picture: picture(durations, &percentiles, axis).inline(),
        percentiles: [
            ("p50", percentiles.p50),
            ("p90", percentiles.p90),
            ("p99", percentiles.p99),
            ("p99.9", percentiles.p999),
            ("max", percentiles.max),
        ]
        .map(|(name, value)| (name, significant(value)))
        .into(),
    })
}

/// Draws the distribution as a hill. All runs' hills have the same height.
fn picture(durations: &Durations, percentiles: &Percentiles, axis: Axis) -> Drawing {
    let label = format!(
        "Distribution: half within {} ms, 99 % within {} ms",
        significant(percentiles.p50),
        significant(percentiles.p99)
    );
    let mut drawing = Drawing::new(WIDTH, HEIGHT, label).stretched();
    for tick in axis.decades() {
        let x = axis.share(tick) * WIDTH;
        drawing.path(format!("M{} 0V{}", Pixels(x), Pixels(HEIGHT)), "rule");
    }
    let heights = axis.heights(durations);
    let highest = heights.iter().copied().fold(0.0, f64::max).max(1.0);
    let step = WIDTH / heights.len() as f64;
    let mut points = format!("M0 {}", Pixels(HEIGHT));
    for (place, height) in heights.iter().enumerate() {
        let x = (place as f64 + 0.5) * step;
        let y = HEIGHT - height / highest * (HEIGHT - 3.0);
        let _ = write!(points, "L{} {}", Pixels(x), Pixels(y));
    }
    let _ = write!(points, "L{} {}z", Pixels(WIDTH), Pixels(HEIGHT));
    drawing.path(points, "hill");
    for (value, class) in [(percentiles.p50, "mark"), (percentiles.p99, "mark late")] {
        let x = axis.share(value * 1e6) * WIDTH;
        drawing.path(format!("M{} 0V{}", Pixels(x), Pixels(HEIGHT)), class);
    }
    drawing
}

impl Axis {
    /// An axis over all `durations` with a little room at both ends; `None` without durations.
    fn over(durations: impl Iterator<Item = (Duration, u64)>) -> Option<Axis> {
        let logarithms = durations.map(|(duration, _)| logarithm(duration.as_nanos() as f64));
        let (low, high) = logarithms.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        (low <= high).then(|| Axis {
            from: ((low - 0.05) * STEPS_PER_DECADE).floor() / STEPS_PER_DECADE,
            // at least one power of ten, so that there is room for two marks
            to: ((high + 0.05).max(low + 1.0) * STEPS_PER_DECADE).ceil() / STEPS_PER_DECADE,
        })
    }

    /// The place of a duration in nanoseconds, from 0 to 1.
    fn share(self, nanoseconds: f64) -> f64 {
        ((logarithm(nanoseconds) - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    /// How many durations each step has, smoothed over the neighbouring steps.
    fn heights(self, durations: &Durations) -> Vec<f64> {
        let steps = ((self.to - self.from) * STEPS_PER_DECADE).round().max(1.0) as usize;
        let mut counts = vec![0.0; steps];
        for (duration, count) in durations.buckets() {
            let place = (self.share(duration.as_nanos() as f64) * steps as f64) as usize;
            counts[place.min(steps - 1)] += count as f64;
        }
        let at = |place: Option<usize>| {
            place
                .and_then(|place| counts.get(place))
                .copied()
                .unwrap_or(0.0)
        };
        (0..steps)
            .map(|place| {
                0.25 * at(place.checked_sub(1)) + 0.5 * counts[place] + 0.25 * at(Some(place + 1))
            })
            .collect()
    }

    /// The powers of ten on the axis, in nanoseconds. A short axis gets further marks between them.
    fn decades(self) -> Vec<f64> {
        let steps: &[f64] = if self.to - self.from < 1.6 {
            &[1.0, 2.0, 5.0]
        } else if self.to - self.from < 3.2 {
            &[1.0, 3.0]
        } else {
            &[1.0]
        };
        let decades = self.from.floor() as i32..=self.to.ceil() as i32;
        decades
            .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)))
            .filter(|value| (self.from..=self.to).contains(&value.log10()))
            .collect()
    }

    fn ticks(self) -> Vec<Tick> {
        self.decades()
            .into_iter()
            .map(|value| {
                let share = self.share(value);
                Tick {
                    percent: Pixels(share * 100.0).to_string(),
                    text: plain(value),
                    class: match share {
                        ..0.06 => "first",
                        ..0.94 => "",
                        _ => "last",
                    },
                }
            })
            .collect()
    }
}

/// A duration without trailing zeros: `20 ms`, not `20.0 ms`.
fn plain(nanoseconds: f64) -> String {
    let text = duration(Duration::from_nanos(nanoseconds.round() as u64));
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            let number = number.trim_end_matches('0').trim_end_matches('.');
            format!("{number} {unit}")
        }
        _ => text,
    }
}

fn logarithm(nanoseconds: f64) -> f64 {
    nanoseconds.max(1.0).log10()
}
