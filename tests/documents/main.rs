//! The documents are true: every command in them is run, against a lab where they start one, and what it prints has the
//! shape that the document shows; every picture that a command makes has the words of the document's; every excerpt of
//! the code is in the file that it names.
//!
//! A block ```` ```console ```` is a terminal: `$ ` begins a command, below which stands what it prints. `…` on a line of
//! its own stands for any lines; a command with nothing below it may print anything. All have to succeed. `baton up` stays
//! up, as in a terminal of its own, until `^C`. It gets free ports, which stand for the documented ones.
//! What is another in every run may differ (`shape.rs`).
//!
//! `BATON_UPDATE_DOCS=1 cargo test --test documents` puts what the commands print into the documents, and the pictures.

mod excerpts;
mod markdown;
mod names;
mod pictures;
mod shape;
#[path = "../support/mod.rs"]
mod support;
mod terminal;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use markdown::{Step, blocks, steps};
use names::Names;
use shape::{Misfit, fit};
use terminal::Terminal;

/// The documents.
const DOCUMENTS: [&str; 2] = ["README.md", "docs/workshop.md"];
/// Commands in them that are not run here, and why.
const NOT_RUN: [(&str, &str); 6] = [
    ("cargo test --workspace", "it is what runs this test"),
    (
        "cargo install --path .",
        "it compiles everything once more; the program is the one that is tested",
    ),
    (
        "baton up --function consumer='node consumer.js'",
        "consumer.js is the reader's own; tests/up.rs runs a function of somebody else's",
    ),
    (
        "baton burst --endpoint $ENDPOINT --requests 20 --out client",
        "the endpoint is the reader's own on AWS",
    ),
    (
        "baton map client jaeger+http://jaeger.example:16686",
        "there is no Jaeger; traces/tests/sources reads its API",
    ),
    (
        "baton traces client zipkin+http://zipkin.example:9411",
        "there is no Zipkin; traces/tests/sources reads its API",
    ),
];

/// A document, while its commands are run.
struct Walk {
    path: PathBuf,
    /// Its path in the repository.
    name: &'static str,
    text: String,
    terminal: Terminal,
    names: Names,
    /// What is to be put where.
    updates: Vec<(Range<usize>, String)>,
    problems: Vec<String>,
    /// The pictures that commands have made, as the document points to them.
    made: Vec<String>,
    /// What each command printed.
    printed: BTreeMap<String, Vec<String>>,
}

fn is_update() -> bool {
    std::env::var_os("BATON_UPDATE_DOCS").is_some()
}

fn read(name: &str) -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    (path, text)
}

/// Runs the commands of the document and says all that is not as it says.
async fn check(name: &'static str) {
    let (path, text) = read(name);
    let mut walk = Walk {
        path,
        name,
        text: text.clone(),
        terminal: Terminal::new(),
        names: Names::default(),
        updates: Vec::new(),
        problems: excerpts::problems(&text),
        made: Vec::new(),
        printed: BTreeMap::new(),
    };
    for block in blocks(&text) {
        match block.info.split(' ').next() {
            Some("console") => {
                for step in steps(&block) {
                    walk.step(&step).await;
                }
            }
            Some("sh") => {
                let commands = block.lines.iter().filter(|line| !is_listed(line.text));
                walk.problems.extend(commands.map(|line| {
                    format!(
                        "line {}: `{}` is neither run nor listed with a reason",
                        line.number, line.text
                    )
                }));
            }
            _ => {}
        }
    }
    walk.other_pictures();
    walk.finish();
}

fn is_listed(command: &str) -> bool {
    let command = without_comment(command);
    NOT_RUN.iter().any(|(listed, _)| *listed == command)
}

fn without_comment(command: &str) -> &str {
    command
        .split_once(" #")
        .map_or(command, |(command, _)| command)
        .trim_end()
}

