//! Finds JSON objects in text, as log lines have them.

use serde_json::Deserializer;
use serde_json::value::RawValue;

/// How often, on average, a byte is read while the beginning of an object is searched.
const MAX_READS: usize = 8;

/// The JSON objects in a text.
pub(in crate::readers) fn objects(text: &str) -> impl Iterator<Item = &str> {
    let mut parts = Parts::of(text);
    std::iter::from_fn(move || parts.next_object())
}

/// The JSON object that does not end in a text; empty if there is none.
pub(in crate::readers) fn open_object(text: &str) -> &str {
    let mut parts = Parts::of(text);
    while parts.next_object().is_some() {}
    parts.rest
}

/// The objects of a text, and the object that does not end in it.
pub(in crate::readers) struct Parts<'a> {
    /// What comes after the objects up to now.
    pub(in crate::readers) rest: &'a str,
    /// How many more bytes may be read in vain.
    reads: usize,
}

impl<'a> Parts<'a> {
    /// The objects of `text`, before the first one.
    pub(in crate::readers) fn of(text: &'a str) -> Parts<'a> {
        Parts {
            rest: text,
            reads: text.len().saturating_mul(MAX_READS),
        }
    }

    /// The next whole object. Text that only looks like the beginning of an object is passed over.
    pub(in crate::readers) fn next_object(&mut self) -> Option<&'a str> {
        while let Some(start) = self.rest.find('{').filter(|_| self.reads > 0) {
            self.rest = &self.rest[start..];
            let mut objects = Deserializer::from_str(self.rest).into_iter::<&RawValue>();
            match objects.next() {
                Some(Ok(object)) => {
                    self.rest = &self.rest[objects.byte_offset()..];
                    return Some(object.get());
                }
                Some(Err(error)) if error.is_eof() => return None,
                Some(Err(error)) => {
                    let read = match error.line() {
                        1 => error.column(),
                        _ => self.rest.len(),
                    };
                    self.reads = self.reads.saturating_sub(read);
                    self.rest = &self.rest[1..];
                }
                None => break,
            }
        }
        self.rest = "";
        None
    }
}
