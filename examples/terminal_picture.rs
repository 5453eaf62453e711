//! Draws a command and its output on a terminal, with its colours, as a picture:
//!
//! ```console
//! $ script -qec 'stty cols 127; baton run 2>/dev/null' /dev/null | sed '/^Latency/,/^\s*$/{/\S/d}' |
//!       cargo run --example terminal_picture -- 'cargo run --release -- run' > docs/images/run.svg
//! ```
//!
//! (`sed` removes the paragraph about latencies, because it differs in every run.)
//!
//! Takes the command line to show above the output, and the output on standard input.

use std::error::Error;
use std::fmt::Write;
use std::io::Read;

/// The width of a character of 14 pixels in the common monospace fonts. In other fonts, text is
/// stretched to it.
const COLUMN: f64 = 8.43;
const LINE: usize = 20;
const MARGIN: usize = 16;
const FONT: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/// Characters of one style, starting at a column.
struct Piece {
    column: usize,
    text: String,
    /// Attributes of the text element.
    look: &'static str,
}

fn main() -> Result<(), Box<dyn Error>> {
    let command = std::env::args().nth(1).ok_or("say which command it is")?;
    let mut output = String::new();
    std::io::stdin().read_to_string(&mut output)?;
    let mut lines = vec![pieces(&format!("$ {command}"))];
    lines.extend(output.trim_end().lines().map(pieces));
    print!("{}", draw(&command, &lines)?);
    Ok(())
}

/// A line as pieces without wide gaps. Its SGR sequences (ECMA-48, 8.3.117) become the styles of
/// the pieces.
fn pieces(line: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut column, mut look, mut gap) = (0, "", true);
    for (index, run) in line.trim_end().split("\u{1b}[").enumerate() {
        let mut text = run;
        if index > 0 {
            let (codes, rest) = run.split_once('m').unwrap_or(("", run));
            text = rest;
            look = match codes {
                "1" => " font-weight=\"bold\"",
                "31" | "38;5;9" => " fill=\"#f85149\"",
                "32" | "38;5;10" => " fill=\"#3fb950\"",
                _ => "",
            };
            gap = true;
        }
        for character in text.chars().filter(|character| !character.is_control()) {
            match pieces.last_mut().filter(|_| !gap) {
                Some(piece) => piece.text.push(character),
                None if character == ' ' => {}
                None => {
                    pieces.push(Piece {
                        column,
                        text: character.to_string(),
                        look,
                    });
                    gap = false;
                }
            }
            column += 1;
            gap |= pieces
                .last()
                .is_some_and(|piece| piece.text.ends_with("  "));
        }
    }
    for piece in &mut pieces {
        piece.text.truncate(piece.text.trim_end().len());
    }
    pieces
}

fn draw(command: &str, lines: &[Vec<Piece>]) -> Result<String, std::fmt::Error> {
    let end = |piece: &Piece| piece.column + piece.text.chars().count();
    let columns = lines.iter().flatten().map(end).max().unwrap_or_default();
    let width = (columns as f64 * COLUMN).ceil() as usize + 2 * MARGIN;
    let height = lines.len() * LINE + 28;
    let mut picture = String::new();
    writeln!(
        picture,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{} and what it prints">"#,
        escaped(command)
    )?;
    writeln!(
        picture,
        r##"<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>"##
    )?;
    writeln!(
        picture,
        r##"<g font-family="{FONT}" font-size="14" fill="#e6edf3">"##
    )?;
    for (index, line) in lines.iter().enumerate() {
        for piece in line {
            writeln!(
                picture,
                r#"<text x="{:.1}" y="{}" textLength="{:.1}"{}>{}</text>"#,
                MARGIN as f64 + piece.column as f64 * COLUMN,
                30 + index * LINE,
                piece.text.chars().count() as f64 * COLUMN,
                piece.look,
                escaped(&piece.text)
            )?;
        }
    }
    writeln!(picture, "</g></svg>")?;
    Ok(picture)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
