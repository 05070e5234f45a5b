//! Where everything goes: each box is laid out for itself, in layers from top to bottom; lines over several layers run along
//! its right side. Layers that together are higher than a limit are broken into columns, in every box, and of several limits
//! the one is taken under which the whole is largest on a screen.

use super::model::{Group, Item, Row};

/// Height of a row.
pub(super) const ROW: f64 = 19.0;
const GAP_X: f64 = 14.0;
const GAP_Y: f64 = 20.0;
const PAD: f64 = 9.0;
/// Height of a box's title.
pub(super) const HEAD: f64 = 20.0;
/// Distance of lines that run side by side.
const LANE: f64 = 7.0;
/// Widest text of a row or title, in characters.
pub(super) const MAX_CHARS: usize = 46;
/// Width of a character.
const CHAR: f64 = 6.5;
/// Width of a bold one.
const BOLD: f64 = 7.3;
/// Between columns, for the line that goes up from the foot of the one to the head of the other.
const GUTTER: f64 = 36.0;
/// The screen that a drawing should fit, in pixels.
const SCREEN: (f64, f64) = (1600.0, 900.0);

/// A laid out item; positions are relative to the box around it.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) what: What<'a>,
}

#[derive(Debug)]
pub(super) enum What<'a> {
    Card(&'a [Row], usize),
    /// A module that holds nothing but one card: its title above the rows.
    Titled(&'a Group, String, &'a [Row], usize),
    Group(Box<Laid<'a>>),
}

/// A laid out box.
#[derive(Debug)]
pub(super) struct Laid<'a> {
    pub(super) group: &'a Group,
    pub(super) title: String,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) items: Vec<Placed<'a>>,
    pub(super) lines: Vec<Line>,
}

/// A line through points; the label, a shape, stands at its start.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) points: Vec<(f64, f64)>,
    pub(super) label: String,
}

/// The texts of a row: left, and right where it is shown.
pub(super) fn row_text(row: &Row, before: Option<&Row>) -> (String, String) {
    let left = if row.detail.is_empty() { row.title.clone() } else { format!("{} {}", row.title, row.detail) };
    let right = if before.is_some_and(|b| b.shape == row.shape) { String::new() } else { row.shape.clone() };
    (cut(&left, MAX_CHARS - right.chars().count().min(20)), right)
}

pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_string();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

fn title_width(title: &str, cost: &str) -> f64 {
    title.chars().count() as f64 * BOLD + cost.chars().count() as f64 * CHAR + 30.0
}

fn card(rows: &[Row], times: usize) -> Placed<'_> {
    let widest = rows.iter().enumerate().map(|(i, row)| {
        let (l, r) = row_text(row, i.checked_sub(1).map(|j| &rows[j]));
        let left = l.chars().count() as f64 * if row.params > 0 { BOLD } else { CHAR };
        left + r.chars().count() as f64 * CHAR + 26.0
    });
    let width = widest.fold(60.0, f64::max) + if times > 1 { 26.0 } else { 0.0 };
    Placed { x: 0.0, y: 0.0, width, height: rows.len() as f64 * ROW, what: What::Card(rows, times) }
}

/// Lays out the whole, so that it is largest on a screen.
pub(super) fn fit(group: &Group) -> Laid<'_> {
    let scale = |l: &Laid<'_>| (SCREEN.0 / l.width).min(SCREEN.1 / l.height).min(1.0);
    let mut best = lay(group, None, f64::INFINITY);
    let mut limit = best.height;
    // From one column to many; what fits as it is stays as it is.
    while scale(&best) < 1.0 && limit > 240.0 {
        limit *= 0.92;
        let next = lay(group, None, limit);
        if scale(&next) > scale(&best) + 1e-9 {
            best = next;
        }
    }
    best
}

