//! Names of services and spans, replaced by numbers, because an index holds millions of them.

use crate::assemble::Names as Numbers;

/// A name, as its number in [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(u32);

/// All names, by number and by text.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: Numbers,
    texts: Vec<Box<str>>,
}

impl Names {
    /// The number of `text`. A new name gets the next number.
    pub(super) fn number(&mut self, text: &str) -> Name {
        let number = self.numbers.index(text);
        if number == self.texts.len() {
            self.texts.push(text.into());
        }
        Name(u32::try_from(number).expect("memory for so many names"))
    }

    /// The text of `name`.
    pub(super) fn get(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }
}
