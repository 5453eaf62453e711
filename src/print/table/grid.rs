//! A grid of verdicts that fits the terminal's width. First its words are folded. If that is not
//! enough, its columns are split into several blocks.

use std::cmp::Reverse;

use comfy_table::Cell;

use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::table::{COLUMNS, blocks, plain_table};

/// Rows and columns of verdicts.
#[derive(Debug)]
pub(crate) struct Grid {
    /// What the rows are, for the corner of the heading.
    pub(crate) corner: &'static str,
    /// The columns' modes.
    pub(crate) columns: Vec<String>,
    /// The rows' names and their cells, one for each column.
    pub(crate) rows: Vec<(String, Vec<GridCell>)>,
}

/// One cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct GridCell {
    /// Its verdict, or several with their counts.
    pub(crate) words: Vec<String>,
    /// Whether every hand-off can be followed.
    pub(crate) holds: bool,
}

/// Space between two columns.
const GAP: usize = 1;
/// Marks a place between two halves of a word where it may be divided. It is only shown, as a
/// hyphen, if the word is divided there.
const SOFT_HYPHEN: char = '\u{ad}';

/// The widths of a block's columns. The first column has the rows' names.
type Widths = Vec<usize>;

impl Grid {
    /// Draws the grid in the terminal's width, if its words allow it.
    pub(crate) fn draw(&self, output: &Output) -> String {
        let width = output.columns.unwrap_or(usize::from(COLUMNS));
        let fits = |columns: &[usize]| total(&self.least(columns)) <= width;
        let blocks: Vec<_> = blocks(0..self.columns.len(), fits)
            .iter()
            .map(|columns| self.block(columns, &self.widths(columns, width), output))
            .collect();
        blocks.join("\n\n")
    }

    /// The texts of a column, its heading first. `None` is the column of the rows' names.
    fn texts(&self, column: Option<usize>) -> Vec<&str> {
        match column {
            None => {
                let labels = self.rows.iter().map(|(label, _)| &**label);
                [self.corner].into_iter().chain(labels).collect()
            }
            Some(column) => {
                let rows = self.rows.iter();
                let words = rows.flat_map(|(_, cells)| &cells[column].words);
                let heading = &*self.columns[column];
                [heading]
                    .into_iter()
                    .chain(words.map(|word| &**word))
                    .collect()
            }
        }
    }

    /// The smallest widths: words are broken only where they may be.
    fn least(&self, columns: &[usize]) -> Widths {
        self.each(columns, |text| {
            let lines = fold(text, 0);
            lines
                .iter()
                .map(|line| line.chars().count())
                .max()
                .unwrap_or(0)
        })
    }

    /// The widths at which only modes are folded, at their commas.
    fn natural(&self, columns: &[usize]) -> Widths {
        self.each(columns, |text| {
            let formats = text.split_inclusive(',');
            formats
                .map(|format| format.chars().count())
                .max()
                .unwrap_or(0)
        })
    }

    fn each(&self, columns: &[usize], width: impl Fn(&str) -> usize) -> Widths {
        let columns = [None].into_iter().chain(columns.iter().copied().map(Some));
        columns
            .map(|column| {
                self.texts(column)
                    .into_iter()
                    .map(&width)
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }

    /// The widths within `width`. Columns start with their smallest widths. The remaining room goes
    /// to columns that it can bring to their natural widths, those with the most folded texts
    /// first, and then to the rows' names.
    fn widths(&self, columns: &[usize], width: usize) -> Widths {
        let mut widths = self.least(columns);
        let natural = self.natural(columns);
        let mut left = width.saturating_sub(total(&widths));
        let mut needs: Vec<_> = columns
            .iter()
            .zip(1..)
            .map(|(column, place)| {
                let texts = self.texts(Some(*column)).into_iter();
                let folded = texts.filter(|text| fold(text, widths[place]).len() > 1);
                let need = natural[place].saturating_sub(widths[place]);
                (Reverse(folded.count()), need, place)
            })
            .collect();
        needs.sort_unstable();
        for (_, need, place) in needs {
            if need <= left {
                widths[place] += need;
                left -= need;
            }
        }
        widths[0] = natural[0].min(widths[0] + left);
        widths
    }

    fn block(&self, columns: &[usize], widths: &Widths, output: &Output) -> String {
        let label_width = widths.first().copied().unwrap_or(0);
        let widths = || columns.iter().zip(widths.iter().skip(1));
        let headings = widths().map(|(&column, &width)| fold(&self.columns[column], width));
        let corner = fold(self.corner, label_width);
        let headings: Vec<_> = [corner].into_iter().chain(headings).collect();
        let headings: Vec<_> = headings.iter().map(|lines| lines.join("\n")).collect();
        let mut table = plain_table(headings.iter().map(String::as_str), output);
        for (label, cells) in &self.rows {
            let cells = widths().map(|(&column, &width)| {
                let GridCell { words, holds } = &cells[column];
                let lines: Vec<_> = words.iter().flat_map(|word| fold(word, width)).collect();
                Tone::of(*holds).cell(lines.join("\n"), output)
            });
            let label = Cell::new(fold(label, label_width).join("\n"));
            table.add_row([label].into_iter().chain(cells));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP as u16));
        }
        // the gap at the end of a coloured line would make it too long
        if let Some(last) = table.column_mut(columns.len()) {
            last.set_padding((0, 0));
        }
        table.trim_fmt()
    }
}