/// Lays out a box; `around` is the path of the module around it, `None` for the outermost. Columns are at most `limit` high,
/// where a layer is not higher by itself.
fn lay<'a>(group: &'a Group, around: Option<&str>, limit: f64) -> Laid<'a> {
    let outermost = around.is_none();
    let title = group.title(around.unwrap_or_default());
    let mut placed: Vec<Placed<'_>> = group
        .items
        .iter()
        .map(|item| match item {
            Item::Card { rows, times } => card(rows, *times),
            Item::Group(inner) => match &inner.items[..] {
                [Item::Card { rows, times }] => {
                    let title = cut(&inner.title(&group.path), MAX_CHARS);
                    let own = card(rows, *times);
                    let width = own.width.max(title_width(&title, &inner.cost_text()));
                    let height = own.height + HEAD;
                    Placed { width, height, what: What::Titled(inner, title, rows, *times), ..own }
                }
                _ => {
                    let laid = lay(inner, Some(&group.path), limit - HEAD - 2.0 * PAD - 13.0);
                    Placed { x: 0.0, y: 0.0, width: laid.width, height: laid.height, what: What::Group(Box::new(laid)) }
                }
            },
        })
        .collect();
    let n = placed.len();
    let mut layer = vec![0usize; n];
    let mut sorted = group.edges.clone();
    sorted.sort_unstable_by_key(|e| e.1);
    for &(a, b) in &sorted {
        layer[b] = layer[b].max(layer[a] + 1);
    }
    let count = layer.iter().map(|l| l + 1).max().unwrap_or(0);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
    (0..n).for_each(|i| layers[layer[i]].push(i));
    order(&mut layers, &group.edges, n);
    let width_of = |l: &[usize], placed: &[Placed<'_>]| {
        l.iter().map(|&i| placed[i].width).sum::<f64>() + GAP_X * l.len().saturating_sub(1) as f64
    };
    let height_of = |l: &[usize], placed: &[Placed<'_>]| l.iter().map(|&i| placed[i].height).fold(0.0, f64::max);
    let heights: Vec<f64> = layers.iter().map(|l| height_of(l, &placed)).collect();
    let widths: Vec<f64> = layers.iter().map(|l| width_of(l, &placed)).collect();
    let columns = columns(&heights, limit);
    let several = columns.len() > 1 || group.entries.iter().filter(|&&i| layer[i] == 0).count() > 1;
    let top = if outermost { 34.0 } else { HEAD + PAD + if several { 9.0 } else { 0.0 } };
    let gutter = if columns.len() > 1 { GUTTER } else { 0.0 };
    let mut column_of = vec![0; count];
    columns.iter().enumerate().for_each(|(c, r)| column_of[r.clone()].iter_mut().for_each(|x| *x = c));

    // Lines over several layers of a column get a lane each, shorter ones further in.
    let mut long: Vec<(usize, usize)> = group
        .edges
        .iter()
        .copied()
        .filter(|&(a, b)| layer[b] > layer[a] + 1 && column_of[layer[a]] == column_of[layer[b]])
        .collect();
    // From the top border to a later layer, and from an earlier layer to the bottom border.
    let late: Vec<usize> = group.entries.iter().copied().filter(|&i| layer[i] > 0).collect();
    let early: Vec<usize> = group.exits.iter().copied().filter(|&i| layer[i] + 1 < count).collect();
    long.sort_by_key(|&(a, b)| (layer[b] - layer[a], layer[a]));
    let mut lanes: Vec<Vec<(i64, i64)>> = vec![Vec::new()];
    let mut take = |from: i64, to: i64| {
        let free = lanes.iter().position(|l| l.iter().all(|&(a, b)| to <= a || from >= b));
        let k = free.unwrap_or_else(|| {
            lanes.push(Vec::new());
            lanes.len() - 1
        });
        lanes[k].push((from, to));
        k
    };
    let lane_of: Vec<usize> = long.iter().map(|&(a, b)| take(layer[a] as i64, layer[b] as i64)).collect();
    let lane_in: Vec<usize> = late.iter().map(|&i| take(-1, layer[i] as i64)).collect();
    let lane_out: Vec<usize> = early.iter().map(|&i| take(layer[i] as i64, count as i64)).collect();
    let used = if long.is_empty() && late.is_empty() && early.is_empty() { 0 } else { lanes.len() };
    let margin = if used > 0 { used as f64 * LANE + 8.0 } else { 0.0 };

    let mut x0 = PAD;
    let mut bottom: f64 = top;
    let mut right: Vec<f64> = vec![0.0; columns.len().max(1)];
    for (c, range) in columns.iter().enumerate() {
        let inner = widths[range.clone()].iter().copied().fold(0.0, f64::max);
        let mut y = top;
        for l in range.clone() {
            let mut x = x0 + (inner - widths[l]) / 2.0;
            for &i in &layers[l] {
                placed[i].x = x;
                placed[i].y = y;
                x += placed[i].width + GAP_X;
            }
            y += heights[l] + GAP_Y;
        }
        bottom = bottom.max(y - GAP_Y);
        right[c] = x0 + inner;
        x0 += inner + margin + gutter;
    }
    let title_space = title_width(&cut(&title, MAX_CHARS), &group.cost_text());
    let content = x0 - gutter + PAD;
    let width = content.max(if outermost { 420.0 } else { title_space });
    let shift = if columns.len() == 1 { (width - content) / 2.0 } else { 0.0 };
    placed.iter_mut().for_each(|p| p.x += shift);
    right.iter_mut().for_each(|r| *r += shift);
    let height = bottom + PAD + if group.exits.is_empty() && columns.len() == 1 { 0.0 } else { 4.0 };

    let mut lines = Vec::new();
    let below = |i: usize| (placed[i].x + placed[i].width / 2.0, placed[i].y + placed[i].height);
    let above = |i: usize| (placed[i].x + placed[i].width / 2.0, placed[i].y);
    for &(a, b) in &group.edges {
        let label = group.shapes.get(a).cloned().unwrap_or_default();
        let (from, to) = (below(a), above(b));
        let (ca, cb) = (column_of[layer[a]], column_of[layer[b]]);
        let points = if ca != cb {
            // Down, through the gap between columns, up and over.
            let x = placed[b].x.min(columns_left(&placed, &layers, &columns[cb])) - 14.0;
            vec![from, (from.0, bottom + 6.0), (x, bottom + 6.0), (x, top - 10.0), (to.0, top - 10.0), to]
        } else if layer[b] == layer[a] + 1 {
            // Straight down beside taller neighbours, then over.
            let floor = layers[layer[a]].iter().map(|&i| placed[i].y + placed[i].height).fold(0.0, f64::max);
            if floor > from.1 + 1.0 { vec![from, (from.0, floor), to] } else { vec![from, to] }
        } else {
            let k = long.iter().position(|&e| e == (a, b)).map_or(0, |p| lane_of[p]);
            let x = right[ca] + 8.0 + k as f64 * LANE;
            let (yf, yt) = (placed[a].y + placed[a].height - 6.0, placed[b].y + 6.0);
            vec![(placed[a].x + placed[a].width, yf), (x, yf), (x, yt), (placed[b].x + placed[b].width, yt)]
        };
        let label = if points.len() < 4 { label } else { String::new() };
        lines.push(Line { points, label });
    }
    let centre = width / 2.0;
    if !outermost {
        for &i in group.entries.iter().filter(|&&i| layer[i] == 0) {
            lines.push(Line { points: vec![(centre, HEAD), above(i)], label: String::new() });
        }
        for (p, &i) in late.iter().enumerate() {
            let x = right[column_of[layer[i]]] + 8.0 + lane_in[p] as f64 * LANE;
            let y = placed[i].y + 6.0;
            lines.push(Line {
                points: vec![(centre, HEAD), (x, HEAD + 2.0), (x, y), (placed[i].x + placed[i].width, y)],
                label: String::new(),
            });
        }
        for &i in group.exits.iter().filter(|&&i| layer[i] + 1 == count) {
            let from = below(i);
            let foot = height - 3.0;
            let points = if columns.len() == 1 {
                vec![from, (centre, height)]
            } else {
                vec![from, (from.0, foot), (centre, foot), (centre, height)]
            };
            lines.push(Line { points, label: String::new() });
        }
        for (p, &i) in early.iter().enumerate() {
            let x = right[column_of[layer[i]]] + 8.0 + lane_out[p] as f64 * LANE;
            let y = placed[i].y + placed[i].height - 6.0;
            lines.push(Line {
                points: vec![(placed[i].x + placed[i].width, y), (x, y), (x, height - 3.0), (centre, height)],
                label: String::new(),
            });
        }
    }
    Laid { group, title, width, height, items: placed, lines }
}

