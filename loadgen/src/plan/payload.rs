//! The bodies of requests: the workshop's form, a name and a superpower, or a template.

use bytes::Bytes;
use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::plan::invalid_settings::InvalidSetting;
use crate::plan::limits::MAX_PAYLOAD;

/// The workshop's form.
const FORM: &str = r#"{"name":"{{name}}","superpower":"{{superpower}}"}"#;
const NAME: &str = "{{name}}";
const SUPERPOWER: &str = "{{superpower}}";
const PADDING: &str = "{{padding}}";

/// The people who fill in the form.
const PEOPLE: [(&str, &str); 12] = [
    ("Ada", "foresight"),
    ("Alan", "deciphering"),
    ("Barbara", "substitution"),
    ("Dennis", "portability"),
    ("Edsger", "shortest paths"),
    ("Grace", "compilation"),
    ("Hedy", "frequency hopping"),
    ("Katherine", "orbital mechanics"),
    ("Leslie", "ordering events"),
    ("Margaret", "fault tolerance"),
    ("Radia", "spanning trees"),
    ("Søren", "unicode"),
];

/// How to make the bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// The body, in which `{{name}}` and `{{superpower}}` are replaced; `None` for the workshop's
    /// form.
    #[serde(default)]
    pub template: Option<String>,
    /// The size of each body in bytes, at most [`MAX_PAYLOAD`]. The padding replaces `{{padding}}`
    /// in the template; without that, it becomes a field `padding` of the JSON object.
    #[serde(default)]
    pub size: Option<usize>,
}

/// All bodies, made in advance.
#[derive(Debug, Default)]
pub(crate) struct Bodies(Vec<Bytes>);

impl Payload {
    /// Makes the bodies.
    ///
    /// # Errors
    /// If they cannot have the size, or are larger than a record may be.
    pub(crate) fn bodies(&self) -> Result<Bodies, InvalidSetting> {
        let template = self.template.as_deref().unwrap_or(FORM);
        let varies = template.contains(NAME) || template.contains(SUPERPOWER);
        let people = if varies { &PEOPLE[..] } else { &PEOPLE[..1] };
        let filled = people.iter().map(|(name, superpower)| {
            let text = template.replace(NAME, name);
            text.replace(SUPERPOWER, superpower)
        });
        let bodies: Vec<Bytes> = match self.size {
            Some(size) => padded(filled, size)?,
            None => filled
                .map(|text| Bytes::from(text.replace(PADDING, "")))
                .collect(),
        };
        match bodies.iter().map(Bytes::len).max() {
            Some(largest) if largest > MAX_PAYLOAD => Err(InvalidSetting::PayloadTooLarge(largest)),
            _ => Ok(Bodies(bodies)),
        }
    }
}

impl Bodies {
    /// A random body.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Bytes {
        rng.choice(&self.0).cloned().unwrap_or_default()
    }
}

/// Bodies of exactly `size` bytes each.
fn padded(texts: impl Iterator<Item = String>, size: usize) -> Result<Vec<Bytes>, InvalidSetting> {
    if size > MAX_PAYLOAD {
        return Err(InvalidSetting::PayloadTooLarge(size));
    }
    let halves: Vec<(String, String)> = texts
        .map(|text| around_padding(&text).ok_or(InvalidSetting::PayloadPadding))
        .collect::<Result<_, _>>()?;
    let lengths = halves
        .iter()
        .map(|(before, after)| before.len() + after.len());
    let least = lengths.max().unwrap_or_default();
    if size < least {
        return Err(InvalidSetting::PayloadTooSmall { size, least });
    }
    let bodies = halves.into_iter().map(|(mut body, after)| {
        body.extend(std::iter::repeat_n('x', size - body.len() - after.len()));
        body.push_str(&after);
        body.into()
    });
    Ok(bodies.collect())
}

/// The text before and after the padding; `None` if there is no place for padding.
fn around_padding(text: &str) -> Option<(String, String)> {
    if let Some((before, after)) = text.split_once(PADDING) {
        return Some((before.to_owned(), after.replace(PADDING, "")));
    }
    let fields = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim_end();
    let comma = if fields.is_empty() { "" } else { "," };
    Some((format!("{{{fields}{comma}\"padding\":\""), "\"}".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    fn payload(template: Option<&str>, size: Option<usize>) -> Payload {
        Payload {
            template: template.map(str::to_owned),
            size,
        }
    }

    fn texts(payload: &Payload) -> Vec<String> {
        let bodies = payload.bodies().unwrap().0;
        bodies
            .iter()
            .map(|body| str::from_utf8(body).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn every_form_is_a_name_and_a_superpower() {
        let texts = texts(&Payload::default());
        assert_eq!(texts.len(), PEOPLE.len());
        for text in texts {
            let fields: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
            assert_eq!(
                fields.keys().collect::<Vec<_>>(),
                ["name", "superpower"],
                "{text}"
            );
            assert!(fields.values().all(|value| !value.is_empty()), "{text}");
        }
    }

    #[test]
    fn bodies_vary() {
        let bodies = Payload::default().bodies().unwrap();
        let mut rng = Rng::with_seed(1);
        let drawn: HashSet<Bytes> = (0..500).map(|_| bodies.draw(&mut rng)).collect();
        assert_eq!(drawn.len(), PEOPLE.len());
    }

    #[test]
    fn a_template_is_sent_as_it_is_but_for_its_places() {
        let cases: &[(&str, usize, &str)] = &[
            ("", 1, ""),
            ("no JSON\n", 1, "no JSON\n"),
            ("{{name}}: {{superpower}}{{padding}}", 12, "Ada: foresight"),
            ("{{other}}", 1, "{{other}}"),
        ];
        for (template, bodies, first) in cases {
            let texts = texts(&payload(Some(template), None));
            assert_eq!((texts.len(), &*texts[0]), (*bodies, *first), "{template}");
        }
    }

    #[test]
    fn every_body_has_the_size() {
        let templates = [
            None,
            Some("{}"),
            Some(" {\"a\": 1 }\n"),
            Some("{{padding}}{{name}}{{padding}}"),
        ];
        for template in templates {
            for size in [100, 4_096, MAX_PAYLOAD] {
                for text in texts(&payload(template, Some(size))) {
                    assert_eq!(text.len(), size, "{template:?}");
                    let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                    assert_eq!(is_json, !text.starts_with('x'), "{template:?}");
                }
            }
        }
    }

    #[test]
    fn sizes_that_cannot_be_are_faults() {
        let cases = [
            (
                None,
                Some(MAX_PAYLOAD + 1),
                InvalidSetting::PayloadTooLarge(MAX_PAYLOAD + 1),
            ),
            (
                None,
                Some(10),
                InvalidSetting::PayloadTooSmall {
                    size: 10,
                    least: 66,
                },
            ),
            (Some("text"), Some(100), InvalidSetting::PayloadPadding),
        ];
        for (template, size, fault) in cases {
            assert_eq!(payload(template, size).bodies().err(), Some(fault));
        }
        let large = "x".repeat(MAX_PAYLOAD + 1);
        assert!(payload(Some(&large), None).bodies().is_err());
    }
}
