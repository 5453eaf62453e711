//! The secret by which the lab knows who may change it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

/// The secret of one lab: 32 hexadecimal digits. Its debug output hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Token(String);

impl Token {
    /// Draws a token from the system's source of random bytes.
    pub(crate) fn draw() -> io::Result<Token> {
        let mut bytes = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Token(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// The digits, for the `authorization` header as `Bearer DIGITS`.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether `given` is the token. Compares in constant time.
    pub(crate) fn is(&self, given: &str) -> bool {
        let pairs = self.0.bytes().zip(given.bytes());
        let difference = pairs.fold(0, |difference, (a, b)| difference | (a ^ b));
        self.0.len() == given.len() && difference == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_accepted() {
        let token = Token::draw().expect("random bytes");
        assert!(token.is(token.secret()));
        let other = Token::draw().expect("random bytes");
        for wrong in ["", other.secret(), &token.secret()[1..], "x"] {
            assert!(!token.is(wrong), "{wrong}");
        }
        assert!(!format!("{token:?}").contains(token.secret()));
    }
}
