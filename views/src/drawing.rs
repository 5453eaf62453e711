//! Turns shapes into SVG. All pictures of baton are drawn here, so they look alike in light and
//! dark mode.
//!
//! A picture is a list of shapes, each with a CSS class. `templates/drawing.css` styles the
//! classes. The template engine escapes all text.

use std::fmt;

use askama::Template;

use crate::terminal::{columns, fitted};

/// The width of the page that a picture is drawn for. Text keeps its size, so a phone gets its own
/// picture and not a smaller copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// A desktop's page or a printed one.
    Wide,
    /// A phone's page.
    Narrow,
}

impl Page {
    /// The width of a picture on this page, in CSS pixels.
    pub(crate) fn width(self) -> f64 {
        match self {
            Page::Wide => 960.0,
            Page::Narrow => 348.0,
        }
    }

    /// The height of a picture that fits this page. A phone's page has no end.
    pub(crate) fn height(self) -> f64 {
        match self {
            // as on A4
            Page::Wide => self.width() * std::f64::consts::SQRT_2,
            Page::Narrow => f64::INFINITY,
        }
    }
}

/// The margin around a standalone picture, in pixels.
const MARGIN: f64 = 16.0;

/// The mean width of a letter in a picture's text, in pixels.
const LETTER_WIDTH: f64 = 6.9;

/// A picture.
#[derive(Clone, Debug)]
pub struct Drawing {
    width: f64,
    height: f64,
    /// What the picture shows, for screen readers.
    label: String,
    /// Whether the picture is stretched to fill its place. Only for pictures without text.
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
    /// Text that rises to the right.
    Rising {
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
    /// The coordinate of the left edge and of the upper edge.
    edge: Pixels,
    width: Pixels,
    height: Pixels,
    /// The style sheet, for a standalone picture.
    style: Option<&'static str>,
}

/// The style sheet of all pictures, for light and dark mode.
pub const STYLE: &str = include_str!("../templates/drawing.css");

impl Drawing {
    /// An empty picture of this size in pixels. `label` says what it shows.
    pub(crate) fn new(width: f64, height: f64, label: impl Into<String>) -> Drawing {
        Drawing {
            width,
            height,
            label: label.into(),
            stretched: false,
            shapes: Vec::new(),
        }
    }

    /// The same picture, stretched to fill its place.
    pub(crate) fn stretched(self) -> Drawing {
        Drawing {
            stretched: true,
            ..self
        }
    }

    pub(crate) fn set_height(&mut self, height: f64) {
        self.height = height;
    }

    /// Writes `text`. `class` says whether `x` is its start, middle or end.
    pub(crate) fn text(&mut self, x: f64, y: f64, class: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.shapes.push(Shape::Text {
            x: Pixels(x),
            y: Pixels(y),
            class,
            text,
        });
    }

    /// Writes `text` so that it rises to the right from its start.
    pub(crate) fn rising_text(&mut self, x: f64, y: f64, class: &'static str, text: String) {
        self.shapes.push(Shape::Rising {
            x: Pixels(x),
            y: Pixels(y),
            class,
            text,
        });
    }

    /// Writes `text` around `x` on a ground that hides the lines behind it.
    pub(crate) fn label(&mut self, x: f64, y: f64, class: &'static str, text: String) {
        let width = text_width(&text) + 4.0;
        self.rectangle((x - width / 2.0, y - 11.5), (width, 15.0), 2.0, "paper");
        self.text(x, y, class, text);
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

    /// The picture as an `svg` element, for a page that includes [`STYLE`].
    pub fn inline(&self) -> String {
        self.render(None)
    }

    /// The picture as a complete SVG file.
    pub fn standalone(&self) -> String {
        self.render(Some(STYLE))
    }

    fn render(&self, style: Option<&'static str>) -> String {
        // a page brings its own margin
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

/// A coordinate or length, written with one decimal place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels(pub(crate) f64);

impl fmt::Display for Pixels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `+ 0.0` turns -0 into 0
        let tenths = (self.0 * 10.0).round() + 0.0;
        write!(formatter, "{}", tenths / 10.0)
    }
}

/// `text`, cut to about this many pixels.
pub(crate) fn cut(text: &str, pixels: f64) -> String {
    fitted(text, (pixels / LETTER_WIDTH).max(1.0) as usize, "…")
}

/// The estimated width of `text`, in pixels.
pub(crate) fn text_width(text: &str) -> f64 {
    columns(text) as f64 * LETTER_WIDTH
}

/// `text` in lines of about this many pixels, broken between words.
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
