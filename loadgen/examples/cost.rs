//! What the load generator itself costs: requests per second and processor time per request,
//! against a server that answers at once and one that takes 3 ms, and the time around an attack of
//! one request.
//!
//! `cargo run --release -p baton-loadgen --example cost [REQUESTS [USERS [MODE]]]`
//!
//! Linux only, as it reads `/proc`. Server, attacks and this program are three processes, so that
//! each is measured apart.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use baton_loadgen::{Plan, Settings, Stop, attack};
use baton_propagators::Mode;
use tokio::runtime::{Builder, Runtime};

/// What the server answers, as the producer does.
const ANSWER: (&str, &str) = ("x-amzn-requestid", "c6af9ac6-7b61-11e6-9a41-93e8deadbeef");
/// Clock ticks per second in `/proc`: the same on every Linux.
const TICKS: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", millis] => serve(Duration::from_millis(millis.parse()?)),
        ["attack", plan] => measure(&serde_json::from_str(plan)?),
        ref rest => compare(rest),
    }
}

fn compare(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let requests = arguments.first().map_or(Ok(40_000), |text| text.parse())?;
    let users = arguments.get(1).map_or(Ok(8), |text| text.parse())?;
    let mode = arguments
        .get(2)
        .unwrap_or(&"tracecontext,b3")
        .parse::<Mode>()?;
    let program = std::env::current_exe()?;
    let spans =
        std::env::temp_dir().join(format!("baton-loadgen-cost-{}.jsonl", std::process::id()));
    for (millis, requests) in [("0", 1), ("0", requests), ("3", requests / 4)] {
        let mut server = Command::new(&program)
            .args(["serve", millis])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut endpoint = String::new();
        if let Some(stdout) = server.stdout.take() {
            BufReader::new(stdout).read_line(&mut endpoint)?;
        }
        let settings = Settings {
            users,
            stop: Stop::Requests(requests.max(1)),
            spans: Some(spans.clone()),
            ..Settings::new(endpoint.trim(), mode.clone())
        };
        println!("server answers after {millis} ms");
        let attack = Command::new(&program)
            .args(["attack", &serde_json::to_string(&settings)?])
            .status();
        server.kill()?;
        server.wait()?;
        attack?;
    }
    Ok(std::fs::remove_file(spans)?)
}

fn serve(delay: Duration) -> Result<(), Box<dyn Error>> {
    let answer = move |_body: Bytes| async move {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        (
            [ANSWER],
            r#"{"message":"Message placed in the Event Stream: baton"}"#,
        )
    };
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}/dev/producer", listener.local_addr()?);
        Ok(axum::serve(listener, Router::new().fallback(answer)).await?)
    })
}

fn measure(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let (begun, before) = (Instant::now(), processor_seconds()?);
    let outcome = runtime()?.block_on(attack(plan, |_| {}, std::future::pending()))?;
    let (all, used) = (begun.elapsed(), processor_seconds()? - before);
    let around = all - Duration::from_secs_f64(outcome.duration_s);
    println!("  {}", outcome.summary);
    println!(
        "  {:.0} requests/s, {around:.1?} around them",
        outcome.throughput_rps
    );
    if outcome.requests.sent > 1_000 {
        println!(
            "  {:.1} µs of processor time per request",
            used * 1e6 / outcome.requests.sent as f64
        );
    }
    Ok(())
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// User and system time of this process.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no command name")?;
    // proc_pid_stat(5): utime and stime are the 14th and 15th field, the 12th and 13th after the
    // command name.
    let ticks: Result<Vec<f64>, _> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect();
    Ok(ticks?.iter().sum::<f64>() / TICKS)
}
