//! The functions in Node.js of `examples/nodejs`.

use std::path::Path;

use super::skipped;

/// The value of `--function` that replaces baton's own function with the one in Node.js, or `None`
/// if that is not installed. In CI, which installs it, that fails the test.
pub(crate) fn nodejs(function: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nodejs");
    let client = folder.join("node_modules/aws-lambda-ric/rapid-client.node");
    if !client.is_file() {
        skipped(&format!(
            "{} is missing; run `npm ci` in {}",
            client.display(),
            folder.display()
        ));
        return None;
    }
    Some(format!("{function}='{}/run' {function}", folder.display()))
}
