//! The clients of the matrix.

use baton_loadgen::{Conflict, Malformed, Scenario, Side};
use baton_propagators::{HeaderDefect, Mode, ModeError, Sampling, XraySource};

/// A client of the ingress grid.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// The client's scenario. Its name is the name of the row.
    pub(super) scenario: Scenario,
    /// Where the producers of this row read X-Ray's header.
    pub(super) xray_source: XraySource,
}

/// A `tracestate`, so that its loss shows.
const TRACESTATE: &str = "baton=1";

/// A row of the ingress grid: its name, the client in words, its formats, and what makes it
/// special.
struct Row(&'static str, &'static str, &'static str, fn(&mut Client));

/// All clients. The first format of each is the client's own context, which a producer should
/// continue.
const ROWS: [Row; 41] = [
    Row("none", "no headers", "none", as_it_is),
    Row("tracecontext", "W3C alone", "tracecontext", as_it_is),
    Row("b3", "B3 alone, in one header", "b3", as_it_is),
    Row(
        "b3multi",
        "B3 alone, in several headers",
        "b3multi",
        as_it_is,
    ),
    Row("jaeger", "Jaeger alone", "jaeger", as_it_is),
    Row("xray", "X-Ray alone", "xray", as_it_is),
    Row("datadog", "Datadog alone", "datadog", as_it_is),
    Row("ottrace", "OT trace alone", "ottrace", as_it_is),
    Row(
        "agreeing",
        "W3C and B3 that agree",
        "tracecontext,b3",
        as_it_is,
    ),
    Row(
        "agreeing_b3multi",
        "W3C and B3 in several headers, which agree",
        "tracecontext,b3multi",
        as_it_is,
    ),
    Row(
        "agreeing_jaeger",
        "W3C and Jaeger that agree",
        "tracecontext,jaeger",
        as_it_is,
    ),
    Row(
        "agreeing_xray",
        "W3C and X-Ray that agree",
        "tracecontext,xray",
        as_it_is,
    ),
    Row(
        "agreeing_datadog",
        "W3C and Datadog that agree",
        "tracecontext,datadog",
        as_it_is,
    ),
    Row(
        "conflicting",
        "the client's own trace in W3C, another in B3",
        "tracecontext,b3",
        |client| {
            client.scenario.conflict = Some(Conflict::Trace);
        },
    ),
    Row(
        "conflicting_own_b3",
        "the client's own trace in B3, another in W3C",
        "b3,tracecontext",
        |client| {
            client.scenario.conflict = Some(Conflict::Trace);
        },
    ),
    Row(
        "conflicting_span",
        "the client's own span in W3C, another of its trace in B3",
        "tracecontext,b3",
        |client| {
            client.scenario.conflict = Some(Conflict::Span);
        },
    ),
    Row(
        "conflicting_span_own_b3",
        "the client's own span in B3, another of its trace in W3C",
        "b3,tracecontext",
        |client| {
            client.scenario.conflict = Some(Conflict::Span);
        },
    ),
    Row(
        "conflicting_sampled",
        "W3C that says to sample, as the client does, and B3 that says not to",
        "tracecontext,b3",
        |client| {
            client.scenario.conflict = Some(Conflict::Sampled);
        },
    ),
    Row(
        "conflicting_sampled_own_b3",
        "B3 that says to sample, as the client does, and W3C that says not to",
        "b3,tracecontext",
        |client| {
            client.scenario.conflict = Some(Conflict::Sampled);
        },
    ),
    Row(
        "conflicting_unsampled",
        "W3C that says not to sample, as the client does, and B3 that says to",
        "tracecontext,b3",
        |client| {
            client.scenario.conflict = Some(Conflict::Sampled);
            client.scenario.sampling = Sampling::Drop;
        },
    ),
    Row(
        "malformed_tracecontext",
        "W3C alone, with ids of zeros",
        "tracecontext",
        |client| {
            broken(client, Side::First, HeaderDefect::Zeros);
        },
    ),
    Row(
        "malformed_b3",
        "B3 alone, with ids of zeros",
        "b3",
        |client| {
            broken(client, Side::First, HeaderDefect::Zeros);
        },
    ),
    Row(
        "malformed_tracecontext_beside_b3",
        "W3C with ids of zeros beside valid B3",
        "tracecontext,b3",
        |client| {
            broken(client, Side::First, HeaderDefect::Zeros);
        },
    ),
    Row(
        "malformed_b3_beside_tracecontext",
        "B3 with ids of zeros beside valid W3C",
        "tracecontext,b3",
        |client| {
            broken(client, Side::Last, HeaderDefect::Zeros);
        },
    ),
    Row(
        "short_tracecontext_beside_b3",
        "W3C with a trace id that lacks its first digit beside valid B3",
        "tracecontext,b3",
        |client| {
            broken(client, Side::First, HeaderDefect::ShortId);
        },
    ),
    Row(
        "short_b3_beside_tracecontext",
        "B3 with a trace id that lacks its first digit beside valid W3C",
        "tracecontext,b3",
        |client| {
            broken(client, Side::Last, HeaderDefect::ShortId);
        },
    ),
    Row(
        "upper_case_tracecontext_beside_b3",
        "W3C in capitals beside valid B3",
        "tracecontext,b3",
        |client| {
            broken(client, Side::First, HeaderDefect::UpperCase);
        },
    ),
    Row(
        "joined_tracecontext",
        "W3C twice in one header, joined by a comma",
        "tracecontext",
        |client| {
            broken(client, Side::First, HeaderDefect::Joined);
        },
    ),
    Row(
        "joined_tracecontext_beside_b3",
        "W3C twice in one header, joined by a comma, beside valid B3",
        "tracecontext,b3",
        |client| {
            broken(client, Side::First, HeaderDefect::Joined);
        },
    ),
    Row(
        "duplicate_tracecontext",
        "W3C twice, in two headers",
        "tracecontext",
        |client| {
            broken(client, Side::First, HeaderDefect::Duplicate);
        },
    ),
    Row(
        "duplicate_tracecontext_beside_b3",
        "W3C twice, in two headers, beside valid B3",
        "tracecontext,b3",
        |client| {
            broken(client, Side::First, HeaderDefect::Duplicate);
        },
    ),
    Row(
        "random_flag",
        "W3C with the random flag",
        "tracecontext",
        |client| {
            client.scenario.random_flag = true;
        },
    ),
    Row(
        "b3_empty_parent",
        "B3 in several headers, with an empty parent id",
        "b3multi",
        |client| {
            client.scenario.b3_empty_parent = true;
        },
    ),
    Row(
        "proxy_rewrites_tracecontext",
        "W3C that a proxy wrote anew for its own trace, and the client's own B3 in several headers",
        "b3multi,tracecontext",
        |client| {
            client.scenario.conflict = Some(Conflict::Trace);
        },
    ),
    Row(
        "b3_64_bit",
        "B3 alone, with a trace id of 64 bits",
        "b3",
        |client| {
            client.scenario.b3_64_bit_ids = true;
        },
    ),
    Row(
        "b3_64_bit_beside_tracecontext",
        "W3C, and the low 64 bits of its trace id in B3",
        "tracecontext,b3",
        |client| {
            client.scenario.b3_64_bit_ids = true;
        },
    ),
    Row(
        "unsampled",
        "W3C and B3 that agree not to sample",
        "tracecontext,b3",
        |client| {
            client.scenario.sampling = Sampling::Drop;
        },
    ),
    Row(
        "deferred_b3",
        "B3 that leaves the decision open",
        "b3",
        |client| {
            client.scenario.sampling = Sampling::Deferred;
        },
    ),
    Row(
        "debug_b3",
        "B3 with the debug state, in one header",
        "b3",
        |client| {
            client.scenario.sampling = Sampling::Debug;
        },
    ),
    Row(
        "debug_b3multi",
        "B3 with the debug state, in several headers",
        "b3multi",
        |client| {
            client.scenario.sampling = Sampling::Debug;
        },
    ),
    Row(
        "lambda_environment",
        "W3C, while Lambda's environment has an X-Ray header with Sampled=0",
        "tracecontext",
        |client| {
            client.xray_source = XraySource::Environment;
        },
    ),
];

fn as_it_is(_: &mut Client) {}

fn broken(client: &mut Client, side: Side, defect: HeaderDefect) {
    client.scenario.malformed = Some(Malformed {
        percent: 100.0,
        side,
        defect: Some(defect),
    });
}

/// All clients, in the order of their rows.
///
/// # Errors
/// None in practice: the modes are baton's own.
pub(super) fn clients() -> Result<Vec<Client>, ModeError> {
    let clients = ROWS.iter().map(|Row(name, _, mode, change)| {
        let mut client = Client {
            scenario: scenario(name, mode.parse()?),
            xray_source: XraySource::Header,
        };
        change(&mut client);
        Ok(client)
    });
    clients.collect()
}

/// The description of a client, or its name if baton does not know it.
pub fn in_words(client: &str) -> &str {
    let row = ROWS.iter().find(|Row(name, ..)| *name == client);
    row.map_or(client, |Row(_, words, ..)| words)
}

/// A client's span in this mode, with everything that the mode can carry, so that a loss shows.
fn scenario(name: &str, mode: Mode) -> Scenario {
    let tracestate = mode.carries_tracestate().then(|| TRACESTATE.to_owned());
    Scenario {
        name: Some(name.to_owned()),
        tracestate,
        ..Scenario::from(mode)
    }
}

/// The client of the record grid. It sends one of the producer's own formats, so that the producer
/// has a context to pass on; if possible, a format with a `tracestate`.
pub(super) fn for_producer(producer: &Mode) -> Scenario {
    let with_state = producer
        .context_formats()
        .find(|format| format.carries_tracestate());
    let context = with_state.or_else(|| producer.context_formats().next());
    let others = producer.formats().iter().copied();
    let baggage = others.filter(|format| !format.carries_context());
    let names: Vec<_> = context
        .into_iter()
        .chain(baggage)
        .map(|format| format.name())
        .collect();
    // names of a mode form a mode again; no names form `none`
    scenario("record", names.join(",").parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use baton_loadgen::{Plan, Settings};

    use super::*;

    #[test]
    fn every_client_can_be_sent_and_has_a_name_of_its_own() {
        let clients = clients().expect("modes of our own");
        let names: HashSet<_> = clients
            .iter()
            .map(|client| client.scenario.name.clone())
            .collect();
        assert_eq!(names.len(), clients.len());
        for client in clients {
            let plan = Plan::new(Settings::new("http://127.0.0.1/", client.scenario));
            plan.expect("no fault");
        }
    }

    #[test]
    fn each_producer_gets_one_of_its_own_formats() {
        for (producer, spoken) in [
            ("none", "none"),
            ("b3multi,jaeger", "b3multi"),
            ("b3,tracecontext", "tracecontext"),
            ("baggage,b3", "b3,baggage"),
            ("baggage", "baggage"),
        ] {
            let scenario = for_producer(&producer.parse().expect("a mode"));
            assert_eq!(scenario.client.to_string(), spoken, "{producer}");
        }
    }
}
