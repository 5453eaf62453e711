//! Walks through a JSON value and everything packed in it: JSON in strings, Base64, gzip, zlib, and
//! plain text.

mod text;
mod values;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::events::{self, Event, Notes};
use crate::finding::{Finding, Kind};
use crate::json::Tree;
use crate::names::{self, Name};
use crate::responses;
use crate::shapes::Shape;

use values::{bytes, flat_pairs, is_flat, pair, plain, values};

/// How many names are remembered.
const MAX_NAMES: usize = 4096;
/// The longest member name in a place.
const MAX_PLACE: usize = 60;

/// Lower-case names of objects whose members are all headers.
const HOLDERS: &[&str] = &[
    "headers",
    "header",
    "multivalueheaders",
    "messageattributes",
    "attributes",
    "rawheaders",
    "metadata",
    "tracecontext",
    "request_headers",
    "requestheaders",
    "properties",
    "req_headers",
    "carrier",
];

/// The position of a walk.
#[derive(Clone, Debug, Default)]
pub(crate) struct At {
    /// The path from the start of the text.
    pub(crate) path: String,
    /// The path of the record or request.
    pub(crate) unit: String,
    /// How many layers have been opened.
    layers: usize,
    /// Whether the headers here are those of a response.
    pub(crate) is_response: bool,
    /// Whether this is in the response of a known request, in which only headers are examined.
    is_answer: bool,
}

impl At {
    /// A separate unit with this name.
    pub(crate) fn unit(name: &str) -> Self {
        At {
            path: name.to_owned(),
            unit: name.to_owned(),
            ..At::default()
        }
    }

    /// The position of a member of the object here.
    pub(crate) fn member(&self, name: &str) -> Self {
        let shown: String = name
            .chars()
            .take(MAX_PLACE)
            .flat_map(char::escape_debug)
            .collect();
        // a path begins after `line 3`
        let dot = match self.path.as_str() {
            "" => "",
            path if path.starts_with("line ") && !path.contains(':') => ": ",
            _ => ".",
        };
        At {
            path: format!("{}{dot}{shown}", self.path),
            ..self.clone()
        }
    }

    fn element(&self, place: usize) -> Self {
        At {
            path: format!("{}[{place}]", self.path),
            ..self.clone()
        }
    }

    fn deeper(&self) -> Self {
        At {
            layers: self.layers + 1,
            ..self.clone()
        }
    }
}

/// The findings of a walk.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub(crate) findings: Vec<Finding>,
    pub(crate) notes: Notes,
    /// Known meanings of names, because logs repeat names.
    names: HashMap<String, Name>,
    /// How many bytes have been unpacked.
    unpacked: usize,
    /// Whether a limit left something unopened.
    pub(crate) is_cut: bool,
}

impl Walk {
    /// Walks a value.
    pub(crate) fn tree(&mut self, tree: &Tree, at: &At, holder: &str) {
        match tree {
            Tree::Object(members) => self.object(tree, members, at, holder),
            Tree::Array(elements) => self.array(elements, at, holder),
            Tree::Text(text) => self.text(text, at),
            Tree::Number(_) | Tree::Other => {}
        }
    }

    fn object(&mut self, tree: &Tree, members: &[(String, Tree)], at: &At, holder: &str) {
        if let Some((name, value)) = pair(tree) {
            self.pair(name, value, at);
            return;
        }
        let event = events::of(tree);
        if let Some(event) = event {
            self.notes.add(&at.unit, event);
        }
        let are_headers = holder.contains("header") || holder == "tracecontext" || is_flat(members);
        let is_response = responses::is_response(tree, holder);
        let own = at.is_response || responses::has_status(tree);
        let is_traefik_s = tree.get(responses::OF_TRAEFIK).is_some();
        for (name, value) in members {
            if event.is_some_and(|event| event.skipped.contains(&name.as_str())) {
                continue;
            }
            if at.is_answer && responses::are_others(name) {
                continue;
            }
            let mut inner = at.member(name);
            inner.is_answer |= event.is_some_and(Event::is_exchange)
                && matches!(value, Tree::Object(_))
                && responses::is_response(value, name);
            inner.is_response = own && !responses::are_others(name)
                || responses::are_headers(name, is_response)
                || is_traefik_s && responses::is_field_of_traefik(name);
            self.member(name, value, &inner, &at.path, are_headers);
        }
    }

