//! Ids and addresses differ in every run. These pairs show which one of the document stands for
//! which one of this run.

use std::collections::BTreeMap;

/// The fewest digits by which a command may name an id.
const MIN_PREFIX: usize = 8;

/// Pairs of a name in the document and a name in this run. Each name is in one pair only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    actual: BTreeMap<String, String>,
    documented: BTreeMap<String, String>,
}

impl Names {
    /// Makes `documented` stand for `actual`. Returns `false` if one of them is in another pair
    /// already.
    pub(crate) fn pair(&mut self, documented: &str, actual: &str) -> bool {
        if documented.len() != actual.len() && !documented.contains(':') {
            return false;
        }
        if let Some(known) = self.actual_of(documented) {
            return known == actual;
        }
        if self.documented.contains_key(actual) {
            return false;
        }
        self.actual.insert(documented.to_owned(), actual.to_owned());
        self.documented
            .insert(actual.to_owned(), documented.to_owned());
        true
    }

    /// Makes a name stand for itself, unless it stands for another one already.
    pub(crate) fn pair_with_itself(&mut self, name: &str) {
        if self.actual_of(name).is_none() {
            self.pair(name, name);
        }
    }

    /// Forgets the addresses, because the lab that had them has ended.
    pub(crate) fn forget_addresses(&mut self) {
        self.actual
            .retain(|documented, _| !documented.contains(':'));
        self.documented.retain(|actual, _| !actual.contains(':'));
    }

    /// The name for which `documented` stands. It may be the beginning of a name.
    fn actual_of(&self, documented: &str) -> Option<&str> {
        if let Some(actual) = self.actual.get(documented) {
            return Some(actual);
        }
        let longer = self.actual.range(documented.to_owned()..);
        let mut longer = longer.take_while(|(name, _)| name.starts_with(documented));
        match (longer.next(), longer.next()) {
            (Some((_, actual)), None) if documented.len() >= MIN_PREFIX => {
                actual.get(..documented.len())
            }
            _ => None,
        }
    }

    /// A text of the document, with the names of this run.
    pub(crate) fn with_actual(&self, text: &str) -> String {
        replaced(text, |name| self.actual_of(name))
    }

    /// An output of this run, with the addresses of the document. Ids stay.
    pub(crate) fn with_documented_addresses(&self, text: &str) -> String {
        replaced(text, |name| {
            let documented = self.documented.get(name)?;
            documented.contains(':').then_some(documented)
        })
    }

    /// A text of the document, with the ids of this run. Addresses stay.
    pub(crate) fn with_actual_ids(&self, text: &str) -> String {
        replaced(text, |name| {
            self.actual_of(name).filter(|actual| !actual.contains(':'))
        })
    }
}

/// `text` with other names. A name is a word of letters, digits, dots and colons.
fn replaced<'a>(text: &str, other: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let is_address =
            |character: char| character.is_ascii_alphanumeric() || ".:".contains(character);
        let address = word(rest, is_address).trim_end_matches(['.', ':']);
        let id = word(rest, |character| character.is_ascii_alphanumeric());
        let found = [address, id]
            .into_iter()
            .find_map(|name| Some((name, other(name)?)));
        let (taken, put) = found.unwrap_or_else(|| {
            let length = id.len().max(rest.chars().next().map_or(0, char::len_utf8));
            (&rest[..length], &rest[..length])
        });
        result.push_str(put);
        rest = &rest[taken.len()..];
    }
    result
}

fn word(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|character| !belongs(character));
    &text[..end.unwrap_or(text.len())]
}

#[test]
fn whole_names_and_beginnings_of_ids_are_replaced() {
    const ONE: &str = "0af7651916cd43dd8448eb211c80319c";
    const OTHER: &str = "463ac35c9f6413ad48485a3953bb6124";
    let mut names = Names::default();
    assert!(names.pair(ONE, OTHER) && names.pair("127.0.0.1:3000", "127.0.0.1:41234"));
    assert!(!names.pair(ONE, ONE) && !names.pair(OTHER, OTHER));
    for (text, expected) in [
        ("traces 0af76519", "traces 463ac35c"),
        ("traces 0af7651", "traces 0af7651"),
        (
            "at http://127.0.0.1:3000/dev",
            "at http://127.0.0.1:41234/dev",
        ),
        ("at 127.0.0.1:3000.", "at 127.0.0.1:41234."),
        ("at 127.0.0.1:30001", "at 127.0.0.1:30001"),
    ] {
        assert_eq!(names.with_actual(text), expected);
    }
    let printed = format!("{OTHER} at 127.0.0.1:41234");
    assert_eq!(
        names.with_documented_addresses(&printed),
        format!("{OTHER} at 127.0.0.1:3000")
    );
    names.forget_addresses();
    assert!(names.pair("127.0.0.1:3000", "127.0.0.1:5"));
}
