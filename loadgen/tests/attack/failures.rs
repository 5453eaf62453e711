//! Servers that refuse, answer badly, break off or never answer.

use std::net::SocketAddr;
use std::time::Duration;

use baton_loadgen::{RequestFailure, Settings, Stop};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use crate::support::{Attacker, Server, answer, endpoint, settings, well};

#[tokio::test]
async fn answers_other_than_success_are_failures_in_words() {
    let cases = [
        (302, "", "all 40 requests failed: HTTP 302 Found"),
        (
            403,
            r#"{"message":"Missing Authentication Token"}"#,
            "all 40 requests failed: HTTP 403 Forbidden: Missing Authentication Token; is the endpoint's path right? a lab's ends in /dev/producer",
        ),
        (
            404,
            "no such path\n",
            "all 40 requests failed: HTTP 404 Not Found: no such path; is the endpoint's path right? a lab's ends in /dev/producer",
        ),
        (
            429,
            r#"{"message":"Too Many Requests"}"#,
            "all 40 requests failed: HTTP 429 Too Many Requests: Too Many Requests; the endpoint throttles; use fewer users or a lower rate",
        ),
        (
            500,
            r#"{"message":"Internal server error"}"#,
            "all 40 requests failed: HTTP 500 Internal Server Error: Internal server error; the producer's log says more",
        ),
        (
            502,
            "<html>Bad Gateway</html>",
            "all 40 requests failed: HTTP 502 Bad Gateway; the producer's log says more",
        ),
    ];
    for (status, body, sentence) in cases {
        let server = Server::start(move |number| async move { answer(status, number, body) }).await;
        let settings = Settings {
            stop: Stop::Requests(40),
            ..settings(server.endpoint())
        };
        let attacked = Attacker::start(settings).end().await;
        let outcome = attacked.outcome();
        assert_eq!(outcome.summary, sentence);
        assert_eq!(
            (
                outcome.requests.sent,
                outcome.requests.failed,
                server.seen().len()
            ),
            (40, 40, 40)
        );
        let goose: Value =
            serde_json::from_str(outcome.goose.as_ref().expect("a report").get()).unwrap();
        assert_eq!(goose["requests"]["POST /dev/producer"]["fail_count"], 40);
        for span in attacked.spans() {
            let (attributes, status) = (span.attributes(), status.to_string());
            assert_eq!(
                (
                    attributes["error.type"],
                    attributes["http.response.status_code"]
                ),
                (&*status, &*status)
            );
            assert!(
                attributes["aws.request_id"].starts_with("id-"),
                "{attributes:?}"
            );
            assert_eq!(span.0["status"]["code"], 2);
        }
    }
}

#[tokio::test]
async fn some_failures_are_reported_with_their_share() {
    let server = Server::start(|number| async move {
        match number % 10 {
            0 => answer(503, number, "busy"),
            1..3 => answer(500, number, ""),
            _ => well(number),
        }
    })
    .await;
    let settings = Settings {
        stop: Stop::Requests(100),
        ..settings(server.endpoint())
    };
    let attacked = Attacker::start(settings).end().await;
    assert_eq!(
        attacked.outcome().summary,
        "30 of 100 requests failed: 20 × HTTP 500 Internal Server Error, 10 × HTTP 503 Service Unavailable: busy"
    );
    assert_eq!(attacked.outcome().requests.ok, 70);
}

