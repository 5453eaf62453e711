//! Only Base64: a record's data as consoles and command lines show it.

use super::{Form, paste};
use crate::carrier::Paste;
use crate::decode;
use crate::walk::{At, Walk};

pub(super) const FORM: Form = Form { read };

fn read(text: &[u8]) -> Option<Paste> {
    let inner = decode::base64(text.trim_ascii()).and_then(decode::text)?;
    let mut walk = Walk::default();
    walk.text(&inner, &At::default());
    Some(paste(walk))
}
