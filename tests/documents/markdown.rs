//! The parts of a document that a test uses: fenced blocks, the commands in them, and pictures.

use std::ops::Range;

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    /// The text after the opening fence, such as `console`.
    pub(crate) info: &'a str,
    pub(crate) lines: Vec<Line<'a>>,
}

/// A line and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    /// Counted from 1.
    pub(crate) number: usize,
    /// Where it begins in the document, in bytes.
    pub(crate) start: usize,
}

/// A command in a terminal, and its output.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// The command; `None` for Ctrl-C in the terminal where `baton up` was started.
    pub(crate) command: Option<String>,
    /// The line of the document that has the command.
    pub(crate) number: usize,
    /// Its output, as in the document.
    pub(crate) output: Vec<Line<'a>>,
}

impl Step<'_> {
    /// Where the output is in the document, in bytes, without its last line break.
    pub(crate) fn output_range(&self) -> Option<Range<usize>> {
        let (first, last) = (self.output.first()?, self.output.last()?);
        Some(first.start..last.start + last.text.len())
    }
}

/// All fenced blocks.
///
/// Panics at a fence that is indented, because its commands would not run.
pub(crate) fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    let mut start = 0;
    for (index, text) in document.split_inclusive('\n').enumerate() {
        let line = Line {
            text: text.trim_end_matches('\n'),
            number: index + 1,
            start,
        };
        start += text.len();
        match (line.text.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => {
                open = Some(Block {
                    info,
                    lines: Vec::new(),
                });
            }
            (None, Some(block)) => block.lines.push(line),
            (None, None) => assert!(
                !line.text.trim_start().starts_with("```"),
                "line {} opens an indented block; blocks begin at the margin",
                line.number
            ),
        }
    }
    assert!(open.is_none(), "the last block is not closed");
    blocks
}

/// The commands of a block, each with `$ ` before it, and their outputs.
pub(crate) fn steps<'a>(block: &Block<'a>) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    let mut continues = false;
    for line in &block.lines {
        let command = match line.text.strip_prefix("$ ") {
            Some(command) => Some(Some(command)),
            None => (line.text == "^C").then_some(None),
        };
        match (command, steps.last_mut()) {
            (Some(command), _) => steps.push(Step {
                command: command.map(str::to_owned),
                number: line.number,
                output: Vec::new(),
            }),
            (
                None,
                Some(Step {
                    command: Some(command),
                    ..
                }),
            ) if continues => {
                command.push('\n');
                command.push_str(line.text);
            }
            (None, Some(step)) => step.output.push(*line),
            (None, None) => panic!("line {} is not a command: {}", line.number, line.text),
        }
        let is_output = steps.last().is_some_and(|step| !step.output.is_empty());
        continues = !is_output && line.text.ends_with('\\');
    }
    for step in &mut steps {
        while step.output.pop_if(|line| line.text.is_empty()).is_some() {}
    }
    steps
}

/// The addresses of all SVG pictures, as the document writes them.
pub(crate) fn pictures(document: &str) -> impl Iterator<Item = &str> {
    let images = document.split("![").skip(1);
    images
        .filter_map(|image| Some(image.split_once("](")?.1.split_once(')')?.0))
        .filter(|address| address.ends_with(".svg"))
}