fn texts(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

impl Walk {
    async fn step(&mut self, step: &Step<'_>) {
        let shown = step.command.as_deref().unwrap_or("^C");
        let command = step.command.as_deref().unwrap_or_default();
        for id in shape::ids(command) {
            // one that no output has shown is the command's own
            self.names.pair_with_itself(id);
        }
        let printed = match &step.command {
            Some(command) if is_listed(command) => return,
            Some(command) => self.terminal.run(&self.names.with_actual(command)).await,
            None => {
                let said = self.terminal.interrupt().await;
                self.names.forget_addresses();
                said
            }
        };
        let printed = match printed {
            Ok(printed) => printed,
            Err(printed) => {
                // what follows would fail for no reason of its own
                panic!("{}:{}: `{shown}` failed: {printed}", self.name, step.number)
            }
        };
        if let Some((_, name)) = command
            .rsplit_once("> ")
            .filter(|(_, name)| name.ends_with(".svg"))
        {
            self.picture(name);
        }
        let printed: Vec<String> = printed
            .trim_end()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        self.printed
            .insert(without_comment(command).to_owned(), printed.clone());
        let printed = texts(&printed);
        let documented: Vec<&str> = step.output.iter().map(|line| line.text).collect();
        let Some(range) = step.output_range() else {
            return;
        };
        let fits = fit(&documented, &printed, &mut self.names);
        if is_update() {
            let text = match &fits {
                Ok(fits) => updated(&documented, &printed, fits),
                Err(_) => printed.join("\n"),
            };
            self.updates
                .push((range, self.names.with_documented_addresses(&text)));
        } else if let Err(misfit) = fits {
            let line = step
                .output
                .get(misfit.documented)
                .map_or(step.number, |line| line.number);
            self.problems.push(format!(
                "line {line}, `{shown}`:\n{}",
                difference(&documented, &printed, misfit)
            ));
        }
    }

    /// Compares a picture that was made with the document's of that name.
    fn picture(&mut self, name: &str) {
        let text = self.text.clone();
        let mut addresses = markdown::pictures(&text);
        let Some(address) = addresses.find(|address| address.ends_with(&format!("/{name}"))) else {
            return self.problems.push(format!("{name} is made and not shown"));
        };
        self.made.push(address.to_owned());
        let made = self.terminal.file(name);
        if is_update() {
            std::fs::write(self.beside(address), made).expect("the picture");
            return;
        }
        let made = pictures::lines(&made);
        self.compare_picture(address, &made, 0);
    }

    /// A picture of a command and its output has to be of what that printed; all others have to be made.
    fn other_pictures(&mut self) {
        let text = self.text.clone();
        for address in markdown::pictures(&text) {
            if self.made.iter().any(|made| made == address) {
                continue;
            }
            let picture = std::fs::read_to_string(self.beside(address)).unwrap_or_default();
            let lines = if picture.is_empty() {
                Vec::new()
            } else {
                pictures::lines(&picture)
            };
            let command = lines.first().and_then(|line| line.strip_prefix("$ "));
            match command
                .and_then(|command| self.printed.get(command))
                .cloned()
            {
                Some(printed) => self.compare_picture(address, &printed, 1),
                None => self.problems.push(format!("no command makes {address}")),
            }
        }
    }

    /// Compares the words of the document's picture, from a line on, with what they should be.
    fn compare_picture(&mut self, address: &str, made: &[String], from: usize) {
        let shown = std::fs::read_to_string(self.beside(address));
        let shown = shown.unwrap_or_else(|error| panic!("{address}: {error}"));
        let shown = pictures::lines(&shown);
        let [shown, made] = [&shown[from..], made].map(texts);
        if let Err(misfit) = fit(&shown, &made, &mut Names::default()) {
            let problem = format!("{address}:\n{}", difference(&shown, &made, misfit));
            self.problems.push(problem);
        }
    }

    /// A file that the document points to.
    fn beside(&self, address: &str) -> PathBuf {
        self.path.with_file_name("").join(address)
    }

    /// Fails if anything was not as the document says, or writes it anew.
    fn finish(mut self) {
        assert!(
            self.problems.is_empty(),
            "{} is not true any more.\n{}\n\nBATON_UPDATE_DOCS=1 cargo test --test documents \
             puts what is printed into it; read it again then.",
            self.name,
            self.problems.join("\n\n")
        );
        if !is_update() {
            return;
        }
        let mut text = String::new();
        let mut at = 0;
        for (range, output) in self.updates.drain(..) {
            text.push_str(&self.names.with_actual_ids(&self.text[at..range.start]));
            text.push_str(&output);
            at = range.end;
        }
        text.push_str(&self.names.with_actual_ids(&self.text[at..]));
        std::fs::write(&self.path, text).expect("the document");
    }
}

/// The documented lines as they were printed this time; elisions stay.
fn updated(documented: &[&str], printed: &[&str], fits: &[shape::Fit]) -> String {
    let mut lines = documented.to_vec();
    for (part, found) in fits.iter().rev() {
        lines.splice(part.clone(), printed[found.clone()].iter().copied());
    }
    lines.join("\n")
}

/// What stands where and what was printed instead, and all that was printed.
fn difference(documented: &[&str], printed: &[&str], misfit: Misfit) -> String {
    let line = |lines: &[&str], index: usize| {
        lines
            .get(index)
            .map_or("(the end)".to_owned(), |line| format!("{line:?}"))
    };
    format!(
        "  documented: {}\n  printed:    {}\nall that was printed:\n{}",
        line(documented, misfit.documented),
        line(printed, misfit.printed),
        printed.join("\n")
    )
}

#[test]
fn what_is_not_run_is_in_a_document() {
    let documents = DOCUMENTS.map(|name| read(name).1);
    for (command, reason) in NOT_RUN {
        assert!(
            documents.iter().any(|document| document.contains(command)),
            "no document has `{command}` ({reason}) any more"
        );
    }
}

#[tokio::test]
async fn the_workshop_is_true() {
    check("docs/workshop.md").await;
}

#[tokio::test]
#[cfg_attr(
    debug_assertions,
    ignore = "its bursts need the optimised program that it tells people to build: --release"
)]
async fn the_readme_is_true() {
    check("README.md").await;
}
