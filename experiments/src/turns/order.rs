//! In which order the members of an experiment take turns.

/// The order of each of `rounds` rounds, as indices of `members`.
///
/// The orders come from Williams designs: over a whole square each member has every place equally
/// often, and follows every other member equally often (Williams 1949). So a machine
/// that becomes slower, or the after-effects of a member, favour none of them. The assignment of
/// members to rows is random, so that nothing on the machine follows the same order by accident.
pub(crate) fn balanced(members: usize, rounds: u32, random: &mut fastrand::Rng) -> Vec<Vec<usize>> {
    let mut orders = Vec::new();
    while orders.len() < rounds as usize {
        let mut names: Vec<usize> = (0..members).collect();
        random.shuffle(&mut names);
        let mut square = square(members);
        random.shuffle(&mut square);
        orders.extend(
            square
                .into_iter()
                .map(|row| row.into_iter().map(|place| names[place]).collect()),
        );
    }
    orders.truncate(rounds as usize);
    orders
}

/// A Williams design: one row for each member, or two if their number is odd.
fn square(members: usize) -> Vec<Vec<usize>> {
    // 0, 1, last, 2, last but one, …
    let first: Vec<usize> = (0..members)
        .map(|place| match place % 2 {
            0 => (members - place / 2) % members,
            _ => place.div_ceil(2),
        })
        .collect();
    let shifted =
        |by: usize| -> Vec<usize> { first.iter().map(|member| (member + by) % members).collect() };
    let mut rows: Vec<Vec<usize>> = (0..members).map(shifted).collect();
    if members % 2 == 1 {
        let mirrored = |row: &Vec<usize>| row.iter().rev().copied().collect();
        rows.extend(rows.iter().map(mirrored).collect::<Vec<_>>());
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_member_has_every_place_and_every_neighbour_equally_often() {
        for members in 1..=9 {
            let rows = square(members);
            let (mut places, mut neighbours) = (BTreeMap::new(), BTreeMap::new());
            for row in &rows {
                for (place, member) in row.iter().enumerate() {
                    *places.entry((*member, place)).or_insert(0) += 1;
                }
                for pair in row.windows(2) {
                    *neighbours.entry((pair[0], pair[1])).or_insert(0) += 1;
                }
            }
            let each = rows.len() / members;
            assert_eq!(places.len(), members * members);
            assert!(places.values().all(|count| *count == each), "{rows:?}");
            assert_eq!(neighbours.len(), members * (members - 1));
            assert!(neighbours.values().all(|count| *count == each), "{rows:?}");
        }
    }

    #[test]
    fn every_round_has_every_member_once() {
        let mut random = fastrand::Rng::with_seed(7);
        for (members, rounds) in [(1, 3), (2, 16), (8, 16), (3, 7)] {
            let orders = balanced(members, rounds, &mut random);
            assert_eq!(orders.len(), rounds as usize);
            for mut order in orders {
                order.sort_unstable();
                assert_eq!(order, (0..members).collect::<Vec<_>>());
            }
        }
    }
}
