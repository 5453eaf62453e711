//! Draws docs/images/propagation.svg, and prints the tables of docs/performance.md, from the
//! measurements of the last `cargo bench --bench propagation`:
//!
//! ```console
//! $ cargo bench --bench propagation && cargo run --example propagation_chart
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

/// Medians in nanoseconds, by benchmark id.
type Medians = BTreeMap<String, f64>;

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/images/propagation.svg");
const FORMATS: [&str; 3] = ["tracecontext", "b3", "b3multi"];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::var("CARGO_TARGET_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/target").to_owned());
    let mut medians = Medians::new();
    read(&Path::new(&folder).join("criterion"), &mut medians)?;
    std::fs::write(PICTURE, draw(&medians)?)?;
    print!("{}", tables(&medians));
    Ok(())
}

/// Reads all measurements below a folder.
fn read(folder: &Path, medians: &mut Medians) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let json = |name| -> Result<Value, Box<dyn Error>> {
            Ok(serde_json::from_slice(&std::fs::read(path.join(name))?)?)
        };
        if path.ends_with("new") {
            let id = json("benchmark.json")?["full_id"]
                .as_str()
                .map(str::to_owned);
            let median = json("estimates.json")?["median"]["point_estimate"].as_f64();
            medians.extend(id.zip(median));
        } else if !path.ends_with("base") && !path.ends_with("change") {
            read(&path, medians)?;
        }
    }
    Ok(())
}

/// All cases, with one table per operation: nanoseconds, and the ratio to `otel`.
fn tables(medians: &Medians) -> String {
    let lines = ["native", "otel", "native-trait", "floor"];
    let mut text = String::new();
    for operation in ["extract", "inject"] {
        let _ = writeln!(
            text,
            "| {operation} | `native` | `otel` | `native`/`otel` | `native-trait` | `native-trait`/`otel` | floor | look-ups |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        );
        let prefix = format!("{operation}/");
        let mut cases: Vec<&str> = medians
            .keys()
            .filter_map(|id| id.strip_prefix(&prefix)?.rsplit_once('/'))
            .map(|(case, _)| case)
            .collect();
        // sorted by the list of formats; the case of valid headers on a map comes first
        cases.sort_unstable_by_key(|case| (case.split(['!', '@', '+']).next(), *case));
        cases.dedup();
        for case in cases {
            let of = |line: &str| medians.get(&format!("{operation}/{case}/{line}")).copied();
            let [native, otel, by_trait, floor] = lines.map(of);
            let look_ups = of("look-ups").or_else(|| of("look-up"));
            let time = |time: Option<f64>| time.map_or(String::new(), |time| format!("{time:.0}"));
            let ratio = |time: Option<f64>| {
                let ratio = time.zip(otel).map(|(time, otel)| time / otel);
                ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"))
            };
            let _ = writeln!(
                text,
                "| `{case}` | {} | {} | {} | {} | {} | {} | {} |",
                time(native),
                time(otel),
                ratio(native),
                time(by_trait),
                ratio(by_trait),
                time(floor),
                time(look_ups),
            );
        }
        text.push('\n');
    }
    for (id, median) in medians.iter().filter(|(id, _)| id.starts_with("buffer/")) {
        let _ = writeln!(text, "{id}: {median:.1} ns");
    }
    text
}

/// A group of bars for each format and operation: `otel`, `native`, `native-trait` and the floor.
fn draw(medians: &Medians) -> Result<String, Box<dyn Error>> {
    const LEFT: f64 = 190.0;
    const WIDTH: f64 = 720.0;
    const BAR: f64 = 17.0;
    let median = |id: String| {
        let known = medians.get(&id).copied();
        known.ok_or_else(|| format!("{id} was not measured"))
    };
    let mut groups = Vec::new();
    for operation in ["extract", "inject"] {
        for format in FORMATS {
            let of = |line: &str| median(format!("{operation}/{format}/{line}"));
            let floor = match operation {
                "extract" => ("context and look-ups", of("floor")? + of("look-ups")?),
                _ => ("setting the values", of("floor")?),
            };
            let bars = [
                ("otel", of("otel")?),
                ("native", of("native")?),
                ("native by the trait", of("native-trait")?),
                floor,
            ];
            groups.push((format!("{operation} {format}"), bars));
        }
    }
    let longest = groups
        .iter()
        .flat_map(|(_, bars)| bars)
        .map(|(_, time)| *time)
        .fold(1.0, f64::max);
    let mut body = String::new();
    let mut y = 44.0;
    for (title, bars) in &groups {
        y += 18.0;
        writeln!(
            body,
            "<text x=\"16\" y=\"{y:.0}\" class=\"title\">{title}</text>"
        )?;
        let otel = bars[0].1;
        for (place, (name, time)) in bars.iter().enumerate() {
            y += BAR + 3.0;
            let length = time / longest * (WIDTH - LEFT - 130.0);
            let ratio = time / otel;
            let middle = y - 4.0;
            writeln!(
                body,
                "<text x=\"{:.0}\" y=\"{middle:.0}\" text-anchor=\"end\">{name}</text>\
                 <rect x=\"{LEFT:.0}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"{BAR:.0}\" class=\"bar{place}\"/>\
                 <text x=\"{:.1}\" y=\"{middle:.0}\">{time:.0} ns, {ratio:.2}</text>",
                LEFT - 8.0,
                y - BAR,
                LEFT + length + 8.0,
            )?;
        }
        y += 6.0;
    }
    let height = y + 16.0;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" height=\"{height:.0}\" \
         role=\"img\" aria-label=\"Time to extract and inject a context, by engine\">\n{STYLE}\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" class=\"page\"/>\n\
         <text x=\"16\" y=\"30\" class=\"title\">Median time on a map, and its share of otel's</text>\n{body}</svg>\n"
    ))
}

/// Light or dark, as the reader's system is set. Every bar has its name and figure beside it, so
/// that colour alone says nothing.
const STYLE: &str = "<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: bold }
.page { fill: #ffffff; stroke: #d1d9e0 }
.bar0 { fill: #9a6700 } .bar1 { fill: #0969da } .bar2 { fill: #54aeff } .bar3 { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.page { fill: #0d1117; stroke: #30363d }
.bar0 { fill: #d29922 } .bar1 { fill: #1f6feb } .bar2 { fill: #79c0ff } .bar3 { fill: #484f58 }
}
</style>
";
