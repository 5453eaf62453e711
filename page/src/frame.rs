//! What every page has around its content.

use std::sync::LazyLock;

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use baton_lab::Controls;
use baton_views::drawing;
use sha2::{Digest, Sha256};

/// The style sheet: that of all pictures, and the page's own. It is in each page, because a browser
/// paints nothing before a separate style sheet has come.
static STYLE: LazyLock<String> = LazyLock::new(|| {
    let own = include_str!("../assets/page.css");
    format!("{}\n{own}", drawing::STYLE)
});
/// Only this server's own script, and the style sheet with this hash. Nothing in the page's text
/// can run or change how the page looks.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'sha256-{hash}'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});
const HTML: &str = "text/html; charset=utf-8";
/// A report has its style in itself, and no script.
const REPORT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// The parts around the content. It has the token, so it has no debug output.
pub(crate) struct Frame {
    /// The page's title.
    pub(crate) title: String,
    /// Which page of the navigation it belongs to.
    pub(crate) here: &'static str,
    /// The lab's token, for the script.
    pub(crate) token: String,
    /// The lab's endpoint.
    pub(crate) endpoint: String,
}

impl Frame {
    /// The frame of a page of this lab.
    pub(crate) fn new(controls: &Controls, title: impl Into<String>, here: &'static str) -> Frame {
        Frame {
            title: title.into(),
            here,
            token: controls.token().secret().to_owned(),
            endpoint: controls.addresses().endpoint.clone(),
        }
    }

    /// The style sheet.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(crate) fn style(&self) -> &'static str {
        &STYLE
    }

    /// The navigation: addresses and names.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(crate) fn pages(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("/", "Live"),
            ("/traces", "Traces"),
            ("/explain", "Explain"),
            ("/runs", "Runs"),
            ("/matrix", "Matrix"),
            ("/logs/consumer", "Logs"),
        ]
    }
}

/// A template's text. The templates write to memory and call nothing that fails.
pub(crate) fn render(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

/// A page or a part of one.
pub(crate) fn page(template: &impl Template) -> Response {
    html(StatusCode::OK, render(template))
}

/// Text as HTML, with the policy that forbids foreign scripts.
pub(crate) fn html(status: StatusCode, text: impl IntoResponse) -> Response {
    answer(status, HTML, POLICY.clone(), text)
}

/// A report that was written for any browser.
pub(crate) fn report(text: String) -> Response {
    answer(StatusCode::OK, HTML, REPORT_POLICY, text)
}

/// A file of the page itself.
pub(crate) fn asset(content_type: &'static str, text: String) -> Response {
    answer(StatusCode::OK, content_type, POLICY.clone(), text)
}

fn answer(
    status: StatusCode,
    content_type: &'static str,
    policy: HeaderValue,
    body: impl IntoResponse,
) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ),
        (
            HeaderName::from_static("referrer-policy"),
            HeaderValue::from_static("same-origin"),
        ),
    ];
    (status, headers, body).into_response()
}

/// A page with one sentence, with this status.
pub(crate) fn message(status: StatusCode, message: MessagePage) -> Response {
    html(status, render(&message))
}

/// A page with one sentence and a way on.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct MessagePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The sentence.
    pub(crate) message: String,
    /// The address of the link.
    pub(crate) address: String,
    /// The link's text.
    pub(crate) link: &'static str,
}
