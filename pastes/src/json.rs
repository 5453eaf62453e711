//! JSON with its members in order. A name may occur several times.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    /// Members in order.
    Object(Vec<(String, Tree)>),
    /// Elements.
    Array(Vec<Tree>),
    /// Text.
    Text(String),
    /// A number, as text.
    Number(String),
    /// `true`, `false` or `null`.
    Other,
}

impl Tree {
    /// The JSON values in a text of one or several values, each with its position. `None` if the
    /// text contains anything else.
    pub(crate) fn all(text: &str) -> Option<Vec<(usize, Tree)>> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter();
        let mut all = Vec::new();
        loop {
            let before = &text[values.byte_offset()..];
            let start = text.len() - before.trim_start().len();
            match values.next() {
                None => return (!all.is_empty()).then_some(all),
                Some(value) => all.push((start, value.ok()?)),
            }
        }
    }

    /// The first JSON value in a text, and its length in bytes.
    pub(crate) fn first(text: &str) -> Option<(Tree, usize)> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter();
        let value = values.next()?.ok()?;
        Some((value, values.byte_offset()))
    }

    /// The member with this exact name.
    pub(crate) fn get(&self, name: &str) -> Option<&Tree> {
        let Tree::Object(members) = self else {
            return None;
        };
        let member = members.iter().find(|(own, _)| own == name);
        member.map(|(_, value)| value)
    }

    /// The member at a path of exact names.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Tree> {
        let mut names = path.iter();
        names.try_fold(self, |tree, name| tree.get(name))
    }

    /// The text, if the value is text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if the value is an array.
    pub(crate) fn elements(&self) -> &[Tree] {
        match self {
            Tree::Array(elements) => elements,
            _ => &[],
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Tree, E> {
                Ok(Tree::Other)
            }

            fn visit_unit<E: Error>(self) -> Result<Tree, E> {
                Ok(Tree::Other)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
                Ok(Tree::Number(number.to_string()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
                Ok(Tree::Number(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
                Ok(Tree::Number(number.to_string()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Tree, E> {
                Ok(Tree::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Tree::Array(elements))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Tree::Object(members))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
