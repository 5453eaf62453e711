//! Checks that docs/reference/ agrees with the code: help, variables, verdicts and names of files.
//!
//! `BATON_UPDATE_DOCS=1 cargo test --test whole reference` updates it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use baton_functions::{Topic, VARIABLES, Variable};
use baton_traces::hand_off::{Flag, Verdict};
use baton_traces::readers::Form;
use baton_traces::run::{Function, RunDirectory};
use baton_traces::run::{STREAM_FILE, UNDELIVERABLE_FILE};

use crate::support::command::Sandbox;

/// Says where a page comes from, to someone who opens it in an editor.
const GENERATED: &str = "<!-- Generated: BATON_UPDATE_DOCS=1 cargo test --test whole reference -->";

/// The columns of the documents.
const MAX_COLUMNS: usize = 100;

/// Compares a page with the document, or writes it.
fn check(name: &str, text: &str) {
    let path = folder().join(name);
    let page = format!("{GENERATED}\n\n{}\n", folded(text.trim_end()));
    if std::env::var_os("BATON_UPDATE_DOCS").is_some() {
        std::fs::write(path, page).expect("the page");
        return;
    }
    let saved = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        saved == page,
        "docs/reference/{name} is out of date; BATON_UPDATE_DOCS=1 cargo test --test whole \
         reference updates it"
    );
}

/// The page with its paragraphs folded into lines of at most [`MAX_COLUMNS`]. Tables, lists,
/// headings and the output of commands stay as they are.
fn folded(text: &str) -> String {
    let mut is_output = false;
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let stays =
            is_output || paragraph.starts_with(['|', '#', '-', '<']) || paragraph.contains("```");
        is_output ^= paragraph.matches("```").count() % 2 == 1;
        if stays {
            return paragraph.to_owned();
        }
        let mut lines = vec![String::new()];
        for word in paragraph.split_whitespace() {
            let line = lines.last_mut().expect("there is a line");
            if line.is_empty() {
                line.push_str(word);
            } else if line.chars().count() + 1 + word.chars().count() <= MAX_COLUMNS {
                line.push(' ');
                line.push_str(word);
            } else {
                lines.push(word.to_owned());
            }
        }
        lines.join("\n")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference")
}

