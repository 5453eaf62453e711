//! Writes a waterfall as plain text, one line per span, for the page below the picture.

use super::text::more;
use super::{Row, Waterfall};
use crate::terminal::TextStyle;
use baton_traces::shown::duration;

impl Waterfall {
    /// The waterfall as plain text. A line may be wrapped anywhere.
    pub(crate) fn outline(&self) -> String {
        let style = TextStyle {
            unicode: true,
            colour: false,
        };
        let mut lines = Vec::new();
        for section in &self.sections {
            lines.push(section.heading(style));
            for row in &section.rows {
                match row {
                    Row::Span(row) => {
                        let margin = "  ".repeat(row.depth.min(8) + 1);
                        let service = &self.services[row.service];
                        let mut line = format!("{margin}{service}: {}", row.name);
                        if let Some(time) = row.duration {
                            line.push_str(&format!(", {}", duration(time)));
                        }
                        if let Some(verdict) = row.verdict {
                            line.push_str(&format!(", {}", style.mark(verdict)));
                        }
                        for note in &row.notes {
                            line.push_str(&format!("; {note}"));
                        }
                        lines.push(line);
                    }
                    Row::More { depth, count } => {
                        let margin = "  ".repeat((*depth).min(8) + 1);
                        lines.push(format!("{margin}{}", more(*count, style)));
                    }
                }
            }
        }
        lines.join("\n")
    }
}
