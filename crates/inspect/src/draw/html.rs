//! The drawing as one HTML page that needs nothing else: it zooms, searches and collapses, and shows for each operator its
//! arguments, its cost and its line of the source side by side.

use super::model::{Group, Item, Row, model, short};
use crate::escape;
use archsmith_ir::TypedGraph;
use archsmith_ir::summary::{bytes, grouped};
use serde_json::{Value, json};

/// As many levels of modules are open at first as have fewer rows than this in all: more cannot be read at once.
const OPEN: usize = 260;

/// The page. `source` is the Python text, where it is known.
pub fn html(graph: &TypedGraph, source: Option<&str>) -> String {
    let group = model(graph);
    let lines = Lines::of(source.unwrap_or_default());
    let levels = (1..=levels(&group)).rev().find(|&n| rows(&group, n) < OPEN).unwrap_or(1);
    let data = json!({
        "root": value(&group, &lines, levels, ""),
        "source": source.unwrap_or_default().lines().collect::<Vec<_>>(),
    });
    // A `<` could end the script element.
    let data = data.to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    let figures = format!(
        "{} operators · {} parameters · {} MACs a sample · colour: share of them",
        group.operators,
        short(group.params),
        short(group.macs)
    );
    include_str!("page.html")
        .replace("{{title}}", &escape(&group.class))
        .replace("{{figures}}", &escape(&figures))
        .replace("{{data}}", &data)
}

/// Levels of modules within each other, the network itself among them.
fn levels(group: &Group) -> usize {
    1 + group.items.iter().map(|item| if let Item::Group(inner) = item { levels(inner) } else { 0 }).max().unwrap_or(0)
}

/// Rows that are seen where so many levels are open: operators, repeats once, and the titles of closed modules.
fn rows(group: &Group, open: usize) -> usize {
    if open == 0 {
        return 1;
    }
    let rows = group.items.iter().map(|item| match item {
        Item::Card { rows, .. } => rows.len(),
        Item::Group(inner) => self::rows(inner, open - 1),
    });
    rows.sum()
}

struct Lines(Vec<u32>);

impl Lines {
    fn of(source: &str) -> Lines {
        Lines(
            std::iter::once(0)
                .chain(source.bytes().enumerate().filter(|b| b.1 == b'\n').map(|b| b.0 as u32 + 1))
                .collect(),
        )
    }

    /// From 1.
    fn line(&self, offset: u32) -> usize {
        self.0.partition_point(|&start| start <= offset)
    }
}

fn row(r: &Row, lines: &Lines) -> Value {
    json!({
        "n": r.node,
        "t": r.title,
        "d": r.detail,
        "s": r.shape,
        "c": r.share,
        "p": r.params,
        "m": r.module,
        "l": r.node.map(|_| lines.line(r.offset)),
        "a": r.attributes,
        "f": [
            ["parameters", grouped(r.params)],
            ["MACs a sample", format!("{} ({:.2} %)", grouped(r.macs), 100.0 * r.share)],
            ["output", bytes(r.output_bytes)],
        ],
    })
}

/// `open`: so many levels are open, this one first.
fn value(g: &Group, lines: &Lines, open: usize, around: &str) -> Value {
    let items: Vec<Value> = g
        .items
        .iter()
        .map(|item| match item {
            Item::Card { rows, times } => {
                json!({"rows": rows.iter().map(|r| row(r, lines)).collect::<Vec<_>>(), "x": times})
            }
            Item::Group(inner) => value(inner, lines, open.saturating_sub(1), &g.path),
        })
        .collect();
    json!({
        "title": g.title(around), "cost": g.cost_text(), "ops": g.operators, "share": g.share, "x": g.times,
        "open": open > 0, "items": items, "edges": g.edges, "shapes": g.shapes,
        "in": g.entries, "out": g.exits,
    })
}
