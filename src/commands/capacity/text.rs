//! The plan for people: a table of all modes, the arithmetic, what bites first, and what was assumed.

use std::iter;

use comfy_table::{CellAlignment, Table};

use super::Answer;
use super::arithmetic::Step;
use super::number::{dollars, figure};
use super::quotas::{Quota, RECORD};
use crate::arguments::CapacityArguments;
use crate::print::fitting::{fitted, plain_table};
use crate::print::output::Output;

const HEADINGS: [&str; 11] = [
    "mode",
    "context\nbytes",
    "record\nbytes",
    "MB/s",
    "shards",
    "shards\nby",
    "producers\nat once",
    "consumers\nat once",
    "Kinesis\nper month",
    "or on\ndemand",
    "all, per\nmonth",
];
/// Columns of words; all others are figures and stand to the right.
const WORDS: [usize; 2] = [0, 5];
/// With more modes than this, the arithmetic of the first stands for all.
const MODES_IN_FULL: usize = 2;

fn row(answer: &Answer) -> [String; 11] {
    let plan = &answer.plan;
    [
        answer.mode.to_string(),
        figure(answer.record.carrier_bytes as f64),
        figure(answer.record.total() as f64),
        figure(plan.bytes_per_second / 1e6),
        figure(plan.shards as f64),
        plan.shards_by.to_owned(),
        figure(plan.producer.concurrency),
        figure(plan.consumer.concurrency),
        dollars(plan.cost.kinesis_provisioned),
        dollars(plan.cost.kinesis_on_demand),
        dollars(plan.cost.total),
    ]
}

