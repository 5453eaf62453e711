//! `baton man`: the manual pages, one of baton and one of each command.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_mangen::Man;
use serde_json::json;

use crate::arguments::{Format, ManArguments, documented_command};
use crate::failure::{Exit, Failure};
use crate::print::output::Output;

/// A page, and the file name under which `man` looks for it.
struct Page {
    file: String,
    text: String,
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
        Format::Json => output.print_json(&json!({"file": page.file, "page": page.text}))?,
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
        Format::Json => output.print_json(&json!({"saved": saved}))?,
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
        text: text + &exit_status(),
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
