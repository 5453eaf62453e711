//! What baton knows about the names of attributes. It is cached, because the same names occur again
//! and again.

use std::cell::RefCell;
use std::hash::BuildHasher as _;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::Key;
use crate::span::attributes::{
    Meaning, captured_header, context_header, may_be_shared, meaning, of_one_system,
};

/// How many names each thread remembers at most.
const MAX_NAMES: usize = 1024;
/// The longest name that is remembered, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// What the name of an attribute says about its value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Class {
    /// The field of a span that holds it.
    pub(crate) key: Option<Key>,
    /// What it says about a hand-off.
    pub(crate) meaning: Option<Meaning>,
    /// The trace-context header that it captured.
    pub(crate) header: Option<&'static str>,
    /// Whether it may hold an id that all spans of a request share.
    pub(crate) may_be_shared: bool,
    /// Whether it is an attribute of messages.
    pub(crate) is_messaging: bool,
    /// The messaging system that it belongs to.
    pub(crate) system: Option<&'static str>,
}

impl Class {
    /// The class of the attribute `name`.
    pub(crate) fn of(name: &str) -> Class {
        thread_local! {
            static KNOWN: RefCell<Known> = RefCell::default();
        }
        if name.len() > MAX_NAME_BYTES {
            return Class::found(name);
        }
        KNOWN.with_borrow_mut(|known| known.class(name))
    }

    /// The class of the attribute that a span keeps as `key`.
    pub(crate) fn of_key(key: Key) -> &'static Class {
        static CLASSES: LazyLock<[Class; Key::ALL.len()]> =
            LazyLock::new(|| Key::ALL.map(|key| Class::found(key.name())));
        &CLASSES[key as usize]
    }

    /// Whether the attribute may help to judge a hand-off.
    pub(crate) fn is_of_use(&self) -> bool {
        self.meaning.is_some() || self.may_be_shared || self.header.is_some()
    }

    fn found(name: &str) -> Class {
        let system = of_one_system(name).map(|(_, system)| system);
        let starts = |prefix| name.starts_with(prefix);
        Class {
            key: Key::from_name(name),
            meaning: meaning(name),
            header: captured_header(name).and_then(context_header),
            may_be_shared: may_be_shared(name),
            is_messaging: system.is_some() || starts("messaging.") || starts("message_bus."),
            system,
        }
    }
}

/// One name for each hash. A new name replaces an older one with the same hash.
struct Known(Vec<(Box<str>, Class)>);

impl Default for Known {
    fn default() -> Known {
        let nothing = (Box::from(""), Class::found(""));
        Known(vec![nothing; MAX_NAMES])
    }
}

impl Known {
    fn class(&mut self, name: &str) -> Class {
        let hash = FixedState::with_seed(0).hash_one(name);
        let place = &mut self.0[hash as usize % MAX_NAMES];
        if &*place.0 != name {
            *place = (Box::from(name), Class::found(name));
        }
        place.1
    }
}
