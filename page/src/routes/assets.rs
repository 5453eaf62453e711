//! The script and the icon, from the binary.

use axum::response::Response;

use crate::frame::asset;

/// The script.
pub(super) async fn script() -> Response {
    let script = include_str!("../../assets/page.js");
    asset("text/javascript; charset=utf-8", script.to_owned())
}

/// The icon.
pub(super) async fn icon() -> Response {
    let icon = include_str!("../../assets/icon.svg");
    asset("image/svg+xml", icon.to_owned())
}
