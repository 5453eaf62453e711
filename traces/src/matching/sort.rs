//! Sorts on all cores.

use std::cmp::Ordering;

use crate::threads::{MIN_ITEMS, cores};

/// Sorts `items`. The result is the same for any number of cores if `compare` tells all elements
/// apart.
pub(crate) fn sort<T: Send>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering + Sync) {
    sort_with(items, cores(), &compare);
}

fn sort_with<T: Send>(
    items: &mut [T],
    threads: usize,
    compare: &(impl Fn(&T, &T) -> Ordering + Sync),
) {
    if threads < 2 || items.len() < MIN_ITEMS {
        items.sort_unstable_by(compare);
        return;
    }
    let middle = items.len() / 2;
    let (smaller, _, larger) = items.select_nth_unstable_by(middle, compare);
    std::thread::scope(|scope| {
        scope.spawn(|| sort_with(smaller, threads / 2, compare));
        sort_with(larger, threads - threads / 2, compare);
    });
}

#[cfg(test)]
mod tests {
    use super::{MIN_ITEMS, sort_with};

    #[test]
    fn any_number_of_threads_gives_the_same_order() {
        let mut random = fastrand::Rng::with_seed(1);
        let count = 3 * MIN_ITEMS + 1;
        let numbers: Vec<u32> = (0..count).map(|_| random.u32(..9999)).collect();
        let mut expected = numbers.clone();
        expected.sort_unstable();
        for threads in [1, 2, 3, 8] {
            let mut sorted = numbers.clone();
            sort_with(&mut sorted, threads, &u32::cmp);
            assert_eq!(sorted, expected, "{threads} threads");
        }
    }
}
