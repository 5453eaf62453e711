//! The JSON Schemas of this crate's types.

use baton_schemas::publish;

use crate::log::Line;

#[test]
fn schemas_are_published() {
    publish::<Line<'_>>("log");
}
