//! The section on how many bytes the trace context takes in a record.

use crate::drawing::Drawing;
use baton_traces::shown::visible;
use baton_traces::summary::Summary;

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 14.0;

/// One run's row.
pub(super) struct Bytes {
    pub(super) run: String,
    pub(super) bar: String,
    pub(super) text: String,
}

/// One row for each run that knows its bytes. All bars have the same scale.
pub(super) fn bytes(summaries: &[Summary]) -> Vec<Bytes> {
    let known = || {
        summaries
            .iter()
            .filter_map(|summary| Some((summary, summary.carrier_bytes?)))
    };
    let largest = known()
        .map(|(_, sizes)| sizes.max)
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    known()
        .map(|(summary, sizes)| {
            let text = match sizes.max {
                0 => "none".to_owned(),
                max if sizes.mean == max as f64 => format!("{max} bytes"),
                max => format!("{} bytes on average, at most {max}", sizes.mean),
            };
            let mut bar = Drawing::new(WIDTH, HEIGHT, text.clone()).stretched();
            bar.rectangle((0.0, 0.0), (WIDTH, HEIGHT), 0.0, "track");
            bar.rectangle(
                (0.0, 0.0),
                (sizes.mean / largest * WIDTH, HEIGHT),
                0.0,
                "s0",
            );
            Bytes {
                run: visible(&summary.name),
                bar: bar.inline(),
                text,
            }
        })
        .collect()
}
