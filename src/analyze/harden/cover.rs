//! The fewest changes that break every proof known so far: a hitting set, where some seeds may be
//! left as they are.

use rustc_hash::FxHashMap;

/// One proof that must be broken: by any of these changes, or by leaving its seed as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    /// Numbers of changes, ascending.
    pub fixes: Vec<u32>,
    /// The seed whose proof it is; none when it may not be left.
    pub seed: Option<u32>,
}

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cover {
    /// Numbers of changes, ascending.
    pub fixes: Vec<u32>,
    /// What they cost.
    pub cost: u32,
    /// No set of changes costs less than this.
    pub bound: u32,
}

/// Looks at demands that the exact search may make before it gives up.
const LOOKS: u64 = 4_000_000;

/// Finds a cheap set of changes that meets all demands while at most `spared` seeds are left as they
/// are, and a lower bound: equal where the search finished.
///
/// Branch and bound over the demand with the fewest answers, with disjoint demands as the bound; a
/// greedy answer to begin with.
pub(super) fn cover(demands: &[Demand], costs: &[u32], spared: usize) -> Cover {
    let demands = minimal(demands);
    let mut search = Search {
        demands: &demands,
        costs,
        hits: vec![0; demands.len()],
        chosen: Vec::new(),
        banned: vec![false; costs.len()],
        left: FxHashMap::default(),
        of_fix: of_fix(&demands, costs.len()),
        best: greedy(&demands, costs, spared),
        looks: 0,
    };
    let bound = search.packing(spared);
    search.branch(0, spared);
    let is_whole = search.looks < LOOKS;
    let (mut fixes, cost) = search.best;
    fixes.sort_unstable();
    Cover {
        fixes,
        cost,
        bound: if is_whole { cost } else { bound },
    }
}

/// Without those that are met whenever another one is.
fn minimal(demands: &[Demand]) -> Vec<Demand> {
    const COMPARED: usize = 3000;
    let mut sorted: Vec<&Demand> = demands.iter().collect();
    sorted.sort_by_key(|demand| (demand.fixes.len(), demand.seed, &demand.fixes));
    sorted.dedup();
    let mut kept: Vec<Demand> = Vec::new();
    for demand in sorted {
        let is_implied = kept.len() < COMPARED
            && kept.iter().any(|known| {
                known.seed == demand.seed
                    && known
                        .fixes
                        .iter()
                        .all(|fix| demand.fixes.binary_search(fix).is_ok())
            });
        if !is_implied {
            kept.push(demand.clone());
        }
    }
    kept
}

fn of_fix(demands: &[Demand], fixes: usize) -> Vec<Vec<u32>> {
    let mut of_fix = vec![Vec::new(); fixes];
    for (at, demand) in (0u32..).zip(demands) {
        for &fix in &demand.fixes {
            of_fix[fix as usize].push(at);
        }
    }
    of_fix
}

