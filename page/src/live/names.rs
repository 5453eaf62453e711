//! Names of services and queues, each stored once.

use std::collections::HashMap;

/// How many names are kept apart. Further ones share one name, so that no sender can fill the
/// memory.
const MAX_NAMES: usize = 2000;
/// The longest name, in characters.
const MAX_LENGTH: usize = 200;
const OTHERS: &str = "(further names)";

/// The number of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

/// All names.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Vec<String>,
    numbers: HashMap<String, Name>,
}

impl Names {
    /// The number of a name.
    pub(super) fn number(&mut self, text: &str) -> Name {
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        let text = match self.texts.len() < MAX_NAMES {
            true => shortened(text),
            false => OTHERS.to_owned(),
        };
        if let Some(known) = self.numbers.get(&text) {
            return *known;
        }
        let number = Name(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    /// The number of a name, if it was seen.
    pub(super) fn find(&self, text: &str) -> Option<Name> {
        self.numbers.get(text).copied()
    }

    /// The first names.
    pub(super) fn first(&self, limit: usize) -> impl Iterator<Item = &String> {
        self.texts.iter().take(limit)
    }

    /// The name with this number.
    pub(super) fn text(&self, number: Name) -> &str {
        self.texts.get(number.0 as usize).map_or("", String::as_str)
    }
}

/// The first [`MAX_LENGTH`] characters.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
