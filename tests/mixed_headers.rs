//! The grids in docs/mixed-headers.md are what `baton matrix` prints for the measured matrix beside
//! it, and every cell that this document or docs/migration.md quotes has the verdict that it says.
//!
//! `BATON_UPDATE_DOCS=1 cargo test --test whole mixed_headers` updates the grids.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::command::Sandbox;

const BEGIN: &str =
    "<!-- begin: baton matrix --from docs/mixed-headers.json --format markdown -->\n";
const END: &str = "<!-- end -->";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

fn document() -> String {
    std::fs::read_to_string(path("mixed-headers.md")).expect("the document")
}

fn matrix() -> Value {
    let text = std::fs::read_to_string(path("mixed-headers.json")).expect("the matrix");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn the_grids_are_what_the_command_prints() {
    let saved = path("mixed-headers.json").display().to_string();
    let printed = Sandbox::new()
        .run(["matrix", "--from", &saved, "--format", "markdown"])
        .await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let document = document();
    let (before, rest) = document.split_once(BEGIN).expect("the first marker");
    let (between, after) = rest.split_once(END).expect("the last marker");
    let expected = format!("\n{}\n", printed.stdout);
    if std::env::var_os("BATON_UPDATE_DOCS").is_some() {
        let updated = [before, BEGIN, &expected, END, after].concat();
        std::fs::write(path("mixed-headers.md"), updated).expect("the document");
        return;
    }
    assert!(
        between == expected,
        "docs/mixed-headers.md is out of date; BATON_UPDATE_DOCS=1 cargo test --test whole mixed_headers \
         updates it"
    );
}

/// What a document says about a cell, as code:
///
/// - all its verdicts, and any of its flags: `agreeing to b3 = connected, tracestate_lost`;
///   `others` allows more verdicts;
/// - that it has no flags: `b3:b3 = connected, no flags`;
/// - the size of its context: `b3 = 60 bytes`.
///
/// With an engine's name before it, as in `otel, debug_b3 to b3 = unsampled`, it is about that
/// engine, otherwise about every engine that has the cell.
struct Claim<'a> {
    engine: Option<&'a str>,
    place: &'a str,
    said: Vec<&'a str>,
}

impl<'a> Claim<'a> {
    fn of(code: &'a str) -> Option<Self> {
        let (place, said) = code.split_once(" = ")?;
        let (engine, place) = match place.split_once(", ") {
            Some((engine, place)) => (Some(engine), place),
            None => (None, place),
        };
        Some(Claim {
            engine,
            place,
            said: said.split(", ").collect(),
        })
    }

    fn is_about(&self, cell: &Value) -> bool {
        let names = |name: &str| {
            let names = cell[name].as_array().expect("formats");
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            match names.is_empty() {
                true => "none".to_owned(),
                false => names.join(","),
            }
        };
        let producer = names("producer");
        let place = match (cell["client"].as_str(), self.place.contains([':', ' '])) {
            (Some(client), _) => format!("{client} to {producer}"),
            (None, true) => format!("{producer}:{}", names("consumer")),
            (None, false) => producer,
        };
        place == self.place && self.engine.is_none_or(|engine| cell["engine"] == engine)
    }

    fn assert_holds(&self, cell: &Value) {
        if let [bytes] = self.said[..]
            && let Some(bytes) = bytes.strip_suffix(" bytes")
        {
            assert_eq!(cell["carrier_bytes"].to_string(), bytes, "{}", self.place);
            return;
        }
        let names = |counts: &str| -> Vec<&str> {
            let counts = cell[counts].as_object().expect("counts");
            counts.keys().map(String::as_str).collect()
        };
        let (mut verdicts, flags) = (names("verdicts"), names("flags"));
        for said in self.said.iter().filter(|said| **said != "others") {
            let is_flag = flags.contains(said) || (*said == "no flags" && flags.is_empty());
            let is_verdict = verdicts.contains(said);
            assert!(is_flag || is_verdict, "{} = {said}: {cell}", self.place);
            verdicts.retain(|verdict| verdict != said);
        }
        let others = self.said.contains(&"others");
        assert!(
            others || verdicts.is_empty(),
            "{} is {verdicts:?} too",
            self.place
        );
    }
}

#[test]
fn what_the_documents_say_about_cells_is_true() {
    let document = document();
    let (before, rest) = document.split_once(BEGIN).expect("the first marker");
    let (_, after) = rest.split_once(END).expect("the last marker");
    let migration = std::fs::read_to_string(path("migration.md")).expect("the document");
    let matrix = matrix();
    let cells: Vec<&Value> = ["record", "ingress"]
        .into_iter()
        .flat_map(|grid| matrix[grid].as_array().expect("a grid"))
        .collect();
    let mut claims = 0;
    for text in [before, after, &migration] {
        // split at backquotes, every second part is code
        for claim in text.split('`').skip(1).step_by(2).filter_map(Claim::of) {
            let about: Vec<_> = cells.iter().filter(|cell| claim.is_about(cell)).collect();
            assert!(!about.is_empty(), "no cell is {}", claim.place);
            about.iter().for_each(|cell| claim.assert_holds(cell));
            claims += 1;
        }
    }
    assert!(claims >= 40, "the documents quote only {claims} cells");
}

#[test]
fn the_matrix_is_the_default_one_of_both_engines_and_all_of_it_agrees() {
    let matrix = matrix();
    assert_eq!(matrix["requests"], 20);
    assert_eq!(matrix["modes"].as_array().map(Vec::len), Some(9));
    assert_eq!(matrix["defects"].as_array().map(Vec::len), Some(0));
    for (engine, pairings) in [("native", 81), ("otel", 36)] {
        let cells = matrix["record"].as_array().expect("cells").iter();
        let cells: Vec<_> = cells.filter(|cell| cell["engine"] == engine).collect();
        assert_eq!(cells.len(), pairings, "{engine}");
        assert!(cells.iter().all(|cell| cell["agrees"] == true));
    }
}
