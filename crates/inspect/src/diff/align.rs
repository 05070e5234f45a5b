//! Which operators of two networks stand for each other.
//!
//! An alignment in order of execution (Needleman and Wunsch) with a score for what the operators do and what surrounds them;
//! then, among what is left, the same operator elsewhere (moved, or merely written in another order), and another operator
//! in the same place (replaced).

use super::{Side, Source};
use archsmith_ir::Arg;
use rustc_hash::FxHashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Cells of the alignment's table; larger networks are compared in a band around the diagonal.
const MAX_CELLS: usize = 16_000_000;

/// The result.
pub(super) struct Matching {
    /// Indices in both networks, and whether the order was left.
    pub(super) pairs: Vec<(usize, usize, bool)>,
    pub(super) to_b: Vec<Option<usize>>,
    pub(super) to_a: Vec<Option<usize>>,
}

impl Matching {
    /// Whether an operator of the first network is at another place in the second.
    pub(super) fn moved(&self, i: usize) -> bool {
        self.pairs.iter().any(|&(a, _, moved)| a == i && moved)
    }

    fn join(&mut self, i: usize, j: usize, moved: bool) {
        self.pairs.push((i, j, moved));
        self.to_b[i] = Some(j);
        self.to_a[j] = Some(i);
    }
}

/// What one operator is, apart from its names.
struct Traits {
    op: u64,
    attrs: u64,
    states: u64,
    output: u64,
    /// Operators before and behind, two steps deep.
    before: u64,
    behind: u64,
    /// All of that together, deeper: equal in equal surroundings only.
    before_deep: u64,
    behind_deep: u64,
}

fn hash(value: &impl Hash) -> u64 {
    let mut h = DefaultHasher::new();
    value.hash(&mut h);
    h.finish()
}

fn traits(side: &Side<'_>) -> Vec<Traits> {
    let n = side.nodes.len();
    let own: Vec<(u64, u64, u64, u64)> = (0..n)
        .map(|i| {
            let node = &side.nodes[i];
            let attrs: Vec<String> = node
                .args
                .iter()
                .map(|a| match a {
                    Arg::Attr(a) => a.to_string(),
                    Arg::Tensor(_) => "t".into(),
                    Arg::Tensors(v) => format!("t{}", v.len()),
                })
                .collect();
            (hash(&node.op.get().name), hash(&attrs), hash(&side.states(i)), hash(&side.output(i)))
        })
        .collect();
    let step = |labels: &[u64], back: bool| -> Vec<u64> {
        (0..n)
            .map(|i| {
                let mut around: Vec<u64> = if back {
                    side.sources[i]
                        .iter()
                        .map(|s| match s {
                            Source::Input(k) => u64::from(*k),
                            Source::State => u64::MAX,
                            Source::Node(m, k) => labels[*m].rotate_left(*k),
                        })
                        .collect()
                } else {
                    side.readers[i].iter().map(|&m| labels[m]).collect()
                };
                if !back {
                    around.sort_unstable();
                }
                hash(&(own[i].0, around))
            })
            .collect()
    };
    let ops: Vec<u64> = own.iter().map(|o| o.0).collect();
    let deep = |back: bool, depth: usize| (0..depth).fold(ops.clone(), |labels, _| step(&labels, back));
    let (b1, f1, b6, f6) = (deep(true, 2), deep(false, 2), deep(true, 6), deep(false, 6));
    (0..n)
        .map(|i| Traits {
            op: own[i].0,
            attrs: own[i].1,
            states: own[i].2,
            output: own[i].3,
            before: b1[i],
            behind: f1[i],
            before_deep: b6[i],
            behind_deep: f6[i],
        })
        .collect()
}

fn score(x: &Traits, y: &Traits) -> i32 {
    if x.op != y.op {
        return i32::MIN / 4;
    }
    let eq = |a: u64, b: u64, points: i32| if a == b { points } else { 0 };
    6 + eq(x.attrs, y.attrs, 3)
        + eq(x.states, y.states, 3)
        + eq(x.output, y.output, 2)
        + eq(x.before, y.before, 2)
        + eq(x.behind, y.behind, 2)
        + eq(x.before_deep, y.before_deep, 2)
        + eq(x.behind_deep, y.behind_deep, 2)
}

pub(super) fn matching(a: &Side<'_>, b: &Side<'_>) -> Matching {
    let (ta, tb) = (traits(a), traits(b));
    let mut m = Matching { pairs: Vec::new(), to_b: vec![None; ta.len()], to_a: vec![None; tb.len()] };
    // Equal ends need no table.
    let alike = |i: usize, j: usize| score(&ta[i], &tb[j]) == 22;
    let (mut lo, mut ha, mut hb) = (0, ta.len(), tb.len());
    while lo < ha && lo < hb && alike(lo, lo) {
        m.join(lo, lo, false);
        lo += 1;
    }
    while ha > lo && hb > lo && alike(ha - 1, hb - 1) {
        ha -= 1;
        hb -= 1;
        m.join(ha, hb, false);
    }
    for (i, j) in aligned(&ta[lo..ha], &tb[lo..hb]) {
        m.join(lo + i, lo + j, false);
    }
    elsewhere(a, b, &ta, &tb, &mut m);
    replaced(a, b, &mut m);
    m.pairs.sort_unstable();
    m
}

