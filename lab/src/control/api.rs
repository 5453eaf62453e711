//! The control API: the lab's state, the switch for its modes, and the routes of its page.
//!
//! A request that changes something needs the lab's token, and must not come from a page of another
//! origin.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use super::change::SwitchRequest;
use super::controls::Controls;
use super::page::{Page, Routes};
use crate::monitoring::LabStatus;

/// `GET /` for people, `GET /status` for programs, `POST /switch` to change modes, `POST /flush`
/// before spans are read from the lab's directory. A page replaces `GET /` and adds its own routes.
pub(crate) fn router(controls: &Arc<Controls>, page: Option<Arc<dyn Page>>) -> Router {
    let Routes { reading, changing } = match page {
        Some(page) => page.routes(Arc::clone(controls)),
        None => Routes {
            reading: Router::new()
                .route("/", get(front))
                .with_state(Arc::clone(controls)),
            changing: Router::new(),
        },
    };
    let own = Router::new()
        .route("/switch", post(switch))
        .route("/flush", post(flush))
        .with_state(Arc::clone(controls));
    let may_change = middleware::from_fn_with_state(Arc::clone(controls), only_with_token);
    // a layer of the routes alone: an address that does not exist is answered with 404
    let changing = changing.merge(own).route_layer(may_change);
    Router::new()
        .route("/status", get(status))
        .with_state(Arc::clone(controls))
        .merge(reading)
        .merge(changing)
}

/// Answers 403 to a page of another origin, and to a request without the lab's token.
async fn only_with_token(
    State(controls): State<Arc<Controls>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let refusal = if !is_own_origin(headers) {
        "this request comes from another page; use the lab's own"
    } else if !bearer(headers).is_some_and(|given| controls.token().is(given)) {
        "this changes the lab and needs its token: the lab's page and baton's commands send it"
    } else {
        return next.run(request).await;
    };
    (
        StatusCode::FORBIDDEN,
        Json(serde_json::json!({ "message": refusal })),
    )
        .into_response()
}

/// Whether the request comes from a page of this server, or from no page.
fn is_own_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let host = headers.get(HOST).map(|host| host.as_bytes());
    origin.as_bytes().strip_prefix(b"http://") == Some(host.unwrap_or_default())
}

/// The token that the request carries.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

async fn status(State(controls): State<Arc<Controls>>) -> Json<LabStatus> {
    Json(controls.status())
}

async fn switch(
    State(controls): State<Arc<Controls>>,
    Json(request): Json<SwitchRequest>,
) -> Response {
    match controls.switch(&request).await {
        Ok(status) => Json(status).into_response(),
        Err(error) => {
            let message = serde_json::json!({ "message": error.to_string() });
            (error.http_status(), Json(message)).into_response()
        }
    }
}

async fn flush(State(controls): State<Arc<Controls>>) -> StatusCode {
    if controls.flush_spans().await {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn front(State(controls): State<Arc<Controls>>) -> String {
    controls.in_words()
}
