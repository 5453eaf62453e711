//! The JSON Schemas of this crate's types.

use baton_schemas::publish;

use crate::outcome::AttackOutcome;

#[test]
fn schemas_are_published() {
    publish::<AttackOutcome>("burst");
}
