//! Decodes the parts of spans, links and resources of OTLP/JSON: numbers, enums, attributes.

use std::borrow::Cow;

use super::recent::{Found, Recent};
use crate::readers::json::cursor::{Cursor, Mistake};
use crate::readers::tags;
use crate::span::{AnyValue, Attribute, Class, Kind, StatusCode};

/// How many levels of lists and maps an attribute's value may have.
const MAX_DEPTH: usize = 64;

/// Reads a span kind: the number that OTLP/JSON prescribes, or the enum's name as other writers
/// spell it (`SPAN_KIND_SERVER`, `SERVER`, `SpanKind.SERVER`). Some write each number as a double.
pub(super) fn kind(cursor: &mut Cursor<'_>) -> Result<Kind, Mistake> {
    let mut found = cursor.clone();
    let text = number_or_name(cursor)?;
    Ok(match text.strip_suffix(".0").unwrap_or(&text) {
        "1" => Kind::Internal,
        "2" => Kind::Server,
        "3" => Kind::Client,
        "4" => Kind::Producer,
        "5" => Kind::Consumer,
        "" => return Err(found.mistake("a span kind, 0 to 5")),
        name => {
            let name = name.strip_prefix("SPAN_KIND_").unwrap_or(name);
            let name = name.strip_prefix("SpanKind.").unwrap_or(name);
            tags::kind_named(name).unwrap_or_default()
        }
    })
}

/// Reads a status code: a number, or the enum's name. Before version 0.8, OTLP had names for gRPC's
/// codes; each of them is an error.
pub(super) fn status_code(cursor: &mut Cursor<'_>) -> Result<StatusCode, Mistake> {
    let text = number_or_name(cursor)?;
    let (name, is_of_protobuf) = match text.strip_prefix("STATUS_CODE_") {
        Some(name) => (name, true),
        None => (&*text, false),
    };
    Ok(match name {
        "1" | "OK" => StatusCode::Ok,
        "2" | "ERROR" => StatusCode::Error,
        "UNSET" => StatusCode::Unset,
        _ if is_of_protobuf => StatusCode::Error,
        _ => StatusCode::Unset,
    })
}

/// Reads a 64-bit number, as a string or a number. `null` and negative numbers give 0.
pub(super) fn unsigned(cursor: &mut Cursor<'_>) -> Result<u64, Mistake> {
    let mut found = cursor.clone();
    let number = whole_number(cursor).map(|number| u64::try_from(number).unwrap_or(0));
    number.ok_or_else(|| found.mistake("a whole number of 64 bits, or a string that holds one"))
}

impl<'a> Found<'a> {
    /// Decodes the value. `depth` is the number of lists and maps around it.
    pub(super) fn value(self, depth: usize) -> Result<AnyValue<'a>, Mistake> {
        match self {
            Found::Text(text) => Ok(AnyValue::Text(Cow::Borrowed(text))),
            Found::At(mut cursor) => any_value(&mut cursor, depth),
        }
    }
}

/// Passes on the name and the value of each attribute. Attributes are a list of `KeyValue`, or an
/// object, as CloudWatch writes them.
pub(super) fn each_attribute<'a>(
    cursor: &mut Cursor<'a>,
    mut each: impl FnMut(Cow<'a, str>, Found<'a>) -> Result<(), Mistake>,
) -> Result<(), Mistake> {
    if cursor.peek() == Some(b'{') {
        return cursor.object("an object of attributes", |cursor, name| {
            let value = cursor.clone();
            cursor.skip()?;
            each(Cow::Owned(name.to_owned()), Found::At(value))
        });
    }
    cursor.array("a list of attributes", |cursor| {
        attribute(cursor, &mut each)
    })
}

/// Passes on the name and the value of each attribute of a span, with what baton knows of the name.
/// The usual ones are compared with those of earlier spans.
pub(super) fn each_of_span<'a>(
    cursor: &mut Cursor<'a>,
    recent: &mut Recent<'a>,
    mut each: impl FnMut(Cow<'a, str>, &Class, Found<'a>) -> Result<(), Mistake>,
) -> Result<(), Mistake> {
    if cursor.peek() == Some(b'{') {
        return each_attribute(cursor, |name, value| {
            each(name.clone(), &Class::of(&name), value)
        });
    }
    recent.begin_list();
    cursor.array("a list of attributes", |cursor| {
        match recent.attribute(cursor) {
            Some((name, class, value)) => each(Cow::Borrowed(name), &class, value),
            None => attribute(cursor, &mut |name: Cow<'a, str>, value| {
                each(name.clone(), &Class::of(&name), value)
            }),
        }
    })
}

