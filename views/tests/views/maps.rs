//! Maps of large systems in every format, and names that try to break out of them.

use std::collections::BTreeMap;

use baton_traces::audit::{Between, Channel, ChannelKind};
use baton_traces::hand_off::Verdict;
use baton_traces::service_map::{Edge, Node, NodeKind, Selection, ServiceMap};
use baton_traces::shown::visible;
use baton_traces::version::Version;
use baton_views::drawing::Page;
use baton_views::service_map::{dot, drawing, mermaid, text};
use baton_views::terminal::TextStyle;
use proptest::prelude::*;

const STYLE: TextStyle = TextStyle {
    unicode: true,
    colour: false,
};

fn node(name: &str) -> Node {
    Node {
        kind: NodeKind::Service,
        name: visible(name),
        spans: 60,
    }
}

/// An edge with `broken` hand-offs of 80.
fn edge(from: usize, to: usize, destination: Option<&str>, broken: u64) -> Edge {
    let verdicts = [
        (Verdict::Connected, 80 - broken),
        (Verdict::NewTrace, broken),
    ];
    Edge {
        from,
        to,
        channel: Some(Channel {
            kind: destination.map_or(ChannelKind::Http, |_| ChannelKind::Messaging),
            system: destination.map(|_| "kafka".to_owned()),
            destination: destination.map(str::to_owned),
        }),
        count: 80,
        verdicts: verdicts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect(),
        ambiguous: Between::default(),
        not_judged: 0,
        per_second: None,
        broken: broken > 0,
    }
}

/// Numbers that look random and are always the same.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    move |limit| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % limit
    }
}

/// A system of services that call each other, in circles too, and itself.
fn system(services: usize, edges: usize, seed: u64) -> ServiceMap {
    let mut number = numbers(seed);
    let mut map = ServiceMap::default();
    map.nodes = (0..services)
        .map(|place| node(&format!("service-{place:02}")))
        .collect();
    let mut ends = BTreeMap::new();
    while ends.len() < edges {
        ends.insert((number(services), number(services)), number(4) == 0);
    }
    let ends = ends.into_iter();
    map.edges = ends
        .map(|((from, to), is_broken)| edge(from, to, None, if is_broken { 37 } else { 0 }))
        .collect();
    map
}

/// The numbers in an attribute of an element.
fn place(element: &roxmltree::Node<'_, '_>) -> [f64; 4] {
    ["x", "y", "width", "height"].map(|name| {
        let value = element.attribute(name).unwrap_or_default();
        value.parse().unwrap_or_default()
    })
}

/// The boxes of nodes in a picture.
fn boxes(document: &roxmltree::Document<'_>) -> Vec<[f64; 4]> {
    let boxes = document.descendants().filter(|node| {
        let class = node.attribute("class").unwrap_or_default();
        node.has_tag_name("rect") && ["box", "queue"].contains(&class)
    });
    boxes.map(|node| place(&node)).collect()
}

fn assert_apart(boxes: &[[f64; 4]], what: &str) {
    for (number, [x, y, width, height]) in boxes.iter().enumerate() {
        for [left, top, their_width, their_height] in &boxes[number + 1..] {
            let apart = x + width <= *left
                || left + their_width <= *x
                || y + height <= *top
                || top + their_height <= *y;
            assert!(apart, "{what}: boxes overlap");
        }
    }
}

