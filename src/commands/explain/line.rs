//! A header on one line that is safe for a terminal, and the position of a fault in it.

/// How many columns of a header's name are shown.
const NAME_WIDTH: usize = 40;
/// The longest UTF-8 encoding of a character, in bytes.
const MAX_CHARACTER: usize = 4;
const CUT: char = '…';

/// A header's line, and the column for the caret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) caret: Option<usize>,
}

/// A shown character, or a byte that belongs to none.
struct Cell {
    shown: String,
    /// The position of its first byte in the value.
    start: usize,
}

/// Shows a header in `width` columns. `fault` is a position in its value, or its end. If the value
/// is too long, the part around the fault is shown, or its beginning. Characters other than
/// printable ASCII are escaped, so they cannot control the terminal.
pub(super) fn show(name: &str, value: &[u8], fault: Option<usize>, width: usize) -> Line {
    let mut text = escaped(name, NAME_WIDTH.min(width / 2));
    text.push_str(": ");
    let (value, fault) = neighbourhood(value, fault, width);
    let cells = cells(value);
    let faulty = fault.map(|fault| {
        let after = cells.partition_point(|cell| cell.start <= fault.min(value.len()));
        if fault < value.len() {
            after.saturating_sub(1)
        } else {
            cells.len()
        }
    });
    let room = width.saturating_sub(text.chars().count());
    let (start, end) = window(&cells, faulty, room);
    let caret = faulty.map(|faulty| {
        let cut = usize::from(start > 0);
        text.chars().count() + cut + columns(&cells[start..faulty])
    });
    if start > 0 {
        text.push(CUT);
    }
    text.extend(cells[start..end].iter().map(|cell| cell.shown.as_str()));
    if end < cells.len() {
        text.push(CUT);
    }
    Line { text, caret }
}

/// Text that is safe for a terminal, at most `width` columns.
pub(super) fn escaped(text: &str, width: usize) -> String {
    let (start, _) = neighbourhood(text.as_bytes(), None, width);
    let cells = cells(start);
    let (_, end) = window(&cells, None, width);
    let mut shown: String = cells[..end]
        .iter()
        .map(|cell| cell.shown.as_str())
        .collect();
    if end < cells.len() {
        shown.push(CUT);
    }
    shown
}

/// The part of a value that may be shown, with a margin at both ends so that the cut is not
/// visible, and the position of the fault in it. A value may have megabytes.
fn neighbourhood(value: &[u8], fault: Option<usize>, width: usize) -> (&[u8], Option<usize>) {
    let reach = (width + 1) * MAX_CHARACTER;
    let place = fault.unwrap_or(0).min(value.len());
    let start = place.saturating_sub(reach);
    let end = value.len().min(place + reach);
    (
        &value[start..end],
        fault.map(|fault| fault.min(value.len()) - start),
    )
}

fn cells(value: &[u8]) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(value.len());
    let mut start = 0;
    for chunk in value.utf8_chunks() {
        for character in chunk.valid().chars() {
            let shown = match character {
                ' '..='[' | ']'..='~' => character.to_string(),
                '\\' | '\t' | '\r' | '\n' => character.escape_default().to_string(),
                '\0'..='\x7f' => format!("\\x{:02x}", u32::from(character)),
                _ => character.escape_unicode().to_string(),
            };
            cells.push(Cell { shown, start });
            start += character.len_utf8();
        }
        for byte in chunk.invalid() {
            let shown = format!("\\x{byte:02x}");
            cells.push(Cell { shown, start });
            start += 1;
        }
    }
    cells
}

fn columns(cells: &[Cell]) -> usize {
    cells.iter().map(|cell| cell.shown.len()).sum()
}