fn columns_left(placed: &[Placed<'_>], layers: &[Vec<usize>], range: &std::ops::Range<usize>) -> f64 {
    layers[range.clone()].iter().flatten().map(|&i| placed[i].x).fold(f64::INFINITY, f64::min)
}

/// Breaks layers into as few columns of at most `limit` as there can be, and those as even as they can be.
fn columns(heights: &[f64], limit: f64) -> Vec<std::ops::Range<usize>> {
    let broken = |limit: f64| {
        let (mut ranges, mut start, mut height) = (Vec::new(), 0, 0.0);
        for (i, h) in heights.iter().enumerate() {
            if height > 0.0 && height + h > limit {
                ranges.push(start..i);
                (start, height) = (i, 0.0);
            }
            height += h + GAP_Y;
        }
        ranges.push(start..heights.len());
        ranges
    };
    let mut best = broken(limit);
    if best.len() > 1 {
        let (wanted, mut low, mut high) = (best.len(), 0.0, limit);
        while high - low > 2.0 {
            let middle = (low + high) / 2.0;
            let next = broken(middle);
            if next.len() == wanted {
                (best, high) = (next, middle);
            } else {
                low = middle;
            }
        }
    }
    best
}

/// Orders each layer by the mean place of what its items are joined to.
fn order(layers: &mut [Vec<usize>], edges: &[(usize, usize)], n: usize) {
    let mut rank = vec![0.0f64; n];
    let note = |layer: &[usize], rank: &mut [f64]| {
        let len = layer.len() as f64;
        layer.iter().enumerate().for_each(|(r, &i)| rank[i] = (r as f64 + 0.5) / len);
    };
    layers.iter().for_each(|l| note(l, &mut rank));
    for sweep in 0..6 {
        let down = sweep % 2 == 0;
        for k in 0..layers.len() {
            let l = if down { k } else { layers.len() - 1 - k };
            let key = |i: usize| {
                let joined: Vec<f64> = edges
                    .iter()
                    .filter_map(|&(a, b)| match down {
                        true if b == i => Some(rank[a]),
                        false if a == i => Some(rank[b]),
                        _ => None,
                    })
                    .collect();
                if joined.is_empty() { rank[i] } else { joined.iter().sum::<f64>() / joined.len() as f64 }
            };
            let mut keyed: Vec<(f64, usize)> = layers[l].iter().map(|&i| (key(i), i)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[l] = keyed.into_iter().map(|k| k.1).collect();
            note(&layers[l], &mut rank);
        }
    }
}
