//! The contract of every form: however an export is damaged, reading it gives a result or a clear
//! error.

use baton_traces::readers::{ReadError, Reading};

use super::forms::every_form;
use super::{exports_in_data, read};

fn attempt(name: &str, content: &[u8]) -> Result<Reading, ReadError> {
    let mut spans = 0;
    let result = read(content, &mut |_| spans += 1);
    match &result {
        Ok(reading) => assert_eq!(reading.spans, spans, "{name}"),
        Err(error) => {
            let error = error.to_string();
            assert!(
                error.starts_with("input") || error.starts_with("cannot read input"),
                "{name}: {error}"
            );
            assert!(error.len() < 1000, "{name}: {} bytes of error", error.len());
            assert!(!error.contains('\u{1b}'), "{name}: {error:?}");
        }
    }
    result
}

/// Every export in the test data, with the number of its spans.
fn exports() -> Vec<(String, Vec<u8>, u64)> {
    let mut exports: Vec<_> = every_form()
        .into_iter()
        .map(|(name, _, content)| (name.to_owned(), content))
        .collect();
    exports.extend(exports_in_data());
    exports
        .into_iter()
        .map(|(name, content)| {
            let reading =
                attempt(&name, &content).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(reading.truncated.is_none(), "{name}");
            (name, content, reading.spans)
        })
        .collect()
}

#[test]
fn an_export_cut_anywhere_gives_a_part_of_its_spans_or_a_clear_error() {
    for (name, content, spans) in exports() {
        let step = (content.len() / 150).max(1);
        for end in (0..content.len()).step_by(step) {
            if let Ok(reading) = attempt(&name, &content[..end]) {
                assert!(reading.spans <= spans, "{name} cut at {end}");
            }
        }
    }
}

#[test]
fn an_export_with_any_byte_changed_gives_a_result_or_a_clear_error() {
    for (name, content, _) in exports() {
        let step = (content.len() / 60).max(1);
        for place in (0..content.len()).step_by(step) {
            for byte in [0, b'"', b'{', b']', 0x1b, 0xff, content[place] ^ 1] {
                let mut changed = content.clone();
                changed[place] = byte;
                // Either result is accepted; `attempt` checks the message.
                let _ = attempt(&name, &changed);
            }
        }
    }
}

#[test]
fn an_export_twice_in_a_file_is_read_twice_or_refused() {
    for (name, content, spans) in exports() {
        let twice = [content.as_slice(), b"\n", &content].concat();
        if let Ok(reading) = attempt(&name, &twice) {
            // A segment in progress counts once, even if it was sent several times.
            assert!(
                (spans..=2 * spans).contains(&reading.spans),
                "{name}: {} of {spans}",
                reading.spans
            );
        }
    }
}

#[test]
fn mixed_up_exports_give_spans_or_a_clear_error() {
    let exports = exports();
    for (first, start, first_spans) in &exports {
        for (second, end, second_spans) in &exports {
            let name = format!("{first} and {second}");
            if let Ok(reading) = attempt(&name, &[start.as_slice(), b"\n", end].concat()) {
                assert!(reading.spans <= first_spans + second_spans, "{name}");
            }
            let halves = [&start[..start.len() / 2], &end[end.len() / 2..]].concat();
            let _ = attempt(&name, &halves);
        }
    }
}
