//! The smallest sets of differences that explain moves: undo them, and the move is undone.

use std::collections::{BTreeMap, BTreeSet};

/// Why one identity moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// Positions of the differences, ascending; empty when none was found.
    pub changes: Vec<usize>,
    /// Whether no smaller set undoes the move; else nothing of it can be left out.
    pub is_smallest: bool,
}

/// What is looked through.
pub struct Search<'a> {
    /// How many differences there are.
    pub changes: usize,
    /// For every move the differences that touch it; sets of them are tried first.
    pub touching: &'a [Vec<usize>],
    /// Which moves are undone when these differences are. All of them undo every move.
    pub undone: &'a mut dyn FnMut(&[usize]) -> Vec<bool>,
    /// How often `undone` may be asked.
    pub budget: usize,
}

/// Sets of two or three are tried among so many differences at most.
const PAIRS: usize = 40;
const TRIPLES: usize = 14;

/// Finds a cause of every move: single differences, then two together, then three, then what is left
/// of all when nothing more can be left out (Zeller and Hildebrandt's ddmin, 2002).
#[must_use]
pub fn causes(mut search: Search<'_>) -> Vec<Cause> {
    let mut known = Known {
        answers: BTreeMap::new(),
        left: search.budget,
    };
    (0..search.touching.len())
        .map(|at| cause(&mut search, &mut known, at))
        .collect()
}

/// What was asked before.
struct Known {
    answers: BTreeMap<Vec<usize>, Vec<bool>>,
    left: usize,
}

impl Known {
    /// Whether a set undoes a move; nothing when it may not be asked any more.
    fn ask(&mut self, search: &mut Search<'_>, set: &[usize], at: usize) -> Option<bool> {
        if let Some(known) = self.answers.get(set) {
            return known.get(at).copied();
        }
        self.left = self.left.checked_sub(1)?;
        let answer = (search.undone)(set);
        let found = answer.get(at).copied();
        self.answers.insert(set.to_vec(), answer);
        found
    }
}

fn cause(search: &mut Search<'_>, known: &mut Known, at: usize) -> Cause {
    let touching = search.touching[at].clone();
    let all: Vec<usize> = (0..search.changes).collect();
    // A move may have a cause that nothing of it touches; where there are few differences, all are
    // tried.
    let tried = if all.len() <= PAIRS { &all } else { &touching };
    let is_all = tried.len() == all.len();
    let mut smaller_tried = is_all;
    for size in 1..=3 {
        let most = [usize::MAX, PAIRS, TRIPLES][size - 1];
        if tried.len() > most {
            smaller_tried = false;
            break;
        }
        for set in sets(tried, size) {
            match known.ask(search, &set, at) {
                Some(true) => {
                    return Cause {
                        changes: set,
                        is_smallest: smaller_tried,
                    };
                }
                Some(false) => {}
                None => return Cause::default(),
            }
        }
    }
    let start = match known.ask(search, &touching, at) {
        Some(true) => touching,
        Some(false) => all,
        None => return Cause::default(),
    };
    match fewer(search, known, start, at) {
        Some(changes) => Cause {
            is_smallest: smaller_tried && changes.len() <= 4,
            changes,
        },
        None => Cause::default(),
    }
}

/// All sets of so many, in order.
fn sets(of: &[usize], size: usize) -> Vec<Vec<usize>> {
    let Some(smaller) = size.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let mut found = Vec::new();
    for (at, &first) in of.iter().enumerate() {
        for rest in sets(&of[at + 1..], smaller) {
            found.push([vec![first], rest].concat());
        }
    }
    found
}

/// What is left of a set when nothing more of it can be left out, halves first.
fn fewer(
    search: &mut Search<'_>,
    known: &mut Known,
    mut set: Vec<usize>,
    at: usize,
) -> Option<Vec<usize>> {
    if !known.ask(search, &set, at)? {
        return None;
    }
    let mut part = set.len().div_ceil(2);
    while part > 0 {
        let mut from = 0;
        while from < set.len() && set.len() > 1 {
            let gone: BTreeSet<usize> = set[from..(from + part).min(set.len())]
                .iter()
                .copied()
                .collect();
            let rest: Vec<usize> = set
                .iter()
                .copied()
                .filter(|one| !gone.contains(one))
                .collect();
            if !rest.is_empty() && known.ask(search, &rest, at)? {
                set = rest;
            } else {
                from += part;
            }
        }
        part = if part == 1 { 0 } else { part.div_ceil(2) };
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_set_is_found_and_larger_ones_are_irreducible() {
        // Move 0 needs 2; move 1 needs 1 and 4; move 2 needs five of them.
        let needs: [&[usize]; 3] = [&[2], &[1, 4], &[0, 1, 2, 3, 5]];
        let mut undone = |set: &[usize]| -> Vec<bool> {
            needs
                .iter()
                .map(|needs| needs.iter().all(|one| set.contains(one)))
                .collect()
        };
        let touching = [vec![2], vec![0, 1, 4], vec![0, 1, 2, 3, 4, 5]];
        let found = causes(Search {
            changes: 6,
            touching: &touching,
            undone: &mut undone,
            budget: 1000,
        });
        let sets: Vec<&[usize]> = found.iter().map(|cause| &*cause.changes).collect();
        assert_eq!(sets, needs);
        let smallest: Vec<bool> = found.iter().map(|cause| cause.is_smallest).collect();
        assert_eq!(smallest, [true, true, false]);
    }
}
