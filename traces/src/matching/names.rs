//! Text that occurs on many spans, stored once and replaced by a number.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::quality::RandomState;

/// One interned text. [`Name::EMPTY`] is the empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

impl Name {
    /// The empty text, which also means "unknown".
    pub(crate) const EMPTY: Name = Name(0);

    /// Whether the text is empty.
    pub(crate) fn is_empty(self) -> bool {
        self == Name::EMPTY
    }

    /// This name, or `other` if this one is empty.
    pub(crate) fn or(self, other: Name) -> Name {
        if self.is_empty() { other } else { self }
    }
}

/// All interned text of one source.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    numbers: HashMap<Arc<str>, u32, RandomState>,
    texts: Vec<Arc<str>>,
    /// Hashes values that are only compared. Its key is random, so that an attacker cannot craft a
    /// collision.
    hasher: RandomState,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            numbers: HashMap::default(),
            texts: vec![Arc::from("")],
            hasher: RandomState::default(),
        }
    }
}

impl Names {
    /// A collection without names. It hashes values with the same key.
    pub(crate) fn empty(&self) -> Names {
        Names {
            hasher: self.hasher.clone(),
            ..Names::default()
        }
    }

    /// The name for `text`. A new text gets a new name.
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        if text.is_empty() {
            return Name::EMPTY;
        }
        if let Some(number) = self.numbers.get(text) {
            return Name(*number);
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(0);
        let text: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        Name(number)
    }

    /// Interns all names of `others`. Returns the name here for each of them.
    pub(crate) fn append(&mut self, others: &Names) -> Renamed {
        Renamed(others.texts.iter().map(|text| self.intern(text)).collect())
    }

    /// The text of `name`.
    pub(crate) fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }

    /// Hashes like [`Names::hash`], part by part.
    pub(crate) fn hasher(&self) -> impl Hasher + use<> {
        self.hasher.build_hasher()
    }

    /// A hash of `value`, for values that are only compared.
    pub(crate) fn hash(&self, value: &str) -> u64 {
        self.hasher.hash_one(value)
    }
}

/// The names in one collection of the names in another one.
#[derive(Debug)]
pub(crate) struct Renamed(Vec<Name>);

impl Renamed {
    /// The name here of `name` there.
    pub(crate) fn get(&self, name: Name) -> Name {
        self.0[name.0 as usize]
    }
}
