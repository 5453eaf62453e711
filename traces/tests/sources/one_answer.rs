//! Every export of the test data has one answer, whichever command is asked.

use std::path::{Path, PathBuf};

use baton_traces::measure::Measured;
use baton_traces::source::Source;

use crate::one_answer;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn the_four_commands_say_the_same_of_every_export() {
    let mut all = Vec::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    files(&data, &mut all);
    let (mut sources, mut hand_offs) = (0, 0);
    for path in all {
        let source = Source::from(path.as_path());
        // what is refused has tests of its own
        let Ok(measured) = Measured::of(&source) else {
            continue;
        };
        sources += 1;
        hand_offs += one_answer::check(&source, &measured);
    }
    assert!(sources > 30 && hand_offs > 1500, "{sources}, {hand_offs}");
}