fn total(widths: &Widths) -> usize {
    let gaps = GAP * widths.len().saturating_sub(1);
    widths.iter().sum::<usize>() + gaps
}

/// The text in lines of at most `width` characters, or as short as possible. A line ends after a
/// comma, an underscore or a space, and only if that is not enough, inside the longest name of a
/// format.
fn fold(text: &str, width: usize) -> Vec<String> {
    let text = text.replace("tracecontext", &format!("trace{SOFT_HYPHEN}context"));
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_inclusive([',', '_', ' ']) {
        let fits = |text: &str| shown(text).chars().count() <= width;
        match lines.last_mut() {
            Some(line) if fits(&format!("{line}{word}")) => line.push_str(word),
            _ if fits(word) => lines.push(word.to_owned()),
            _ => lines.extend(word.split_inclusive(SOFT_HYPHEN).map(str::to_owned)),
        }
    }
    lines.iter().map(|line| shown(line)).collect()
}

/// A line as it is shown: only a division at its end is visible.
fn shown(line: &str) -> String {
    let whole = line.trim_end().replace(SOFT_HYPHEN, "");
    match line.ends_with(SOFT_HYPHEN) {
        true => whole + "-",
        false => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODES: [&str; 9] = [
        "none",
        "tracecontext",
        "b3",
        "b3multi",
        "jaeger",
        "xray",
        "datadog",
        "tracecontext,b3",
        "b3,tracecontext",
    ];

    /// A grid of the default modes with every verdict that a grid may show.
    fn grid() -> Grid {
        let verdicts = [
            "connected",
            "new_trace",
            "wrong_trace",
            "wrong_parent",
            "id_truncated",
            "unsampled",
        ];
        let cell = |number: usize| GridCell {
            words: vec![verdicts[number % verdicts.len()].to_owned()],
            holds: number.is_multiple_of(verdicts.len()),
        };
        let rows = [
            "none",
            "tracecontext",
            "b3,tracecontext",
            "upper_case_tracecontext_beside_b3",
        ];
        let row = |(number, name): (usize, &&str)| {
            let cells = (0..MODES.len()).map(|column| match column {
                0 => cell(1),
                _ => cell(number + column),
            });
            ((*name).to_owned(), cells.collect())
        };
        Grid {
            corner: "client",
            columns: MODES.map(str::to_owned).to_vec(),
            rows: rows.iter().enumerate().map(row).collect(),
        }
    }

    fn drawn(width: usize, colour: bool) -> String {
        let mut output = Output::plain();
        (output.columns, output.colour) = (Some(width), colour);
        grid().draw(&output)
    }

    fn widest_line(text: &str) -> usize {
        text.lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0)
    }

    /// The letters of a drawing's words in sorted order, which does not depend on the folding.
    fn letters(text: &str) -> Vec<char> {
        let mut letters: Vec<_> = text
            .chars()
            .filter(|character| !character.is_whitespace() && *character != '-')
            .collect();
        letters.sort_unstable();
        letters
    }

    #[test]
    fn modes_fold_at_their_commas_before_a_name_is_divided() {
        for (width, lines) in [
            (15, &["b3,tracecontext"][..]),
            (12, &["b3,", "tracecontext"]),
            (9, &["b3,", "trace-", "context"]),
        ] {
            assert_eq!(fold("b3,tracecontext", width), lines);
        }
        assert_eq!(fold("19 wrong_trace", 9), ["19 wrong_", "trace"]);
    }

    #[test]
    fn nine_columns_fit_a_hundred() {
        let text = drawn(100, false);
        assert!(widest_line(&text) <= 100, "{text}");
        assert!(!text.contains("\n\n"), "one block:\n{text}");
    }

    #[test]
    fn narrower_grids_fold_into_blocks_and_say_the_same() {
        let wide = drawn(1_000, false);
        assert!(!wide.contains("\n\n"), "{wide}");
        assert!(wide.contains("wrong_parent"), "{wide}");
        for width in [80, 60, 40] {
            let text = drawn(width, false);
            assert!(widest_line(&text) <= width, "{width}:\n{text}");
            let blocks = text.split("\n\n").count();
            assert!(blocks > 1, "{width}:\n{text}");
            let mut expected = letters(&wide);
            // the other blocks repeat the rows' names
            let rows = grid().rows;
            for _ in 1..blocks {
                expected.extend(letters("client"));
                expected.extend(rows.iter().flat_map(|(name, _)| letters(name)));
            }
            expected.sort_unstable();
            assert_eq!(letters(&text), expected, "{width}:\n{text}");
        }
    }

    #[test]
    fn a_terminal_that_is_too_narrow_for_a_word_still_gets_every_column() {
        let text = drawn(5, false);
        assert_eq!(text.split("\n\n").count(), MODES.len(), "{text}");
    }

    #[test]
    fn colour_adds_to_the_words() {
        let width = 100;
        let (plain, colour) = (drawn(width, false), drawn(width, true));
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
        assert!(colour.contains('\u{1b}'), "{colour:?}");
        let mut uncoloured = String::new();
        let mut rest = colour.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            uncoloured.push_str(before);
            rest = after.split_once('m').map_or("", |(_, rest)| rest);
        }
        uncoloured.push_str(rest);
        assert_eq!(letters(&uncoloured), letters(&plain));
        assert!(widest_line(&uncoloured) <= width, "{uncoloured}");
    }
}
