//! Tables that fit the terminal's width. Sentences fold between words. Columns that do not fit go
//! into another table below. Numbers, ids and words are never divided.
//!
//! All tables are made and fitted here. A table that several commands print has a file in this
//! folder. Only [`grid`] also divides words, because a matrix has many columns of long names.

pub(crate) mod bursts;
pub(crate) mod grid;
pub(crate) mod runs;
pub(crate) mod traces;

use std::ops::Range;

use baton_views::terminal::columns;
use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets::NOTHING,
};

use crate::print::output::Output;
use crate::print::palette::heading;

/// The width without a terminal, for a log or a pull request.
pub(crate) const COLUMNS: u16 = 100;

/// A table without lines, in the terminal's width. Without a terminal, it is as wide as its
/// content.
pub(crate) fn plain_table<'a>(
    headings: impl IntoIterator<Item = &'a str>,
    output: &Output,
) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings.into_iter().map(|text| heading(text, output)));
    if output.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    if let Some(columns) = output.columns {
        table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table
}

/// A table in the terminal's width, and at most [`COLUMNS`] wide.
pub(crate) fn narrow_table<'a>(
    headings: impl IntoIterator<Item = &'a str>,
    output: &Output,
) -> Table {
    let mut table = plain_table(headings, output);
    if table.width().is_none_or(|width| width > COLUMNS) {
        table.set_width(COLUMNS);
    }
    table
}

/// Draws rows in the terminal's width; without a terminal, in a width that fits a log or a pull
/// request. Figures are aligned right, the columns of `words` left.
pub(crate) fn figures_table<'a>(
    headings: impl IntoIterator<Item = &'a str>,
    words: &[usize],
    rows: impl Iterator<Item = Vec<Cell>>,
    output: &Output,
) -> Table {
    let mut table = plain_table(headings, output);
    if table.width().is_none() {
        table.set_width(COLUMNS);
    }
    table.add_rows(rows);
    let figures = (0..table.column_count()).filter(|index| !words.contains(index));
    align_right(&mut table, figures);
    table
}

/// Aligns the cells of columns with figures right.
pub(crate) fn align_right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A cell without a figure.
pub(crate) fn unknown() -> String {
    "-".to_owned()
}

/// A run's name in lines. No line is longer than the longest name of a format and a comma.
pub(crate) fn folded_name(name: &str) -> String {
    const MAX_LINE: usize = 13;
    let mut lines = vec![String::new()];
    for part in name.split_inclusive([',', ':', '_', '+', '/', '-']) {
        let last = lines.last().map_or(0, |line| columns(line));
        if last > 0 && last + columns(part) > MAX_LINE {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(part);
        }
    }
    lines.join("\n")
}

/// The width of a table without folding, without the space at its end.
pub(crate) fn natural_width(table: &Table) -> u16 {
    let widths = table.column_max_content_widths();
    room(table, &widths, 0..widths.len())
}

/// Draws a table in its width. The columns of `sentences` may fold between words. If that is not
/// enough, another table repeats the first column and has the remaining columns.
pub(crate) fn fitted(table: &Table, sentences: &[usize]) -> String {
    fitted_by(table, sentences, 1)
}

/// The same as [`fitted`], for rows that only the first `keys` columns together tell apart.
pub(crate) fn fitted_by(table: &Table, sentences: &[usize], keys: usize) -> String {
    let width = table.width().unwrap_or(u16::MAX);
    if is_narrow(table) {
        return table.trim_fmt();
    }
    let natural = table.column_max_content_widths();
    let mut least = natural.clone();
    for column in sentences {
        least[*column] = least[*column].min(longest_word(table, *column));
    }
    let keys: Vec<usize> = (0..keys).collect();
    let beside_keys = |columns: &[usize]| [&keys, columns].concat();
    let fits = |columns: &[usize]| room(table, &least, beside_keys(columns)) <= width;
    let blocks: Vec<_> = blocks(keys.len()..natural.len(), fits)
        .iter()
        .map(|columns| {
            let columns = &beside_keys(columns);
            let mut widths = least.clone();
            for column in columns {
                let left = width.saturating_sub(room(table, &widths, columns.iter().copied()));
                widths[*column] = natural[*column].min(widths[*column].saturating_add(left));
            }
            block(table, columns, &widths)
        })
        .collect();
    blocks.join("\n\n")
}

