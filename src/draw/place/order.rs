//! Order within layers, and heights.

use super::Slot;

const SWEEPS: usize = 24;

/// Reorders every layer to have fewer crossings: barycentre sweeps there and back, the best order
/// met is kept.
pub(super) fn untangle(layers: &mut [Vec<usize>], layer_of: &[usize], links: &[(usize, usize)]) {
    let neighbours = neighbours(layer_of.len(), links);
    let mut best = layers.to_vec();
    let mut fewest = crossings(layers, layer_of, links);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let forward = sweep % 2 == 0;
        let order: Vec<usize> = if forward {
            (1..layers.len()).collect()
        } else {
            (0..layers.len().saturating_sub(1)).rev().collect()
        };
        for layer in order {
            let fixed = if forward { layer - 1 } else { layer + 1 };
            let place = places(layers, layer_of.len());
            let mut keyed: Vec<(f64, usize, usize)> = layers[layer]
                .iter()
                .enumerate()
                .map(|(at, &slot)| {
                    let near = neighbours[slot]
                        .iter()
                        .filter(|&&other| layer_of[other] == fixed);
                    let (sum, count) = near.fold((0.0, 0.0), |(sum, count), &other| {
                        (sum + place[other] as f64, count + 1.0)
                    });
                    (if count > 0.0 { sum / count } else { at as f64 }, at, slot)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            layers[layer] = keyed.into_iter().map(|(_, _, slot)| slot).collect();
        }
        let now = crossings(layers, layer_of, links);
        if now < fewest {
            fewest = now;
            best = layers.to_vec();
        }
    }
    layers.clone_from_slice(&best);
}

fn neighbours(slots: usize, links: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); slots];
    for &(a, b) in links {
        neighbours[a].push(b);
        neighbours[b].push(a);
    }
    neighbours
}

fn places(layers: &[Vec<usize>], slots: usize) -> Vec<usize> {
    let mut place = vec![0; slots];
    for layer in layers {
        for (at, &slot) in layer.iter().enumerate() {
            place[slot] = at;
        }
    }
    place
}

/// Pairs of links that cross, counted as inversions with a Fenwick tree: O(links log links).
fn crossings(layers: &[Vec<usize>], layer_of: &[usize], links: &[(usize, usize)]) -> usize {
    let place = places(layers, layer_of.len());
    let mut between: Vec<Vec<(usize, usize)>> = vec![Vec::new(); layers.len()];
    for &(a, b) in links {
        between[layer_of[a]].push((place[a], place[b]));
    }
    let mut total = 0;
    for (layer, links) in between.iter_mut().enumerate() {
        links.sort_unstable();
        let size = layers.get(layer + 1).map_or(0, Vec::len);
        let mut tree = vec![0usize; size + 1];
        for (seen, &(_, to)) in links.iter().enumerate() {
            let mut at = to + 1;
            let mut not_after = 0;
            while at > 0 {
                not_after += tree[at];
                at &= at - 1;
            }
            total += seen - not_after;
            let mut at = to + 1;
            while at <= size {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
    }
    total
}

/// The vertical centre of every slot: near its neighbours, in the order of its layer, with room
/// between.
pub(super) fn align(
    layers: &[Vec<usize>],
    links: &[(usize, usize)],
    slots: &[Slot],
    gap: f64,
) -> Vec<f64> {
    let neighbours = neighbours(slots.len(), links);
    let mut ys = vec![0.0; slots.len()];
    for layer in layers {
        let mut y = 0.0;
        for &slot in layer {
            ys[slot] = y + slots[slot].size / 2.0;
            y += slots[slot].size + gap;
        }
    }
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        for at in 0..layers.len() {
            let layer = &layers[if forward { at } else { layers.len() - 1 - at }];
            settle(layer, &neighbours, slots, gap, &mut ys);
        }
    }
    let top = ys
        .iter()
        .zip(slots)
        .map(|(y, slot)| y - slot.size / 2.0)
        .fold(f64::INFINITY, f64::min);
    if top.is_finite() {
        ys.iter_mut().for_each(|y| *y = (*y - top).round());
    }
    ys
}

/// Moves a layer as close to its neighbours' average as order and gaps allow: isotonic regression
/// by pooling adjacent violators.
fn settle(layer: &[usize], neighbours: &[Vec<usize>], slots: &[Slot], gap: f64, ys: &mut [f64]) {
    // Where each slot would stand if the ones above it took no room.
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(layer.len());
    let mut blocks: Vec<(f64, f64)> = Vec::with_capacity(layer.len());
    let mut sizes: Vec<usize> = Vec::with_capacity(layer.len());
    for (at, &slot) in layer.iter().enumerate() {
        if at > 0 {
            offset += slots[layer[at - 1]].size / 2.0 + gap + slots[slot].size / 2.0;
        }
        offsets.push(offset);
        let near = &neighbours[slot];
        let wanted = if near.is_empty() {
            ys[slot]
        } else {
            near.iter().map(|&other| ys[other]).sum::<f64>() / near.len() as f64
        };
        blocks.push((wanted - offset, 1.0));
        sizes.push(1);
        while blocks.len() > 1 && blocks[blocks.len() - 2].0 > blocks[blocks.len() - 1].0 {
            let (low, low_weight) = blocks.remove(blocks.len() - 1);
            let (high, high_weight) = blocks.remove(blocks.len() - 1);
            let weight = low_weight + high_weight;
            blocks.push(((low * low_weight + high * high_weight) / weight, weight));
            let size = sizes.pop().unwrap_or(0) + sizes.pop().unwrap_or(0);
            sizes.push(size);
        }
    }
    let mut members = layer.iter().zip(offsets);
    for ((y, _), size) in blocks.into_iter().zip(sizes) {
        for (&slot, offset) in members.by_ref().take(size) {
            ys[slot] = y + offset;
        }
    }
}
