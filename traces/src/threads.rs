//! Work on all cores.

use std::iter::Flatten;
use std::sync::{Mutex, PoisonError};
use std::vec::IntoIter;

/// How many cores there are.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Calls `work` with each of `items`, on as many threads as there are cores. The results are in the
/// order of the items.
pub(crate) fn side_by_side<I: Send, R: Send>(
    items: impl IntoIterator<Item = I>,
    work: impl Fn(I) -> R + Sync,
) -> Vec<R> {
    let items: Vec<I> = items.into_iter().collect();
    let others = cores().min(items.len()).saturating_sub(1);
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_through = || {
        let mut results = Vec::new();
        while let Some((number, item)) = next() {
            results.push((number, work(item)));
        }
        results
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (0..others).map(|_| scope.spawn(work_through)).collect();
        let mut results = work_through();
        for thread in others {
            let panicked = |panic| std::panic::resume_unwind(panic);
            results.extend(thread.join().unwrap_or_else(panicked));
        }
        results
    });
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// With fewer items, a second thread costs more than it saves.
pub(crate) const MIN_ITEMS: usize = 1 << 15;

/// Calls `work` with parts of `items`, one for each core. Neighbours that `belong` together are in
/// one part. The results are in the order of the parts.
pub(crate) fn in_parts<'a, T: Sync, R: Send>(
    items: &'a [T],
    belong: impl Fn(&T, &T) -> bool,
    work: impl Fn(&'a [T]) -> R + Sync,
) -> Vec<R> {
    side_by_side(parts(items, threads_for(items.len()), belong), work)
}

/// What `work` makes of each of `items`, in their order, found on all cores.
pub(crate) fn filter_map<'a, T: Sync, R: Send>(
    items: &'a [T],
    work: impl Fn(&'a T) -> Option<R> + Sync,
) -> Flatten<IntoIter<Vec<R>>> {
    each_group(
        items,
        |_, _| false,
        |item, found| found.extend(work(&item[0])),
    )
}

/// Calls `work` with each group of neighbours that are the `same`, on all cores. Returns what `work`
/// added, in the order of the groups.
pub(crate) fn each_group<'a, T: Sync, R: Send>(
    items: &'a [T],
    same: impl Fn(&T, &T) -> bool + Sync,
    work: impl Fn(&'a [T], &mut Vec<R>) + Sync,
) -> Flatten<IntoIter<Vec<R>>> {
    let of_part = |part: &'a [T]| {
        let mut found = Vec::new();
        part.chunk_by(&same)
            .for_each(|group| work(group, &mut found));
        found
    };
    in_parts(items, &same, of_part).into_iter().flatten()
}

/// The numbers below `count` that are `wanted`, in ascending order. They are tried on all cores.
pub(crate) fn numbers(count: usize, wanted: impl Fn(u32) -> bool + Sync) -> Vec<u32> {
    let threads = threads_for(count);
    let share = count.div_ceil(threads).max(1);
    let starts = (0..count).step_by(share);
    let ranges = starts.map(|start| start as u32..(start + share).min(count) as u32);
    let found = side_by_side(ranges, |range| {
        range.filter(|number| wanted(*number)).collect::<Vec<u32>>()
    });
    found.concat()
}

fn threads_for(items: usize) -> usize {
    match items {
        0..MIN_ITEMS => 1,
        _ => cores(),
    }
}

fn parts<T>(mut items: &[T], count: usize, belong: impl Fn(&T, &T) -> bool) -> Vec<&[T]> {
    let share = items.len().div_ceil(count).max(1);
    let mut parts = Vec::new();
    while !items.is_empty() {
        let mut end = share.min(items.len());
        while end < items.len() && belong(&items[end - 1], &items[end]) {
            end += 1;
        }
        let (part, rest) = items.split_at(end);
        parts.push(part);
        items = rest;
    }
    parts
}

/// Does both at the same time, and gives both results.
pub(crate) fn together<A, B: Send>(
    one: impl FnOnce() -> A,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    std::thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        let panicked = |panic| std::panic::resume_unwind(panic);
        (one, other.join().unwrap_or_else(panicked))
    })
}

#[cfg(test)]
mod tests {
    use super::{MIN_ITEMS, numbers, parts, side_by_side};

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 2, 3, 7, 64, 65] {
            let doubled = side_by_side(0..count, |number| number * 2);
            let expected: Vec<i32> = (0..count).map(|number| number * 2).collect();
            assert_eq!(doubled, expected);
        }
    }

    #[test]
    fn neighbours_that_belong_together_are_in_one_part() {
        let items: Vec<u32> = (0..1000).map(|number| number / 7).collect();
        for count in [1, 2, 3, 8, 999, 2000] {
            let parts = parts(&items, count, |one, other| one == other);
            assert_eq!(parts.concat(), items);
            for pair in parts.windows(2) {
                assert_ne!(pair[0].last(), pair[1].first(), "{count} parts");
            }
        }
        assert!(parts(&[0u8; 0], 2, |_, _| true).is_empty());
    }

    #[test]
    fn wanted_numbers_are_in_order() {
        for count in [0, 1, 10, MIN_ITEMS - 1, MIN_ITEMS, 3 * MIN_ITEMS + 1] {
            let expected: Vec<u32> = (0..count as u32).filter(|number| number % 3 == 1).collect();
            assert_eq!(numbers(count, |number| number % 3 == 1), expected);
        }
    }
}
