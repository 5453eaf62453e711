//! Numbers in JSON, in all the ways that exporters write them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// A whole number, written as a number or as a string. A fraction is left out.
#[derive(Clone, Copy, Default)]
pub(in crate::readers) struct Number(Option<i128>);

impl Number {
    pub(in crate::readers) fn unsigned(self) -> Option<u64> {
        self.0.and_then(|number| u64::try_from(number).ok())
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Number {
        Number(Some(number.into()))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number of 64 bits, or a string that holds one")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number.into())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(Some(number.into())))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                // Some writers store times as a double: 1.7e18, or 1234.5.
                if number.abs() < 2f64.powi(64) {
                    Ok(Number(Some(number as i128)))
                } else {
                    Err(E::invalid_value(Unexpected::Float(number), &self))
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                if let Ok(number) = text.parse::<u64>() {
                    Ok(Number(Some(number.into())))
                } else if let Ok(number) = text.parse::<i64>() {
                    Ok(Number(Some(number.into())))
                } else {
                    let double = text.parse::<f64>();
                    let fits = |number: &f64| number.abs() < 2f64.powi(64);
                    match double.ok().filter(fits) {
                        Some(number) => Ok(Number(Some(number as i128))),
                        None => Err(E::invalid_value(Unexpected::Str(text), &self)),
                    }
                }
            }

            fn visit_unit<E: Error>(self) -> Result<Number, E> {
                Ok(Number(None))
            }
        }

        deserializer.deserialize_any(NumberVisitor)
    }
}
