//! A matrix as a file: JSON with a line for every cell, so that two of them can be compared by eye and by `diff`.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::cells::Matrix;
use crate::failure::Failure;

/// Values below this depth stay on one line.
const DEPTH: usize = 2;

/// Writes the matrix to a file.
pub(super) fn write(matrix: &Matrix, path: &Path) -> Result<(), Failure> {
    let mut text = Vec::new();
    matrix
        .serialize(&mut Serializer::with_formatter(&mut text, Lines::default()))
        .map_err(Failure::check)?;
    text.push(b'\n');
    std::fs::write(path, text)
        .map_err(|error| Failure::check(format!("cannot write {}: {error}", path.display())))
}

/// Reads a matrix from a file.
pub(super) fn read(path: &Path) -> Result<Matrix, Failure> {
    let text = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    serde_json::from_slice(&text).map_err(|error| {
        // the name of a type means nothing to a reader
        let error = error.to_string().replace("struct Matrix", "a matrix");
        Failure::usage(format!(
            "{}: expected a matrix that baton has saved, but found: {error}",
            path.display()
        ))
    })
}

/// Begins a line for every member of the outermost object, and for every element of a list in it.
#[derive(Default)]
struct Lines {
    depth: usize,
    /// A list at the last depth that is one, or a value that is none.
    is_list: bool,
}

impl Lines {
    fn line<W: Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        match self.depth {
            1 => writer.write_all(b"\n"),
            DEPTH if self.is_list => writer.write_all(b"\n"),
            _ => Ok(()),
        }
    }
}

impl Formatter for Lines {
    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.is_list = true;
        CompactFormatter.begin_array(writer)
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        CompactFormatter.end_array(writer)
    }

    fn begin_array_value<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        CompactFormatter.begin_array_value(writer, first)?;
        self.line(writer)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        CompactFormatter.begin_object(writer)
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        CompactFormatter.end_object(writer)
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        CompactFormatter.begin_object_key(writer, first)?;
        if self.depth == 1 {
            self.is_list = false;
            self.line(writer)?;
        }
        Ok(())
    }
}
