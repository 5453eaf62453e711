//! Spans directly to Splunk Observability Cloud: they arrive there, and the token goes nowhere
//! else.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::support::command::Sandbox;
use crate::support::lab::{FREE_PORTS, Setup};
use crate::support::run;

const TOKEN: &str = "hush-Hush_0123456789";

/// A proxy that opens no tunnel, and keeps the requests.
async fn closed_proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.expect("a connection");
            let mut connection = BufReader::new(connection);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if connection.read_line(&mut head).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            heard.lock().expect("no panic").push(head);
            let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
            let _ = connection.write_all(refusal).await;
        }
    });
    (format!("http://{address}"), asked)
}

/// A command that runs one of baton's functions with variables from a file, so that the token is
/// not on a command line.
fn command(sandbox: &Sandbox, name: &str, variables: &str) -> String {
    let script = sandbox.path(&format!("{name}.sh"));
    let baton = crate::support::command::baton();
    let text = format!("{variables}\nexec '{baton}' function {name}\n");
    std::fs::write(&script, text).expect("a script");
    format!("{name}=sh '{}'", script.display())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let entries = entries.map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

#[tokio::test]
async fn the_token_appears_nowhere_although_the_ingest_refuses() {
    let (proxy, asked) = closed_proxy().await;
    // except what the lab writes
    let scripts = Sandbox::new();
    let variables = format!(
        "export SPLUNK_REALM=us0 SPLUNK_ACCESS_TOKEN={TOKEN} HTTPS_PROXY={proxy} https_proxy={proxy}\n\
         export OTEL_TRACES_EXPORTER=otlp,zipkin,console RUST_BACKTRACE=1"
    );
    let [producer, consumer] =
        ["producer", "consumer"].map(|name| command(&scripts, name, &variables));
    let mut lab = Setup::new()
        .flags(["--function", &producer, "--function", &consumer, "-v"])
        .start()
        .await;
    lab.accepted(r#"{"name":"Kate","superpower":"Tracing"}"#)
        .await;
    lab.wait_for_delivered(1).await;
    let page = lab.client.get(&lab.addresses.page).send().await;
    let page = page.expect("an answer").text().await.expect("text");
    let status = lab.status().await.to_string();
    let finished = lab.stop().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");

    for function in ["producer", "consumer"] {
        let log = lab.saved.join(format!("logs/{function}.log"));
        let log = std::fs::read_to_string(log).expect("a log");
        let dropped = log.matches(r#""event":"spans.dropped""#).count();
        assert_eq!(dropped, 1, "the export failed and says so: {log}");
    }
    let asked = asked.lock().expect("no panic").clone();
    assert!(!asked.is_empty());
    for head in &asked {
        assert!(
            head.starts_with("CONNECT ingest.us0.signalfx.com:443 HTTP/1.1\r\n"),
            "{head}"
        );
    }

    let spans = run::spans(&lab.saved);
    assert_eq!(spans.len(), 4, "Zipkin's are there: {spans:?}");
    let mut said = vec![
        (
            "the command",
            format!("{}{}", finished.stdout, finished.stderr),
        ),
        ("the page", page),
        ("the status", status),
        ("the spans", format!("{spans:?}")),
        ("the proxy", asked.concat()),
    ];
    let files = files(&lab.sandbox.path("."));
    assert!(files.iter().any(|file| file.ends_with("logs/producer.log")));
    for file in &files {
        let bytes = std::fs::read(file).unwrap_or_default();
        said.push((
            file.to_str().expect("text"),
            String::from_utf8_lossy(&bytes).into_owned(),
        ));
    }
    assert!(
        said.iter()
            .any(|(_, text)| text.contains("Kinesis.getRecord")),
        "the console printed"
    );
    for (place, text) in said {
        assert!(!text.contains(TOKEN), "{place} tells the token");
    }
}

#[tokio::test]
async fn half_a_configuration_stops_the_function_with_a_clear_sentence() {
    for (variables, words) in [
        (
            format!("export SPLUNK_ACCESS_TOKEN={TOKEN}"),
            "SPLUNK_REALM",
        ),
        ("export SPLUNK_REALM=us0".to_owned(), "SPLUNK_ACCESS_TOKEN"),
        (
            format!("export SPLUNK_REALM=us0.evil.example SPLUNK_ACCESS_TOKEN={TOKEN}"),
            "the name of a realm alone",
        ),
    ] {
        let sandbox = Sandbox::new();
        let function = command(&sandbox, "consumer", &variables);
        let up = ["up", "--function", &function];
        let finished = sandbox.run(up.into_iter().chain(FREE_PORTS)).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(words), "{finished:?}");
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert!(!said.contains(TOKEN) && !said.contains("evil"), "{said}");
    }
}
