//! Bytes in hexadecimal: a dump, as sniffers and `xxd` print it, or one value.

use super::Form;
use crate::decode;

pub(super) const FORM: Form = Form {
    read: |text| {
        let text = std::str::from_utf8(text).ok()?;
        Some(super::of_text(decode::hex(text)?.as_bytes()))
    },
};
