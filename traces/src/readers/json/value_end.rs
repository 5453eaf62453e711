//! Where a JSON value ends.

/// Finds the end of a value, whose text comes in pieces.
#[derive(Default)]
pub(super) struct ValueEnd {
    depth: u64,
    in_string: bool,
    escaped: bool,
    in_scalar: bool,
}

impl ValueEnd {
    /// The end of the value, if it is in `bytes`.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                } else if byte == b'"' {
                    self.in_string = false;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                } else if byte == b'\\' {
                    self.escaped = true;
                } else {
                    let rest = &bytes[at..];
                    let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
                    at += special.unwrap_or(rest.len());
                    continue;
                }
            } else {
                match byte {
                    b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' if self.in_scalar => {
                        return Some(at);
                    }
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ if self.depth == 0 => self.in_scalar = true,
                    _ => {}
                }
            }
            at += 1;
        }
        None
    }

    /// Whether the end of the input may end the value: nothing marks the end of a number.
    pub(super) fn may_end_here(&self) -> bool {
        self.in_scalar
    }
}
