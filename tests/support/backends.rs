//! Real backends, as `tests/backends/install` installs them, each on its own ports on loopback.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a backend may take to start. A JVM on a busy machine is slow.
const START_PATIENCE: Duration = Duration::from_secs(300);
/// The installed files, by name.
const INSTALLED: [&str; 3] = ["zipkin.jar", "jaeger", "collector"];

/// Where the backends are installed, or `None` if one is missing. Then it prints why, and in CI
/// fails.
pub(crate) fn installed() -> Option<PathBuf> {
    let directory = match std::env::var_os("BATON_BACKENDS") {
        Some(directory) => PathBuf::from(directory),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/backends"),
    };
    let missing = INSTALLED
        .into_iter()
        .find(|name| !directory.join(name).is_file());
    let Some(missing) = missing else {
        return Some(directory);
    };
    let reason = format!(
        "{} is not installed; tests/backends/install installs it",
        directory.join(missing).display()
    );
    assert_ne!(
        std::env::var("CI").as_deref(),
        Ok("true"),
        "in CI nothing is skipped: {reason}"
    );
    println!("skipped: {reason}");
    None
}

/// A running backend. Dropping this kills it.
pub(crate) struct Backend {
    _child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Backend {
    fn start(command: &mut Command) -> Backend {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a backend starts");
        let (sender, lines) = mpsc::unbounded_channel();
        forward(child.stdout.take().expect("a pipe"), sender.clone());
        forward(child.stderr.take().expect("a pipe"), sender);
        Backend {
            _child: child,
            lines,
        }
    }

    /// Waits for a line with all of these words. Returns the text between the last of them and the
    /// next quote or space.
    async fn said(&mut self, words: &[&str]) -> String {
        let mut before = Vec::new();
        let found = timeout(START_PATIENCE, async {
            while let Some(line) = self.lines.recv().await {
                if words.iter().all(|word| line.contains(word)) {
                    let word = words[words.len() - 1];
                    let at = line.rfind(word).expect("it is there") + word.len();
                    let end = line[at..].find(['"', ' ']);
                    return Some(line[at..end.map_or(line.len(), |end| at + end)].to_owned());
                }
                before.push(line);
            }
            None
        });
        let found = found.await.ok().flatten();
        found.unwrap_or_else(|| panic!("never said {words:?}:\n{}", before.join("\n")))
    }
}

fn forward(output: impl AsyncRead + Unpin + Send + 'static, lines: mpsc::UnboundedSender<String>) {
    tokio::spawn(async move {
        let mut output = BufReader::new(output).lines();
        while let Ok(Some(line)) = output.next_line().await {
            // the receiver is gone once the backend is up
            let _ = lines.send(line);
        }
    });
}

/// The Zipkin server.
pub(crate) struct Zipkin {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    _backend: Backend,
}

impl Zipkin {
    pub(crate) async fn start(installed: &Path) -> Zipkin {
        let mut backend = Backend::start(
            Command::new("java")
                .args([
                    "-Xmx256m",
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-jar",
                ])
                .arg(installed.join("zipkin.jar"))
                .args([
                    "--armeria.ports[0].ip=127.0.0.1",
                    "--armeria.ports[0].port=0",
                    "--armeria.ports[0].protocols[0]=http",
                ]),
        );
        let url = backend.said(&["Serving HTTP at", " - "]).await;
        Zipkin {
            url: url.trim_end_matches('/').to_owned(),
            _backend: backend,
        }
    }
}

/// Jaeger, all in one and in memory.
pub(crate) struct Jaeger {
    /// `http://127.0.0.1:PORT` of its query API.
    pub(crate) url: String,
    /// `http://127.0.0.1:PORT` of its OTLP/HTTP receiver.
    pub(crate) otlp: String,
    _backend: Backend,
}

impl Jaeger {
    pub(crate) async fn start(installed: &Path) -> Jaeger {
        let servers = [
            "admin.http",
            "collector.grpc-server",
            "collector.http-server",
            "collector.otlp.grpc",
            "collector.otlp.http",
            "query.http-server",
        ];
        let mut backend = Backend::start(
            Command::new(installed.join("jaeger"))
                .args(servers.map(|server| format!("--{server}.host-port=127.0.0.1:0")))
                // it refuses two equal addresses
                .arg("--query.grpc-server.host-port=localhost:0"),
        );
        let otlp = backend
            .said(&["otlpreceiver@", "Starting HTTP server", "\"endpoint\":\""])
            .await;
        let query = backend
            .said(&["Query server started", "\"http_addr\":\""])
            .await;
        Jaeger {
            url: format!("http://{query}"),
            otlp: format!("http://{otlp}"),
            _backend: backend,
        }
    }
}

/// An OpenTelemetry Collector.
pub(crate) struct Collector {
    backend: Backend,
}

impl Collector {
    /// Writes this configuration to `file`, starts the Collector with it, and returns when it is
    /// ready.
    pub(crate) async fn start(installed: &Path, file: &Path, configuration: &str) -> Collector {
        std::fs::write(file, configuration).expect("a file");
        let backend = Backend::start(
            Command::new(installed.join("collector"))
                .arg("--config")
                .arg(file),
        );
        Collector { backend }
    }

    /// The address of its OTLP/HTTP receiver, `http://127.0.0.1:PORT`. It must have one.
    pub(crate) async fn otlp(&mut self) -> String {
        let words = ["Starting HTTP server", "\"endpoint\": \""];
        format!("http://{}", self.backend.said(&words).await)
    }

    /// Waits until it has started.
    pub(crate) async fn ready(&mut self) {
        self.backend.said(&["Everything is ready"]).await;
    }
}
