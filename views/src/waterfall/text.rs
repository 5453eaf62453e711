//! Writes a waterfall for a terminal, at most 100 columns wide.

use super::{Row, Section, SpanRow, Waterfall};
use crate::terminal::{TextStyle, columns, fitted, padded};
use baton_traces::shown::{count, counted};

/// The largest width, in columns.
const MAX_COLUMNS: usize = 100;
/// The deepest indentation. Deeper spans are not indented further.
const MAX_DEPTH: usize = 12;
const MAX_SERVICE: usize = 20;
const MAX_NAME: usize = 34;
/// The width of a duration, in columns.
const DURATION_COLUMNS: usize = 9;

/// The width of each part of a row, in columns.
struct Widths {
    service: usize,
    name: usize,
    bar: usize,
    mark: usize,
}

impl Waterfall {
    /// The waterfall as lines of text, without a line break at the end.
    pub fn text(&self, style: TextStyle) -> String {
        self.lines(style, false)
    }

    /// As [`Waterfall::text`], with each span's attributes below it.
    pub fn text_with_attributes(&self, style: TextStyle) -> String {
        self.lines(style, true)
    }

    fn lines(&self, style: TextStyle, attributes: bool) -> String {
        let widths = self.widths(style);
        let sections: Vec<String> = self
            .sections
            .iter()
            .map(|section| self.section_text(section, &widths, style, attributes))
            .collect();
        sections.join("\n\n")
    }

    fn widths(&self, style: TextStyle) -> Widths {
        let rows = || self.sections.iter().flat_map(|section| &section.rows);
        let spans = || {
            rows().filter_map(|row| match row {
                Row::Span(span) => Some(span),
                Row::More { .. } => None,
            })
        };
        let service = self
            .services
            .iter()
            .map(|service| columns(service))
            .max()
            .unwrap_or(0);
        let name = spans()
            .map(|row| indent(row.depth) + columns(&row.name))
            .max()
            .unwrap_or(0);
        let mark = spans()
            .filter_map(|row| Some(columns(&style.mark(row.verdict?))))
            .max()
            .unwrap_or(0);
        let service = service.min(MAX_SERVICE);
        let name = name.min(MAX_NAME);
        let gaps = if mark > 0 { 4 } else { 3 };
        Widths {
            service,
            name,
            bar: MAX_COLUMNS - service - name - DURATION_COLUMNS - mark - gaps,
            mark,
        }
    }

    fn section_text(
        &self,
        section: &Section,
        widths: &Widths,
        style: TextStyle,
        attributes: bool,
    ) -> String {
        let mut lines = vec![style.bold(&section.heading(style))];
        for row in &section.rows {
            match row {
                Row::Span(row) => {
                    self.row_lines(row, widths, style, &mut lines);
                    if attributes {
                        lines.extend(attribute_lines(row, widths));
                    }
                }
                Row::More { depth, count } => {
                    let indent = " ".repeat(widths.service + 1 + indent(*depth));
                    lines.push(format!("{indent}{}", more(*count, style)));
                }
            }
        }
        lines.join("\n")
    }

    fn row_lines(&self, row: &SpanRow, widths: &Widths, style: TextStyle, lines: &mut Vec<String>) {
        let ellipsis = style.ellipsis();
        let service = padded(&self.services[row.service], widths.service, ellipsis);
        let indent = indent(row.depth);
        let name = padded(&row.name, widths.name.saturating_sub(indent), ellipsis);
        let bar = bar(row.bar, widths.bar, style);
        let bar = style.coloured(&bar, SERVICE_COLOURS[row.service % SERVICE_COLOURS.len()]);
        let time = row
            .duration
            .map_or_else(String::new, |time| style.duration(time));
        let mut line = format!(
            "{service} {:indent$}{name} {bar} {time:>DURATION_COLUMNS$}",
            ""
        );
        if let Some(verdict) = row.verdict {
            let mark = padded(&style.mark(verdict), widths.mark, ellipsis);
            line.push(' ');
            line.push_str(&style.verdict_coloured(mark.trim_end(), verdict.holds()));
        }
        lines.push(line.trim_end().to_owned());
        let sign = if style.unicode { "└" } else { "`-" };
        for note in &row.notes {
            let margin = widths.service + 1 + indent + 2;
            let note = format!("{sign} {note}");
            let note = fitted(&note, MAX_COLUMNS.saturating_sub(margin), ellipsis);
            let broken = row.failed || row.verdict.is_some_and(|verdict| !verdict.holds());
            let note = if broken {
                style.verdict_coloured(&note, false)
            } else {
                note
            };
            lines.push(format!("{:margin$}{note}", ""));
        }
    }
}