/// What a command prints on standard output.
async fn printed(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let finished = sandbox.run(arguments).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let lines = finished.stdout.trim_end().lines().map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_commands_are_those_of_the_help() {
    let sandbox = Sandbox::new();
    let help = printed(&sandbox, &["--help"]).await;
    let pages = printed(&sandbox, &["man", "--out", "man"]).await;
    let names = pages
        .lines()
        .filter_map(|path| path.strip_suffix(".1")?.rsplit_once("baton-"));
    let mut names: Vec<_> = names.map(|(_, name)| name).collect();
    // in the order of the help, by use
    names.sort_by_key(|name| help.find(&format!("\n  {name} ")));
    let mut text = format!("# Commands\n\n```text\n{help}\n```\n");
    for name in names {
        let help = printed(&sandbox, &["help", name]).await;
        write!(text, "\n## baton {name}\n\n```text\n{help}\n```\n").expect("memory");
    }
    check("commands.md", &text);
}

#[test]
fn the_variables_are_those_that_the_functions_read() {
    let mut text = "# Environment variables\n\n\
        The functions read these variables, in the lab as on AWS. A value that is not accepted stops \
        the\nfunction at its start, with an error that names the variable, the value and what is \
        accepted. An empty\nvalue counts as unset.\n\n\
        A lab passes the variables `OTEL_*` and `BATON_*` of your shell to its functions, except \
        `OTEL_EXPORTER_*`\nand `OTEL_SERVICE_NAME`, so that spans do not leave this machine by accident. \
        `--function` can set them;\nsee [backends.md](../backends.md#in-the-lab).\n"
        .to_owned();
    for (topic, title) in [
        (Topic::Propagation, "Propagation"),
        (Topic::Spans, "Spans"),
        (Topic::Export, "Where the spans go"),
        (Topic::Aws, "AWS"),
    ] {
        write!(
            text,
            "\n## {title}\n\n| variable | sets | values | default |\n| --- | --- | --- | --- |\n"
        )
        .expect("memory");
        for variable in VARIABLES.iter().filter(|variable| variable.topic == topic) {
            text.push_str(&row(variable));
        }
    }
    text.push_str(
        "\n## The command\n\n\
         | variable | sets | default |\n| --- | --- | --- |\n\
         | `OTEL_PROPAGATORS`, `BATON_INJECT`, `BATON_EXTRACT`, `BATON_ENGINE` | the modes and the \
         engine of `baton up`, where no flag sets them | as above |\n\
         | `BATON_RUNTIME_DIR` | the folder in which running labs are listed | `baton` in \
         `$XDG_RUNTIME_DIR`, or a folder of the user among the temporary files |\n\
         | `TRACEPARENT`, `TRACESTATE`, `BAGGAGE` | the context that the requests of `baton burst` belong \
         to, and that `baton explain` reads if it gets no other text; see below | unset |\n\
         | `NO_COLOR` | prints without colour, unless it is empty | unset |\n\
         | `TERM` | prints without colour if it is `dumb` | unset |\n\
         | `COLUMNS` | the width of what is printed, unless the terminal reports its own | 100 |\n\n\
         `TRACEPARENT`, `TRACESTATE` and `BAGGAGE` are\n\
         [carriers of a context](https://opentelemetry.io/docs/specs/otel/context/env-carriers/), which many \
         CI systems\nset. With `TRACEPARENT`, every request of `baton burst` is a child of its span, with its \
         sampling\ndecision; without it, every request begins a trace. Flags win: `--tracestate` over \
         `TRACESTATE`,\n`--baggage` over `BAGGAGE`, and `--client` decides what is carried. A value that cannot be \
         read is\nignored, and `baton burst` says so.\n",
    );
    check("environment.md", &text);
}

fn row(variable: &Variable) -> String {
    let choices: Vec<_> = variable
        .choices
        .iter()
        .map(|choice| format!("`{choice}`"))
        .collect();
    let values = match choices.is_empty() {
        true => variable.form.to_owned(),
        false => choices.join(", "),
    };
    let default = variable
        .default
        .map_or_else(|| "unset".to_owned(), |value| format!("`{value}`"));
    format!(
        "| `{}` | {} | {values} | {default} |\n",
        variable.name, variable.sets
    )
}

#[tokio::test]
async fn the_exit_codes_are_those_of_the_help() {
    let help = printed(&Sandbox::new(), &["--help"]).await;
    let (_, codes) = help.split_once("\nExit codes:\n").expect("the table");
    let mut text = "# Exit codes\n\n| code | meaning |\n| ---: | --- |\n".to_owned();
    for line in codes.lines().take_while(|line| !line.is_empty()) {
        let (code, meaning) = line.trim().split_once(' ').expect("a code and its meaning");
        writeln!(text, "| {code} | {} |", meaning.trim()).expect("memory");
    }
    text.push_str(
        "\nA failed command says why in one sentence on standard error, which names the path or the \
         address,\nand the flag that it comes from. `baton up` ends with Ctrl-C: there the code is 0, \
         or 1 if something\nwas not delivered.\n",
    );
    check("exit-codes.md", &text);
}

#[test]
fn the_verdicts_are_those_of_the_code() {
    let mut text = "# Verdicts\n\n\
        Each hand-off gets one verdict. baton matches the two ends by ids that are independent of \
        the trace\ncontext, so a verdict never relies on what it judges. If a source does not show \
        enough to judge a\nhand-off, it gets no verdict, and baton says what is unknown.\n\n\
        | verdict | the hand-off | when |\n| --- | --- | --- |\n"
        .to_owned();
    for verdict in Verdict::ALL {
        let trace = match verdict.holds() {
            true => "holds",
            false => "breaks",
        };
        writeln!(text, "| `{verdict}` | {trace} | {} |", verdict.meaning()).expect("memory");
    }
    text.push_str(
        "\n## Flags\n\nA flag says what else did not survive, whatever the verdict. A flag that a \
         source cannot show\nis `null`.\n\n| flag | when |\n| --- | --- |\n",
    );
    for flag in Flag::ALL {
        writeln!(text, "| `{flag}` | {} |", flag.meaning()).expect("memory");
    }
    check("verdicts.md", &text);
}

#[test]
fn the_exports_are_those_that_are_read() {
    let mut text = "# Exports\n\n\
        `baton audit`, `map`, `traces` and `compare` read spans in these forms. A form is recognised by \
        its\ncontent, and never by a file's name. Each may be compressed with gzip or zstd.\nText may be in UTF-8 \
        or UTF-16, and its lines as containers log them: `docker compose logs`,\n`kubectl logs \
        --prefix`, files of the CRI and of Docker's `json-file` driver.\n\n\
        | form | written by |\n| --- | --- |\n"
        .to_owned();
    for form in Form::ALL {
        writeln!(text, "| {form} | {} |", form.written_by()).expect("memory");
    }
    text.push_str(
        "\nThese have no spans, or only parts of them. baton refuses them by name, and says \
         what to export\ninstead: X-Ray's trace summaries, Tempo's answer to a search, logs \
         and metrics of OpenTelemetry,\ndocuments of Elastic APM and events of its agents, \
         documents of Zipkin in Elasticsearch and of\nOpenSearch's Data Prepper, answers of \
         the APIs of Datadog, Lightstep and Splunk, Datadog payloads in\nMessagePack or \
         protobuf, rows of Honeycomb, New Relic, Google Cloud Trace, Application \
         Insights,\nSigNoz, Axiom, Coralogix, Logfire and Instana, spans of Uptrace, \
         OpenCensus and Oracle's Application\nPerformance Monitoring, traces of Langfuse, \
         LangSmith, MLflow and Pinpoint, events of Sentry, the\noutput of the console \
         exporters for C++ and Swift, and the log of Java's LoggingSpanExporter.\n",
    );
    check("exports.md", &text);
}

/// The files of a run, and what they hold.
fn files(run: &RunDirectory) -> Vec<(PathBuf, &'static str)> {
    vec![
        (
            run.manifest_path(),
            "pairing, engine, settings, versions, start and end",
        ),
        (
            run.spans_path(),
            "all spans as OTLP/JSON, one `ExportTraceServiceRequest` per line, in zstd: what the \
             OpenTelemetry Collector's file exporter writes, and its `otlpjsonfile` receiver reads",
        ),
        (
            run.log_path(Function::Producer),
            "the producer's log, a JSON object per line: one for each request, and one for each \
             record that it put on the stream",
        ),
        (
            run.log_path(Function::Consumer),
            "the consumer's log, a JSON object per line: one for each record",
        ),
        (
            run.load_path(),
            "the load generator's figures: requests, latencies with their histograms, and goose's \
             metrics",
        ),
        (
            run.summary_path(),
            "verdicts, flags, latencies and throughput: one element of `runs` in \
             `baton compare --format json`",
        ),
        (run.report_path(), "the report, one page without scripts"),
        (
            run.path().join(UNDELIVERABLE_FILE),
            "records that the consumer failed on too often, or had not handled when the lab ended, with the reason; only if there are any",
        ),
        (
            run.path().join(STREAM_FILE),
            "with `--durable`: the records that the lab has accepted and not delivered yet; removed when the lab ends and none is left",
        ),
    ]
}

#[tokio::test]
async fn the_files_are_those_of_a_run() {
    let sandbox = Sandbox::new();
    let arguments = ["run", "none", "--requests", "1", "--out", "runs"];
    printed(&sandbox, &arguments).await;
    let run = RunDirectory::open(sandbox.path("runs/none")).expect("a run");
    let files = files(&run);
    let written = walk(run.path());
    let unlisted = written
        .iter()
        .find(|file| files.iter().all(|(path, _)| path != *file));
    assert_eq!(unlisted, None, "a file that the page does not list");

    let mut text = "# Files of a run\n\n\
        `baton run`, `baton up --save`, `baton burst --out` and `baton merge` write a run: a \
        directory\nthat is enough to judge it again, on any machine. `baton burst --out` writes no logs, \
        because it does not\nrun the functions.\n\n| file | what it holds |\n| --- | --- |\n"
        .to_owned();
    for (path, holds) in files {
        let name = path.strip_prefix(run.path()).expect("a file of the run");
        writeln!(text, "| `{}` | {holds} |", name.display()).expect("memory");
    }
    text.push_str(
        "\nThe directory is named after the pairing: `:` becomes `_to_`, `,` becomes `+`, and the \
         second run of\na pairing gets `_2`. So `tracecontext,b3:b3` is `tracecontext+b3_to_b3`.\n",
    );
    check("files.md", &text);
}

/// All files below a folder, without hidden ones.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let shown = paths.filter(|path| {
        let name = path.file_name().unwrap_or_default();
        !name.to_string_lossy().starts_with('.')
    });
    shown
        .flat_map(|path| match path.is_dir() {
            true => walk(&path),
            false => vec![path],
        })
        .collect()
}
