//! `baton logs`: prints the functions' logs, unchanged or readable.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use baton_lab::registry;
use baton_traces::run::RunDirectory;
use baton_traces::shown::visible;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::arguments::{Format, LogsArguments};
use crate::failure::Failure;
use crate::lab_client;
use crate::print::output::{Output, ascii};

/// How often a followed log is read again.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// The fields at the beginning of a line, shown without their names.
const FIRST: [&str; 4] = ["timestamp", "level", "service", "message"];
/// How many fields a short line names.
const MAX_NAMED: usize = 2;
/// Fields that repeat another field.
const LEFT_OUT: [&str; 3] = ["event", "parent_is_remote", "parent_span_id"];

/// Prints the log, with the lines of every record that was sent before; with `--follow` until the
/// lab has ended.
pub(crate) fn logs(arguments: &LogsArguments, output: &Output) -> Result<ExitCode, Failure> {
    let lab = lab_client::find(&arguments.lab)?;
    if !arguments.follow {
        // waits until the consumer has its records; the log is shown even if the lab cannot be asked
        let _ = lab_client::flush(&lab);
    }
    let path = RunDirectory::open(lab.directory)?.log_path(arguments.function);
    let mut log = Lines::open(path)?;
    loop {
        // asked before the file is read, so that the last lines of a lab are printed
        let is_up =
            registry::labs().is_ok_and(|labs| labs.iter().any(|other| other.pid == lab.pid));
        while let Some(line) = log.next()? {
            output.print(&match output.format {
                // JSON may hold characters that control the terminal
                Format::Json => ascii(&line),
                _ if arguments.long || !output.is_terminal() => readable(&line),
                _ => short(&line),
            })?;
        }
        if !arguments.follow || !is_up {
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// The complete lines of a file that may still grow.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    unfinished: Vec<u8>,
}

impl Lines {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        match File::open(&path) {
            Ok(file) => Ok(Lines {
                path,
                reader: BufReader::new(file),
                unfinished: Vec::new(),
            }),
            Err(error) => Err(Failure::reading(&path)(error)),
        }
    }

    fn next(&mut self) -> Result<Option<String>, Failure> {
        self.reader
            .read_until(b'\n', &mut self.unfinished)
            .map_err(Failure::reading(&self.path))?;
        if self.unfinished.pop_if(|byte| *byte == b'\n').is_none() {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&self.unfinished).into_owned();
        self.unfinished.clear();
        Ok(Some(line))
    }
}

/// The fields of a line in their order, with each value as JSON.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a log line")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Time, level, service and message, then the other fields by name. A line that is not JSON stays
/// as it is.
fn readable(line: &str) -> String {
    let Ok(Fields(fields)) = serde_json::from_str::<Fields<'_>>(line) else {
        return visible(line);
    };
    let mut parts: Vec<String> = FIRST
        .iter()
        .filter_map(|first| fields.iter().find(|(name, _)| name == first))
        .map(|(_, value)| plain(value.get()))
        .collect();
    for (name, value) in &fields {
        let name = name.as_str();
        if !FIRST.contains(&name) && !LEFT_OUT.contains(&name) && value.get() != "null" {
            parts.push(format!("{}={}", visible(name), plain(value.get())));
        }
    }
    parts.join(" ")
}

/// Time, service, message, trace id, and the request or the record, if the line has them. A line
/// that is not JSON stays as it is.
fn short(line: &str) -> String {
    let Ok(Fields(fields)) = serde_json::from_str::<Fields<'_>>(line) else {
        return visible(line);
    };
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name == wanted);
        found
            .filter(|(_, value)| value.get() != "null")
            .map(|(_, value)| plain(value.get()))
    };
    // the date of a lab that is up is known
    let time = field("timestamp").map(|time| match time.split_once('T') {
        Some((_, time)) => time.trim_end_matches('Z').to_owned(),
        None => time,
    });
    let level = field("level").filter(|level| level != "INFO");
    let service = field("service").map(|name| name.trim_end_matches("-lambda").to_owned());
    let named = ["trace_id", "sequence_number", "request_id"]
        .into_iter()
        .filter_map(|name| Some(format!("{name}={}", field(name)?)))
        .take(MAX_NAMED);
    let parts = [time, level, service, field("message")];
    let parts: Vec<String> = parts.into_iter().flatten().chain(named).collect();
    parts.join(" ")
}

/// A value: a string without its quotes, anything else as JSON.
fn plain(json: &str) -> String {
    match serde_json::from_str::<String>(json) {
        Ok(text) => visible(&text),
        Err(_) => visible(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_made_readable() {
        let line = r#"{"timestamp":"2026-11-23T05:00:00Z","level":"INFO","service":"consumer-lambda","message":"record received","event":"record.received","sequence_number":"7","tracecontext":{"b3":"0"},"record":null}"#;
        assert_eq!(
            readable(line),
            r#"2026-11-23T05:00:00Z INFO consumer-lambda record received sequence_number=7 tracecontext={"b3":"0"}"#
        );
    }

    #[test]
    fn short_lines_have_what_people_look_for() {
        let line = r#"{"timestamp":"2026-11-23T05:00:00.123Z","level":"INFO","service":"consumer-lambda","message":"record received","event":"record.received","sequence_number":"7","trace_id":"0af7651916cd43dd8448eb211c80319c","tracecontext":{"b3":"0"},"record":null}"#;
        assert_eq!(
            short(line),
            "05:00:00.123 consumer record received trace_id=0af7651916cd43dd8448eb211c80319c sequence_number=7"
        );
        let line = r#"{"timestamp":"x","level":"WARN","message":"a\u001b[31mb","request_id":null}"#;
        assert!(short(line).starts_with("x WARN a"), "{}", short(line));
        assert!(!short(line).contains('\u{1b}'));
    }

    #[test]
    fn nothing_in_a_log_controls_the_terminal() {
        for line in [
            "plain \u{1b}[31mred",
            "plain \u{202e}der",
            r#"{"message":"a\u001b[31mb","x\u001b":"\u0007"}"#,
        ] {
            let shown = readable(line);
            let is_hidden = |c: char| c.is_control() || c == '\u{202e}';
            assert!(!shown.chars().any(is_hidden), "{shown}");
        }
    }
}
