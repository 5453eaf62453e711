//! Serves HTTP/1.1 on loopback, for all of the lab's servers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::LabError;

/// How long a connection may take to send a request's head.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// The longest head of a request, in bytes. A longer one is answered with 431.
const MAX_HEAD_BYTES: usize = 256 * 1024;

/// A listener that is bound but does not answer yet.
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `port` on loopback; 0 lets the system choose one.
    pub(crate) async fn bind(
        server: &'static str,
        flag: &'static str,
        port: u16,
    ) -> Result<Self, LabError> {
        let explain = |reason: io::Error| match reason.kind() {
            io::ErrorKind::AddrInUse => LabError::PortInUse { server, port, flag },
            _ => LabError::Listen {
                server,
                port,
                reason,
            },
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(explain)?;
        let address = listener.local_addr().map_err(explain)?;
        Ok(Listener { listener, address })
    }

    /// The address on which it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers connections with `router` until the returned server is stopped or dropped.
    pub(crate) fn serve(self, router: Router) -> Server {
        let router = router.layer(middleware::from_fn(only_loopback));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(self.listener, router, stopped));
        Server { stop, task }
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Accepts no more connections, waits for requests in progress for at most `patience`, then
    /// closes.
    pub(crate) async fn stop(mut self, patience: Duration) {
        self.stop.send_replace(true);
        let _ = tokio::time::timeout(patience, &mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = wait(&mut stopped) => break,
            accepted = listener.accept() => {
                // out of file descriptors; there may be a free one later
                let Ok((stream, _)) = accepted else { tokio::time::sleep(ACCEPT_PAUSE).await; continue };
                let _ = stream.set_nodelay(true);
                connections.spawn(serve_connection(TokioIo::new(stream), router.clone(), stopped.clone()));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve_connection(
    stream: TokioIo<tokio::net::TcpStream>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = TowerToHyperService::new(router.into_service::<hyper::body::Incoming>());
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(stream, service);
    let mut connection = std::pin::pin!(connection);
    // a broken connection is the client's problem
    tokio::select! {
        _ = connection.as_mut() => {}
        () = wait(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn wait(stopped: &mut watch::Receiver<bool>) {
    // an error means that the server was dropped
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Refuses a page of another site that is open in a browser on this machine. It must not reach the
/// lab from a foreign origin, or through a name that resolves to loopback.
async fn only_loopback(request: Request, next: Next) -> Response {
    if is_loopback(request.headers(), HOST) && is_loopback(request.headers(), ORIGIN) {
        next.run(request).await
    } else {
        (
            StatusCode::FORBIDDEN,
            "{\"message\":\"this server is for the machine it runs on\"}\n",
        )
            .into_response()
    }
}

/// Whether the header names this machine, or is absent.
fn is_loopback(headers: &HeaderMap, header: HeaderName) -> bool {
    let Some(value) = headers.get(header) else {
        return true;
    };
    let Ok(uri) = Uri::try_from(value.as_bytes()) else {
        return false;
    };
    uri.host().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        // names in the DNS have no case: https://www.rfc-editor.org/rfc/rfc4343
        host.eq_ignore_ascii_case("localhost")
            || address
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (value, expected) in [
            ("127.0.0.1:3000", true),
            ("localhost", true),
            ("localhost:3001", true),
            ("LOCALHOST:3001", true),
            ("[::1]:3000", true),
            ("http://127.0.0.1:3001", true),
            ("http://localhost", true),
            ("evil.example", false),
            ("evil.example:3000", false),
            ("https://evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("null", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, value.parse().expect("a header value"))]);
            assert_eq!(is_loopback(&headers, HOST), expected, "{value}");
        }
        assert!(is_loopback(&HeaderMap::new(), HOST));
    }
}
