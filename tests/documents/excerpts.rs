//! Code in a document, as in ```` ```rust functions/src/producer.rs ````, is in that file.

use std::path::Path;

use super::markdown::{self, Block};

/// A line that stands for lines left out.
const LEFT_OUT: &str = "// …";

/// What is wrong with the excerpts of a document.
pub(crate) fn problems(document: &str) -> Vec<String> {
    let blocks = markdown::blocks(document);
    let excerpts = blocks
        .iter()
        .filter_map(|block| Some((block, block.info.strip_prefix("rust ")?)));
    excerpts
        .filter_map(|(block, file)| problem(block, file).err())
        .collect()
}

fn problem(block: &Block<'_>, file: &str) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let code = std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    let code: Vec<&str> = code.lines().collect();
    let mut at = 0;
    for part in block.lines.split(|line| line.text.trim() == LEFT_OUT) {
        let wanted: Vec<&str> = part.iter().map(|line| line.text).collect();
        let rest = code.get(at..).unwrap_or_default();
        let found = rest
            .windows(wanted.len().max(1))
            .position(|lines| is_excerpt(&wanted, lines));
        match (found, part.first()) {
            (_, None) => {}
            (Some(found), _) => at += found + wanted.len(),
            (None, Some(line)) => {
                return Err(format!(
                    "line {}: {file} has no such lines any more",
                    line.number
                ));
            }
        }
    }
    Ok(())
}

/// Whether the lines are equal, except for indentation that all of them share.
fn is_excerpt(wanted: &[&str], lines: &[&str]) -> bool {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let shift = match (lines.first(), wanted.first()) {
        (Some(line), Some(wanted)) => indentation(line).checked_sub(indentation(wanted)),
        _ => None,
    };
    shift.is_some_and(|shift| {
        lines.iter().zip(wanted).all(|(line, wanted)| {
            line.trim() == wanted.trim()
                && (line.trim().is_empty() || indentation(line) == indentation(wanted) + shift)
        })
    })
}

#[test]
fn an_excerpt_that_is_not_in_the_file_is_found() {
    let name = "        (\"custom.tag.name\", body.name),";
    let superpower = "(\"custom.tag.superpower\", body.superpower),";
    let excerpt = |code: &str| format!("```rust functions/src/record.rs\n{code}\n```\n");
    for (code, is_true) in [
        (name.to_owned(), true),
        (name.trim().to_owned(), true),
        (format!("{name}\n        {superpower}"), true),
        (format!("    [\n// …\n{name}"), true),
        (format!("{name}\n    {superpower}"), false),
        (format!("        {superpower}\n// …\n{name}"), false),
        (name.replace("name", "nickname"), false),
    ] {
        assert_eq!(problems(&excerpt(&code)).is_empty(), is_true, "{code}");
    }
}
