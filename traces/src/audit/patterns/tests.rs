use super::*;
use crate::audit::{Channel, ChannelKind};

/// A system in lines such as `web > cart 10 held 2 new_trace over sqs`.
fn system(lines: &str) -> Judged {
    let edge = |line: &str| {
        let (edge, over) = line.split_once(" over ").unwrap_or((line, ""));
        let words: Vec<&str> = edge.split_whitespace().collect();
        let count = |number: &str| number.parse::<u64>().expect("a count");
        let verdicts = words[3..].chunks(2).map(|pair| {
            let verdict = match pair[1] {
                "held" => Verdict::Connected,
                "new_trace" => Verdict::NewTrace,
                "wrong_trace" => Verdict::WrongTrace,
                _ => Verdict::Unsampled,
            };
            (verdict, count(pair[0]))
        });
        let mut edge = Edge {
            from: words[0].to_owned(),
            to: words[2].to_owned(),
            verdicts: verdicts.collect(),
            ..Edge::default()
        };
        edge.handoffs = edge.verdicts.values().sum();
        if !over.is_empty() {
            edge.channel = Channel {
                kind: ChannelKind::Messaging,
                system: Some(over.to_owned()),
                destination: None,
            };
        }
        edge
    };
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    Judged {
        edges: lines.map(edge).collect(),
        ..Judged::default()
    }
}

#[track_caller]
fn assert_patterns(lines: &str, expected: &[&str]) {
    let patterns = system(lines).patterns();
    let found: Vec<String> = patterns.iter().map(Pattern::sentence).collect();
    assert_eq!(found, expected, "{lines}");
}

/// Services `a…` hold among themselves, and so do services `b…`.
const HALF_MIGRATED: &str = "
    a1 > a2 10 held
    a2 > a3 10 held
    b1 > b2 10 held
    b2 > b3 10 held
    a1 > b1 10 new_trace
    a2 > b2 8 new_trace 2 wrong_trace
    b1 > a2 10 new_trace
    b2 > a3 10 new_trace
    a3 > b3 10 wrong_trace
    b3 > a1 10 new_trace
    a1 > b3 10 new_trace";

#[test]
fn a_half_migrated_system_has_two_groups() {
    assert_patterns(
        HALF_MIGRATED,
        &[
            "Two groups of services do not understand each other: a1, a2 and a3, and b1, b2 and b3. Between them, all \
             70 hand-offs broke; within them, all 40 held. It looks as if each group reads only a format \
             that the other does not send.",
        ],
    );
    // a few exceptions are counted
    assert_patterns(
        &HALF_MIGRATED.replace("a1 > a2 10 held", "a1 > a2 98 held 2 new_trace"),
        &[
            "Two groups of services do not understand each other: a1, a2 and a3, and b1, b2 and b3. Between them, all \
             70 hand-offs broke; within them, 128 of 130 held. It looks as if each group reads only a format \
             that the other does not send.",
        ],
    );
}

#[test]
fn what_does_not_fit_is_not_two_groups() {
    let others = [
        // too few pairs: chance would give groups as well
        "a1 > a2 10 held
         b1 > b2 10 held
         a1 > b1 10 new_trace
         b2 > a2 10 new_trace",
        // an edge between the groups holds
        &HALF_MIGRATED.replace("a1 > b3 10 new_trace", "a1 > b3 100 held"),
        // their samplers decide, not their formats
        &HALF_MIGRATED
            .replace("new_trace", "unsampled")
            .replace("wrong_trace", "unsampled"),
        // half of the hand-offs within a group break
        &HALF_MIGRATED.replace("a1 > a2 10 held", "a1 > a2 50 held 50 new_trace"),
    ];
    for lines in others {
        assert_patterns(lines, &[]);
    }
}

#[test]
fn a_service_at_which_traces_end_or_begin_is_named() {
    assert_patterns(
        "web > cart 10 held
         web > stock 10 held
         web > ledger 6 new_trace
         cart > ledger 4 new_trace
         ledger > bank 10 held",
        &[
            "ledger continues no trace: all 10 hand-offs to it broke, from 2 services. The context of 1 of these is \
             continued elsewhere, so look first at ledger and at what is in front of it.",
        ],
    );
    assert_patterns(
        "web > cart 10 held
         web > stock 10 held
         cron > cart 99 new_trace 1 held
         cron > stock 4 wrong_trace",
        &[
            "No service continues the traces of cron: 103 of 104 hand-offs from it broke, to 2 services. 2 of these \
             continue the context of others, so look first at cron.",
        ],
    );
    assert_patterns(
        "web > cart 10 held
         cart > stock 90 held 10 new_trace
         web > legacy 10 new_trace
         cart > legacy 10 new_trace
         legacy > stock 5 new_trace",
        &[
            "legacy is cut off: all 25 hand-offs to it and from it broke, with 3 services; of the hand-offs between \
             other services, 100 of 110 held. It looks as if it speaks another format than the rest.",
        ],
    );
}

#[test]
fn a_channel_that_carries_no_context_is_named() {
    assert_patterns(
        "web > cart 10 held
         web > mail 10 new_trace over sqs
         cart > stock 20 new_trace over sqs
         cart > mail 10 new_trace over sqs",
        &[
            "Over sqs, all 40 hand-offs broke, on 3 edges; of those over other channels, all 10 held. It looks as if no \
             context is written into what sqs carries, or none is read.",
        ],
    );
}

#[test]
fn one_edge_or_a_system_in_which_all_breaks_is_no_pattern() {
    let systems = [
        "",
        "web > cart 10 new_trace",
        "web > cart 10 held
         web > mail 10 new_trace",
        "web > cart 10 new_trace
         web > mail 10 new_trace
         cart > mail 10 new_trace",
        // the senders' contexts are not continued anywhere, so it may be their fault
        "web > cart 10 new_trace
         shop > cart 10 new_trace
         cart > mail 10 held",
    ];
    for lines in systems {
        assert_patterns(lines, &[]);
    }
}

#[test]
fn a_large_group_is_shortened() {
    let many: Vec<String> = (0..9).map(|number| format!("s{number}")).collect();
    assert_eq!(named(&many[..7]), "s0, s1, s2, s3, s4, s5 and s6");
    assert_eq!(named(&many), "s0, s1, s2, s3, s4, s5 and 3 more");
}
