//! A file that is packed with gzip or zlib.

use super::Form;
use crate::carrier::Paste;
use crate::decode;

pub(super) const FORM: Form = Form { read };

fn read(bytes: &[u8]) -> Option<Paste> {
    let inner = decode::unpacked(bytes)?;
    // Only one layer: a file that was packed twice is read as text.
    let mut forms = super::FORMS.iter().skip(1);
    forms.find_map(|form| (form.read)(&inner))
}
