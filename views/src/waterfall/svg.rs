//! Draws a waterfall as a picture.

use super::text::more;
use super::{Row, SpanRow, Waterfall};
use crate::drawing::{Drawing, Page, Pixels, cut, text_width, wrapped};
use crate::terminal::TextStyle;
use baton_traces::shown::{counted, duration};

/// The layout of a page, in pixels.
struct Layout {
    width: f64,
    margin: f64,
    /// The left edge of the bars and their largest width.
    bars: (f64, f64),
    /// The height of a span's row: one line, or two if the bar is below the name.
    row: f64,
    bar_below: bool,
    indent: f64,
}

const LINE: f64 = 18.0;
const BAR: f64 = 12.0;
const MAX_DEPTH: usize = 8;
const BAR_CLASSES: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "s5"];

impl Layout {
    fn of(page: Page) -> Layout {
        let width = page.width();
        match page {
            Page::Wide => Layout {
                width,
                margin: 0.0,
                bars: (330.0, width - 330.0 - 186.0),
                row: 24.0,
                bar_below: false,
                indent: 14.0,
            },
            Page::Narrow => Layout {
                width,
                margin: 0.0,
                bars: (0.0, width),
                row: 40.0,
                bar_below: true,
                indent: 8.0,
            },
        }
    }
}

impl Waterfall {
    /// The waterfall as a picture.
    pub fn drawing(&self, page: Page) -> Drawing {
        let layout = Layout::of(page);
        let mut drawing = Drawing::new(layout.width, 0.0, self.label());
        let mut y = self.draw_axis(&mut drawing, &layout);
        for (index, section) in self.sections.iter().enumerate() {
            y += if index > 0 { LINE + 14.0 } else { 14.0 };
            let heading = format!("trace {}", section.trace_id);
            drawing.text(layout.margin, y, "strong", heading);
            let mut facts = vec![counted(section.spans, "span")];
            facts.extend(section.duration.map(duration));
            let facts = facts.join(", ");
            if layout.bar_below {
                y += LINE;
                drawing.text(layout.margin, y, "muted small", facts);
            } else {
                drawing.text(layout.width - layout.margin, y, "muted end", facts);
            }
            y += 8.0;
            drawing.path(
                format!(
                    "M{} {}H{}",
                    Pixels(layout.margin),
                    Pixels(y),
                    Pixels(layout.width - layout.margin)
                ),
                "rule",
            );
            y += 4.0;
            for row in &section.rows {
                y = match row {
                    Row::Span(row) => self.draw_row(&mut drawing, &layout, row, y),
                    Row::More { depth, count } => {
                        let style = TextStyle {
                            unicode: true,
                            colour: false,
                        };
                        let x = layout.margin + indent(&layout, *depth);
                        drawing.text(x, y + 16.0, "muted small", more(*count, style));
                        y + LINE + 4.0
                    }
                };
            }
        }
        drawing.set_height(y + 2.0);
        drawing
    }

    fn label(&self) -> String {
        let traces: Vec<String> = self
            .sections
            .iter()
            .map(|section| {
                format!(
                    "{} with {}",
                    section.trace_id,
                    counted(section.spans, "span")
                )
            })
            .collect();
        format!(
            "Waterfall of {} over {}",
            traces.join(" and "),
            duration(self.duration)
        )
    }

    /// Draws the time axis. Returns the `y` of the first trace.
    fn draw_axis(&self, drawing: &mut Drawing, layout: &Layout) -> f64 {
        let (from, width) = layout.bars;
        drawing.text(from, 12.0, "small muted", "0");
        if !layout.bar_below {
            let half = duration(self.duration / 2);
            drawing.text(from + width / 2.0, 12.0, "small muted middle", half);
        }
        let whole = duration(self.duration);
        drawing.text(from + width, 12.0, "small muted end", whole);
        if layout.bar_below { 24.0 } else { 14.0 }
    }

    /// Draws a span's row below `y`. Returns the `y` of the next row.
    fn draw_row(&self, drawing: &mut Drawing, layout: &Layout, row: &SpanRow, y: f64) -> f64 {
        let service = &self.services[row.service];
        let x = layout.margin + indent(layout, row.depth);
        let mark = row.verdict.map(|verdict| {
            let sign = if verdict.holds() { "✓" } else { "✗" };
            let class = if verdict.holds() {
                "end small whole"
            } else {
                "end small broken"
            };
            (class, format!("{sign} {verdict}"))
        });
        let time = row.duration.map(duration).unwrap_or_default();
        let bar_y = if layout.bar_below {
            y + LINE + 3.0
        } else {
            y + 6.0
        };
        let name = format!("{service}: {}", row.name);
        if layout.bar_below {
            let mark_text = mark.as_ref().map_or("", |(_, text)| text);
            let right = format!("{time}  {mark_text}");
            let room = layout.width - x - layout.margin - text_width(&right);
            drawing.text(x, y + 15.0, "small", cut(&name, room));
            let class = mark.map_or("end small muted", |(class, _)| class);
            drawing.text(
                layout.width - layout.margin,
                y + 15.0,
                class,
                right.trim_end(),
            );
        } else {
            drawing.text(x, y + 16.0, "", cut(&name, layout.bars.0 - x - 8.0));
            let right = layout.bars.0 + layout.bars.1;
            drawing.text(right + 76.0, y + 16.0, "end digits muted", time);
            if let Some((class, text)) = mark {
                drawing.text(layout.width - layout.margin, y + 16.0, class, text);
            }
        }
        drawing.rectangle((layout.bars.0, bar_y), (layout.bars.1, BAR), 2.0, "track");
        if let Some((offset, share)) = row.bar {
            let width = (share * layout.bars.1).max(2.0);
            let start = (offset * layout.bars.1).min(layout.bars.1 - width);
            let class = BAR_CLASSES[row.service % BAR_CLASSES.len()];
            drawing.rectangle((layout.bars.0 + start, bar_y), (width, BAR), 2.0, class);
        }
        let mut next = y + layout.row;
        let broken = row.failed || row.verdict.is_some_and(|verdict| !verdict.holds());
        let class = if broken {
            "small broken"
        } else {
            "small muted"
        };
        for note in &row.notes {
            for line in wrapped(note, layout.width - x - layout.margin) {
                drawing.text(x, next + 12.0, class, line);
                next += LINE - 1.0;
            }
        }
        next
    }
}

fn indent(layout: &Layout, depth: usize) -> f64 {
    depth.min(MAX_DEPTH) as f64 * layout.indent
}