/// Which cells fit: all, or as many as possible around the faulty one, with room for a mark at both
/// ends.
fn window(cells: &[Cell], faulty: Option<usize>, room: usize) -> (usize, usize) {
    let caret = usize::from(faulty == Some(cells.len()));
    if columns(cells) + caret <= room {
        return (0, cells.len());
    }
    let room = room.saturating_sub(2 + caret);
    let faulty = faulty.unwrap_or(0);
    let (mut start, mut before) = (faulty, 0);
    while start > 0 && before + cells[start - 1].shown.len() <= room / 2 {
        start -= 1;
        before += cells[start].shown.len();
    }
    let (mut end, mut used) = (faulty, before);
    while end < cells.len() && used + cells[end].shown.len() <= room {
        used += cells[end].shown.len();
        end += 1;
    }
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 98;

    /// The line, and the part above the caret up to the end of the line.
    fn shown(value: &[u8], fault: Option<usize>) -> (String, Option<String>) {
        let line = show("b3", value, fault, WIDTH);
        let under = line
            .caret
            .map(|caret| line.text.chars().skip(caret).collect());
        (line.text, under)
    }

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        for (value, expected) in [
            (&b"\x1b[31mred\x07"[..], "b3: \\x1b[31mred\\x07"),
            (b"a\tb\\c\x7f", "b3: a\\tb\\\\c\\x7f"),
            ("é\u{9b}\u{202e}".as_bytes(), "b3: \\u{e9}\\u{9b}\\u{202e}"),
            (b"\xffa\xc3", "b3: \\xffa\\xc3"),
            (b"", "b3: "),
        ] {
            assert_eq!(show("b3", value, None, WIDTH).text, expected);
        }
        assert_eq!(show("a\x1b", b"", None, WIDTH).text, "a\\x1b: ");
    }

    #[test]
    fn the_caret_is_under_the_byte_at_fault() {
        for (value, fault, under) in [
            (&b"abc"[..], 0, "abc"),
            (b"abc", 2, "c"),
            (b"abc", 3, ""),
            (b"abc", 9, ""),
            (b"\x1b\xff-", 1, "\\xff-"),
            ("é-".as_bytes(), 1, "\\u{e9}-"),
            ("é-".as_bytes(), 2, "-"),
            (b"", 0, ""),
        ] {
            assert_eq!(
                shown(value, Some(fault)).1.as_deref(),
                Some(under),
                "{value:?} {fault}"
            );
        }
    }

    #[test]
    fn a_long_value_is_cut_around_the_fault() {
        for length in [90, 94, 95, 200, 100_000] {
            let mut value = vec![b'a'; length];
            for fault in [0, 1, 45, 88, length / 2, length - 1] {
                value[fault] = b'X';
                let (text, under) = shown(&value, Some(fault));
                assert!(text.chars().count() <= WIDTH, "{text}");
                assert!(under.is_some_and(|under| under.starts_with('X')), "{text}");
                value[fault] = b'a';
            }
            let line = show("b3", &value, Some(length), WIDTH);
            assert!(line.caret.is_some_and(|caret| caret < WIDTH), "{line:?}");
        }
        let (text, _) = shown(&[b'\0'; 1000], None);
        assert!(
            text.ends_with("\\x00…") && text.chars().count() <= WIDTH,
            "{text}"
        );
    }

    #[test]
    fn only_the_shown_part_of_a_huge_value_is_read() {
        let value = "é".repeat(1 << 20);
        for fault in [None, Some(0), Some(1 << 20), Some(value.len())] {
            let (part, place) = neighbourhood(value.as_bytes(), fault, WIDTH);
            assert!(part.len() <= 2 * (WIDTH + 1) * MAX_CHARACTER);
            assert_eq!(place.is_some(), fault.is_some());
            // wherever the value was cut, no half character is shown
            let line = show("b3", value.as_bytes(), fault, WIDTH);
            assert!(!line.text.contains("\\x"), "{line:?}");
            assert!(line.text.chars().count() <= WIDTH, "{line:?}");
        }
    }

    #[test]
    fn a_line_keeps_to_its_width() {
        for width in [20, 40, 98, 200] {
            let name = "n".repeat(300);
            for fault in [None, Some(0), Some(150), Some(300)] {
                let line = show(&name, &[b'a'; 300], fault, width);
                assert!(line.text.chars().count() <= width, "{line:?}");
                assert!(line.caret.is_none_or(|caret| caret < width), "{line:?}");
            }
        }
    }
}
