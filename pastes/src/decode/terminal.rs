//! Removes the control sequences that programs write for a terminal (ECMA-48, section 5.4).

use std::borrow::Cow;

const ESCAPE: u8 = 0x1b;
/// The fewest sequences in a text that was printed for a terminal. A colour is switched on and off;
/// one sequence alone may be part of a broken value, and is left in it.
const MIN_SEQUENCES: usize = 2;

/// The text without control sequences, if it has several.
pub(super) fn without_colours(text: &[u8]) -> Cow<'_, [u8]> {
    if text.iter().filter(|byte| **byte == ESCAPE).count() < MIN_SEQUENCES {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match sequence(&text[at..]) {
            Some(length) => at += length,
            None => {
                plain.push(text[at]);
                at += 1;
            }
        }
    }
    Cow::Owned(plain)
}

/// The length of the control sequence at the start of a text.
fn sequence(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(&[ESCAPE, b'['])?;
    let end = rest.iter().position(|byte| !matches!(byte, 0x20..=0x3f))?;
    matches!(rest[end], 0x40..=0x7e).then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_removed_and_a_single_escape_stays() {
        for (text, plain) in [
            ("\x1b[1;32mb3\x1b[39;49;00m: 0\x1b[K", "b3: 0"),
            ("\x1b[31mb3: 0", "\x1b[31mb3: 0"),
            ("\x1b\x1b[", "\x1b\x1b["),
            ("b3: 0", "b3: 0"),
        ] {
            let found = without_colours(text.as_bytes());
            assert_eq!(found.as_ref(), plain.as_bytes(), "{text:?}");
        }
    }
}