/// A span's attributes, as many per line as fit. No attribute is split over lines.
fn attribute_lines(row: &SpanRow, widths: &Widths) -> Vec<String> {
    let margin = widths.service + 1 + indent(row.depth) + 2;
    let mut lines: Vec<String> = Vec::new();
    for attribute in &row.attributes {
        match lines.last_mut() {
            Some(line) if columns(line) + 2 + columns(attribute) <= MAX_COLUMNS => {
                line.push_str("  ");
                line.push_str(attribute);
            }
            _ => lines.push(format!("{:margin$}{attribute}", "")),
        }
    }
    lines
}

impl Section {
    /// The trace's id, spans, duration and start, in one line.
    pub(super) fn heading(&self, style: TextStyle) -> String {
        let mut parts = vec![
            format!("trace {}", self.trace_id),
            counted(self.spans, "span"),
        ];
        parts.extend(self.duration.map(|time| style.duration(time)));
        parts.extend(self.start.map(baton_traces::shown::time));
        parts.join(if style.unicode { " · " } else { ", " })
    }
}

/// ANSI colours for services. Red and green are for verdicts.
const SERVICE_COLOURS: [u8; 5] = [34, 36, 35, 33, 37];

fn indent(depth: usize) -> usize {
    depth.min(MAX_DEPTH) * 2
}

pub(super) fn more(hidden: u64, style: TextStyle) -> String {
    let ellipsis = style.ellipsis();
    match hidden {
        1 => format!("{ellipsis} 1 more span"),
        _ => format!("{ellipsis} {} more spans", count(hidden)),
    }
}

/// A bar in exactly `cells` columns. Even the shortest span shows as a thin line.
fn bar(bar: Option<(f64, f64)>, cells: usize, style: TextStyle) -> String {
    let Some((offset, share)) = bar else {
        return " ".repeat(cells);
    };
    let eighths = cells * 8;
    let place = |share: f64| (share.clamp(0.0, 1.0) * eighths as f64).round() as usize;
    let start = place(offset).min(eighths.saturating_sub(1));
    let end = place(offset + share).clamp(start + 1, eighths.max(1));
    (0..cells)
        .map(|cell| {
            let from = start.clamp(cell * 8, cell * 8 + 8) - cell * 8;
            let to = end.clamp(cell * 8, cell * 8 + 8) - cell * 8;
            match (style.unicode, to.saturating_sub(from)) {
                (_, 0) => ' ',
                (false, _) => '#',
                (true, 8) => '█',
                // Unicode has only the right half for a block that starts inside its cell
                (true, _) if from >= 4 => '▐',
                (true, _) => ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'][(to - 1).min(7)],
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_their_columns_and_are_never_invisible() {
        let unicode = TextStyle {
            unicode: true,
            colour: false,
        };
        for (offset, share, blocks, ascii) in [
            (0.0, 1.0, "████", "####"),
            (0.0, 0.0, "▏   ", "#   "),
            (1.0, 0.0, "   ▐", "   #"),
            (0.5, 0.25, "  █ ", "  # "),
            (0.125, 0.25, "▐▌  ", "##  "),
            (0.0, 0.28125, "█▏  ", "##  "),
            (0.9, 7.0, "   ▐", "   #"),
        ] {
            assert_eq!(
                bar(Some((offset, share)), 4, unicode),
                blocks,
                "{offset} {share}"
            );
            assert_eq!(
                bar(Some((offset, share)), 4, TextStyle::default()),
                ascii,
                "{offset} {share}"
            );
        }
        assert_eq!(bar(None, 4, unicode), "    ");
    }
}
