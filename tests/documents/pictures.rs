//! The words of a picture.

use roxmltree::Document;

use super::shape::{Token, shape};

/// The words of an SVG picture line by line, as they are read. What says nothing but a measure is left out, since axes have
/// other marks in every run.
pub(crate) fn lines(picture: &str) -> Vec<String> {
    let document = Document::parse(picture).expect("a picture");
    let texts = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    let mut lines: Vec<(Option<&str>, String)> = Vec::new();
    for node in texts {
        let text: String = node
            .descendants()
            .filter_map(|node| node.text().filter(|_| node.is_text()))
            .collect();
        if shape([text.as_str()])
            .iter()
            .all(|(token, _)| *token == Token::Measure)
        {
            continue;
        }
        let height = node.attribute("y");
        match lines.last_mut() {
            Some((last, line)) if *last == height => {
                line.push(' ');
                line.push_str(&text);
            }
            _ => lines.push((height, text)),
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}