#[tokio::test]
async fn a_refused_connection_is_reported() {
    // A socket that is bound but does not listen keeps the port and refuses connections.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = endpoint(socket.local_addr().unwrap());
    let attacked = Attacker::start(settings(endpoint.clone())).end().await;
    let outcome = attacked.outcome();
    let sent = outcome.requests.sent;
    assert!(
        (8..=16).contains(&sent),
        "each of the 8 users needs to try no more than once or twice: {sent}"
    );
    assert_eq!(
        outcome.summary,
        format!(
            "gave up, as nothing was answered: all {sent} requests failed: connection refused at {endpoint}; is the endpoint up?"
        )
    );
    assert!(outcome.gave_up && !outcome.interrupted);
    assert_eq!(
        outcome.failures[0].failure,
        RequestFailure::ConnectionRefused
    );
    assert_eq!(
        (outcome.failures[0].count, outcome.latency_ms),
        (sent, None)
    );
    let spans = attacked.spans();
    assert_eq!(spans.len() as u64, sent);
    assert!(
        spans
            .iter()
            .all(|span| span.attributes()["error.type"] == "connection_refused")
    );
}

#[tokio::test]
async fn a_server_that_stops_answering_is_given_up_on() {
    let server = Server::start(|number| async move {
        if number >= 20 {
            std::future::pending().await
        }
        well(number)
    })
    .await;
    let settings = Settings {
        users: 2,
        timeout: Duration::from_millis(50),
        ..settings(server.endpoint())
    };
    let attacked = Attacker::start(settings).end().await;
    let outcome = attacked.outcome();
    assert_eq!(outcome.requests.ok, 20);
    assert!(outcome.gave_up, "{}", outcome.summary);
    let start = "gave up, as nothing was answered any more: ";
    assert!(outcome.summary.starts_with(start), "{}", outcome.summary);
    let end = "no answer within 50ms; the endpoint takes connections but does not answer";
    assert!(outcome.summary.ends_with(end), "{}", outcome.summary);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_on() {
    let server = Server::start(|_| std::future::pending()).await;
    let settings = Settings {
        stop: Stop::Requests(8),
        timeout: Duration::from_millis(200),
        ..settings(server.endpoint())
    };
    let attacked = Attacker::start(settings).end().await;
    assert_eq!(
        attacked.outcome().summary,
        "all 8 requests failed: no answer within 200ms; the endpoint takes connections but does not answer"
    );
    assert!(
        attacked
            .spans()
            .iter()
            .all(|span| span.attributes()["error.type"] == "timeout")
    );
}

#[tokio::test]
async fn a_body_that_never_ends_is_a_failure_for_goose_too() {
    let address = answer_bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", true).await;
    let settings = Settings {
        stop: Stop::Requests(3),
        timeout: Duration::from_millis(200),
        ..settings(endpoint(address))
    };
    let attacked = Attacker::start(settings).end().await;
    let outcome = attacked.outcome();
    assert_eq!(outcome.failures[0].failure, RequestFailure::Timeout);
    let goose: Value =
        serde_json::from_str(outcome.goose.as_ref().expect("a report").get()).unwrap();
    let counts = &goose["requests"]["POST /dev/producer"];
    assert_eq!(
        (&counts["success_count"], &counts["fail_count"]),
        (&0.into(), &3.into())
    );
    for span in attacked.spans() {
        assert_eq!(span.attributes()["http.response.status_code"], "200");
        assert_eq!(span.attributes()["error.type"], "timeout");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_failure() {
    let answers: [&[u8]; 2] = [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"];
    for answer in answers {
        let settings = Settings {
            stop: Stop::Requests(5),
            ..settings(endpoint(answer_bytes(answer, false).await))
        };
        let attacked = Attacker::start(settings).end().await;
        let outcome = attacked.outcome();
        let start = "all 5 requests failed: the connection broke before the answer was complete (";
        assert!(outcome.summary.starts_with(start), "{}", outcome.summary);
        assert!(
            attacked
                .spans()
                .iter()
                .all(|span| span.attributes()["error.type"] == "connection_broken")
        );
    }
}

/// A server that answers the first request of each connection with `answer`, then closes it, or
/// leaves it open.
async fn answer_bytes(answer: &'static [u8], leave_open: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 4096]).await;
            let _ = connection.write_all(answer).await;
            if leave_open {
                open.push(connection);
            }
        }
    });
    address
}
