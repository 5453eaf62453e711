//! Goes through a document like a reader: runs each command, and compares its output and pictures.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::fit::{Fit, Misfit, fit};
use super::markdown::{self, Step, blocks, steps};
use super::names::Names;
use super::shape::{self, Token};
use super::terminal::Terminal;
use super::{DOCUMENTS, excerpts, is_listed, pictures, read};

/// A document whose commands are running.
struct Walk {
    path: PathBuf,
    /// Its path in the repository.
    name: &'static str,
    text: String,
    terminal: Terminal,
    names: Names,
    /// New text, by place.
    updates: Vec<(Range<usize>, String)>,
    problems: Vec<String>,
    /// The output of each command.
    printed: BTreeMap<String, Vec<String>>,
}

/// Runs the commands of the document, and fails with every difference.
pub(crate) async fn check(name: &'static str) {
    let (path, text) = read(name);
    let mut walk = Walk {
        path,
        name,
        text: text.clone(),
        terminal: Terminal::new(),
        names: Names::default(),
        updates: Vec::new(),
        problems: excerpts::problems(&text),
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
    if !is_update() {
        walk.other_pictures();
    }
    walk.finish();
}

/// A command without the comment after it.
pub(crate) fn without_comment(command: &str) -> &str {
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
            // an id that no output has shown comes from the reader
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
                // the commands that follow would only fail because of this one
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
                Err(_) => {
                    self.pair_addresses(&documented, &printed);
                    printed.join("\n")
                }
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

    /// Pairs addresses that follow the same words, so that later commands reach a lab that prints
    /// more lines than the document.
    fn pair_addresses(&mut self, documented: &[&str], printed: &[&str]) {
        for line in documented {
            let Some((words, Token::Name(documented))) = address(line) else {
                continue;
            };
            let mut printed = printed.iter().filter_map(address);
            if let Some((_, Token::Name(actual))) = printed.find(|(other, _)| *other == words) {
                self.names.pair(documented, actual);
            }
        }
    }

    /// Compares a new picture with the document's picture of that name.
    fn picture(&mut self, name: &str) {
        let text = self.text.clone();
        let mut addresses = markdown::pictures(&text);
        let Some(address) = addresses.find(|address| address.ends_with(&format!("/{name}"))) else {
            return self.problems.push(format!("{name} is made and not shown"));
        };
        let made = self.terminal.file(name);
        if is_update() {
            std::fs::write(self.beside(address), made).expect("the picture");
            return;
        }
        let shown = self.shown_picture(address);
        let [shown, made] = [shown, made].map(|picture| pictures::lines_without_measures(&picture));
        self.compare_picture(address, &shown, &made);
    }

    /// Checks the other pictures. Each must show a command and its output here, or come from a
    /// command of another document.
    fn other_pictures(&mut self) {
        let text = self.text.clone();
        let documents = DOCUMENTS.map(|name| read(name).1);
        for address in markdown::pictures(&text) {
            let name = address.rsplit('/').next().unwrap_or_default();
            let makes = format!("> {name}\n");
            if documents.iter().any(|document| document.contains(&makes)) {
                continue;
            }
            let shown = pictures::lines(&self.shown_picture(address));
            let command = shown.first().and_then(|line| line.strip_prefix("$ "));
            let Some(printed) = command.and_then(|command| self.printed.get(command)) else {
                self.problems.push(format!("no command makes {address}"));
                continue;
            };
            // the picture has no blank lines and no latencies; its table may fold differently,
            // because the figures of this run may need more room
            let behind_the_table = printed.iter().skip_while(|line| !line.is_empty());
            const LATENCIES: [&str; 2] = ["Latency differs", "No difference in latency"];
            let is_shown = |line: &&String| {
                !line.is_empty() && !LATENCIES.iter().any(|words| line.starts_with(words))
            };
            let printed: Vec<String> = behind_the_table.filter(is_shown).cloned().collect();
            let begins =
                |line: &String| printed.iter().take(1).any(|first| first.starts_with(line));
            let shown = shown.into_iter().skip_while(|line| !begins(line));
            self.compare_picture(address, &shown.collect::<Vec<_>>(), &printed);
        }
    }

    fn shown_picture(&self, address: &str) -> String {
        let picture = std::fs::read_to_string(self.beside(address));
        picture.unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    /// Compares the words of the document's picture with the expected ones.
    fn compare_picture(&mut self, address: &str, shown: &[String], made: &[String]) {
        let [shown, made] = [shown, made].map(texts);
        if let Err(misfit) = fit(&shown, &made, &mut Names::default()) {
            let problem = format!("{address}:\n{}", difference(&shown, &made, misfit));
            self.problems.push(problem);
        }
    }

    /// A file to which the document links.
    fn beside(&self, address: &str) -> PathBuf {
        self.path.with_file_name("").join(address)
    }

    /// Fails if anything differs, or updates the document.
    fn finish(mut self) {
        assert!(
            self.problems.is_empty(),
            "{} is not true any more.\n{}\n\nBATON_UPDATE_DOCS=1 just documents \
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

/// The first address on loopback in a line, and the tokens before it.
fn address<'a>(line: &&'a str) -> Option<(Vec<Token<'a>>, Token<'a>)> {
    let tokens = shape::shape([*line]);
    let place = tokens.iter().position(|(token, _)| token.is_address())?;
    let words = tokens[..place].iter().map(|(token, _)| *token);
    Some((words.collect(), tokens[place].0))
}

/// The documented lines, as printed this time. Elisions stay.
fn updated(documented: &[&str], printed: &[&str], fits: &[Fit]) -> String {
    let mut lines = documented.to_vec();
    for (part, found) in fits.iter().rev() {
        lines.splice(part.clone(), printed[found.clone()].iter().copied());
    }
    lines.join("\n")
}

/// The documented line, the printed line, and the printed lines around it.
fn difference(documented: &[&str], printed: &[&str], misfit: Misfit) -> String {
    const AROUND: usize = 10;
    let line = |lines: &[&str], index: usize| {
        lines
            .get(index)
            .map_or("(the end)".to_owned(), |line| format!("{line:?}"))
    };
    let first = misfit.printed.min(printed.len()).saturating_sub(AROUND);
    let last = printed.len().min(misfit.printed + AROUND);
    format!(
        "  documented: {}\n  printed:    {}\nprinted lines {} to {last} of {}:\n{}",
        line(documented, misfit.documented),
        line(printed, misfit.printed),
        first + 1,
        printed.len(),
        printed[first..last].join("\n")
    )
}

/// Whether to update the documents.
fn is_update() -> bool {
    std::env::var_os("BATON_UPDATE_DOCS").is_some()
}