/// Plain text.
pub(super) fn plain(answers: &[Answer], arguments: &CapacityArguments, output: &Output) -> String {
    let mut table = plain_table(HEADINGS, output);
    table.add_rows(answers.iter().map(row));
    for index in 0..table.column_count() {
        if let (false, Some(column)) = (WORDS.contains(&index), table.column_mut(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut parts = vec![fitted(&table, &[])];
    for answer in in_full(answers) {
        let mut lines = plain_table(iter::empty::<&str>(), output);
        lines.add_rows(answer.plan.steps.iter().map(|step| {
            let Step { what, sum, result } = step;
            [(*what).to_owned(), format!("{sum} ="), result.clone()]
        }));
        parts.push(format!("{}\n{}", answer.mode, fitted(&lines, &[0, 1])));
        parts.push(limits(answer, output));
    }
    let sentences = sentences(answers, arguments);
    let sentences: Vec<_> = sentences.iter().map(|said| output.folded(said)).collect();
    parts.push(sentences.join("\n"));
    parts.join("\n\n")
}

fn limits(answer: &Answer, output: &Output) -> String {
    let mut table: Table = plain_table(["limit", "needed", "quota", "used", "reached at"], output);
    table.add_rows(answer.quotas.iter().map(quota));
    for index in 1..table.column_count() {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    fitted(&table, &[0])
}

fn quota(quota: &Quota) -> [String; 5] {
    [
        quota.name.to_owned(),
        figure(quota.needed),
        figure(quota.limit),
        format!("{} %", figure(quota.used * 100.0)),
        match quota.reached_at_rate {
            Some(rate) => format!("{} /s", figure(rate)),
            None if quota.is_exceeded() => "any rate".to_owned(),
            None => "no rate".to_owned(),
        },
    ]
}

/// Markdown for a document.
pub(super) fn markdown(answers: &[Answer], arguments: &CapacityArguments) -> String {
    let headings = HEADINGS.map(|heading| heading.replace('\n', " "));
    let alignment: Vec<_> = (0..HEADINGS.len())
        .map(|index| {
            if WORDS.contains(&index) {
                "---"
            } else {
                "---:"
            }
        })
        .collect();
    let mut lines = vec![line(&headings), line(&alignment)];
    lines.extend(answers.iter().map(|answer| {
        let mut cells = row(answer);
        cells[0] = format!("`{}`", cells[0]);
        line(&cells)
    }));
    let mut parts = vec![lines.join("\n")];
    for answer in in_full(answers) {
        let mut lines = vec![
            line(&["", "arithmetic", "result"]),
            line(&["---", "---", "---:"]),
        ];
        let steps = answer.plan.steps.iter();
        lines.extend(steps.map(|step| line(&[step.what, &step.sum, &step.result])));
        parts.push(format!(
            "The arithmetic for `{}`:\n\n{}",
            answer.mode,
            lines.join("\n")
        ));
        let mut lines = vec![
            line(&["limit", "needed", "quota", "used", "reached at"]),
            line(&["---", "---:", "---:", "---:", "---:"]),
        ];
        lines.extend(answer.quotas.iter().map(|limit| line(&quota(limit))));
        parts.push(lines.join("\n"));
    }
    let sentences = sentences(answers, arguments);
    let bullets: Vec<_> = sentences.iter().map(|said| format!("- {said}")).collect();
    parts.push(bullets.join("\n"));
    parts.join("\n\n")
}

fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |", cells.join(" | "))
}

/// The modes whose arithmetic is shown: of many, `tracecontext`, or the first.
fn in_full(answers: &[Answer]) -> &[Answer] {
    if answers.len() <= MODES_IN_FULL {
        return answers;
    }
    let usual = answers
        .iter()
        .position(|answer| answer.mode.to_string() == "tracecontext");
    let place = usual.unwrap_or_default();
    &answers[place..=place]
}

fn sentences(answers: &[Answer], arguments: &CapacityArguments) -> Vec<String> {
    let mut sentences = Vec::new();
    let shown = in_full(answers);
    if let ([answer], true) = (shown, answers.len() > 1) {
        sentences.push(format!(
            "The sums of the others differ from those of {} in the record's bytes; --mode MODE shows one.",
            answer.mode
        ));
    }
    sentences.extend(shown.iter().filter_map(first_limit));
    sentences.extend(answers.iter().filter_map(overload));
    sentences.extend(assumptions(arguments));
    sentences
}

fn first_limit(answer: &Answer) -> Option<String> {
    let first = answer.quotas.first()?;
    if first.name == RECORD && first.is_exceeded() {
        return Some(format!(
            "{}: no rate works: a record has {} bytes, and baton's producer refuses more than {}, as Kinesis does by default.",
            answer.mode,
            figure(first.needed),
            figure(first.limit)
        ));
    }
    let works = match first.is_exceeded() {
        true => {
            "which this rate is beyond: ask AWS to raise it, or use several accounts or regions"
        }
        false => "which this rate is within",
    };
    let place = match first.reached_at_rate {
        Some(rate) => format!(" at {} messages/s", figure(rate)),
        None => String::new(),
    };
    Some(format!(
        "{}: the limit that bites first is {} ({}){place}, {works}.",
        answer.mode,
        first.name,
        figure(first.limit)
    ))
}

/// What to do where the consumers do not keep up.
fn overload(answer: &Answer) -> Option<String> {
    let consumer = &answer.plan.consumer;
    if consumer.keeps_up {
        return None;
    }
    let advice = match consumer.parallelization_needed {
        Some(parallel) => format!("--parallelization {parallel} is enough"),
        None => "only more shards, larger batches or faster consumers help".to_owned(),
    };
    Some(format!(
        "{}: the consumers do not keep up: the busiest shard gets {} % of what they can handle; {advice}.",
        answer.mode,
        figure(consumer.load * 100.0)
    ))
}

/// What every figure rests on: a sentence each.
pub(super) fn assumptions(arguments: &CapacityArguments) -> Vec<String> {
    let tracestate = arguments.tracestate.as_deref().unwrap_or("none");
    let mut assumptions = vec![
        format!(
            "Headers are those that engine {} writes for ids of W3C's example; baggage {}, where listed; tracestate {tracestate}.",
            arguments.engine, arguments.baggage
        ),
        "Prices are those of the flags; the defaults are list prices of us-east-1 as known in November 2025, without free \
         tier, volume discounts, data transfer, logs and traces: look them up before you decide."
            .to_owned(),
        "Durations are those of the flags; the defaults were measured on a laptop's core (docs/performance.md), without \
         AWS' network: measure yours."
            .to_owned(),
    ];
    if arguments.consumers > 1 {
        assumptions.push(format!(
            "{} consumers read the stream; Lambda's concurrency, requests and cost are those of one of them.",
            arguments.consumers
        ));
    }
    assumptions
}
