//! Log lines with something around each: the output of containers, as Docker, Docker Compose and
//! Kubernetes store or print it.
//!
//! - `docker compose logs` and `kubectl logs --prefix` put a name before each line:
//!   `web-1  | {…`, `[pod/web-1/web] {…`.
//! - The Container Runtime Interface puts a time, the stream and a tag before each:
//!   `2026-01-01T00:00:00.0Z stdout F {…`; the tag is `P` for all but the last part of a line.
//! - Docker's `json-file` driver stores each line as `{"log":"…","stream":"stdout","time":"…"}`.
//! - `journalctl -o json` prints each line in the member `MESSAGE` of an object.

use std::io;

use serde::Deserialize;

use super::lines::{LineError, Lines};
use super::{self as input, Input};
use crate::readers::MAX_LINE_BYTES;

/// What is around each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::readers) enum Wrapping {
    /// A name and ` | `.
    Compose,
    /// `[pod/POD/CONTAINER] `.
    Kubectl,
    /// A time, a stream and a tag.
    Cri,
    /// An object of JSON.
    DockerJson,
    /// An object of JSON from systemd's journal.
    Journal,
}

/// What a wrapped line holds.
enum Inside {
    /// Text, and whether the line of text ends there.
    Text(String, bool),
    /// Nothing: the text was too long for what printed the line.
    LeftOut,
}

/// How many lines must be wrapped in the same way.
const MAX_LINES: usize = 20;

impl Wrapping {
    /// What is around each of the first lines of `beginning`, if it is the same for all.
    pub(in crate::readers) fn of(beginning: &[u8]) -> Option<Wrapping> {
        let text = String::from_utf8_lossy(beginning);
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let lines: Vec<&str> = lines.take(MAX_LINES).collect();
        // the last line may be cut
        let is_cut = !text.ends_with('\n') && lines.len() > 1;
        let whole = &lines[..lines.len() - usize::from(is_cut)];
        let all = [
            Wrapping::DockerJson,
            Wrapping::Journal,
            Wrapping::Cri,
            Wrapping::Kubectl,
            Wrapping::Compose,
        ];
        let unwraps = |wrapping: &Wrapping| {
            !whole.is_empty() && whole.iter().all(|line| wrapping.unwrap(line).is_some())
        };
        all.into_iter().find(unwraps)
    }

    /// What is in a line; `None` if it is not wrapped.
    fn unwrap(self, line: &str) -> Option<Inside> {
        // serde also reads a list as an object's members in order
        let object = line.starts_with('{').then_some(line);
        let whole = |text: &str| Inside::Text(text.to_owned(), true);
        match self {
            Wrapping::Compose => {
                let (name, text) = line.split_once('|')?;
                let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                let name = name.trim_end();
                let is_named = !name.is_empty() && name.bytes().all(is_name);
                is_named.then(|| whole(text.strip_prefix(' ').unwrap_or(text)))
            }
            Wrapping::Kubectl => {
                let (_, text) = line.strip_prefix("[pod/")?.split_once(']')?;
                Some(whole(text.strip_prefix(' ').unwrap_or(text)))
            }
            Wrapping::Cri => {
                let mut parts = line.splitn(4, ' ');
                let time = parts.next()?;
                let is_time = time.len() > 18 && time.as_bytes()[10] == b'T';
                let is_stream = matches!(parts.next()?, "stdout" | "stderr");
                let tag = parts.next()?;
                let text = parts.next().unwrap_or_default();
                let is_wrapped = is_time && is_stream && matches!(tag, "F" | "P");
                is_wrapped.then(|| Inside::Text(text.to_owned(), tag == "F"))
            }
            Wrapping::DockerJson => {
                let Entry { log } = serde_json::from_str(object?).ok()?;
                let is_whole = log.ends_with('\n');
                let text = log.trim_end_matches(['\r', '\n']).to_owned();
                Some(Inside::Text(text, is_whole))
            }
            Wrapping::Journal => {
                let entry: JournalEntry = serde_json::from_str(object?).ok()?;
                let is_whole = entry.line_break.as_deref() != Some("line-max")
                    && entry.is_partial.as_deref() != Some("true");
                Some(match entry.message {
                    Message::Text(text) => Inside::Text(text, is_whole),
                    Message::Bytes(bytes) => {
                        Inside::Text(String::from_utf8_lossy(&bytes).into_owned(), is_whole)
                    }
                    Message::LeftOut(()) => Inside::LeftOut,
                })
            }
        }
    }
}

/// A line of Docker's `json-file` driver.
#[derive(Deserialize)]
struct Entry {
    log: String,
}

/// A line of systemd's journal.
#[derive(Deserialize)]
struct JournalEntry {
    #[serde(rename = "MESSAGE")]
    message: Message,
    /// `line-max` if systemd cut the line, because it is too long.
    #[serde(rename = "_LINE_BREAK", default)]
    line_break: Option<String>,
    /// `true` if Docker's `journald` driver cut the line.
    #[serde(rename = "CONTAINER_PARTIAL_MESSAGE", default)]
    is_partial: Option<String>,
}