/// Passes on the name and the value of one `KeyValue`.
fn attribute<'a>(
    cursor: &mut Cursor<'a>,
    each: &mut impl FnMut(Cow<'a, str>, Found<'a>) -> Result<(), Mistake>,
) -> Result<(), Mistake> {
    let (mut key, mut value) = (Cow::Borrowed(""), None);
    cursor.object("a KeyValue object", |cursor, name| {
        match name {
            "key" => key = cursor.text()?,
            "value" => {
                cursor.peek();
                value = Some(cursor.clone());
                cursor.skip()?;
            }
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    match value {
        Some(value) => each(key, Found::At(value)),
        None => Ok(()),
    }
}

/// All attributes of a list.
pub(super) fn attributes<'a>(
    cursor: &mut Cursor<'a>,
    depth: usize,
) -> Result<Vec<Attribute<'a>>, Mistake> {
    let mut attributes = Vec::new();
    each_attribute(cursor, |name, value| {
        attributes.push((name, value.value(depth)?));
        Ok(())
    })?;
    Ok(attributes)
}

/// Reads an attribute's value: an `AnyValue` object, or JSON of any other type.
pub(super) fn any_value<'a>(
    cursor: &mut Cursor<'a>,
    depth: usize,
) -> Result<AnyValue<'a>, Mistake> {
    if depth > MAX_DEPTH {
        return Err(cursor.mistake("a value of at most 64 levels"));
    }
    match cursor.peek() {
        Some(b'{' | b'n') => {}
        _ => return plain_value(cursor, depth),
    }
    let mut value = AnyValue::Empty;
    cursor.object("an AnyValue object", |cursor, name| {
        if !matches!(value, AnyValue::Empty) || cursor.peek() == Some(b'n') {
            return cursor.skip();
        }
        match name {
            "stringValue" | "string_value" => value = AnyValue::Text(cursor.text()?),
            "intValue" | "int_value" => {
                let mut found = cursor.clone();
                let number = whole_number(cursor).and_then(|number| i64::try_from(number).ok());
                value = AnyValue::Integer(number.ok_or_else(|| {
                    found.mistake("a whole number of 64 bits, or a string that holds one")
                })?);
            }
            "doubleValue" | "double_value" => {
                let text = number_or_name(cursor)?;
                value = AnyValue::Double(text.parse().unwrap_or(f64::NAN));
            }
            "boolValue" | "bool_value" => value = AnyValue::Boolean(cursor.scalar() == "true"),
            "bytesValue" | "bytes_value" => value = AnyValue::Bytes(cursor.text()?),
            "arrayValue" | "array_value" => value = AnyValue::List(array_value(cursor, depth)?),
            "kvlistValue" | "kvlist_value" => {
                let mut members = Vec::new();
                cursor.object("a KeyValueList object", |cursor, name| {
                    match name {
                        "values" => members = attributes(cursor, depth + 1)?,
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?;
                value = AnyValue::Map(members);
            }
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(value)
}

fn array_value<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Vec<AnyValue<'a>>, Mistake> {
    let mut values = Vec::new();
    cursor.object("an ArrayValue object", |cursor, name| match name {
        "values" => cursor.array("a list of values", |cursor| {
            values.push(any_value(cursor, depth + 1)?);
            Ok(())
        }),
        _ => cursor.skip(),
    })?;
    Ok(values)
}

/// Reads a value with the type that it has in JSON.
fn plain_value<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<AnyValue<'a>, Mistake> {
    match cursor.peek() {
        Some(b'"') => Ok(AnyValue::Text(cursor.text()?)),
        Some(b'[') => {
            let mut values = Vec::new();
            cursor.array("a list of values", |cursor| {
                values.push(any_value(cursor, depth + 1)?);
                Ok(())
            })?;
            Ok(AnyValue::List(values))
        }
        _ => {
            let mut found = cursor.clone();
            let text = cursor.scalar();
            match (text, text.parse::<i64>(), text.parse::<f64>()) {
                ("true", ..) => Ok(AnyValue::Boolean(true)),
                ("false", ..) => Ok(AnyValue::Boolean(false)),
                (_, Ok(number), _) => Ok(AnyValue::Integer(number)),
                (_, _, Ok(number)) => Ok(AnyValue::Double(number)),
                _ => Err(found.mistake("an AnyValue object")),
            }
        }
    }
}

/// Reads an enum's value. An absent one gives the default. The caller handles an unknown one.
fn number_or_name<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, Mistake> {
    match cursor.peek() {
        Some(b'"') => cursor.text(),
        _ => Ok(Cow::Borrowed(cursor.scalar())),
    }
}

/// Reads a whole number, as a string or a number, in digits or with an exponent: some writers store
/// nanoseconds as a double. A fraction is left out.
fn whole_number(cursor: &mut Cursor<'_>) -> Option<i128> {
    let text = match cursor.peek()? {
        b'"' => cursor.text().ok()?,
        _ => Cow::Borrowed(cursor.scalar()),
    };
    if let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    if text == "null" {
        return Some(0);
    }
    let double: f64 = text.parse().ok()?;
    (double.abs() < 2f64.powi(64)).then_some(double as i128)
}
