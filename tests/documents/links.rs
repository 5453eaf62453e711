//! Links between documents lead to a file of the repository, and to a heading in it. The paths in
//! the documents that show where things are exist.

use std::fs;
use std::path::{Path, PathBuf};

use super::markdown::blocks;

/// Every document of the repository, by its path below the root.
const FOLDERS: [&str; 6] = [
    "",
    "docs",
    "docs/reference",
    "deploy",
    "examples/nodejs",
    "fuzz",
];

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut broken = Vec::new();
    for path in FOLDERS
        .iter()
        .flat_map(|folder| documents(&root.join(folder)))
    {
        let text = fs::read_to_string(&path).expect("a document");
        for link in links(&text) {
            if !leads_somewhere(&path, link) {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

fn documents(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The addresses of all links and pictures outside of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let code: Vec<_> = blocks(text)
        .into_iter()
        .flat_map(|block| block.lines)
        .map(|line| line.start)
        .collect();
    let starts = text.match_indices("](");
    let starts = starts.filter(move |(at, _)| {
        let line = text[..*at].rfind('\n').map_or(0, |end| end + 1);
        !code.contains(&line)
    });
    starts.filter_map(|(at, _)| text[at + 2..].split_once(')').map(|(link, _)| link))
}

fn leads_somewhere(document: &Path, link: &str) -> bool {
    if link.starts_with("http") {
        // other sites are not ours to check, and tests have no network
        return true;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => document.to_owned(),
        file => document.with_file_name("").join(file),
    };
    if heading.is_empty() {
        return target.exists();
    }
    fs::read_to_string(target).is_ok_and(|text| anchors(&text).any(|anchor| anchor == heading))
}

/// The anchors that GitHub gives to the headings of a document.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title
            .chars()
            .filter(|character| character.is_alphanumeric() || " -_".contains(*character))
            .map(|character| if character == ' ' { '-' } else { character })
            .collect()
    })
}

/// The documents that show where things are.
const MAPS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/rationale.md"];

#[test]
fn every_path_in_the_maps_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    for map in MAPS {
        let text = fs::read_to_string(root.join(map)).expect("a document");
        // split at backquotes, every second part is code
        for code in text.split('`').skip(1).step_by(2) {
            if is_path(code) && !root.join(code).exists() {
                missing.push(format!("{map}: {code}"));
            }
        }
    }
    assert!(missing.is_empty(), "no such path:\n{}", missing.join("\n"));
}

/// Whether code is the path of a file of Rust or of a folder, without a placeholder in it.
fn is_path(code: &str) -> bool {
    let is_plain = code
        .chars()
        .all(|character| character.is_ascii_lowercase() || "_-./0123456789".contains(character));
    is_plain && (code.ends_with('/') || code.contains('/') && code.ends_with(".rs"))
}

#[test]
fn only_paths_are_taken_for_paths() {
    for (code, expected) in [
        ("lab/src/kinesis.rs", true),
        ("propagators/", true),
        ("propagators/src/formats/NAME.rs", false),
        ("cargo test", false),
        ("kinesis.rs", false),
        ("a/b", false),
    ] {
        assert_eq!(is_path(code), expected, "{code}");
    }
}

#[test]
fn a_link_to_nothing_is_found() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    for (link, leads) in [
        ("docs/workshop.md#8-the-bonus-question", true),
        ("docs/workshop.md#the-bonus-question", false),
        ("docs/no.md", false),
        ("docs", true),
        ("#what-you-can-do-with-it", true),
        ("#nothing", false),
        ("https://example.invalid", true),
    ] {
        assert_eq!(leads_somewhere(&readme, link), leads, "{link}");
    }
    assert_eq!(
        links("[a](b) ![c](d#e)\n```\n[f](g)\n```\n").collect::<Vec<_>>(),
        ["b", "d#e"]
    );
}
