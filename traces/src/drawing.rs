//! Drawings: shapes in, SVG out. Every picture of baton is drawn here, so all look alike in light and in dark.
//!
//! A picture is a list of shapes with a class each; what a class looks like stands in `templates/drawing.css`.
//! The template engine escapes all text.

use std::fmt;

use askama::Template;

use crate::shown::{columns, fitted};

/// How wide a page a picture is drawn for. Text keeps its size, so a phone gets another picture, not a smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// A desktop's or a printed one.
    Wide,
    /// A phone's.
    Narrow,
}

impl Page {
    /// How wide a picture on it is, in pixels of CSS.
    pub(crate) fn width(self) -> f64 {
        match self {
            Page::Wide => 960.0,
            Page::Narrow => 348.0,
        }
    }
}

/// Around a picture that stands alone.
const MARGIN: f64 = 16.0;

/// The mean width of a letter in the pictures' text, in pixels.
const LETTER_WIDTH: f64 = 6.9;

/// A picture.
#[derive(Clone, Debug)]
pub struct Drawing {
    width: f64,
    height: f64,
    /// What it shows, for whoever cannot see it.
    label: String,
    /// Drawn to fill whatever place it gets, for pictures without text.
    stretched: bool,
    shapes: Vec<Shape>,
}

#[derive(Clone, Debug)]
enum Shape {
    Text {
        x: Pixels,
        y: Pixels,
        class: &'static str,
        text: String,
    },
    Rectangle {
        x: Pixels,
        y: Pixels,
        width: Pixels,
        height: Pixels,
        radius: Pixels,
        class: &'static str,
    },
    Path {
        points: String,
        class: &'static str,
    },
}

#[derive(Template)]
#[template(path = "drawing.svg", escape = "html")]
struct Picture<'a> {
    drawing: &'a Drawing,
    /// The left and the upper edge.
    edge: Pixels,
    width: Pixels,
    height: Pixels,
    /// The style sheet of a picture that stands alone.
    style: Option<&'static str>,
}

/// What the classes look like, in light and in dark.
pub(crate) const STYLE: &str = include_str!("../templates/drawing.css");

impl Drawing {
    /// An empty picture of this size; `label` says what it shows.
    pub(crate) fn new(width: f64, height: f64, label: impl Into<String>) -> Drawing {
        Drawing {
            width,
            height,
            label: label.into(),
            stretched: false,
            shapes: Vec::new(),
        }
    }

    /// The picture, to be stretched to whatever place it gets.
    pub(crate) fn stretched(self) -> Drawing {
        Drawing {
            stretched: true,
            ..self
        }
    }

    pub(crate) fn set_height(&mut self, height: f64) {
        self.height = height;
    }

    /// Writes `text`; `class` says where `x` is in it.
    pub(crate) fn text(&mut self, x: f64, y: f64, class: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.shapes.push(Shape::Text {
            x: Pixels(x),
            y: Pixels(y),
            class,
            text,
        });
    }

    pub(crate) fn rectangle(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        radius: f64,
        class: &'static str,
    ) {
        self.shapes.push(Shape::Rectangle {
            x: Pixels(x),
            y: Pixels(y),
            width: Pixels(width),
            height: Pixels(height),
            radius: Pixels(radius),
            class,
        });
    }

    /// Draws a path through points, written as SVG's path data.
    pub(crate) fn path(&mut self, points: impl Into<String>, class: &'static str) {
        let points = points.into();
        self.shapes.push(Shape::Path { points, class });
    }

    /// The picture as an `svg` element for a page that holds [`STYLE`].
    pub(crate) fn inline(&self) -> String {
        self.render(None)
    }

    /// The picture as a file of its own.
    pub fn standalone(&self) -> String {
        self.render(Some(STYLE))
    }

    fn render(&self, style: Option<&'static str>) -> String {
        // a page has a margin of its own
        let margin = if style.is_some() { MARGIN } else { 0.0 };
        let picture = Picture {
            drawing: self,
            edge: Pixels(-margin),
            width: Pixels(self.width + 2.0 * margin),
            height: Pixels(self.height + 2.0 * margin),
            style,
        };
        picture
            .render()
            .expect("a template that writes to memory and calls nothing that fails")
    }
}

/// A coordinate or length, written to a tenth of a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels(pub(crate) f64);

impl fmt::Display for Pixels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // never "-0"
        let tenths = (self.0 * 10.0).round() + 0.0;
        write!(formatter, "{}", tenths / 10.0)
    }
}

/// `text`, cut to about that many pixels.
pub(crate) fn cut(text: &str, pixels: f64) -> String {
    fitted(text, (pixels / LETTER_WIDTH).max(1.0) as usize, "…")
}

/// About how many pixels `text` takes.
pub(crate) fn text_width(text: &str) -> f64 {
    columns(text) as f64 * LETTER_WIDTH
}

/// `text` in lines of about that many pixels, broken between words.
pub(crate) fn wrapped(text: &str, pixels: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if text_width(line) + text_width(word) < pixels => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, pixels)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_coordinates_are_short() {
        let mut drawing = Drawing::new(100.0, 20.04, "<b> & \"c\"");
        drawing.text(
            1.0 / 3.0,
            -0.01,
            "start",
            "</text><script>alert('x')</script>",
        );
        let svg = drawing.standalone();
        assert!(!svg.contains("<script"), "{svg}");
        assert!(!svg.contains("<b>"), "{svg}");
        assert!(svg.contains("x=\"0.3\" y=\"0\""), "{svg}");
        assert!(svg.contains("viewBox=\"-16 -16 132 52\""), "{svg}");
    }
}