/// Systems that would be several pages high if every hand-off led one row down.
fn deep_systems() -> [(&'static str, ServiceMap); 3] {
    let system = |services: usize, mut edges: Vec<(usize, usize)>| {
        let names = (0..services).map(|place| node(&format!("service-{place:02}")));
        edges.sort_unstable();
        let edge = |(number, (from, to)): (usize, (usize, usize))| {
            edge(from, to, None, if number % 9 == 4 { 37 } else { 0 })
        };
        let mut map = ServiceMap::default();
        map.nodes = names.collect();
        map.edges = edges.into_iter().enumerate().map(edge).collect();
        map
    };
    let chain: Vec<(usize, usize)> = (0..29).map(|from| (from, from + 1)).collect();
    let circle = [&chain[..], &[(29, 0)]].concat();
    let stores = (0..26).step_by(3).map(|from| (from, 30 + from / 3));
    let detours = [(20, 3), (2, 18)];
    let branched = chain.iter().copied().chain(stores).chain(detours);
    [
        ("branched", system(39, branched.collect())),
        ("chain", system(30, chain)),
        ("circle", system(30, circle)),
    ]
}

#[test]
fn a_deep_system_fits_a_page_in_columns() {
    for (name, map) in deep_systems() {
        let svg = drawing(&map, Page::Wide).standalone();
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let [_, _, width, height] = place(&document.root_element());
        assert!(width <= 1000.0, "{name}: {width} pixels wide");
        assert!(height <= 1.45 * width, "{name}: {height} pixels high");
        let boxes = boxes(&document);
        assert_eq!(boxes.len(), map.nodes.len(), "{name}");
        assert_apart(&boxes, name);
        let lines = document.descendants().filter(|node| {
            let class = node.attribute("class").unwrap_or_default();
            class.starts_with("edge ")
        });
        assert_eq!(lines.count(), map.edges.len(), "{name}");
        // a phone's page has no end, so nothing is folded
        let svg = drawing(&map, Page::Narrow).standalone();
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let [_, _, width, _] = place(&document.root_element());
        assert!(width <= 400.0, "{name}: {width} pixels wide on a phone");
    }
}

#[test]
fn a_system_of_40_services_fits_a_page_without_overlap() {
    for seed in 0..8 {
        let map = system(40, 60, seed);
        let svg = drawing(&map, Page::Wide).standalone();
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        assert_apart(&boxes(&document), &format!("seed {seed}"));
        let texts = document
            .descendants()
            .filter(|node| node.has_tag_name("text"));
        let texts: Vec<&str> = texts.filter_map(|node| node.text()).collect();
        for node in &map.nodes {
            let is_there = texts.iter().any(|text| text.contains(&node.name));
            assert!(is_there, "seed {seed}: {} is not named", node.name);
        }
        // every broken edge is marked at its head, and listed in words
        let broken = map.edges.iter().filter(|edge| edge.broken);
        let (own, others): (Vec<&Edge>, Vec<&Edge>) = broken.partition(|edge| edge.from == edge.to);
        let marks = texts.iter().filter(|text| **text == "✗ 37 of 80").count();
        assert_eq!(marks, others.len(), "seed {seed}");
        let listed = texts
            .iter()
            .filter(|text| text.contains("37 of 80 broke (new_trace)"));
        assert_eq!(listed.count(), own.len() + others.len(), "seed {seed}");
        let dashed = document
            .descendants()
            .filter(|node| node.attribute("class") == Some("edge broken"));
        assert_eq!(dashed.count(), others.len(), "seed {seed}");
        // the lines between far rows need room beside the boxes
        let width = svg
            .split("width=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let width: f64 = width.expect("a width").parse().expect("a number");
        assert!(width <= 1200.0, "seed {seed}: {width} pixels");
    }
}

#[test]
fn a_system_with_too_many_edges_for_lines_is_a_matrix() {
    let map = system(40, 600, 1);
    let svg = drawing(&map, Page::Wide).standalone();
    let document = roxmltree::Document::parse(&svg).expect("well-formed");
    let cells = document
        .descendants()
        .filter(|node| node.attribute("class") == Some("cell broken"));
    assert_eq!(
        cells.count(),
        map.edges.iter().filter(|edge| edge.broken).count()
    );
    assert!(
        svg.contains("more broken edges"),
        "the list of edges has an end"
    );
}

#[test]
fn every_format_has_every_edge_once() {
    let map = system(40, 60, 3);
    let table = text(&map, STYLE);
    assert_eq!(
        table
            .lines()
            .filter(|line| line.contains(" connected"))
            .count(),
        60
    );
    assert!(
        table.lines().all(|line| line.chars().count() <= 100),
        "{table}"
    );
    assert!(table.lines().all(|line| !line.contains('\u{1b}')));
    assert_eq!(mermaid(&map).matches("> n").count(), 60);
    assert_eq!(dot(&map).matches(" -> ").count(), 60);
    let coloured = text(
        &map,
        TextStyle {
            colour: true,
            ..STYLE
        },
    );
    assert!(coloured.contains("\u{1b}[31m"));
}

#[test]
fn a_selection_has_its_edges_and_their_nodes_only() {
    let map = ServiceMap {
        version: Version::default(),
        nodes: ["a", "b", "c", "d"].map(node).to_vec(),
        edges: vec![
            edge(0, 1, None, 0),
            edge(1, 2, None, 5),
            edge(2, 3, None, 0),
        ],
    };
    let select = |names: &[&str], broken| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let selected = map.select(&Selection { names, broken });
        let name = |place: usize| selected.nodes[place].name.clone();
        let edges = selected.edges.iter();
        let edges = edges.map(|edge| format!("{}{}", name(edge.from), name(edge.to)));
        (selected.nodes.len(), edges.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(select(&[], false), (4, "ab bc cd".to_owned()));
    assert_eq!(select(&[], true), (2, "bc".to_owned()));
    assert_eq!(select(&["a"], false), (2, "ab".to_owned()));
    assert_eq!(select(&["a"], true), (1, String::new()));
    assert_eq!(select(&["c", "a"], false), (4, "ab bc cd".to_owned()));
}

/// The texts in double quotes, without their quotes.
fn quoted(text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut current: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (&mut current, letter) {
            (None, '"') => current = Some(String::new()),
            (Some(_), '"') => texts.extend(current.take()),
            (Some(text), '\\') => {
                text.push('\\');
                text.extend(letters.next());
            }
            (Some(text), letter) => text.push(letter),
            (None, _) => {}
        }
    }
    assert_eq!(current, None, "a text that does not end");
    texts
}

/// What Mermaid shows for a label.
fn shown_by_mermaid(label: &str) -> String {
    let mut shown = String::new();
    let mut rest = label;
    while let Some((before, code)) = rest.split_once('#') {
        let (number, after) = code.split_once(';').expect("a whole code");
        let number: u32 = number.parse().expect("a number");
        shown.push_str(before);
        shown.push(char::from_u32(number).expect("a character"));
        rest = after;
    }
    shown + rest
}

/// What Graphviz shows for a label.
fn shown_by_graphviz(label: &str) -> String {
    let mut shown = String::new();
    let mut letters = label.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => shown.push('\n'),
                Some(escaped @ ('\\' | '"')) => shown.push(escaped),
                other => panic!("an escape of Graphviz: {other:?}"),
            },
            _ => shown.push(letter),
        }
    }
    shown.replace("&amp;", "&")
}