/// Most demands met per cost first; then seeds are left whose changes serve nobody else; then what
/// turned out not to be needed goes.
fn greedy(demands: &[Demand], costs: &[u32], spared: usize) -> (Vec<u32>, u32) {
    let of_fix = of_fix(demands, costs.len());
    let mut hits = vec![0u32; demands.len()];
    let mut gain: Vec<u32> = of_fix.iter().map(|demands| demands.len() as u32).collect();
    let mut chosen: Vec<u32> = Vec::new();
    // Demands that nothing meets are left to their seeds.
    let mut open = demands
        .iter()
        .filter(|demand| !demand.fixes.is_empty())
        .count();
    while open > 0 {
        let best = (0..costs.len())
            .filter(|&fix| gain[fix] > 0)
            .min_by(|&one, &two| {
                let per = |fix: usize, other: usize| u64::from(gain[fix]) * u64::from(costs[other]);
                per(two, one).cmp(&per(one, two)).then(one.cmp(&two))
            });
        let Some(best) = best else {
            break;
        };
        chosen.push(best as u32);
        for &at in &of_fix[best] {
            hits[at as usize] += 1;
            if hits[at as usize] == 1 {
                open -= 1;
                for &fix in &demands[at as usize].fixes {
                    gain[fix as usize] -= 1;
                }
            }
        }
    }
    let mut seeds: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mut order: Vec<u32> = Vec::new();
    for (at, demand) in (0u32..).zip(demands) {
        if let Some(seed) = demand.seed {
            let of_seed = seeds.entry(seed).or_insert_with(|| {
                order.push(seed);
                Vec::new()
            });
            of_seed.push(at);
        }
    }
    let mut is_left = vec![false; demands.len()];
    // Seeds that nothing helps come first.
    let hopeless = |seed: &u32| {
        let of_seed = seeds.get(seed).into_iter().flatten();
        of_seed
            .clone()
            .any(|&at| demands[at as usize].fixes.is_empty())
    };
    order.sort_by_key(|seed| !hopeless(seed));
    let mut spared = spared;
    let drop_unneeded = |chosen: &mut Vec<u32>, is_left: &[bool]| {
        let mut at = chosen.len();
        while at > 0 {
            at -= 1;
            let fix = chosen[at];
            let is_needed = of_fix[fix as usize].iter().any(|&demand| {
                !is_left[demand as usize]
                    && !chosen.iter().any(|other| {
                        *other != fix && demands[demand as usize].fixes.binary_search(other).is_ok()
                    })
            });
            if !is_needed {
                chosen.remove(at);
            }
        }
    };
    drop_unneeded(&mut chosen, &is_left);
    while spared > 0 && !order.is_empty() {
        const TRIED: usize = 200;
        let saved = |seed: u32| {
            let mut left = is_left.clone();
            for &at in seeds.get(&seed).into_iter().flatten() {
                left[at as usize] = true;
            }
            let mut fewer = chosen.clone();
            drop_unneeded(&mut fewer, &left);
            chosen.len() - fewer.len()
        };
        let tried = order.iter().take(TRIED).enumerate();
        let best =
            tried.max_by_key(|(at, seed)| (hopeless(seed), saved(**seed), std::cmp::Reverse(*at)));
        let Some((at, _)) = best else {
            break;
        };
        let seed = order.remove(at);
        for &at in seeds.get(&seed).into_iter().flatten() {
            is_left[at as usize] = true;
        }
        drop_unneeded(&mut chosen, &is_left);
        spared -= 1;
    }
    let cost = chosen.iter().map(|&fix| costs[fix as usize]).sum();
    (chosen, cost)
}

struct Search<'a> {
    demands: &'a [Demand],
    costs: &'a [u32],
    /// How many of the chosen changes (and spared seeds) meet each demand.
    hits: Vec<u32>,
    chosen: Vec<u32>,
    /// Changes that an earlier branch has tried in full.
    banned: Vec<bool>,
    left: FxHashMap<u32, bool>,
    of_fix: Vec<Vec<u32>>,
    best: (Vec<u32>, u32),
    looks: u64,
}