/// The best alignment in order.
fn aligned(a: &[Traits], b: &[Traits]) -> Vec<(usize, usize)> {
    let (n, m) = (a.len(), b.len());
    if n == 0 || m == 0 {
        return Vec::new();
    }
    let full = n.saturating_mul(m) <= MAX_CELLS;
    let band = if full { m } else { (MAX_CELLS / n.max(1)).max(8) };
    // Columns that row i looks at.
    let columns = |i: usize| {
        if full {
            return (0, m);
        }
        let centre = i * m / n;
        (centre.saturating_sub(band / 2), (centre + band / 2).min(m))
    };
    // best[i][j]: the most that the first i and the first j give.
    let mut best = vec![vec![0i32; m + 1]; 2];
    let mut step: Vec<Vec<u8>> = Vec::with_capacity(n);
    for (i, one) in a.iter().enumerate() {
        let (from, to) = columns(i);
        let (last, now) = if i % 2 == 0 { (0, 1) } else { (1, 0) };
        let mut row = vec![1u8; m];
        let previous = best[last].clone();
        let current = &mut best[now];
        current.clone_from(&previous);
        for j in from..to {
            let both = previous[j].saturating_add(score(one, &b[j]));
            let (up, left) = (previous[j + 1], current[j]);
            let (value, way) = if both >= up && both >= left {
                (both, 0)
            } else if up >= left {
                (up, 1)
            } else {
                (left, 2)
            };
            current[j + 1] = value;
            row[j] = way;
        }
        for j in to..m {
            current[j + 1] = current[j + 1].max(current[j]);
        }
        step.push(row);
    }
    let (mut i, mut j) = (n, m);
    let mut pairs = Vec::new();
    while i > 0 && j > 0 {
        match step[i - 1][j - 1] {
            0 => {
                pairs.push((i - 1, j - 1));
                i -= 1;
                j -= 1;
            }
            1 => i -= 1,
            _ => j -= 1,
        }
    }
    pairs.reverse();
    pairs
}

/// Operators left on both sides that are the same one at another place.
fn elsewhere(a: &Side<'_>, b: &Side<'_>, ta: &[Traits], tb: &[Traits], m: &mut Matching) {
    let mut open: FxHashMap<(u64, u64, u64), Vec<usize>> = FxHashMap::default();
    for j in (0..tb.len()).rev().filter(|&j| m.to_a[j].is_none()) {
        open.entry((tb[j].op, tb[j].attrs, tb[j].states)).or_default().push(j);
    }
    for i in 0..ta.len() {
        if m.to_b[i].is_some() {
            continue;
        }
        let Some(candidates) = open.get_mut(&(ta[i].op, ta[i].attrs, ta[i].states)) else { continue };
        // What reads the same things is the same; else something of substance with the same parameters and shape.
        let same_inputs = |j: usize| corresponds(a, i, b, j, m);
        let found = candidates.iter().rposition(|&j| same_inputs(j)).or_else(|| {
            // Without parameters, only where there is no doubt which one it is.
            let certain = !a.states(i).is_empty() || candidates.len() == 1 && single(ta, i, &m.to_b);
            candidates.iter().rposition(|&j| certain && tb[j].output == ta[i].output)
        });
        if let Some(at) = found {
            let j = candidates.remove(at);
            let reordered = corresponds(a, i, b, j, m);
            m.join(i, j, !reordered);
        }
    }
}

/// Whether no other operator that is left does the same.
fn single(t: &[Traits], i: usize, taken: &[Option<usize>]) -> bool {
    let key = |x: &Traits| (x.op, x.attrs, x.states);
    t.iter().zip(taken).filter(|(x, taken)| taken.is_none() && key(x) == key(&t[i])).count() == 1
}

/// Whether both read what stands for each other.
fn corresponds(a: &Side<'_>, i: usize, b: &Side<'_>, j: usize, m: &Matching) -> bool {
    a.sources[i].len() == b.sources[j].len()
        && a.sources[i].iter().zip(&b.sources[j]).all(|(s, t)| match (s, t) {
            (Source::Node(x, k), Source::Node(y, l)) => m.to_b[*x] == Some(*y) && k == l,
            (s, t) => s == t,
        })
}

/// Another operator in the same place: it reads the same and is read by the same.
fn replaced(a: &Side<'_>, b: &Side<'_>, m: &mut Matching) {
    for i in 0..a.nodes.len() {
        if m.to_b[i].is_some() {
            continue;
        }
        let data = |side: &Side<'_>, i: usize| side.sources[i].iter().copied().find(|s| !matches!(s, Source::State));
        let Some(first) = data(a, i) else { continue };
        let candidates: Vec<usize> = match first {
            Source::Node(x, _) => m.to_b[x].map(|y| b.readers[y].clone()).unwrap_or_default(),
            Source::Input(_) => (0..b.nodes.len()).filter(|&j| data(b, j) == Some(first)).collect(),
            Source::State => Vec::new(),
        };
        let read_alike = |j: usize| {
            let theirs: Vec<Option<usize>> = a.readers[i].iter().map(|&r| m.to_b[r]).collect();
            let last = a.readers[i].is_empty() && b.readers[j].is_empty();
            last || b.readers[j].iter().any(|&r| theirs.contains(&Some(r)))
        };
        let found = candidates.into_iter().find(|&j| m.to_a[j].is_none() && read_alike(j));
        if let Some(j) = found {
            m.join(i, j, false);
        }
    }
}
