//! What earlier lines of a block contained. Exporters repeat themselves, and comparing text is much
//! cheaper than decoding it.

use std::borrow::Cow;

use foldhash::HashMap;

use crate::readers::json::cursor::Cursor;
use crate::span::{Attribute as SpanAttribute, Class};

/// How many resources are remembered.
const MAX_RESOURCES: usize = 8;
/// How many names of attributes are remembered.
const MAX_NAMES: usize = 1024;

/// The resource: what sent the spans.
#[derive(Clone, Default)]
pub(in crate::readers) struct Resource<'a> {
    pub(super) service: Cow<'a, str>,
    pub(super) namespace: Cow<'a, str>,
    /// Filled only for [`crate::span::Want::Everything`].
    pub(super) attributes: Vec<SpanAttribute<'a>>,
}

/// The value of an attribute, before it is decoded.
pub(super) enum Found<'a> {
    /// Text, in the form that almost every writer prints.
    Text(&'a str),
    /// Any other value, at this place.
    At(Cursor<'a>),
}

/// The resources and attributes of earlier lines.
#[derive(Default)]
pub(super) struct Recent<'a> {
    resources: Vec<(&'a str, Resource<'a>)>,
    /// The place of the oldest resource.
    oldest: usize,
    attributes: Vec<Attribute<'a>>,
    by_name: HashMap<&'a str, usize>,
    /// The attribute before the next one. The first one means the beginning of a list.
    last: usize,
}

/// An attribute that occurred.
struct Attribute<'a> {
    name: &'a str,
    /// Its text up to the value.
    text: &'a str,
    class: Class,
    /// The attribute that came after it the last time.
    next: usize,
}

impl<'a> Recent<'a> {
    /// Takes a resource with the same text as an earlier one, if it comes next.
    pub(super) fn resource(&self, cursor: &mut Cursor<'a>) -> Option<Resource<'a>> {
        cursor.peek();
        let same = self
            .resources
            .iter()
            .find(|(text, _)| cursor.take_text(text));
        same.map(|(_, resource)| resource.clone())
    }

    /// Remembers a resource.
    pub(super) fn add_resource(&mut self, text: &'a str, resource: &Resource<'a>) {
        let new = (text, resource.clone());
        if self.resources.len() < MAX_RESOURCES {
            self.resources.push(new);
        } else {
            self.resources[self.oldest] = new;
            self.oldest = (self.oldest + 1) % MAX_RESOURCES;
        }
    }

    /// Says that a list of attributes begins.
    pub(super) fn begin_list(&mut self) {
        if self.attributes.is_empty() {
            self.attributes.push(Attribute {
                name: "",
                text: "]",
                class: Class::of(""),
                next: 0,
            });
        }
        self.last = 0;
    }

    /// Takes one attribute of a list, if it is written as almost every writer prints it: the name
    /// first, no white space, no escapes. That takes a third of the time that reading its
    /// members one by one takes. The cursor stays where it is if anything is different.
    pub(super) fn attribute(
        &mut self,
        cursor: &mut Cursor<'a>,
    ) -> Option<(&'a str, Class, Found<'a>)> {
        let mut ahead = cursor.clone();
        let expected = &self.attributes[self.attributes[self.last].next];
        let (name, class) = if ahead.take_text(expected.text) {
            self.last = self.attributes[self.last].next;
            (expected.name, expected.class)
        } else {
            self.name(&mut ahead)?
        };
        let value = usual_value(&mut ahead)?;
        *cursor = ahead;
        Some((name, class, value))
    }

    /// Takes an attribute up to its value, and remembers what came before it.
    fn name(&mut self, cursor: &mut Cursor<'a>) -> Option<(&'a str, Class)> {
        let begin = cursor.rest();
        if !cursor.take_text(r#"{"key":""#) {
            return None;
        }
        let name = cursor.rest_of_string()?;
        if !cursor.take_text(r#","value":"#) {
            return None;
        }
        let place = match self.by_name.get(name) {
            Some(place) => *place,
            None if self.attributes.len() < MAX_NAMES => {
                let place = self.attributes.len();
                self.attributes.push(Attribute {
                    name,
                    text: &begin[..begin.len() - cursor.rest().len()],
                    class: Class::of(name),
                    next: 0,
                });
                self.by_name.insert(name, place);
                place
            }
            None => return Some((name, Class::of(name))),
        };
        self.attributes[self.last].next = place;
        self.last = place;
        Some((name, self.attributes[place].class))
    }
}

/// Takes the value of an attribute, and the end of the attribute.
fn usual_value<'a>(cursor: &mut Cursor<'a>) -> Option<Found<'a>> {
    let value = cursor.clone();
    if cursor.take_text(r#"{"stringValue":""#)
        && let Some(text) = cursor.rest_of_string()
        && cursor.take_text("}}")
    {
        return Some(Found::Text(text));
    }
    *cursor = value.clone();
    cursor.skip().ok()?;
    cursor.take_text("}").then_some(Found::At(value))
}
