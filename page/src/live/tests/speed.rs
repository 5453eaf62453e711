//! How long the page has the lock while very many traces are held. Run it alone, optimized:
//! `cargo test --release --workspace --lib -- live::tests::speed --ignored --nocapture`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::map::{MapView, Seen};

const TRACES: u64 = 100_000;
/// What an update may cost the server, and how long a span may wait for a search.
const MAX: Duration = Duration::from_millis(5);

fn filled() -> Live {
    let live = Live::new(TRACES as usize);
    (1..=TRACES).for_each(|number| exchange(&live, number));
    live
}

/// Measures how long the spans of an exchange take while `work` goes on: the median, and the
/// longest of 100. The latter also shows what else the machine does.
fn waits(live: &Live, work: impl FnOnce() + Send) -> (Duration, Duration) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            work();
            is_over.store(true, Ordering::Relaxed);
        });
        let mut waits = Vec::new();
        let mut number = 2 * TRACES;
        while waits.is_empty() || !is_over.load(Ordering::Relaxed) {
            let start = Instant::now();
            exchange(live, number);
            waits.push(start.elapsed());
            number += 1;
        }
        waits.sort_unstable();
        (waits[waits.len() / 2], waits[waits.len() * 99 / 100])
    })
}

/// What an open page costs at each change, and for how much of that time it holds the lock.
fn update(live: &Live) -> (Duration, Duration) {
    let start = Instant::now();
    let seen = {
        let held = live.held();
        let periods = held.periods();
        Seen::of(&held, periods.get(periods.last()).expect("a period"))
    };
    let with_lock = start.elapsed();
    let view = MapView::of(seen, "stream");
    let (listed, _) = live.list(&Search::default(), 8);
    assert_eq!((view.state, listed.len()), ("whole", 8));
    (start.elapsed(), with_lock)
}

#[test]
#[ignore = "measures, and needs an idle machine"]
fn with_very_many_traces_nobody_waits_long() {
    let live = filled();
    let mut updates: Vec<(Duration, Duration)> = (0..9).map(|_| update(&live)).collect();
    updates.sort_unstable();
    let (usual, with_lock) = updates[updates.len() / 2];
    println!("update: {usual:?}, of it {with_lock:?} with the lock");
    assert!(usual < MAX, "{updates:?}");
    let of_edge = Search {
        edge: Some(("producer".to_owned(), "consumer".to_owned())),
        verdict: Some(Verdict::Connected),
        ..Search::default()
    };
    let timed = |name: &str, work: &(dyn Fn() + Sync)| {
        let start = Instant::now();
        let (usual, longest) = waits(&live, work);
        let all = start.elapsed();
        println!("{name}: {all:?}; an exchange took {usual:?}, 1 % more than {longest:?}");
        assert!(usual < MAX, "{name}: {usual:?}");
    };
    timed("search", &|| drop(live.list(&of_edge, 100)));
    timed("keep a run", &|| drop(live.traces_between(None, None)));
    timed("audit", &|| {
        live.add_spans(span("web", TRACE, 1, 0, 3, &[]).as_bytes());
        live.audit();
    });
}
