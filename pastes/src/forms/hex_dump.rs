//! Bytes in hexadecimal: a dump, as sniffers and `xxd` print it, or one value.

use super::Form;
use crate::decode;

pub(super) const FORM: Form = Form {
    read: |text| {
        let text = std::str::from_utf8(text).ok()?;
        let inner = decode::hex_dump(text).or_else(|| decode::hex_value(text))?;
        Some(super::of_text(inner.as_bytes()))
    },
};
