//! The cost of one request through the whole pipeline: throughput, latency, memory and start-up of
//! `baton run` and `baton up`, for all processes, including the load generator.
//!
//! `cargo bench --bench pipeline` prints the figures in docs/performance.md. `-- --requests N` sets
//! the number of requests of the long run.
//! `-- --function producer=COMMAND --function consumer=COMMAND` prints only the cold starts of
//! these functions. It reads `/proc`, so it needs Linux.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baton_traces::shown::milliseconds;
use serde_json::Value;

const BATON: &str = env!("CARGO_BIN_EXE_baton");
/// The pause between two readings of the memory.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);
/// Clock ticks per second in `/proc/PID/stat`. Linux fixes this value for user space.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let long = arguments
        .iter()
        .position(|argument| argument == "--requests")
        .and_then(|place| arguments.get(place + 1)?.parse().ok())
        .unwrap_or(200_000);
    let functions: Vec<_> = arguments
        .windows(2)
        .filter(|pair| pair[0] == "--function")
        .flatten()
        .map(String::as_str)
        .collect();
    start_up(&functions);
    if !functions.is_empty() {
        return;
    }
    println!("\n8 clients, 20,000 requests, five times:");
    // the pairings take turns, so that the machine is the same for both
    for round in 0..5 {
        let mut pairings = ["tracecontext", "none"];
        if round % 2 == 1 {
            pairings.reverse();
        }
        for pairing in pairings {
            measure(pairing, 8, 20_000);
        }
    }
    println!("\n32 clients, {long} requests:");
    measure("tracecontext", 32, long);
}

/// The time until a lab answers, and until a function's process requests its first event. Both as
/// elapsed time and as CPU time, because CPU time does not depend on what else the machine does.
fn start_up(functions: &[&str]) {
    let mut ready = Vec::new();
    let mut cold_starts = BTreeMap::from([
        ("producer", (Vec::new(), Vec::new())),
        ("consumer", (Vec::new(), Vec::new())),
    ]);
    for _ in 0..20 {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let started = Instant::now();
        let mut lab = Command::new(BATON)
            .args([
                "up",
                "--format",
                "json",
                "--port",
                "0",
                "--page-port",
                "0",
                "--kinesis-port",
                "0",
            ])
            .args(["--otlp-port", "0", "--zipkin-port", "0", "--quiet"])
            .args(functions)
            .env("BATON_RUNTIME_DIR", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("baton up");
        let mut line = String::new();
        BufReader::new(lab.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("its first line");
        ready.push(milliseconds(started.elapsed()));
        let addresses: Value = serde_json::from_str(&line).expect("addresses");
        let page = addresses["page"].as_str().expect("the page's address");
        let status = status(page);
        for (function, (times, cpu)) in &mut cold_starts {
            let time = status[function]["cold_start_ms"].as_f64();
            times.push(time.expect("a cold start"));
            cpu.push(milliseconds(cpu_time_of(function, lab.id())));
        }
        interrupt(&lab);
        lab.wait().expect("its end");
    }
    println!(
        "lab ready, from process start:  {}",
        spread(&mut ready, "ms")
    );
    for (function, (mut times, mut cpu)) in cold_starts {
        println!(
            "cold start of the {function}:     {}; CPU time {}",
            spread(&mut times, "ms"),
            spread(&mut cpu, "ms")
        );
    }
}

fn status(page: &str) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let response = reqwest::get(format!("{page}/status"))
            .await
            .expect("an answer");
        response.json().await.expect("a status")
    })
}

/// The CPU time of all threads of a function's process in this lab.
fn cpu_time_of(function: &str, lab: u32) -> Duration {
    let name = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
    let is_function = |process: &u32| {
        let environment = std::fs::read_to_string(format!("/proc/{process}/environ"));
        environment.is_ok_and(|all| all.split('\0').any(|variable| variable == name))
    };
    let process = family(lab).into_iter().find(is_function);
    let threads = format!("/proc/{}/task", process.expect("its process"));
    std::fs::read_dir(threads)
        .expect("its threads")
        .map(|thread| {
            let times = thread.expect("a thread").path().join("schedstat");
            let times = std::fs::read_to_string(times).expect("its times");
            let on_processor = times.split_whitespace().next().expect("a time");
            Duration::from_nanos(on_processor.parse().expect("nanoseconds"))
        })
        .sum()
}

fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a process");
}

