//! The JSON Schemas of this crate's types.

use baton_schemas::publish;

use crate::control::registry::Note;
use crate::event_source::undeliverable;
use crate::kinesis::journal;
use crate::monitoring::{Addresses, LabStatus};

#[test]
fn schemas_are_published() {
    publish::<Note>("lab");
    publish::<LabStatus>("status");
    publish::<journal::Entry>("stream");
    publish::<undeliverable::Line<'_>>("undeliverable");
    // a part of what `baton up` prints
    publish::<Addresses>("addresses");
}
