//! A layered layout, after Sugiyama: layers by longest path, order within layers by barycentres, then positions.

/// How far apart boxes of one layer stay.
const GAP: f64 = 24.0;
/// Width that a line passing through a layer keeps free.
const LANE: f64 = 14.0;
/// Sweeps over all layers, down and up in turn; more change nothing that an eye would notice.
const SWEEPS: usize = 12;

/// Where everything goes, in pixels.
pub(super) struct Layout {
    /// Centre of each box.
    pub(super) centres: Vec<(f64, f64)>,
    /// For each edge, the points it passes, from the lower side of one box to the upper side of another.
    pub(super) lines: Vec<Vec<(f64, f64)>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A box, or the place where an edge passes through a layer.
struct Item {
    width: f64,
    layer: usize,
    x: f64,
    above: Vec<usize>,
    below: Vec<usize>,
}

/// Lays out boxes of the given widths and one height. Every edge leads from a lower to a higher index.
pub(super) fn layered(widths: &[f64], height: f64, edges: &[(usize, usize)]) -> Layout {
    let mut layer = vec![0usize; widths.len()];
    let mut sorted = edges.to_vec();
    sorted.sort_unstable_by_key(|e| e.1);
    for &(a, b) in &sorted {
        layer[b] = layer[b].max(layer[a] + 1);
    }
    let new = |width: f64, layer: usize| Item { width, layer, x: 0.0, above: Vec::new(), below: Vec::new() };
    let mut items: Vec<Item> = widths.iter().zip(&layer).map(|(&w, &l)| new(w, l)).collect();
    // An edge over several layers becomes a chain of places in between.
    let mut chains = Vec::with_capacity(edges.len());
    for &(a, b) in edges {
        let mut chain = vec![a];
        for l in layer[a] + 1..layer[b] {
            chain.push(items.len());
            items.push(new(LANE, l));
        }
        chain.push(b);
        for pair in chain.windows(2) {
            items[pair[0]].below.push(pair[1]);
            items[pair[1]].above.push(pair[0]);
        }
        chains.push(chain);
    }
    let count = items.iter().map(|i| i.layer + 1).max().unwrap_or(0);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (i, item) in items.iter().enumerate() {
        layers[item.layer].push(i);
    }
    order(&mut layers, &items);
    place(&layers, &mut items);

    let left = items.iter().map(|i| i.x - i.width / 2.0).fold(f64::INFINITY, f64::min);
    let right = items.iter().map(|i| i.x + i.width / 2.0).fold(f64::NEG_INFINITY, f64::max);
    let pitch = height + 26.0;
    let y = |layer: usize| GAP + height / 2.0 + layer as f64 * pitch;
    let x = |i: usize| items[i].x - left + GAP;
    let lines = chains
        .iter()
        .map(|chain| {
            let mut points = Vec::with_capacity(chain.len() + 2);
            for (k, &i) in chain.iter().enumerate() {
                let centre = y(items[i].layer);
                if k > 0 {
                    points.push((x(i), centre - height / 2.0));
                }
                if k + 1 < chain.len() {
                    points.push((x(i), centre + height / 2.0));
                }
            }
            points
        })
        .collect();
    Layout {
        centres: (0..widths.len()).map(|i| (x(i), y(layer[i]))).collect(),
        lines,
        width: if items.is_empty() { 2.0 * GAP } else { right - left + 2.0 * GAP },
        height: count as f64 * pitch - 26.0 + 2.0 * GAP,
    }
}

/// Orders each layer by the mean position of what its items are joined to; the order with the fewest crossings stays.
fn order(layers: &mut [Vec<usize>], items: &[Item]) {
    let mut rank = vec![0usize; items.len()];
    let note = |layer: &[usize], rank: &mut [usize]| layer.iter().enumerate().for_each(|(r, &i)| rank[i] = r);
    layers.iter().for_each(|l| note(l, &mut rank));
    let mut best = (crossings(layers, items, &rank), layers.to_vec());
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        for k in 0..layers.len() {
            let l = if down { k } else { layers.len() - 1 - k };
            let key = |i: usize| {
                let joined = if down { &items[i].above } else { &items[i].below };
                let sum: usize = joined.iter().map(|&j| rank[j]).sum();
                if joined.is_empty() { rank[i] as f64 } else { sum as f64 / joined.len() as f64 }
            };
            let mut keyed: Vec<(f64, usize)> = layers[l].iter().map(|&i| (key(i), i)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[l] = keyed.into_iter().map(|k| k.1).collect();
            note(&layers[l], &mut rank);
        }
        let now = crossings(layers, items, &rank);
        if now < best.0 {
            best = (now, layers.to_vec());
        }
    }
    layers.clone_from_slice(&best.1);
}

fn crossings(layers: &[Vec<usize>], items: &[Item], rank: &[usize]) -> usize {
    let mut total = 0;
    for layer in layers {
        let ends: Vec<(usize, usize)> =
            layer.iter().flat_map(|&i| items[i].below.iter().map(move |&j| (rank[i], rank[j]))).collect();
        for (k, a) in ends.iter().enumerate() {
            total += ends[k + 1..].iter().filter(|b| (a.0 < b.0 && a.1 > b.1) || (a.0 > b.0 && a.1 < b.1)).count();
        }
    }
    total
}

/// Moves every item towards what it is joined to, and apart where they would overlap.
fn place(layers: &[Vec<usize>], items: &mut [Item]) {
    for layer in layers {
        let mut x = 0.0;
        for &i in layer {
            items[i].x = x + items[i].width / 2.0;
            x += items[i].width + GAP;
        }
        layer.iter().for_each(|&i| items[i].x -= (x - GAP) / 2.0);
    }
    for sweep in 0..2 * SWEEPS {
        let down = sweep % 2 == 0;
        for k in 0..layers.len() {
            let layer = &layers[if down { k } else { layers.len() - 1 - k }];
            let wish: Vec<f64> = layer
                .iter()
                .map(|&i| {
                    let joined = if down { &items[i].above } else { &items[i].below };
                    let sum: f64 = joined.iter().map(|&j| items[j].x).sum();
                    if joined.is_empty() { items[i].x } else { sum / joined.len() as f64 }
                })
                .collect();
            let apart = |a: usize, b: usize| (items[a].width + items[b].width) / 2.0 + GAP;
            // Pushed to the right from the left, and to the left from the right: the mean keeps the distances of both.
            let (mut right, mut left) = (wish.clone(), wish);
            for r in 1..layer.len() {
                right[r] = right[r].max(right[r - 1] + apart(layer[r - 1], layer[r]));
            }
            for r in (1..layer.len()).rev() {
                left[r - 1] = left[r - 1].min(left[r] - apart(layer[r - 1], layer[r]));
            }
            for (r, &i) in layer.iter().enumerate() {
                items[i].x = (right[r] + left[r]) / 2.0;
            }
        }
    }
}
