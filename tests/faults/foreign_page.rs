//! A page of another site, open in a browser on this machine.

use crate::support::lab::{Setup, answer};

#[tokio::test]
async fn no_server_of_the_lab_answers_it() {
    let mut lab = Setup::new().start().await;
    let addresses = lab.addresses.clone();
    for address in [
        &addresses.endpoint,
        &addresses.page,
        &addresses.kinesis,
        &addresses.otlp,
        &addresses.zipkin,
    ] {
        for (header, value) in [
            ("host", "evil.example"),
            ("host", "127.0.0.1.evil.example"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let request = lab.client.post(address).header(header, value).body("{}");
            let refused = answer(request).await;
            assert_eq!(refused.status, 403, "{address}, {value}: {refused:?}");
        }
    }
    let status = lab.status().await;
    assert_eq!(status["producer"]["invocations"], 0, "{status}");
    lab.stop_well().await;
}
