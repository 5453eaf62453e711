//! Unknown members that may hold spans, in a form that baton otherwise knows.
//!
//! A JSON reader may skip unknown members, and new versions of a form rely on that. But a member
//! that is spelt almost like a known one, or that holds spans, is a mistake: its spans are missing
//! from every figure. So baton counts and reports such members.

use std::fmt;

/// A kind of object, and the members that a reader knows there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The object's name, with its article.
    pub(super) name: &'static str,
    /// The names of its members.
    pub(super) members: &'static [&'static str],
    /// Names that other forms have for a member here, and that member.
    pub(super) others: &'static [(&'static str, &'static str)],
}

impl Place {
    /// The known member that equals `name` except for upper case and underscores, or that has this
    /// name in other forms.
    fn meant(&self, name: &str) -> Option<&'static str> {
        let members = self.members.iter().map(|member| (*member, *member));
        let mut names = members.chain(self.others.iter().copied());
        let found = names.find(|(known, _)| folded(known).eq(folded(name)));
        found.map(|(_, member)| member)
    }

    /// Whether `name` is another name of a known member.
    pub(super) fn is_misspelt(&self, name: &str) -> bool {
        self.meant(name).is_some()
    }

    /// Whether baton should report the unknown member `name` with `value`.
    pub(super) fn misses(&self, name: &str, value: &str) -> bool {
        self.meant(name).is_some() || holds_spans(value)
    }
}

/// The letters of `name` in lower case.
fn folded(name: &str) -> impl Iterator<Item = char> {
    let letters = name
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase)
}

/// Whether the JSON contains a span id.
pub(super) fn holds_spans(json: &str) -> bool {
    json.starts_with(['[', '{']) && names_spans(json)
}

/// Whether the text contains the name of a member with a span id.
pub(super) fn names_spans(json: &str) -> bool {
    span_id_names(json).next().is_some()
}

/// How many names of members with a span id the text contains.
pub(super) fn count_span_id_names(json: &str) -> usize {
    span_id_names(json).count()
}

/// The places of these names.
fn span_id_names(json: &str) -> impl Iterator<Item = usize> {
    const IDS: [&[u8]; 2] = [b"spanid\"", b"span_id\""];
    let bytes = json.as_bytes();
    (0..bytes.len()).filter(move |at| {
        let begins = |id: &[u8]| {
            let part = bytes.get(*at..*at + id.len());
            part.is_some_and(|part| part.eq_ignore_ascii_case(id))
        };
        IDS.into_iter().any(begins)
    })
}

/// How many names are kept. Members with further names are counted together.
const MAX_NAMES: usize = 5;
/// How many characters of a name are kept.
const MAX_NAME_CHARACTERS: usize = 60;

/// The skipped members that must be reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Skipped {
    members: Vec<Member>,
    /// How many members have names beyond the kept ones.
    others: u64,
    /// The current line, from 1; 0 in a form without lines.
    pub(super) line: u64,
    /// How many lists of logs, metrics or profiles were skipped. They are not a mistake.
    pub(super) other_signals: u64,
    /// How many lines are other text.
    other_lines: u64,
    /// The first of them.
    first_other_line: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    place: &'static Place,
    name: String,
    count: u64,
    first_line: u64,
}

impl Skipped {
    /// Whether nothing was skipped.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.others == 0 && self.other_lines == 0
    }

    /// Counts the current line as text without spans.
    pub(super) fn add_line(&mut self) {
        self.other_lines += 1;
        if self.other_lines == 1 {
            self.first_other_line = self.line;
        }
    }

    /// Counts the member `name` of an object.
    pub(super) fn add(&mut self, place: &'static Place, name: &str) {
        let name: String = name.chars().take(MAX_NAME_CHARACTERS).collect();
        let first_line = self.line;
        self.count(Member {
            place,
            name,
            count: 1,
            first_line,
        });
    }

    /// Adds what was skipped in later lines, which come after `lines` others.
    pub(super) fn append(&mut self, later: Skipped, lines: u64) {
        for member in later.members {
            let first_line = member.first_line + lines;
            self.count(Member {
                first_line,
                ..member
            });
        }
        self.others += later.others;
        self.other_signals += later.other_signals;
        if self.other_lines == 0 {
            self.first_other_line = later.first_other_line + lines;
        }
        self.other_lines += later.other_lines;
    }

    fn count(&mut self, member: Member) {
        let same = |known: &&mut Member| known.place == member.place && known.name == member.name;
        if let Some(known) = self.members.iter_mut().find(same) {
            known.count += member.count;
        } else if self.members.len() < MAX_NAMES {
            self.members.push(member);
        } else {
            self.others += member.count;
        }
    }
}

impl fmt::Display for Skipped {
    /// Writes what was skipped, where and how often, as a phrase after "skipped".
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, member) in self.members.iter().enumerate() {
            let Member {
                place,
                name,
                count,
                first_line,
            } = member;
            let comma = if number > 0 { "; " } else { "" };
            let members = if *count == 1 { "member" } else { "members" };
            write!(
                formatter,
                "{comma}{count} {members} `{}` of {}",
                name.escape_debug(),
                place.name
            )?;
            match (first_line, count) {
                (0, _) => {}
                (line, 1) => write!(formatter, " on line {line}")?,
                (line, _) => write!(formatter, ", the first on line {line}")?,
            }
            match place.meant(name) {
                Some(meant) => write!(formatter, " (the name is `{meant}`)")?,
                None => write!(formatter, " (it has spans, and does not belong there)")?,
            }
        }
        if self.others > 0 {
            write!(formatter, "; {} members of other names", self.others)?;
        }
        let comma = if self.members.is_empty() { "" } else { "; " };
        match (self.other_lines, self.first_other_line) {
            (0, _) => Ok(()),
            (1, line) => write!(formatter, "{comma}line {line}, which is other text"),
            (lines, first) => write!(
                formatter,
                "{comma}{lines} lines of other text, the first is line {first}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        name: "a ScopeSpans",
        members: &["spans", "scopeName"],
        others: &[("scopeId", "scopeName")],
    };

    #[test]
    fn a_member_is_missed_if_it_is_misspelt_or_holds_spans() {
        for (name, value, missed) in [
            ("Spans", "[]", true),
            ("scope_name", "\"x\"", true),
            ("extra", r#"[{"spanId":"1"}]"#, true),
            ("extra", r#"[{"SPAN_ID":"1"}]"#, true),
            ("extra", r#""spanId""#, false),
            ("extra", r#"{"name":"x"}"#, false),
            ("scope_id", "\"x\"", true),
        ] {
            assert_eq!(PLACE.misses(name, value), missed, "{name}: {value}");
        }
    }

    #[test]
    fn skipped_members_are_reported_with_count_and_place() {
        static PLACE: Place = super::tests::PLACE;
        let mut skipped = Skipped {
            line: 3,
            ..Skipped::default()
        };
        skipped.add(&PLACE, "Spans");
        let mut more = Skipped {
            line: 1,
            ..Skipped::default()
        };
        more.add(&PLACE, "Spans");
        more.add(&PLACE, "extra");
        skipped.append(more, 7);
        assert_eq!(
            skipped.to_string(),
            "2 members `Spans` of a ScopeSpans, the first on line 3 (the name is `spans`); \
             1 member `extra` of a ScopeSpans on line 8 (it has spans, and does not belong there)"
        );
    }
}