/// Does one run. Prints its figures, the memory of all its processes, and the CPU time per request
/// of each kind of process.
fn measure(pairing: &str, users: u32, requests: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut run = Command::new(BATON)
        .args(["run", pairing, "--format", "json", "--quiet", "--out"])
        .arg(folder.path())
        .args([
            "--users",
            &users.to_string(),
            "--requests",
            &requests.to_string(),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("baton run");
    let ended = AtomicBool::new(false);
    let pid = run.id();
    let (output, usage) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(pid, &ended));
        let mut output = String::new();
        for line in BufReader::new(run.stdout.take().expect("its output")).lines() {
            output.push_str(&line.expect("text"));
        }
        ended.store(true, Ordering::Relaxed);
        (output, watcher.join().expect("the watcher"))
    });
    run.wait().expect("its end");
    let result: Value = serde_json::from_str(&output).expect("JSON");
    let summary = &result["runs"][0];
    assert_eq!(
        summary["records"]["delivered"], requests,
        "records were lost"
    );
    let latency = &summary["latency_ms"];
    println!(
        "{pairing:>14}  {:>6.0} requests/s  request p50 {:.1} p99 {:.1} ms  end to end p50 {:.1} p99 {:.1} ms  \
         peak {:.0} MiB RSS ({:.0} MiB PSS), largest function {:.1} MiB RSS",
        summary["throughput_rps"].as_f64().unwrap_or_default(),
        latency["request"]["p50"].as_f64().unwrap_or_default(),
        latency["request"]["p99"].as_f64().unwrap_or_default(),
        latency["end_to_end"]["p50"].as_f64().unwrap_or_default(),
        latency["end_to_end"]["p99"].as_f64().unwrap_or_default(),
        usage.peak_rss_mib,
        usage.peak_pss_mib,
        usage.largest_function_mib,
    );
    let costs: Vec<_> = usage
        .cpu_seconds
        .iter()
        .map(|(role, seconds)| format!("{role} {:.0}", seconds / requests as f64 * 1e6))
        .collect();
    println!("                CPU µs per request: {}", costs.join(", "));
}

#[derive(Default)]
struct Usage {
    peak_rss_mib: f64,
    peak_pss_mib: f64,
    largest_function_mib: f64,
    /// By role: the lab (with the command that runs it), the functions, the load generator.
    cpu_seconds: BTreeMap<&'static str, f64>,
}

/// Follows a process and its children until `ended`.
fn watch(pid: u32, ended: &AtomicBool) -> Usage {
    let mut usage = Usage::default();
    let mut cpu: BTreeMap<u32, (&'static str, f64)> = BTreeMap::new();
    while !ended.load(Ordering::Relaxed) {
        let (mut rss, mut pss) = (0.0, 0.0);
        for process in family(pid) {
            let Some(look) = look(process) else { continue };
            rss += look.rss_mib;
            pss += look.pss_mib;
            if look.role == "producer" || look.role == "consumer" {
                usage.largest_function_mib = usage.largest_function_mib.max(look.rss_mib);
            }
            cpu.insert(process, (look.role, look.cpu_seconds));
        }
        usage.peak_rss_mib = usage.peak_rss_mib.max(rss);
        usage.peak_pss_mib = usage.peak_pss_mib.max(pss);
        std::thread::sleep(SAMPLE_INTERVAL);
    }
    for (role, seconds) in cpu.into_values() {
        *usage.cpu_seconds.entry(role).or_default() += seconds;
    }
    usage
}

/// The process and its descendants.
fn family(pid: u32) -> Vec<u32> {
    let children = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let process: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent: u32 = after_name(&stat).nth(1)?.parse().ok()?;
            (parent == pid).then_some(process)
        });
    std::iter::once(pid).chain(children).collect()
}

struct Look {
    role: &'static str,
    rss_mib: f64,
    pss_mib: f64,
    cpu_seconds: f64,
}

fn look(process: u32) -> Option<Look> {
    let folder = Path::new("/proc").join(process.to_string());
    let command = std::fs::read_to_string(folder.join("cmdline")).ok()?;
    let role = ["producer", "consumer", "attack"]
        .into_iter()
        .find(|role| command.split('\0').any(|word| word == *role))
        .unwrap_or("lab");
    let memory = std::fs::read_to_string(folder.join("smaps_rollup")).ok()?;
    let mib = |field: &str| -> Option<f64> {
        let line = memory.lines().find(|line| line.starts_with(field))?;
        let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib / 1024.0)
    };
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    let ticks: f64 = after_name(&stat)
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Some(Look {
        role,
        rss_mib: mib("Rss:")?,
        pss_mib: mib("Pss:")?,
        cpu_seconds: ticks / TICKS_PER_SECOND,
    })
}

/// The fields of `/proc/PID/stat` after the name: state, parent, … The name may contain spaces.
fn after_name(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')')
        .map_or("", |(_, fields)| fields)
        .split_whitespace()
}

fn spread(values: &mut [f64], unit: &str) -> String {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    format!(
        "median {:.1} {unit}, {:.1} to {:.1} {unit} over {} starts",
        values[last / 2],
        values[0],
        values[last],
        values.len()
    )
}
