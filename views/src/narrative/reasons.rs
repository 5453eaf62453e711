//! Why a trace broke: the verdicts say what happened, and the modes of the two sides say why.

use baton_propagators::Mode;

use super::share;
use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::summary::Summary;

/// Why hand-offs of `hop` broke: one reason per verdict. Several reasons each come with their share
/// of the `delivered` hand-offs.
pub(super) fn of(summary: &Summary, hop: Hop, delivered: u64) -> String {
    let broken: Vec<(Verdict, u64)> = Verdict::ALL
        .into_iter()
        .filter(|verdict| !verdict.holds() && *verdict != Verdict::Lost)
        .map(|verdict| (verdict, summary.count(hop, verdict)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let alone = broken.len() == 1;
    let reasons: Vec<String> = broken
        .into_iter()
        .map(|(verdict, count)| {
            let reason = reason(summary, hop, verdict, delivered);
            if alone {
                reason
            } else {
                format!("{}: {reason}", share(count, delivered, hop))
            }
        })
        .collect();
    reasons.join("; ")
}

fn reason(summary: &Summary, hop: Hop, verdict: Verdict, delivered: u64) -> String {
    let receiver = receiver(hop);
    match verdict {
        Verdict::NewTrace if summary.count(hop, Verdict::NewTrace) == delivered => {
            why_all_new(summary, hop)
        }
        Verdict::NewTrace => format!("the {receiver} started a new trace"),
        Verdict::WrongParent => {
            format!("the {receiver} kept the trace, but its parent is another span")
        }
        Verdict::WrongTrace => {
            format!("the {receiver} continued a context that is not its sender's")
        }
        Verdict::IdTruncated => {
            format!("only the low 64 bits of the trace id are left at the {receiver}")
        }
        Verdict::Unsampled => {
            format!(
                "context arrived, but the {receiver} did not sample what its sender had sampled"
            )
        }
        Verdict::Connected | Verdict::Linked | Verdict::Lost => verdict.to_string(),
    }
}

/// Why every receiver started a new trace. This happens when the modes of the two sides do not
/// match.
fn why_all_new(summary: &Summary, hop: Hop) -> String {
    let sender = match hop {
        Hop::Ingress => "client",
        Hop::Record => "producer",
    };
    let receiver = receiver(hop);
    let modes = summary.pairing.as_ref();
    let (written, read) = match hop {
        Hop::Ingress => (
            summary.client.as_ref(),
            modes.map(|pairing| &pairing.producer),
        ),
        Hop::Record => (
            modes.map(|pairing| &pairing.producer),
            modes.map(|pairing| &pairing.consumer),
        ),
    };
    let no_carrier =
        hop == Hop::Record && summary.carrier_bytes.is_some_and(|sizes| sizes.max == 0);
    match (written, read) {
        (Some(written), _) if has_no_context(written) => match hop {
            Hop::Ingress => "the client sent no context".to_owned(),
            Hop::Record => "no context in the record".to_owned(),
        },
        _ if no_carrier => "no context in the record".to_owned(),
        (_, Some(read)) if has_no_context(read) => format!("the {receiver} reads no context"),
        (Some(written), Some(read)) if !read.reads(written) => format!(
            "the {sender} wrote {}, the {receiver} reads only {}",
            headers(written),
            headers(read)
        ),
        (Some(_), Some(read)) => format!(
            "the {receiver} started a new trace although it reads {}, as the {sender} wrote",
            headers(read)
        ),
        (None, Some(read)) => format!(
            "the {receiver} reads {} and continued nothing",
            headers(read)
        ),
        _ => format!("the {receiver} started a new trace"),
    }
}

/// Whether no format of a mode carries a trace context.
fn has_no_context(mode: &Mode) -> bool {
    mode.context_formats().next().is_none()
}

fn receiver(hop: Hop) -> &'static str {
    match hop {
        Hop::Ingress => "producer",
        Hop::Record => "consumer",
    }
}

/// The headers of a mode's formats that carry a trace context.
fn headers(mode: &Mode) -> String {
    let headers: Vec<String> = mode
        .context_formats()
        .map(|format| format.headers().to_owned())
        .collect();
    super::list(headers.iter().map(String::as_str))
}
