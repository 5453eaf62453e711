//! Work on all cores.

/// Calls `work` with each of `items`, on as many threads as there are cores. The results are in the
/// order of the items.
pub(crate) fn side_by_side<I: Send, R: Send>(
    items: impl IntoIterator<Item = I>,
    work: impl Fn(I) -> R + Sync,
) -> Vec<R> {
    let mut items: Vec<I> = items.into_iter().collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let mut started = Vec::new();
        while items.len() > share {
            let last = items.split_off(items.len() - share);
            let work = &work;
            let results = move || last.into_iter().map(work).collect::<Vec<R>>();
            started.push(scope.spawn(results));
        }
        let mut results: Vec<R> = items.into_iter().map(&work).collect();
        for thread in started.into_iter().rev() {
            let panicked = |panic| std::panic::resume_unwind(panic);
            results.extend(thread.join().unwrap_or_else(panicked));
        }
        results
    })
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
    use super::side_by_side;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 2, 3, 7, 64, 65] {
            let doubled = side_by_side(0..count, |number| number * 2);
            let expected: Vec<i32> = (0..count).map(|number| number * 2).collect();
            assert_eq!(doubled, expected);
        }
    }
}
