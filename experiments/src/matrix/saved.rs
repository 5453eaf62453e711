//! A matrix as a file: JSON with one line for each cell, so that people and `diff` can compare two
//! files.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::cells::Matrix;
use crate::error::ExperimentError;

/// The depth below which values stay on one line.
const DEPTH: usize = 2;

/// Writes the matrix to a file.
///
/// # Errors
/// If the file cannot be written.
pub fn write(matrix: &Matrix, path: &Path) -> Result<(), ExperimentError> {
    let mut text = Vec::new();
    matrix
        .serialize(&mut Serializer::with_formatter(&mut text, Lines::default()))
        .map_err(|error| ExperimentError::Internal(format!("the matrix is not JSON: {error}")))?;
    text.push(b'\n');
    std::fs::write(path, text).map_err(ExperimentError::file("write", path))
}

/// Reads a matrix from a file.
///
/// # Errors
/// If the file cannot be read or does not hold a matrix.
pub fn read(path: &Path) -> Result<Matrix, ExperimentError> {
    let text = std::fs::read(path).map_err(ExperimentError::file("read", path))?;
    serde_json::from_slice(&text).map_err(|error| {
        // readers do not know the name of the Rust type
        let error = error.to_string().replace("struct Matrix", "a matrix");
        ExperimentError::Input {
            path: path.to_owned(),
            problem: format!("expected a matrix that baton has saved, but found: {error}"),
        }
    })
}

/// Formats JSON with a new line for each member of the outermost object, and for each element of a
/// list in it.
#[derive(Default)]
struct Lines {
    depth: usize,
    /// Whether the value at depth 2 is a list.
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
