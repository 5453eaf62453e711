//! Names of services and spans, each kept once and known by a number: an index holds millions of them.

use std::collections::HashMap;
use std::sync::Arc;

/// A name, as its number in [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(u32);

/// All names, by number and by text.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, Name>,
    texts: Vec<Arc<str>>,
}

impl Names {
    /// The number of `text`; a name not seen before gets the next one.
    pub(super) fn number(&mut self, text: &str) -> Name {
        if let Some(name) = self.numbers.get(text) {
            return *name;
        }
        let name = Name(u32::try_from(self.texts.len()).expect("memory for so many names"));
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, name);
        name
    }

    /// The text of `name`.
    pub(super) fn get(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }
}