impl Search<'_> {
    fn is_open(&self, at: usize) -> bool {
        let demand = &self.demands[at];
        let is_left = demand
            .seed
            .is_some_and(|seed| self.left.contains_key(&seed));
        self.hits[at] == 0 && !is_left
    }

    fn branch(&mut self, cost: u32, spared: usize) {
        if self.looks >= LOOKS {
            return;
        }
        self.looks += self.demands.len() as u64;
        let options = |search: &Self, at: usize| {
            let fixes = search.demands[at].fixes.iter();
            fixes.filter(|&&fix| !search.banned[fix as usize]).count()
        };
        let open = (0..self.demands.len()).filter(|&at| self.is_open(at));
        let Some(next) = open.min_by_key(|&at| options(self, at)) else {
            if cost < self.best.1 || self.best.0.is_empty() && cost == self.best.1 {
                self.best = (self.chosen.clone(), cost);
            }
            return;
        };
        if cost + self.packing(spared) >= self.best.1 {
            return;
        }
        let mut fixes: Vec<u32> = self.demands[next]
            .fixes
            .iter()
            .copied()
            .filter(|&fix| !self.banned[fix as usize])
            .collect();
        fixes.sort_by_key(|&fix| {
            (
                self.costs[fix as usize],
                std::cmp::Reverse(self.of_fix[fix as usize].len()),
            )
        });
        let mut tried = Vec::new();
        for fix in fixes {
            for at in self.of_fix[fix as usize].clone() {
                self.hits[at as usize] += 1;
            }
            self.chosen.push(fix);
            self.branch(cost + self.costs[fix as usize], spared);
            self.chosen.pop();
            for at in self.of_fix[fix as usize].clone() {
                self.hits[at as usize] -= 1;
            }
            self.banned[fix as usize] = true;
            tried.push(fix);
        }
        // Without any of these changes the seed must be left.
        if spared > 0
            && let Some(seed) = self.demands[next].seed
        {
            self.left.insert(seed, true);
            self.branch(cost, spared - 1);
            self.left.remove(&seed);
        }
        for fix in tried {
            self.banned[fix as usize] = false;
        }
    }

    /// What the open demands cost at least: of demands that share no change each costs its cheapest;
    /// the dearest seeds may be left.
    fn packing(&mut self, spared: usize) -> u32 {
        self.looks += self.demands.len() as u64;
        let mut used: rustc_hash::FxHashSet<u32> = rustc_hash::FxHashSet::default();
        let mut of_seed: FxHashMap<u32, u32> = FxHashMap::default();
        let mut seeds: Vec<u32> = Vec::new();
        let mut total = 0u32;
        // Ordered by length: short ones first pack best.
        for at in (0..self.demands.len()).filter(|&at| self.is_open(at)) {
            let demand = &self.demands[at];
            let fixes = || {
                demand
                    .fixes
                    .iter()
                    .filter(|&&fix| !self.banned[fix as usize])
            };
            if fixes().any(|fix| used.contains(fix)) {
                continue;
            }
            used.extend(fixes());
            // A demand that nothing meets can only be left: beyond any cost.
            let cheapest = fixes().map(|&fix| self.costs[fix as usize]).min();
            let cheapest = cheapest.unwrap_or(1 << 20);
            total = total.saturating_add(cheapest);
            if let Some(seed) = demand.seed {
                let cost = of_seed.entry(seed).or_insert_with(|| {
                    seeds.push(seed);
                    0
                });
                *cost = cost.saturating_add(cheapest);
            }
        }
        let mut dear: Vec<u32> = seeds
            .iter()
            .map(|seed| of_seed.get(seed).copied().unwrap_or_default())
            .collect();
        dear.sort_unstable_by_key(|&cost| std::cmp::Reverse(cost));
        let left = dear.into_iter().take(spared);
        left.fold(total, u32::saturating_sub)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(fixes: &[u32], seed: u32) -> Demand {
        Demand {
            fixes: fixes.to_vec(),
            seed: Some(seed),
        }
    }

    #[test]
    fn the_cheapest_set_is_found_and_proven() {
        let demands = [demand(&[0, 1], 0), demand(&[1, 2], 1), demand(&[2, 0], 2)];
        let found = cover(&demands, &[1, 1, 1], 0);
        assert_eq!((found.cost, found.bound), (2, 2));
        // A dear one that meets two is no better than two cheap ones.
        let found = cover(&demands, &[3, 1, 1], 0);
        assert_eq!((found.fixes, found.cost), (vec![1, 2], 2));
    }

    #[test]
    fn seeds_may_be_left() {
        let demands = [
            demand(&[0], 0),
            demand(&[1], 1),
            demand(&[2], 1),
            demand(&[], 2),
        ];
        assert_eq!(
            cover(&demands, &[1, 1, 1], 1).cost,
            3,
            "the hopeless one is left"
        );
        let found = cover(&demands, &[1, 1, 1], 2);
        assert_eq!((found.fixes, found.bound), (vec![0], 1));
    }
}
