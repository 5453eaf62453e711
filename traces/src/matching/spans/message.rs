//! The attributes that identify a message.

use super::about::plain;
use super::{At, Gathered, IdAt};
use crate::span::attributes::{self, Meaning};
use crate::span::{Class, Span};

/// The longest number that may only count the messages of one queue. Longer ones, as those of
/// Kinesis and Pub/Sub, are unique.
const MAX_DIGITS: usize = 10;
/// The longest number that may be an offset within a partition.
const MAX_DIGITS_OF_OFFSET: usize = 19;

/// What a span or a link says about the identity of its message.
#[derive(Default)]
pub(super) struct MessageWords {
    id: String,
    /// The id of a job or a message, if it is a number. Each queue may have its own numbers.
    number: String,
    /// The system that gave the number.
    system: String,
    partition: String,
    offset: String,
}

impl MessageWords {
    /// Adds the attribute `name`. If two names mean the same, the first one counts.
    pub(super) fn add(&mut self, name: &str, class: &Class, meaning: Meaning, value: &str) {
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let word = match meaning {
            Meaning::System => {
                self.system.clear();
                &mut self.system
            }
            Meaning::MessageId if is_number && value.len() <= MAX_DIGITS_OF_OFFSET => {
                let own = class.system.or_else(|| attributes::system_of_id(name));
                if let Some(own) = own.filter(|_| self.system.is_empty()) {
                    own.clone_into(&mut self.system);
                }
                &mut self.number
            }
            Meaning::MessageId => &mut self.id,
            Meaning::Partition => &mut self.partition,
            Meaning::Offset => &mut self.offset,
            _ => return,
        };
        if word.is_empty() {
            word.push_str(value);
        }
    }

    /// The unique id, if there is one.
    fn unique_id(&self) -> Option<&str> {
        let is_unique = self.number.len() > MAX_DIGITS && !self.number_is_offset();
        let number = Some(&*self.number).filter(|_| is_unique);
        Some(&*self.id).filter(|id| !id.is_empty()).or(number)
    }

    /// Whether the number is the message's offset. Some libraries write it as the message's id.
    fn number_is_offset(&self) -> bool {
        let is_other = !self.offset.is_empty() && self.offset != self.number;
        !self.partition.is_empty() && !is_other
    }

    /// The message's place in its queue: its partition and offset, or the number that its system
    /// gave it.
    fn places(&self) -> impl Iterator<Item = String> {
        let is_offset = self.number_is_offset();
        let offset = match &*self.offset {
            "" if is_offset => &self.number,
            offset => offset,
        };
        let is_known = !offset.is_empty() && !self.partition.is_empty();
        let of_partition = is_known.then(|| format!("{} {offset}", self.partition));
        let is_counted = !is_offset && (1..=MAX_DIGITS).contains(&self.number.len());
        let system = || attributes::system_named(&self.system);
        let counted = is_counted.then(|| format!("{} {}", system(), self.number));
        of_partition.into_iter().chain(counted)
    }
}

impl Gathered {
    /// Stores the ids of the messages that the links of a span name, as those of a batch do.
    /// `own` is what the span itself says.
    pub(super) fn add_messages_of_links(&mut self, at: At, span: &Span<'_>, own: &MessageWords) {
        for link in span.links.iter().filter(|link| !link.attributes.is_empty()) {
            let mut message = MessageWords {
                system: own.system.clone(),
                ..MessageWords::default()
            };
            for (name, value) in &link.attributes {
                let class = Class::of(name);
                if let (Some(meaning), Some(text)) = (class.meaning, plain(value)) {
                    message.add(name, &class, meaning, &text);
                }
            }
            self.add_message(at, &message);
        }
    }

    /// Stores the id of a message, and its place: the other end may have only one of them. Returns
    /// whether there is one.
    pub(super) fn add_message(&mut self, at: At, message: &MessageWords) -> bool {
        let id = message.unique_id().map(|id| self.names.hash(id));
        self.ids.messages.extend(id.map(|id| IdAt { id, at }));
        let before = self.ids.offsets.len();
        for place in message.places() {
            let id = self.names.hash(&place);
            self.ids.offsets.push(IdAt { id, at });
        }
        id.is_some() || self.ids.offsets.len() > before
    }
}
