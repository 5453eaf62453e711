//! The answer for people: what arrives, what most libraries do with it, which ones differ, and then
//! each header.

use baton_pastes::Paste;
use baton_pastes::explain::libraries::{self, Answered, Group};
use baton_pastes::explain::{Judged, Judgement, arrives, distinct, in_common};
use baton_propagators::libraries::{LIBRARIES, Library};
use baton_propagators::{Engine, Mode};
use baton_traces::shown::visible;

use crate::arguments::ExplainArguments;
use crate::print::output::Output;
use crate::print::wrap::wrapped;

use super::{line, section, table};

/// The columns of a line without a terminal.
const WIDTH: usize = 80;
/// The fewest columns of a line. A narrower terminal breaks lines itself.
const MIN_WIDTH: usize = 40;
/// How many carriers are shown separately.
const MAX_CARRIERS: usize = 20;
/// How many remarks about libraries are shown without `--as`.
const MAX_REMARKS: usize = 3;
/// How many names of other headers are shown.
const MAX_NAMES: usize = 20;

/// Draws the whole answer, without a line break at the end.
pub(super) fn draw(
    paste: &Paste,
    judged: &[Judged<'_>],
    arguments: &ExplainArguments,
    output: &Output,
) -> String {
    let width = output.columns.unwrap_or(WIDTH).max(MIN_WIDTH);
    let view = View {
        wanted: arguments.libraries(),
        arguments,
        output,
        width,
    };
    let carries = |judged: &&Judged<'_>| !judged.carrier.headers.is_empty();
    let (carrying, others): (Vec<&Judged<'_>>, Vec<_>) = judged.iter().partition(carries);
    let mut sections = match (carrying.as_slice(), judged) {
        ([only], _) => {
            let mut sections = view.alone(only);
            let others = others.iter().map(|other| view.one_of_several(other));
            sections.extend(others.map(|lines| lines.join("\n")));
            sections
        }
        (_, [only]) => view.alone(only),
        (_, several) => view.several(paste, several),
    };
    sections.extend(paste.notes.iter().map(|note| view.note(note)));
    sections.join("\n\n")
}

/// Whether more than half of the libraries, as they are named, are in the first group.
fn is_most(groups: &[Group]) -> bool {
    let number = |group: &Group| libraries::number(&group.libraries);
    let all: usize = groups.iter().map(number).sum();
    groups.first().is_some_and(|first| 2 * number(first) > all)
}

/// How to draw.
struct View<'a> {
    arguments: &'a ExplainArguments,
    /// The libraries to show in full.
    wanted: Vec<&'static Library>,
    output: &'a Output,
    width: usize,
}

impl View<'_> {
    /// One carrier.
    fn alone(&self, judged: &Judged<'_>) -> Vec<String> {
        let answers = self.answers(judged);
        let mut head = vec![self.wrap(&visible(&arrives(judged)))];
        head.extend(self.by_answer(judged, &answers));
        let mut sections = vec![head.join("\n")];
        sections.extend(section::all(judged, self.width, self.output));
        // The first sentence has the only reason.
        let is_told = judged.only_reason().is_some();
        sections.extend(self.unread(judged, is_told));
        sections.extend(self.others(judged));
        if judged.contexts().len() > 1 || !self.arguments.modes.is_empty() {
            let of = match self.arguments.engine {
                Engine::Native => "baton's functions, which follow the specifications,",
                Engine::Otel => "opentelemetry-rust",
            };
            let table = table::draw(&self.rows(judged), self.width, self.output);
            sections.push(format!(
                "{}\n{table}",
                self.wrap(&format!("What {of} would continue:"))
            ));
        }
        let libraries: Vec<String> = if self.wanted.is_empty() {
            let mut remarks = libraries::remarks(&answers);
            remarks.truncate(MAX_REMARKS);
            remarks.iter().map(|remark| self.wrap(remark)).collect()
        } else {
            let all = answers.iter().flatten();
            all.map(|answered| {
                let lines = libraries::in_full(answered);
                let lines = lines.iter().map(|line| self.note(line));
                lines.collect::<Vec<_>>().join("\n")
            })
            .collect()
        };
        if !libraries.is_empty() {
            sections.push(libraries.join("\n"));
        }
        sections.extend(judged.explanation.notes.iter().map(|note| self.note(note)));
        sections
    }

    /// Several carriers: first what they have in common, then each of them.
    fn several(&self, paste: &Paste, judged: &[Judged<'_>]) -> Vec<String> {
        let mut head = vec![self.wrap(&in_common(judged, paste.beyond))];
        let heads: Vec<Vec<String>> = judged
            .iter()
            .map(|judged| self.by_answer(judged, &self.answers(judged)))
            .collect();
        // A carrier without a header has no answer.
        let mut told = heads.iter().filter(|own| !own.is_empty());
        let first = told.next();
        let is_same = told.all(|own| Some(own) == first);
        if is_same {
            head.extend(first.into_iter().flatten().cloned());
        }
        let mut sections = vec![head.join("\n")];
        for (judged, own) in judged.iter().zip(&heads).take(MAX_CARRIERS) {
            let mut lines = self.one_of_several(judged);
            if judged.contexts().len() != 1 && !judged.carrier.headers.is_empty() {
                lines.push(self.wrap(&visible(&arrives(judged))));
            }
            if !is_same {
                lines.extend(own.iter().cloned());
            }
            sections.push(lines.join("\n"));
        }
        let hidden = judged.len().saturating_sub(MAX_CARRIERS) + paste.beyond;
        if hidden > 0 {
            sections.push(format!("{hidden} more carriers are not shown."));
        }
        let shown = judged.iter().take(MAX_CARRIERS);
        let notes = distinct(shown.flat_map(|judged| &judged.explanation.notes));
        sections.extend(notes.iter().map(|note| self.note(note)));
        sections
    }

    /// The place of a carrier and what is in it.
    fn one_of_several(&self, judged: &Judged<'_>) -> Vec<String> {
        let place = judged.carrier.place.as_deref();
        let place = place.map(|place| line::escaped(place, self.width));
        let mut lines: Vec<String> = place.into_iter().collect();
        lines.extend(section::all(judged, self.width, self.output));
        lines.extend(self.unread(judged, false));
        lines
    }

    /// The answers of the wanted libraries: the modes that matter, with the answers in each.
    fn answers(&self, judged: &Judged<'_>) -> Vec<Vec<Answered>> {
        let wanted: &[&'static Library] = if self.wanted.is_empty() {
            LIBRARIES
        } else {
            &self.wanted
        };
        let modes = self.modes(judged).into_iter();
        modes
            .map(|mode| libraries::answers(&judged.headers, &[mode], wanted))
            .filter(|answers| !answers.is_empty())
            .collect()
    }

    /// The modes to show: the ones given by the user, or all arriving formats in both orders.
    fn modes(&self, judged: &Judged<'_>) -> Vec<Mode> {
        if !self.arguments.modes.is_empty() {
            // a library selects by its own rule, so `/first` and `/last` are one mode to it
            let asked = self.arguments.modes.iter();
            return distinct(asked.map(|selection| selection.mode.clone()));
        }
        let formats = judged.formats();
        let reverse: Vec<&str> = formats.iter().rev().copied().collect();
        let mut lists = vec![formats.join(",")];
        if formats.len() > 1 {
            lists.push(reverse.join(","));
        }
        lists
            .iter()
            .filter(|list| !list.is_empty())
            .filter_map(|list| list.parse().ok())
            .collect()
    }

    /// The rows of the table of modes: the ones given by the user, or each arriving format and all
    /// of them together.
    fn rows<'j>(&self, judged: &'j Judged<'_>) -> Vec<&'j Judgement> {
        let formats = judged.formats();
        // Three or more formats have too many orders to show.
        let most = if formats.len() > 2 { 1 } else { 2 };
        let matters = |judgement: &&Judgement| {
            let names: Vec<&str> = judgement.propagation.extract.names().collect();
            let fits = names.len() <= most && names.iter().all(|name| formats.contains(name));
            fits || !self.arguments.modes.is_empty()
        };
        judged.judgements.iter().filter(matters).collect()
    }

    /// What libraries do, by answer: two lines for a single mode, one line each for several.
    fn by_answer(&self, judged: &Judged<'_>, answers: &[Vec<Answered>]) -> Vec<String> {
        let mut lines = Vec::new();
        for of_mode in answers {
            let Some(mode) = of_mode.first().map(|answered| &answered.mode) else {
                continue;
            };
            let groups = libraries::groups(of_mode, &judged.headers);
            let told: Vec<String> = groups.iter().map(libraries::sentence).collect();
            match (told.as_slice(), answers.len()) {
                ([], _) => {}
                ([_], _) => {
                    let all = libraries::number(&groups[0].libraries);
                    let who = if all == 1 {
                        libraries::named(&groups[0].libraries)
                    } else {
                        format!("all {all} libraries that support it")
                    };
                    let what = if all == 1 {
                        libraries::of_one(&groups[0].what)
                    } else {
                        groups[0].what.clone()
                    };
                    lines.push(format!("With {mode} {who} {what}."));
                }
                ([_, others @ ..], 1) if self.wanted.is_empty() && is_most(&groups) => {
                    lines.push(format!(
                        "With {mode} most libraries {}: {}.",
                        groups[0].what,
                        libraries::named(&groups[0].libraries)
                    ));
                    lines.push(format!("But {}.", others.join("; ")));
                }
                (told, _) => lines.push(format!("With {mode}: {}.", told.join("; "))),
            }
        }
        let answered = answers.iter().flatten();
        lines.extend(libraries::unanswered(
            &self.wanted,
            answered,
            &self.modes(judged),
        ));
        lines.iter().map(|line| self.wrap(line)).collect()
    }

    /// What belongs to tracing but is not read, and why, unless that was told.
    fn unread(&self, judged: &Judged<'_>, is_told: bool) -> Option<String> {
        let unread = judged.carrier.unread.iter();
        let lines: Vec<String> = unread
            .flat_map(|unread| {
                let shown = if unread.name.is_empty() {
                    line::escaped(&unread.value, self.width)
                } else {
                    line::show(&unread.name, unread.value.as_bytes(), None, self.width).text
                };
                let place =
                    (!section::is_line(&unread.place)).then(|| format!("at {}", unread.place));
                let why = (!is_told).then(|| unread.why.clone());
                let below = place.into_iter().chain(why);
                let below = below.map(|text| section::indented(&visible(&text), self.width));
                [shown].into_iter().chain(below).collect::<Vec<_>>()
            })
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// The headers that no format reads.
    fn others(&self, judged: &Judged<'_>) -> Option<String> {
        let names = &judged.carrier.others;
        if names.is_empty() {
            return None;
        }
        let mut shown: Vec<String> = names
            .iter()
            .take(MAX_NAMES)
            .map(|name| line::escaped(name, self.width - 1))
            .collect();
        if names.len() > MAX_NAMES {
            shown.push(format!("and {} more", names.len() - MAX_NAMES));
        }
        Some(self.wrap(&format!(
            "Headers that no format reads: {}",
            shown.join(", ")
        )))
    }

    /// A line of the answer, which is safe already.
    fn wrap(&self, text: &str) -> String {
        wrapped(text, self.width, "  ")
    }

    /// A sentence that may quote what was pasted.
    fn note(&self, text: &str) -> String {
        let indent = if text.starts_with(' ') { "    " } else { "" };
        wrapped(&visible(text), self.width, indent)
    }
}