    /// A name and a value, which are a header or contain some.
    fn member(&mut self, name: &str, value: &Tree, at: &At, scope: &str, is_header: bool) {
        let kind = match self.name(name) {
            Name::Header(header) => Kind::Header(header),
            Name::System(system) if value.text().is_none_or(|text| system.fits(text)) => {
                Kind::System(system)
            }
            Name::System(_) => {
                self.other(name, at, scope, is_header);
                return;
            }
            Name::Misspelt(meant) => Kind::Misspelt(meant),
            Name::Secret => {
                self.other(name, at, scope, is_header);
                return;
            }
            Name::Id if value.text().is_some_and(|text| !Shape::is_context(text)) => Kind::Id,
            Name::Id | Name::Unknown => {
                let shape = value.text().and_then(Shape::of);
                if let Some(shape) = shape {
                    let value = value.text().unwrap_or_default().trim().as_bytes().to_vec();
                    self.push(Kind::Unnamed(shape), name, value, at, scope);
                    return;
                }
                self.other(name, at, scope, is_header && values(value).is_some());
                self.tree(value, at, &name.to_ascii_lowercase());
                return;
            }
        };
        match values(value) {
            // Logs write a dash for a header that did not arrive.
            Some(values) if matches!(kind, Kind::Header(_)) && values == [&b"-"[..]] => {}
            Some(values) if matches!(kind, Kind::Header(_)) => {
                let shape = match &kind {
                    Kind::Header(header) => header.clone(),
                    _ => String::new(),
                };
                for value in values {
                    self.push(
                        kind.clone(),
                        name,
                        plain(&value, &shape).into_owned(),
                        at,
                        scope,
                    );
                }
            }
            Some(values) => {
                // A value whose name is not a header's may contain headers.
                let value = values.first().map_or(&b""[..], Cow::as_ref).to_vec();
                self.push(kind, name, value, at, scope);
            }
            None if matches!(value, Tree::Object(_) | Tree::Array(_)) => {
                self.tree(value, at, &name.to_ascii_lowercase());
            }
            None => {
                let (what, value) = match value {
                    Tree::Number(number) => ("a number", number.clone()),
                    _ => ("null, true or false", String::new()),
                };
                if let Kind::Header(header) = kind {
                    let reason =
                        format!("{header} is {what} here, not text, so no library reads it.");
                    self.push(Kind::Fault(reason), name, value.into_bytes(), at, scope);
                }
            }
        }
    }

    /// What a name means.
    fn name(&mut self, name: &str) -> Name {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let known = names::member(name);
        if self.names.len() < MAX_NAMES {
            self.names.insert(name.to_owned(), known.clone());
        }
        known
    }

    /// A pair such as `{"name":"traceparent","value":"…"}`.
    fn pair(&mut self, name: &str, value: &Tree, at: &At) {
        let scope = at
            .path
            .rsplit_once('[')
            .map_or(at.path.as_str(), |(scope, _)| scope)
            .to_owned();
        self.member(name, value, at, &scope, true);
    }

    fn array(&mut self, elements: &[Tree], at: &At, holder: &str) {
        if let Some(text) = bytes(elements) {
            self.text(&text, at);
            return;
        }
        if let Some(pairs) = flat_pairs(elements) {
            for (place, name, value) in pairs {
                self.member(name, value, &at.element(place), &at.path, true);
            }
            return;
        }
        let are_units = !HOLDERS.contains(&holder)
            && elements
                .iter()
                .any(|element| matches!(element, Tree::Object(_)))
            && elements.iter().all(|element| pair(element).is_none());
        for (place, element) in elements.iter().enumerate() {
            let mut at = at.element(place);
            if are_units {
                at.unit.clone_from(&at.path);
            }
            self.tree(element, &at, holder);
        }
    }

    fn other(&mut self, name: &str, at: &At, scope: &str, is_header: bool) {
        if is_header && !at.is_response {
            self.push(Kind::Other, name, Vec::new(), at, scope);
        }
    }

    fn push(&mut self, kind: Kind, name: &str, value: Vec<u8>, at: &At, scope: &str) {
        let kind = match at.is_response || responses::is_field(name) {
            true => responses::in_response(kind),
            false => kind,
        };
        self.findings.push(Finding {
            kind,
            name: name.to_owned(),
            value,
            place: if at.path.is_empty() {
                name.to_owned()
            } else {
                at.path.clone()
            },
            unit: at.unit.clone(),
            scope: scope.to_owned(),
        });
    }
}
