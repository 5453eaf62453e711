//! A dump of bytes, as sniffers and `xxd` print it.

use super::Form;
use crate::decode;

pub(super) const FORM: Form = Form {
    read: |text| {
        let text = std::str::from_utf8(text).ok()?;
        Some(super::read(decode::hex_dump(text)?.as_bytes()))
    },
};
