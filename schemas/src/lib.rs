//! Publishes the JSON Schemas of what baton prints and saves, in `docs/schema/`.
//!
//! Only tests use this crate. Each crate derives the schemas of its own types under `cfg(test)`,
//! and a test there calls [`publish`]. So no release pays for them. A type of another crate is a
//! reference to its file: [`Summary`], [`Edge`], …
//!
//! `BATON_UPDATE_DOCS=1 cargo test --workspace schemas` writes the files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Compares the schema of `T`, as it is written, with `docs/schema/NAME.json`, or writes that file.
///
/// # Panics
/// If the file differs or cannot be written.
pub fn publish<T: JsonSchema>(name: &str) {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // readers do not know the name of the Rust type
    schema.insert("title".to_owned(), name.into());
    let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
    // descriptions are doc comments
    let text = text
        .replace("[`", "`")
        .replace("`]", "`")
        .replace("`None`", "`null`");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
    let path = folder.join(format!("{name}.json"));
    if std::env::var_os("BATON_UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(&folder).expect("the folder");
        std::fs::write(path, text).expect("the file");
        return;
    }
    let saved = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        saved == text,
        "docs/schema/{name}.json is out of date; BATON_UPDATE_DOCS=1 cargo test --workspace schemas \
         updates it"
    );
}

/// Headers, by name.
pub type HeaderList = BTreeMap<String, HeaderValue>;

/// The value of a header, or its values if it was repeated.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum HeaderValue {
    /// The header occurs once.
    One(String),
    /// The header occurs several times.
    Several(Vec<String>),
}

/// Declares types that refer to the schema in a file.
macro_rules! references {
    ($($name:ident: $file:literal;)*) => { $(
        #[doc = concat!("The schema in `docs/schema/", $file, "`.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $file.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "$ref": $file })
            }
        }
    )* };
}

references! {
    Addresses: "addresses.json";
    Burst: "burst.json";
    Check: "check.json";
    Checked: "checked.json";
    Comparison: "comparison.json";
    Edge: "edge.json";
    EdgeDifference: "edge_difference.json";
    Passage: "passage.json";
    Pattern: "pattern.json";
    Requests: "requests.json";
    SpanChange: "span_change.json";
    Summary: "summary.json";
    Trace: "trace.json";
    Unjudged: "unjudged.json";
    Version: "version.json";
    VerdictsByHop: "verdicts_by_hop.json";
}