/// Text that is likely to mean something in one of the formats.
fn hostile() -> impl Strategy<Value = String> {
    let parts = [
        "<script>",
        "</text>",
        "-->",
        "%%{init:{}}%%",
        "end",
        "\"",
        "'",
        "`",
        "\\",
        "\\N",
        "#quot;",
        "#",
        ";",
        "&lt;",
        "&",
        "|",
        "[",
        "]",
        "{",
        "}",
        "\n",
        "\r",
        "\u{1b}[31m",
        "\u{202e}",
        "\u{200b}",
        "\0",
        "click",
        " ",
        "日本",
        "é",
        "style a:#",
        "a",
    ];
    let part = prop_oneof![
        proptest::sample::select(parts.to_vec()).prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_name_breaks_out_of_any_format(first in hostile(), second in hostile(), queue in hostile()) {
        let mut map = ServiceMap {
            version: Version::default(),
            nodes: vec![node(&first), node(&second)],
            edges: vec![edge(0, 0, None, 3), edge(0, 1, Some(&queue), 5), edge(1, 0, None, 0)],
        };
        let controls = |letter: char| letter.is_control() && letter != '\n' || "\u{202e}\u{200b}".contains(letter);
        let table = text(&map, STYLE);
        prop_assert!(!table.contains(controls), "{table:?}");
        prop_assert_eq!(table.lines().count(), 3 + 2 + 3);

        let short = |name: &str| name.chars().take(20).collect::<String>();
        let drawn = mermaid(&map);
        prop_assert_eq!(drawn.lines().count(), 1 + 2 + 3 + 2);
        let labels = quoted(&drawn);
        prop_assert_eq!(labels.len(), 5);
        for (label, name) in labels.iter().zip([&first, &second]) {
            let safe = |letter: char| letter.is_ascii_alphanumeric() || " -_.,/#;".contains(letter);
            let (before, _) = label.split_once("<br/>").expect("two lines");
            prop_assert!(before.chars().all(safe), "{before}");
            prop_assert!(shown_by_mermaid(before).starts_with(&short(&visible(name))));
        }

        let drawn = dot(&map);
        prop_assert!(!drawn.contains(controls), "{drawn:?}");
        prop_assert_eq!(drawn.lines().count(), 4 + 2 + 3 + 1);
        let labels = quoted(&drawn);
        let labels: Vec<&String> = labels.iter().filter(|label| label.contains("spans")).collect();
        for (label, name) in labels.iter().zip([&first, &second]) {
            prop_assert!(shown_by_graphviz(label).starts_with(&short(&visible(name))));
        }

        // a chain, rows, and a matrix
        for edges in [1, 3, 40] {
            map.edges = (0..edges).map(|_| edge(0, 1, Some(&queue), 5)).collect();
            for page in [Page::Wide, Page::Narrow] {
                let svg = drawing(&map, page).standalone();
                prop_assert!(!svg.contains(controls), "{svg:?}");
                let document = roxmltree::Document::parse(&svg).expect("well-formed");
                let elements = document.descendants().filter(roxmltree::Node::is_element);
                for element in elements {
                    let name = element.tag_name().name();
                    prop_assert!(["svg", "style", "rect", "path", "text"].contains(&name), "{name}");
                }
            }
        }
    }
}
