//! A waterfall for a terminal, at most 100 columns wide.

use super::{Row, Section, SpanRow, Waterfall};
use crate::hand_off::Verdict;
use crate::shown::{columns, count, counted, duration, fitted, padded};

/// How wide a drawing for a terminal is at most.
const COLUMNS: usize = 100;
/// How deep indentation goes; what stands deeper is not moved further.
const DEPTH_LIMIT: usize = 12;
const SERVICE_LIMIT: usize = 20;
const NAME_LIMIT: usize = 34;
/// `999 min 59 s`
const DURATION_COLUMNS: usize = 9;

/// What a terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextStyle {
    /// Whether it shows block and line characters, or ASCII alone.
    pub unicode: bool,
    /// Whether it shows colour.
    pub colour: bool,
}

impl TextStyle {
    pub(crate) fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// `text` in the colour of a hand-off that is whole, or broken.
    pub(crate) fn verdict_coloured(self, text: &str, whole: bool) -> String {
        self.coloured(text, if whole { 32 } else { 31 })
    }

    /// `text` in bold type.
    pub(crate) fn bold(self, text: &str) -> String {
        self.coloured(text, 1)
    }

    fn coloured(self, text: &str, code: u8) -> String {
        if self.colour && !text.trim().is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// A verdict with its sign.
    pub fn mark(self, verdict: Verdict) -> String {
        let sign = match (verdict.is_whole(), self.unicode) {
            (true, true) => "✓",
            (true, false) => "+",
            (false, true) => "✗",
            (false, false) => "x",
        };
        format!("{sign} {verdict}")
    }

    /// A duration in the characters that there are.
    pub fn duration(self, time: std::time::Duration) -> String {
        let text = duration(time);
        if self.unicode {
            text
        } else {
            text.replace('µ', "u")
        }
    }
}

/// How wide each column is.
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

    /// The same, each span with its attributes below it.
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
        let service = service.min(SERVICE_LIMIT);
        let name = name.min(NAME_LIMIT);
        let gaps = if mark > 0 { 4 } else { 3 };
        Widths {
            service,
            name,
            bar: COLUMNS - service - name - DURATION_COLUMNS - mark - gaps,
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
            line.push_str(&style.verdict_coloured(mark.trim_end(), verdict.is_whole()));
        }
        lines.push(line.trim_end().to_owned());
        let sign = if style.unicode { "└" } else { "`-" };
        for note in &row.notes {
            let margin = widths.service + 1 + indent + 2;
            let note = format!("{sign} {note}");
            let note = fitted(&note, COLUMNS.saturating_sub(margin), ellipsis);
            let broken = row.failed || row.verdict.is_some_and(|verdict| !verdict.is_whole());
            let note = if broken {
                style.verdict_coloured(&note, false)
            } else {
                note
            };
            lines.push(format!("{:margin$}{note}", ""));
        }
    }
}

/// A span's attributes, as many on a line as it takes; none of them is divided.
fn attribute_lines(row: &SpanRow, widths: &Widths) -> Vec<String> {
    let margin = widths.service + 1 + indent(row.depth) + 2;
    let mut lines: Vec<String> = Vec::new();
    for attribute in &row.attributes {
        match lines.last_mut() {
            Some(line) if columns(line) + 2 + columns(attribute) <= COLUMNS => {
                line.push_str("  ");
                line.push_str(attribute);
            }
            _ => lines.push(format!("{:margin$}{attribute}", "")),
        }
    }
    lines
}

impl Section {
    /// The trace in one line.
    pub(super) fn heading(&self, style: TextStyle) -> String {
        let mut parts = vec![
            format!("trace {}", self.trace_id),
            counted(self.spans, "span"),
        ];
        parts.extend(self.duration.map(|time| style.duration(time)));
        parts.extend(self.start.map(crate::shown::time));
        parts.join(if style.unicode { " · " } else { ", " })
    }
}

/// ANSI's colours without red and green, which the verdicts have.
const SERVICE_COLOURS: [u8; 5] = [34, 36, 35, 33, 37];

fn indent(depth: usize) -> usize {
    depth.min(DEPTH_LIMIT) * 2
}

pub(super) fn more(hidden: u64, style: TextStyle) -> String {
    let ellipsis = style.ellipsis();
    match hidden {
        1 => format!("{ellipsis} 1 more span"),
        _ => format!("{ellipsis} {} more spans", count(hidden)),
    }
}

/// A bar in exactly `cells` columns. A span that takes next to no time still shows as a thin line.
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
                // a block that starts inside its cell can only be drawn as its right half
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
