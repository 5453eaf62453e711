//! An endpoint with a self-signed certificate: `--cacert` and `--insecure`.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use super::burst;
use crate::support::command::{Sandbox, ended};
use crate::support::skipped;

/// Answers every request with success, and prints its port.
const SERVER: &str = r#"
import http.server, ssl
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("x-amzn-requestid", "id")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("certificate.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// Makes a self-signed certificate for this host name.
const CERTIFICATE: &str = "exec openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test \
    -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE -keyout \"$0key.pem\" -out \"$0certificate.pem\"";

/// A server in Python with such a certificate, and its endpoint. `None` if a program is missing.
async fn server(sandbox: &Sandbox) -> Option<(Child, String)> {
    for prefix in ["", "other-"] {
        let mut openssl = sandbox.program("sh");
        openssl.args(["-c", CERTIFICATE, prefix]);
        let made = ended(openssl.spawn().expect("a shell")).await;
        if made.code != Some(0) {
            skipped(&format!("openssl makes no certificate: {}", made.stderr));
            return None;
        }
    }
    let mut python = sandbox.program("python3");
    python.args(["-c", SERVER]).stderr(Stdio::inherit());
    let Ok(mut child) = python.spawn() else {
        skipped("python3 is not installed");
        return None;
    };
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let port = lines.next_line().await.expect("text").expect("a port");
    Some((child, format!("https://127.0.0.1:{port}/dev/producer")))
}

#[tokio::test]
async fn a_self_signed_certificate_is_accepted_only_with_cacert_or_insecure() {
    let sandbox = Sandbox::new();
    let Some((_server, endpoint)) = server(&sandbox).await else {
        return;
    };
    let with = async |flags: &[&str]| {
        let all = [&["--requests", "3", "--users", "1"], flags].concat();
        burst(&sandbox, &endpoint, &all).await
    };
    for flags in [&["--cacert", "certificate.pem"][..], &["--insecure"]] {
        let finished = with(flags).await;
        assert_eq!(finished.code, Some(0), "{flags:?}: {finished:?}");
    }
    for flags in [&[][..], &["--cacert", "other-certificate.pem"]] {
        let finished = with(flags).await;
        assert_eq!(finished.code, Some(3), "{flags:?}: {finished:?}");
        let advice = "name its certificate authority with --cacert, or use --insecure";
        assert!(finished.stderr.contains(advice), "{flags:?}: {finished:?}");
    }
    let finished = with(&["--cacert", "key.pem"]).await;
    assert_eq!(
        finished.code,
        Some(2),
        "a key is not a certificate: {finished:?}"
    );
    assert!(
        finished.stderr.contains("the certificates are not PEM"),
        "{finished:?}"
    );
}
