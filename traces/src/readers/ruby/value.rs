//! Values as Ruby's `inspect` and `pp` write them.

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 64;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nothing,
    Boolean(bool),
    Integer(i128),
    Double(f64),
    /// A string, which may hold any bytes.
    Bytes(Vec<u8>),
    /// A symbol, or the name of a class.
    Word(String),
    List(Vec<Value>),
    /// A hash, a struct, or an object with its instance variables.
    Members(Vec<(String, Value)>),
}

impl Value {
    /// The value in `text`; `None` if it is not written as Ruby writes one.
    pub(super) fn parse(text: &str) -> Option<Value> {
        Parser { rest: text }.value(0)
    }

    /// A member.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Members(members) => {
                let mut members = members.iter();
                members
                    .find(|member| member.0 == name)
                    .map(|member| &member.1)
            }
            _ => None,
        }
    }

    /// The bytes of a string.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// How many brackets are open in a text that grows.
#[derive(Debug, Default)]
pub(super) struct Balance {
    read: usize,
    open: usize,
    in_string: bool,
}

impl Balance {
    /// Whether the brackets of `text` are closed. `text` is the text of the last call with more at
    /// its end.
    pub(super) fn is_closed_by(&mut self, text: &str) -> bool {
        let bytes = text.as_bytes();
        while let Some(byte) = bytes.get(self.read) {
            let before = self.read.checked_sub(1).and_then(|place| bytes.get(place));
            match byte {
                b'\\' if self.in_string => self.read += 1,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' | b'<' => self.open += 1,
                // a hash writes `key => value`
                b'>' if before == Some(&b'=') => {}
                b'}' | b']' | b'>' => {
                    self.open = self.open.saturating_sub(1);
                    if self.open == 0 {
                        self.read += 1;
                        return true;
                    }
                }
                _ => {}
            }
            self.read += 1;
        }
        false
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.space();
        let first = self.rest.chars().next()?;
        match first {
            '"' => self.string().map(Value::Bytes),
            '[' => {
                self.take("[");
                let mut values = Vec::new();
                while !self.take("]") {
                    values.push(self.value(depth + 1)?);
                    self.take(",");
                }
                Some(Value::List(values))
            }
            '{' => {
                self.take("{");
                self.members("}", depth)
            }
            '#' => {
                // `#<struct NAME name=value>` or `#<NAME:0x0000 @name=value>`
                self.take("#<").then_some(())?;
                let end = self.rest.find([' ', '\n', '>'])?;
                let name = &self.rest[..end];
                self.rest = &self.rest[end..];
                if name == "struct" {
                    self.space();
                    let end = self.rest.find([' ', '\n', '>'])?;
                    self.rest = &self.rest[end..];
                }
                self.members(">", depth)
            }
            ':' => {
                self.take(":");
                match self.rest.starts_with('"') {
                    true => {
                        let bytes = self.string()?;
                        Some(Value::Word(String::from_utf8_lossy(&bytes).into_owned()))
                    }
                    false => Some(Value::Word(self.word()?.to_owned())),
                }
            }
            _ => {
                let word = self.word()?;
                Some(match word {
                    "nil" => Value::Nothing,
                    "true" => Value::Boolean(true),
                    "false" => Value::Boolean(false),
                    _ => match (word.parse(), word.parse()) {
                        (Ok(number), _) => Value::Integer(number),
                        (_, Ok(number)) => Value::Double(number),
                        _ => Value::Word(word.to_owned()),
                    },
                })
            }
        }
    }

    /// Members up to `end`: `name=value`, `"name"=>value`, `:name=>value` or `name: value`.
    fn members(&mut self, end: &str, depth: usize) -> Option<Value> {
        let mut members = Vec::new();
        while !self.take(end) {
            self.space();
            let name = match self.rest.chars().next()? {
                '"' => String::from_utf8_lossy(&self.string()?).into_owned(),
                ':' => {
                    self.take(":");
                    self.word()?.to_owned()
                }
                // an object may print itself without names
                '#' | '[' | '{' => {
                    self.value(depth + 1)?;
                    self.take(",");
                    continue;
                }
                _ => self.word()?.trim_end_matches(':').to_owned(),
            };
            if self.take("=>") || self.take("=") || self.take(":") || name_only(self.rest).is_none()
            {
                members.push((name, self.value(depth + 1)?));
            }
            self.take(",");
        }
        Some(Value::Members(members))
    }

