//! The words of a picture.

use roxmltree::Document;

use super::shape::{Token, shape};

/// The words of an SVG picture, line by line.
pub(crate) fn lines(picture: &str) -> Vec<String> {
    lines_of(picture, |_| true)
}

/// The same without texts that are only a measure, because axes have different marks in every run.
pub(crate) fn lines_without_measures(picture: &str) -> Vec<String> {
    let is_measure = |(token, _): &(Token<'_>, usize)| *token == Token::Measure;
    lines_of(picture, |text| !shape([text]).iter().all(is_measure))
}

fn lines_of(picture: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let document = Document::parse(picture).expect("a picture");
    let mut lines: Vec<(Option<&str>, String)> = Vec::new();
    for element in document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
    {
        let texts = element.descendants().filter(|node| node.is_text());
        let text: String = texts.filter_map(|node| node.text()).collect();
        if !is_wanted(&text) {
            continue;
        }
        let height = element.attribute("y");
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