/// A line that a program wrote, as the journal prints it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Text(String),
    /// Text with characters that are not printable, such as those that set colours.
    Bytes(Vec<u8>),
    /// `null`: it is too long for `journalctl` without `--all`.
    LeftOut(()),
}

/// The problem with a journal that lacks the text of some lines.
const LEFT_OUT: &str = "the journal was printed without its long lines, which may be spans: use \
                        `journalctl -o json --all`";

/// The lines of `input` without what is around them. A line that is not wrapped stays as it is.
pub(in crate::readers) fn unwrapped(input: Input<'_>, wrapping: Wrapping) -> Input<'_> {
    let mut lines = Lines::new(input, MAX_LINE_BYTES);
    input::in_pieces(move || match lines.next_line() {
        Ok(line) => line.map(|line| unwrapped_line(line, wrapping)).transpose(),
        Err(LineError::Input(error)) => Err(error),
        Err(LineError::TooLong) => {
            let problem = format!("a line is longer than {MAX_LINE_BYTES} bytes");
            Err(io::Error::new(io::ErrorKind::InvalidData, problem))
        }
    })
}

/// The text in a line, with a line feed unless the next line goes on with it.
fn unwrapped_line(line: &[u8], wrapping: Wrapping) -> io::Result<Vec<u8>> {
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end_matches('\r');
    let (mut text, is_whole) = match wrapping.unwrap(line) {
        Some(Inside::Text(text, is_whole)) => (text, is_whole),
        Some(Inside::LeftOut) => {
            return Err(io::Error::new(io::ErrorKind::InvalidData, LEFT_OUT));
        }
        None => (line.to_owned(), true),
    };
    if is_whole {
        text.push('\n');
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn lines_are_unwrapped() {
        for (wrapping, text) in [
            (
                Wrapping::Compose,
                "web-1  | {\nweb-1  |   \"a\": 1\nweb-1  | }\n",
            ),
            (
                Wrapping::Kubectl,
                "[pod/web-1/web] {\n[pod/web-1/web]   \"a\": 1\n[pod/web-1/web] }\n",
            ),
            (
                Wrapping::Cri,
                "2026-01-01T00:00:00.000000000Z stdout F {\n\
                 2026-01-01T00:00:00.000000000Z stdout P   \"a\"\n\
                 2026-01-01T00:00:00.000000000Z stdout F : 1\n\
                 2026-01-01T00:00:00.000000000Z stdout F }\n",
            ),
            (
                Wrapping::DockerJson,
                "{\"log\":\"{\\n\",\"stream\":\"stdout\"}\n{\"log\":\"  \\\"a\\\": 1\\n\"}\n{\"log\":\"}\\n\"}\n",
            ),
            (
                Wrapping::Journal,
                "{\"MESSAGE\":\"{\",\"_PID\":\"1\"}\n{\"MESSAGE\":\"  \\\"a\\\": 1\"}\n{\"MESSAGE\":\"}\"}\n",
            ),
            (
                Wrapping::Journal,
                "{\"MESSAGE\":\"{\"}\n{\"MESSAGE\":\"  \\\"a\",\"_LINE_BREAK\":\"line-max\"}\n{\"MESSAGE\":\"\\\": 1\"}\n{\"MESSAGE\":\"}\",\"_LINE_BREAK\":\"eof\"}\n",
            ),
            (
                Wrapping::Journal,
                "{\"MESSAGE\":[123]}\n{\"MESSAGE\":\"  \",\"CONTAINER_PARTIAL_MESSAGE\":\"true\"}\n{\"MESSAGE\":\"\\\"a\\\": 1\"}\n{\"MESSAGE\":\"}\"}\n",
            ),
        ] {
            assert_eq!(Wrapping::of(text.as_bytes()), Some(wrapping), "{text}");
            let mut read = String::new();
            let mut lines = unwrapped(Box::new(text.as_bytes()), wrapping);
            lines.read_to_string(&mut read).expect("text");
            assert_eq!(read, "{\n  \"a\": 1\n}\n", "{wrapping:?}");
        }
        let text = "{\"MESSAGE\":\"{null\"}\n{\"MESSAGE\": null}\n{\"MESSAGE\":\"}\"}\n";
        assert_eq!(Wrapping::of(text.as_bytes()), Some(Wrapping::Journal));
        let mut lines = unwrapped(Box::new(text.as_bytes()), Wrapping::Journal);
        let error = lines.read_to_string(&mut String::new()).expect_err(text);
        assert!(error.to_string().ends_with("`journalctl -o json --all`"));
        for text in ["", "{}\n", "a | b c\nd\n", "hello\nworld\n"] {
            assert_eq!(Wrapping::of(text.as_bytes()), None, "{text}");
        }
    }
}