    /// Skips space, then takes `text` if it comes next.
    fn take(&mut self, text: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// The next characters up to space, a comma, a bracket or `=`.
    fn word(&mut self) -> Option<&'a str> {
        let ends = |letter: char| letter.is_whitespace() || ",=>}])".contains(letter);
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// A string in double quotes, with Ruby's escapes.
    fn string(&mut self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut rest = self.rest.strip_prefix('"')?;
        loop {
            let letter = rest.chars().next()?;
            rest = &rest[letter.len_utf8()..];
            match letter {
                '"' => break,
                '\\' => {
                    let code = rest.chars().next()?;
                    rest = &rest[code.len_utf8()..];
                    rest = escaped(code, rest, &mut bytes)?;
                }
                _ => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.rest = rest;
        Some(bytes)
    }
}

/// Whether a name without a value comes before this text.
fn name_only(rest: &str) -> Option<()> {
    rest.trim_start().starts_with([',', '>', '}']).then_some(())
}

/// Appends what `\` and `code` mean. Returns the text after it.
fn escaped<'a>(code: char, rest: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let single = match code {
        'n' => b'\n',
        't' => b'\t',
        'r' => b'\r',
        'e' => 0x1b,
        'a' => 0x07,
        'b' => 0x08,
        'v' => 0x0b,
        'f' => 0x0c,
        '0' => 0,
        'x' => {
            let is_hex = |letter: char| letter.is_ascii_hexdigit();
            let digits = rest
                .chars()
                .take(2)
                .take_while(|letter| is_hex(*letter))
                .count();
            bytes.push(u8::from_str_radix(&rest[..digits], 16).ok()?);
            return Some(&rest[digits..]);
        }
        'u' => {
            let (digits, after) = match rest.strip_prefix('{') {
                Some(inner) => inner.split_once('}')?,
                None => (rest.get(..4)?, &rest[4..]),
            };
            let letter = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(after);
        }
        other => {
            bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
    };
    bytes.push(single);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_ruby_writes_them() {
        let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
        for (text, expected) in [
            ("nil", Value::Nothing),
            ("true", Value::Boolean(true)),
            ("-12", Value::Integer(-12)),
            ("1.5", Value::Double(1.5)),
            (":server", Value::Word("server".into())),
            (":\"a b\"", Value::Word("a b".into())),
            (r#""\xF3\b8\x91h*\"\\\#\u00e9\u{1f600}\e""#, {
                let mut all = vec![0xf3, 0x08, b'8', 0x91, b'h', b'*', b'"', b'\\', b'#'];
                all.extend_from_slice("é😀\u{1b}".as_bytes());
                bytes(&all)
            }),
            (
                "[1, \"a\"]",
                Value::List(vec![Value::Integer(1), bytes(b"a")]),
            ),
            ("[]", Value::List(Vec::new())),
            (
                "{\"a\"=>1, :b=>nil}",
                Value::Members(vec![
                    ("a".into(), Value::Integer(1)),
                    ("b".into(), Value::Nothing),
                ]),
            ),
            (
                "{\"a\" => 1, b: :c}",
                Value::Members(vec![
                    ("a".into(), Value::Integer(1)),
                    ("b".into(), Value::Word("c".into())),
                ]),
            ),
            (
                "#<struct A::B\n a=1,\n b=\n  #<C:0x01\n   @d={}>>",
                Value::Members(vec![
                    ("a".into(), Value::Integer(1)),
                    (
                        "b".into(),
                        Value::Members(vec![("@d".into(), Value::Members(Vec::new()))]),
                    ),
                ]),
            ),
        ] {
            assert_eq!(Value::parse(text), Some(expected), "{text}");
            let is_nested = text.starts_with(['[', '{', '#']);
            assert_eq!(Balance::default().is_closed_by(text), is_nested, "{text}");
        }
    }

    #[test]
    fn other_text_is_refused() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "\"open",
            "[1",
            "{\"a\"=>",
            "#<A",
            "\"\\u{110000}\"",
            &deep,
        ] {
            assert_eq!(Value::parse(text), None, "{text:.20}");
        }
    }
}
