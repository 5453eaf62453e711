//! Compares the counts of the bench `instructions` with the stored counts. It fails if one has
//! risen by more than 5 %, or is missing on either side:
//!
//! ```console
//! $ cargo bench -p baton-propagators --features instructions --bench instructions -- --output-format=json |
//!     cargo run -p baton-propagators --example instruction_counts
//! ```
//!
//! With `-- --renew` at the end, it stores the new counts instead. They also depend on the compiler
//! and the C library. So renew them after an upgrade of these, and after code became slower for a
//! good reason, or faster.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::BufRead;
use std::process::{Command, ExitCode};

use serde::{Deserialize, Serialize};
use serde_json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.json");
/// How much a count may rise, in percent.
const TOLERANCE: f64 = 5.0;

/// The stored file.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The compiler's version for these counts.
    rustc: String,
    instructions: BTreeMap<String, u64>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let counted = Kept {
        rustc: rustc()?,
        instructions: read(std::io::stdin().lock())?,
    };
    if std::env::args().any(|argument| argument == "--renew") {
        std::fs::write(FILE, serde_json::to_string_pretty(&counted)? + "\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let kept: Kept = serde_json::from_str(&std::fs::read_to_string(FILE)?)?;
    let faults = compare(&kept.instructions, &counted.instructions);
    if faults == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{faults} of the counts are not as in {FILE}; renew it if the change is intended.");
    if kept.rustc != counted.rustc {
        let (kept, now) = (kept.rustc, counted.rustc);
        eprintln!("They are of {kept}, and this is {now}, which alone can make a difference.");
    }
    Ok(ExitCode::FAILURE)
}

/// Prints every count beside the stored one. Returns the number of failures.
fn compare(kept: &BTreeMap<String, u64>, counted: &BTreeMap<String, u64>) -> usize {
    let mut faults = 0;
    for (name, &count) in counted {
        let Some(&before) = kept.get(name) else {
            println!("{name:<28} {count:>7}  FAILED: not in the file");
            faults += 1;
            continue;
        };
        let change = (count as f64 / before as f64 - 1.0) * 100.0;
        let remark = if change > TOLERANCE {
            faults += 1;
            "  FAILED: more than 5 % up"
        } else if change < -TOLERANCE {
            "  renew the file, so that it stays this good"
        } else {
            ""
        };
        println!("{name:<28} {count:>7} {change:>+6.1} %{remark}");
    }
    for name in kept.keys().filter(|name| !counted.contains_key(*name)) {
        println!("{name:<28}          FAILED: in the file and not counted");
        faults += 1;
    }
    faults
}

/// Reads the counts by benchmark, from one JSON summary on each line.
fn read(summaries: impl BufRead) -> Result<BTreeMap<String, u64>, Box<dyn Error>> {
    let mut counts = BTreeMap::new();
    for line in summaries.lines() {
        let summary: Value = serde_json::from_str(&line?)?;
        let name = [&summary["function_name"], &summary["id"]]
            .into_iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("/");
        let values = &summary["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"];
        let count = values["new"]
            .as_u64()
            .ok_or_else(|| format!("{name} has no count: {summary}"))?;
        counts.insert(name, count);
    }
    Ok(counts)
}

fn rustc() -> Result<String, Box<dyn Error>> {
    let output = Command::new("rustc").arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
