//! The loopback address of IPv6. The lab listens on 127.0.0.1, so a forwarder stands in between;
//! what the programs see and send is `[::1]`.

use axum::body::Body;
use axum::response::Response;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::support::command::Sandbox;
use crate::support::lab::Setup;
use crate::support::server::Server;
use crate::support::{run, skipped};

/// The same address as `address`, with a port of `[::1]` that leads there. `None` if this machine
/// has no IPv6.
async fn at_ipv6(address: &str) -> Option<String> {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        skipped("this machine has no [::1]");
        return None;
    };
    let mut url = reqwest::Url::parse(address).expect("a URL");
    let target = url.port().expect("a port");
    url.set_host(Some("[::1]")).expect("a host");
    let port = listener.local_addr().expect("an address").port();
    url.set_port(Some(port)).expect("a port");
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            tokio::spawn(async move {
                let there = TcpStream::connect(("127.0.0.1", target)).await;
                let _ = copy_bidirectional(&mut here, &mut there?).await;
                std::io::Result::Ok(())
            });
        }
    });
    Some(url.to_string())
}

#[tokio::test]
async fn requests_records_and_spans_pass() {
    let mut collector = Setup::new().start().await;
    let Some(otlp) = at_ipv6(&collector.addresses.otlp).await else {
        return;
    };
    let zipkin = at_ipv6(&collector.addresses.zipkin).await.expect("IPv6");
    let variables = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", otlp.as_str())];
    let to_zipkin = [
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", zipkin.as_str()),
    ];
    let mut lab = Setup::new()
        .function("producer", &variables)
        .function("consumer", &to_zipkin)
        .start()
        .await;
    let endpoint = at_ipv6(&lab.addresses.endpoint).await.expect("IPv6");
    let arguments = ["burst", "--requests", "5", "--format", "json", "--endpoint"];
    let burst = lab.sandbox.run(arguments.iter().chain([&&*endpoint])).await;
    assert_eq!(burst.code, Some(0), "{burst:?}");
    lab.wait_for_delivered(5).await;
    lab.stop_well().await;
    collector.stop_well().await;
    let spans = run::spans(&collector.saved);
    assert_eq!(run::records(&spans).len(), 5, "as Zipkin");
    let servers = run::of(&spans, "producer-lambda", run::kind::SERVER);
    assert_eq!(servers.len(), 5, "as OTLP");
}

#[tokio::test]
async fn a_backend_is_read() {
    let spans = json!([[{ "traceId": "1", "id": "2", "name": "hello",
        "localEndpoint": { "serviceName": "theirs" } }]]);
    let server = Server::start(move |_| {
        let body = Body::from(spans.to_string());
        std::future::ready(Response::new(body))
    })
    .await;
    let Some(address) = at_ipv6(&server.endpoint()).await else {
        return;
    };
    let address = format!("zipkin+{}", address.replace("/dev/producer", ""));
    let finished = Sandbox::new().run(["audit", &address]).await;
    let read = "All spans are of one service";
    assert!(finished.stdout.starts_with(read), "{finished:?}");
    let host = &server.seen()[0].headers["host"];
    assert!(host.to_str().expect("text").starts_with("[::1]:"));
}
