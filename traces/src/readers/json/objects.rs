//! Finds JSON objects in text, as log lines have them.

use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::readers::skipped::count_span_id_names;

/// How often, on average, a byte is read while the beginning of an object is searched.
const MAX_READS: usize = 8;

/// The JSON objects in a text, and last the object that does not end in it; empty if there is none.
pub(in crate::readers) fn objects(text: &str) -> impl Iterator<Item = &str> {
    let mut parts = Some(Parts::of(text));
    std::iter::from_fn(move || {
        let object = parts.as_mut()?.next_object();
        object.or_else(|| parts.take().map(|parts| parts.rest))
    })
}

/// The JSON object that does not end in a text; empty if there is none.
pub(in crate::readers) fn open_object(text: &str) -> &str {
    objects(text).last().unwrap_or_default()
}

/// The objects of a text, and the object that does not end in it.
pub(in crate::readers) struct Parts<'a> {
    /// What comes after the objects up to now.
    pub(in crate::readers) rest: &'a str,
    /// How many names of span ids are in the text and not in the objects up to now.
    ids: usize,
    /// How many more bytes may be read without finding an object.
    reads: usize,
}

impl<'a> Parts<'a> {
    /// The objects of `text`, before the first one.
    pub(in crate::readers) fn of(text: &'a str) -> Parts<'a> {
        Parts {
            rest: text,
            ids: count_span_id_names(text),
            reads: text.len().saturating_mul(MAX_READS),
        }
    }

    /// The next whole object with a span id.
    pub(in crate::readers) fn next_with_span(&mut self) -> Option<&'a str> {
        loop {
            let object = self.next_object()?;
            let ids = count_span_id_names(object);
            self.ids = self.ids.saturating_sub(ids);
            if ids > 0 {
                return Some(object);
            }
        }
    }

    /// Whether span ids are in no object: one with spans is damaged. Ask this after the last object.
    pub(in crate::readers) fn is_damaged(&self) -> bool {
        self.ids > count_span_id_names(self.rest)
    }

    /// The next whole object. Text that only looks like the beginning of an object is passed over.
    fn next_object(&mut self) -> Option<&'a str> {
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
