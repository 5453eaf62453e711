//! Brings the spans of a source into an order that does not depend on the order of arrival.

use super::{At, End, Gathered, HeaderAt, IdAt, LinkAt};
use crate::matching::sort::sort;
use crate::span::Kind;

/// Sorts the spans by trace and then by span, and all that refers to them. Of a span that occurs
/// twice, one is kept.
pub(super) fn sort_all(gathered: &mut Gathered) {
    let places = sort_spans(gathered);
    std::thread::scope(|scope| {
        for ids in gathered.ids.each() {
            scope.spawn(|| move_ids(ids, &places));
        }
        move_links(&mut gathered.links, &places);
    });
    for header in &mut gathered.headers {
        header.at = places[header.at as usize];
    }
    let names = &gathered.names;
    gathered.headers.sort_by_key(|header| {
        (
            header.at,
            header.header,
            names.text(header.value).to_owned(),
        )
    });
    // of a span that was exported twice
    let parts = |header: &HeaderAt| (header.at, header.header, header.value);
    gathered.headers.dedup_by_key(|header| parts(header));
}

/// Senders before receivers, so that of a shared id the client comes first.
pub(super) fn rank(kind: Kind) -> i8 {
    match kind {
        Kind::Client | Kind::Producer => 0,
        Kind::Internal | Kind::Unspecified => 1,
        Kind::Server | Kind::Consumer => 2,
    }
}

/// Sorts the spans, and keeps one of those that occur twice. Returns the new place of each span.
fn sort_spans(gathered: &mut Gathered) -> Vec<At> {
    let names = &gathered.names;
    let spans = &mut gathered.spans;
    sort(spans, |one, other| {
        let by_ids = (one.trace, one.span).cmp(&(other.trace, other.span));
        by_ids.then_with(|| {
            // of a span that was also exported in another form, OTLP says the most
            let order = |end: &End| (!end.kind.is_sender(), !end.is_whole, -rank(end.kind));
            order(one)
                .cmp(&order(other))
                .then_with(|| names.text(one.service).cmp(names.text(other.service)))
                .then_with(|| (one.start, other.end).cmp(&(other.start, one.end)))
                .then_with(|| one.number.cmp(&other.number))
        })
    });
    let mut places = vec![0; spans.len()];
    let mut kept = 0;
    for place in 0..spans.len() {
        let end = spans[place];
        if kept == 0 || !is_same(&spans[kept - 1], &end) {
            spans[kept] = end;
            kept += 1;
        }
        places[end.number as usize] = (kept - 1) as At;
    }
    spans.truncate(kept);
    places
}

/// Whether both are one span. In B3, client and server may share an id; they are two spans.
fn is_same(left: &End, right: &End) -> bool {
    let ids = |end: &End| (end.trace, end.span, end.kind.is_sender());
    ids(left) == ids(right)
}

fn move_ids(ids: &mut Vec<IdAt>, places: &[At]) {
    for IdAt { at, .. } in &mut *ids {
        *at = places[*at as usize];
    }
    sort(ids, IdAt::cmp);
    ids.dedup();
}

fn move_links(links: &mut Vec<LinkAt>, places: &[At]) {
    for link in &mut *links {
        link.at = places[link.at as usize];
    }
    let order = |link: &LinkAt| (link.at, link.trace, link.span);
    sort(links, |one, other| order(one).cmp(&order(other)));
    links.dedup_by_key(|link| order(link));
}
