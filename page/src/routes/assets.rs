//! Style sheet, script and icon, from the binary.

use axum::response::Response;
use baton_views::drawing::STYLE;

use crate::frame::asset;

/// The style sheet: that of all pictures, and the page's own.
pub(super) async fn style() -> Response {
    let own = include_str!("../../assets/page.css");
    asset("text/css; charset=utf-8", format!("{STYLE}\n{own}"))
}

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
