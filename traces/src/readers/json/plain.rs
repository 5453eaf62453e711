//! Values of any type in JSON.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::text::Text;
use crate::span::{AnyValue, Attribute};

/// A value with the type that it has in JSON.
#[derive(Clone, Debug)]
pub(in crate::readers) struct Plain<'a>(pub(in crate::readers) AnyValue<'a>);

impl Default for Plain<'_> {
    fn default() -> Self {
        Plain(AnyValue::Empty)
    }
}

impl<'a> Plain<'a> {
    /// Its members, if it is an object.
    pub(in crate::readers) fn into_members(self) -> Vec<Attribute<'a>> {
        match self.0 {
            AnyValue::Map(members) => members,
            _ => Vec::new(),
        }
    }
}

/// The members of an object in JSON text; none if it is not such an object.
pub(in crate::readers) fn members_in(json: &str) -> Vec<Attribute<'static>> {
    let value: Plain<'_> = serde_json::from_str(json).unwrap_or_default();
    Plain(value.0.into_owned()).into_members()
}

impl<'de: 'a, 'a> Deserialize<'de> for Plain<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PlainVisitor;

        impl<'de> Visitor<'de> for PlainVisitor {
            type Value = Plain<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Plain<'de>, E> {
                Ok(Plain(AnyValue::Text(text.into())))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Plain<'de>, E> {
                Ok(Plain(AnyValue::Text(text.to_owned().into())))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Plain<'de>, E> {
                Ok(Plain(AnyValue::Boolean(value)))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Plain<'de>, E> {
                Ok(Plain(AnyValue::Integer(number)))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Plain<'de>, E> {
                Ok(Plain(match i64::try_from(number) {
                    Ok(number) => AnyValue::Integer(number),
                    Err(_) => AnyValue::Double(number as f64),
                }))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Plain<'de>, E> {
                Ok(Plain(AnyValue::Double(number)))
            }

            fn visit_unit<E: Error>(self) -> Result<Plain<'de>, E> {
                Ok(Plain::default())
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Plain<'de>, S::Error> {
                let mut values = Vec::new();
                while let Some(Plain(value)) = list.next_element()? {
                    values.push(value);
                }
                Ok(Plain(AnyValue::List(values)))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Plain<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some((Text(name), Plain(value))) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Plain(AnyValue::Map(members)))
            }
        }

        deserializer.deserialize_any(PlainVisitor)
    }
}
