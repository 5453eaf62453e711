//! An endpoint that answers as a test wants, and remembers the requests.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket};

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    /// The value of a header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }
}

/// A server on a free port.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers the n-th request, counted from 0, with `answer(n)`.
    pub(crate) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(usize) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let remembered = Arc::clone(&seen);
        let handler = move |headers: HeaderMap, body: Bytes| {
            let number = {
                let mut seen = remembered.lock().expect("no panic");
                seen.push(Seen { headers, body });
                seen.len() - 1
            };
            let answer = answer.clone();
            async move { answer(number).await }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(axum::serve(listener, Router::new().fallback(handler)).into_future());
        Self { address, seen }
    }

    /// Answers every request with success.
    pub(crate) async fn well() -> Self {
        Self::start(|number| async move { answer(200, number) }).await
    }

    /// Answers the first requests with success, and the others never.
    pub(crate) async fn hanging_after(answered: usize) -> Self {
        Self::start(move |number| async move {
            if number >= answered {
                std::future::pending().await
            }
            answer(200, number)
        })
        .await
    }

    pub(crate) fn endpoint(&self) -> String {
        endpoint(self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }
}

/// An answer with the request id `id-<n>`.
pub(crate) fn answer(status: u16, number: usize) -> Response {
    Response::builder()
        .status(status)
        .header("x-amzn-requestid", format!("id-{number}"))
        .body(r#"{"message":"said the server"}"#.into())
        .expect("an answer")
}

/// The endpoint of a server that reads a request and closes the connection.
pub(crate) async fn closing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 4096]).await;
        }
    });
    endpoint(address)
}

/// An endpoint that refuses connections as long as the socket lives.
pub(crate) fn nobody() -> (TcpSocket, String) {
    // a socket that is bound but does not listen holds the port
    let socket = TcpSocket::new_v4().expect("a socket");
    let any = "127.0.0.1:0".parse().expect("an address");
    socket.bind(any).expect("a port");
    let address = socket.local_addr().expect("an address");
    (socket, endpoint(address))
}

fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}/dev/producer")
}
