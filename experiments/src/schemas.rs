//! The JSON Schemas of this crate's types.

use baton_schemas::publish;

use crate::load::LoadJson;
use crate::matrix::Matrix;

#[test]
fn schemas_are_published() {
    publish::<Matrix>("matrix");
    publish::<LoadJson<'_>>("load");
}
