//! Writes a service map for a terminal as a table of edges, grouped by their senders.

use super::sentences::summary;
use super::starts;
use super::{channel, edge_facts, leaving, node_facts, senders};
use crate::terminal::{TextStyle, columns, fitted, padded};
use baton_traces::service_map::{Edge, NodeKind, ServiceMap};
use baton_traces::shown::{self, count};

/// The longest name of a service or channel, in columns. Longer names are cut.
const MAX_NAME: usize = 32;
/// The columns before the name of a receiver.
const INDENT: &str = "  ";

/// One line of the table, before its columns are aligned.
struct Row {
    sign: &'static str,
    to: String,
    channel: String,
    count: String,
    held: String,
    facts: String,
    /// Whether the trace is known to hold or to break here.
    whole: Option<bool>,
}

/// The map as lines of text, without a line break at the end. Senders come before their receivers
/// where no cycle prevents it.
pub(super) fn text(map: &ServiceMap, style: TextStyle) -> String {
    let widths = Widths::of(map, style);
    let mut lines = vec![summary(map), String::new()];
    if !map.edges.is_empty() {
        let heading = widths.line(&heading(), style);
        lines.push(heading.trim_end().to_owned());
    }
    let senders = senders(map);
    let mut alone = Vec::new();
    for node in order(map) {
        let edges = leaving(map, node);
        let sender = &map.nodes[node];
        let name = fitted(&sender.name, MAX_NAME, style.ellipsis());
        if edges.is_empty() {
            alone.extend((senders[node] == 0).then_some(name));
            continue;
        }
        lines.push(format!("{}, {}", style.bold(&name), node_facts(sender)));
        lines.extend(
            edges
                .iter()
                .map(|edge| widths.line(&row(map, edge, style), style)),
        );
    }
    if !alone.is_empty() {
        lines.push(format!("No hand-off shown: {}", alone.join(", ")));
    }
    lines.join("\n")
}

/// The nodes in the order of their layers, as a depth-first search finds them.
fn order(map: &ServiceMap) -> Vec<usize> {
    let mut order = Vec::with_capacity(map.nodes.len());
    let mut is_done = vec![false; map.nodes.len()];
    for start in starts(map) {
        let mut waiting = vec![start];
        while let Some(node) = waiting.pop() {
            if !std::mem::replace(&mut is_done[node], true) {
                order.push(node);
                waiting.extend(leaving(map, node).iter().rev().map(|edge| edge.to));
            }
        }
    }
    order
}

fn heading() -> Row {
    Row {
        sign: " ",
        to: String::new(),
        channel: "over".to_owned(),
        count: "hand-offs".to_owned(),
        held: "held".to_owned(),
        facts: "verdicts".to_owned(),
        whole: None,
    }
}

fn row(map: &ServiceMap, edge: &Edge, style: TextStyle) -> Row {
    let receiver = &map.nodes[edge.to];
    let name = match receiver.kind {
        NodeKind::Queue => format!("stream {}", receiver.name),
        _ => receiver.name.clone(),
    };
    let facts = edge_facts(map, edge).join(", ");
    let whole = match (edge.broken, edge.holds()) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    };
    let cut = |text: &str| fitted(text, MAX_NAME, style.ellipsis());
    Row {
        sign: match (whole, style.unicode) {
            (Some(true), true) => "✓",
            (Some(true), false) => "+",
            (Some(false), true) => "✗",
            (Some(false), false) => "x",
            (None, _) => " ",
        },
        to: cut(&name),
        channel: cut(&channel(edge)),
        count: count(edge.count),
        held: held(edge),
        facts: match edge.broken_count() {
            0 => facts,
            _ => format!("{facts}: broken"),
        },
        whole,
    }
}

/// The share of hand-offs that held, or between which shares it is.
fn held(edge: &Edge) -> String {
    let share = edge.share_between();
    share.map_or_else(|| "-".to_owned(), shown::share)
}

/// The widths of the columns.
struct Widths {
    to: usize,
    channel: usize,
    count: usize,
    held: usize,
}

impl Widths {
    fn of(map: &ServiceMap, style: TextStyle) -> Widths {
        let rows = map.edges.iter().map(|edge| row(map, edge, style));
        let rows: Vec<Row> = rows.chain([heading()]).collect();
        let width = |text: fn(&Row) -> &str| {
            let widths = rows.iter().map(|row| columns(text(row)));
            widths.max().unwrap_or_default()
        };
        Widths {
            to: width(|row| &row.to),
            channel: match map.edges.iter().all(|edge| edge.channel.is_none()) {
                true => 0,
                false => width(|row| &row.channel),
            },
            count: width(|row| &row.count),
            held: width(|row| &row.held),
        }
    }

    fn line(&self, row: &Row, style: TextStyle) -> String {
        let ellipsis = style.ellipsis();
        let right = |text: &str, width: usize| {
            let missing = width.saturating_sub(columns(text));
            " ".repeat(missing) + text
        };
        let coloured = |text: &str| match row.whole {
            Some(whole) => style.verdict_coloured(text, whole),
            None => text.to_owned(),
        };
        // the edges of a run have no channel
        let channel = match self.channel {
            0 => String::new(),
            width => format!("  {}", padded(&row.channel, width, ellipsis)),
        };
        format!(
            "{INDENT}{} {}{channel}  {}  {}  {}",
            coloured(row.sign),
            padded(&row.to, self.to, ellipsis),
            right(&row.count, self.count),
            right(&row.held, self.held),
            coloured(&row.facts),
        )
    }
}