/// Whether a table fits its width without folding.
pub(crate) fn is_narrow(table: &Table) -> bool {
    table
        .width()
        .is_none_or(|width| natural_width(table) <= width)
}

/// Some columns of the table, in these widths.
fn block(table: &Table, columns: &[usize], widths: &[u16]) -> String {
    let mut table = table.clone();
    for (index, column) in table.column_iter_mut().enumerate() {
        if !columns.contains(&index) {
            column.set_constraint(ColumnConstraint::Hidden);
            continue;
        }
        if columns.last() == Some(&index) {
            // the space at the end of a coloured line would make it too long
            column.set_padding((column.padding_width().saturating_sub(1), 0));
        }
        let width = widths[index].saturating_add(column.padding_width());
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
    }
    table.trim_fmt()
}

/// The columns in blocks. Each block has as many as fit, and at least one.
pub(crate) fn blocks(columns: Range<usize>, fits: impl Fn(&[usize]) -> bool) -> Vec<Vec<usize>> {
    let mut blocks: Vec<Vec<usize>> = Vec::new();
    for column in columns {
        match blocks.last_mut() {
            Some(block) if fits(&[&block[..], &[column]].concat()) => block.push(column),
            _ => blocks.push(vec![column]),
        }
    }
    blocks
}

/// The width of columns together, without the space after the last.
fn room(table: &Table, widths: &[u16], columns: impl IntoIterator<Item = usize>) -> u16 {
    let padding = |index| {
        table
            .column(index)
            .map_or(0, comfy_table::Column::padding_width)
    };
    let each = columns
        .into_iter()
        .map(|index| u32::from(widths[index]) + u32::from(padding(index)));
    let all = each.sum::<u32>().saturating_sub(1);
    u16::try_from(all).unwrap_or(u16::MAX)
}

fn longest_word(table: &Table, column: usize) -> u16 {
    let rows = table.header().into_iter().chain(table.row_iter());
    let cells = rows.filter_map(|row| row.cell_iter().nth(column));
    let words = cells.flat_map(|cell| {
        let text = cell.content();
        let lengths = text.split_whitespace().map(columns);
        lengths.max()
    });
    let longest = words.max().unwrap_or(0);
    u16::try_from(longest).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    fn drawn(columns: Option<usize>, colour: bool) -> String {
        let mut output = Output::plain();
        (output.columns, output.colour) = (columns, colour);
        let headings = ["trace id", "begins with", "cost", "per\nmonth", "verdict"];
        let mut table = plain_table(headings, &output);
        let name = "stream-producer POST /dev/producer";
        table.add_row([ID, name, "$58.69", "$1,009,971", "✗ wrong_parent"]);
        fitted(&table, &[1])
    }

    #[test]
    fn columns_without_room_go_into_another_table_and_no_word_is_divided() {
        for (width, blocks) in [(Some(100), 1), (Some(80), 2), (Some(60), 2), (None, 1)] {
            let text = drawn(width, false);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width.unwrap_or(usize::MAX)), "{text}");
            let tables: Vec<_> = text.split("\n\n").collect();
            assert_eq!(tables.len(), blocks, "{text}");
            for table in tables {
                assert!(table.contains(ID), "{text}");
            }
            let words = ["stream-producer", "/dev/producer", "$58.69", "$1,009,971"];
            for word in words.into_iter().chain(["✗ wrong_parent"]) {
                assert!(text.contains(word), "{word}: {text}");
            }
        }
    }

    #[test]
    fn words_of_wide_characters_are_not_divided() {
        let mut output = Output::plain();
        output.columns = Some(9);
        let mut table = plain_table(["from", "why"], &output);
        table.add_row(["web", "日本語 日本語"]);
        let text = fitted(&table, &[1]);
        assert_eq!(text.matches("日本語").count(), 2, "{text}");
    }

    #[test]
    fn a_terminal_that_is_too_narrow_for_a_word_still_gets_every_column() {
        let text = drawn(Some(10), false);
        assert_eq!(text.split("\n\n").count(), 4, "{text}");
        assert!(text.contains("$1,009,971"), "{text}");
    }

    #[test]
    fn colour_makes_no_line_longer() {
        let text = drawn(Some(80), true);
        assert!(text.contains('\u{1b}'), "{text:?}");
        for line in text.lines() {
            let plain = line.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
            assert!(plain.chars().count() <= 80, "{line:?}");
        }
    }
}
