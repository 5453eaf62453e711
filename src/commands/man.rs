//! `baton man`: the manual pages, one of baton and one of each command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use baton_traces::version::Version;
use clap::Command;
use clap_mangen::Man;
use serde::Serialize;

use crate::arguments::{Format, ManArguments, documented_command};
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::print::output::Output;

/// A page, and the file name under which `man` looks for it.
struct Page {
    file: String,
    text: String,
}

/// What `baton man --format json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PageJson<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    /// The file name under which `man` looks for the page.
    file: &'a str,
    /// The page in roff.
    page: &'a str,
}

/// What `baton man --out DIR --format json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SavedJson<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    /// The files of the pages.
    saved: &'a [PathBuf],
}

/// Prints one page, or writes all of them.
pub(crate) fn man(arguments: &ManArguments, output: &Output) -> Result<ExitCode, Failure> {
    let baton = documented_command();
    if let Some(directory) = &arguments.out {
        return write_all(&baton, directory, output);
    }
    let page = match arguments.command.as_deref() {
        None => page(&baton)?,
        Some(name) => {
            let command = baton
                .find_subcommand(name)
                .ok_or_else(|| unknown(name, &baton))?;
            page(command)?
        }
    };
    match output.format {
        Format::Json => output.print_json(&PageJson {
            version: Version::default(),
            file: &page.file,
            page: &page.text,
        })?,
        _ => output.print(page.text.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write_all(baton: &Command, directory: &Path, output: &Output) -> Result<ExitCode, Failure> {
    let unwritable = |path: &Path, error| Failure::writing(path)(error).of("--out");
    fs::create_dir_all(directory).map_err(|error| unwritable(directory, error))?;
    let mut saved = Vec::new();
    for command in [baton].into_iter().chain(baton.get_subcommands()) {
        let page = page(command)?;
        let path = directory.join(&page.file);
        fs::write(&path, page.text).map_err(|error| unwritable(&path, error))?;
        saved.push(path);
    }
    match output.format {
        Format::Json => output.print_json(&SavedJson {
            version: Version::default(),
            saved: &saved,
        })?,
        _ => {
            for path in &saved {
                output.print(&path.display().to_string())?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn page(command: &Command) -> Result<Page, Failure> {
    let version = concat!("baton ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(version);
    let mut text = Vec::new();
    man.render(&mut text).map_err(Failure::not_carried_out)?;
    let text = String::from_utf8(text).map_err(Failure::not_carried_out)?;
    Ok(Page {
        file: man.get_filename(),
        text: text + &examples(command.get_name()) + &exit_status(),
    })
}

/// Commands for examples: by the name of the page, each with what it does.
const EXAMPLES: [(&str, &[(&str, &str)]); 14] = [
    (
        "run",
        &[
            ("baton run", "Run the default pairings and compare them"),
            ("baton run b3 b3", "See how much two equal runs differ"),
            (
                "baton run tracecontext:b3 --fail-under record.connected=99.9%",
                "Fail if records start new traces",
            ),
        ],
    ),
    (
        "burst",
        &[
            (
                "baton burst --endpoint http://127.0.0.1:3000/dev/producer",
                "Send a burst to a lab",
            ),
            (
                "baton burst --endpoint old=http://127.0.0.1:8001/ --endpoint new=http://127.0.0.1:8002/",
                "Compare two endpoints in rounds",
            ),
        ],
    ),
    (
        "matrix",
        &[(
            "baton matrix --format markdown",
            "Measure every pairing of modes, as a document",
        )],
    ),
    (
        "up",
        &[(
            "baton up --producer tracecontext,b3 --save runs/mine",
            "Start a lab and keep what it saw",
        )],
    ),
    (
        "switch",
        &[(
            "baton switch producer=b3",
            "Let the producer of the lab send B3",
        )],
    ),
    (
        "logs",
        &[(
            "baton logs --follow consumer",
            "Follow the log of the consumer",
        )],
    ),
    (
        "explain",
        &[(
            "baton explain 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'",
            "Say what a header holds",
        )],
    ),
    (
        "audit",
        &[(
            "baton audit spans.json --fail-under 99%",
            "Judge the hand-offs in an export",
        )],
    ),
    (
        "compare",
        &[(
            "baton compare before.json after.json --format markdown",
            "Compare two exports, for a pull request",
        )],
    ),
    (
        "traces",
        &[("baton traces --verdict new_trace", "List traces that broke")],
    ),
    (
        "map",
        &[(
            "baton map spans.json --format svg > map.svg",
            "Draw which service hands over to which",
        )],
    ),
    (
        "merge",
        &[(
            "baton merge runs/part-* --out runs/whole",
            "Join the runs of several load generators",
        )],
    ),
    (
        "completions",
        &[(
            "baton completions bash > baton.bash",
            "Write the completions for bash",
        )],
    ),
    (
        "man",
        &[("baton man --out man", "Write all manual pages to a folder")],
    ),
];

/// The section with examples; empty without any.
fn examples(command: &str) -> String {
    let found = EXAMPLES.iter().find(|(name, _)| *name == command);
    found.map_or_else(String::new, |(_, examples)| {
        let entry = |(line, what): &(&str, &str)| {
            format!(".TP\n.B \"{}\"\n{what}\n", line.replace('-', "\\-"))
        };
        let entries: String = examples.iter().map(entry).collect();
        format!(".SH EXAMPLES\n{entries}")
    })
}

/// The section about exit codes.
fn exit_status() -> String {
    let entry = |exit: Exit| format!(".TP\n.B {}\n{}\n", exit.code(), exit.meaning());
    format!(".SH \"EXIT STATUS\"\n{}", Exit::ALL.map(entry).concat())
}

fn unknown(name: &str, baton: &Command) -> Failure {
    let names: Vec<_> = baton.get_subcommands().map(Command::get_name).collect();
    Failure::usage(format!(
        "baton has no command {name:?}; its commands are {}",
        names.join(", ")
    ))
}
