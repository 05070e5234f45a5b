//! Drawings of a network's evaluation pass: [`svg`] for reports, [`dot`] for Graphviz.
//!
//! A box stands for an operator, with its module, output shape and parameters, coloured by its share of the MACs.
//! Where a network has more than [`MAX_BOXES`] operators, those that are called one after the other within one module
//! are drawn as one box, module by module from the innermost out, until few enough are left. Nodes that do not reach
//! an output, and state, are not drawn. The same graph gives the same bytes.

mod dot;
mod layout;
mod svg;

pub use dot::dot;
pub use svg::svg;

use crate::cost::cost;
use crate::graph::{NodeId, ScopeId, ValueDef, ValueId};
use crate::infer::TypedGraph;
use crate::summary::grouped;
use crate::types::TensorType;
use std::collections::BTreeSet;

/// From how many operators on they are drawn in groups.
pub const MAX_BOXES: usize = 60;

/// What is drawn.
struct Diagram {
    boxes: Vec<Box>,
    /// From box to box, each once, ascending; a box comes before those it leads to.
    edges: Vec<(usize, usize)>,
}

/// One box.
struct Box {
    title: String,
    detail: String,
    /// All there is to say, for a tooltip.
    hint: String,
    /// Share of the network's MACs; none for inputs and outputs.
    share: Option<f64>,
}

fn shape(ty: &TensorType) -> String {
    let sizes: Vec<String> = ty.shape.iter().map(usize::to_string).collect();
    sizes.join("×")
}

/// The module that stands for a node when modules deeper than `depth` are drawn as one; the path of the module.
fn module(graph: &TypedGraph, scope: ScopeId, depth: usize) -> (String, String) {
    let scopes = &graph.graph().scopes;
    let Some(mut s) = scopes.get(scope.index()) else { return Default::default() };
    // A parent comes before its child, so this ends.
    let level = |path: &str| if path.is_empty() { 0 } else { path.split('.').count() };
    while level(&s.path) > depth {
        match s.parent.and_then(|p| scopes.get(p.index())) {
            Some(parent) => s = parent,
            None => break,
        }
    }
    (s.path.clone(), s.class.clone())
}

/// Runs of live nodes that are drawn as one box each.
fn groups(graph: &TypedGraph, live: &[usize]) -> Vec<Vec<usize>> {
    let single: Vec<Vec<usize>> = live.iter().map(|&i| vec![i]).collect();
    if live.len() <= MAX_BOXES {
        return single;
    }
    let nodes = &graph.graph().eval.nodes;
    let mut best = single;
    for depth in (1..=8).rev() {
        let mut runs: Vec<(String, Vec<usize>)> = Vec::new();
        for &i in live {
            let path = module(graph, nodes[i].scope, depth).0;
            match runs.last_mut() {
                Some((p, run)) if *p == path && !path.is_empty() => run.push(i),
                _ => runs.push((path, vec![i])),
            }
        }
        best = runs.into_iter().map(|r| r.1).collect();
        if best.len() <= MAX_BOXES {
            break;
        }
    }
    best
}

impl Diagram {
    fn of(graph: &TypedGraph) -> Diagram {
        let (body, cost) = (&graph.graph().eval, cost(graph));
        let producer = |v: ValueId| match body.values[v.index()] {
            ValueDef::Node { node, .. } => Some(node.index()),
            _ => None,
        };
        let mut needed = vec![false; body.nodes.len()];
        for i in body.outputs.iter().filter_map(|v| producer(*v)) {
            needed[i] = true;
        }
        for i in (0..needed.len()).rev() {
            if needed[i] {
                body.nodes[i].inputs().filter_map(producer).for_each(|j| needed[j] = true);
            }
        }
        let live: Vec<usize> = (0..needed.len()).filter(|&i| needed[i]).collect();
        let groups = groups(graph, &live);

        let mut boxes = Vec::new();
        let mut place = vec![usize::MAX; body.values.len()];
        for (i, def) in body.values.iter().enumerate() {
            if let ValueDef::Input(k) = def {
                let ty = graph.eval().ty(ValueId(i as u32));
                place[i] = boxes.len();
                boxes.push(Box { title: format!("input {k}"), detail: shape(ty), hint: ty.to_string(), share: None });
            }
        }
        let mut edges = BTreeSet::new();
        for group in &groups {
            let own = boxes.len();
            let (mut params, mut macs) = (0u64, 0u64);
            for &i in group {
                if let Some(c) = cost.node(NodeId(i as u32)) {
                    params += c.params;
                    macs += c.macs;
                }
                for v in body.nodes[i].inputs() {
                    let from = place[v.index()];
                    if from < own {
                        edges.insert((from, own));
                    }
                }
                body.nodes[i].output_ids().for_each(|v| place[v.index()] = own);
            }
            let share = macs as f64 / cost.macs.max(1) as f64;
            boxes.push(describe(graph, group, params, macs, share));
        }
        for (k, v) in body.outputs.iter().enumerate() {
            let own = boxes.len();
            if place[v.index()] < own {
                edges.insert((place[v.index()], own));
            }
            let ty = graph.eval().ty(*v);
            let title = if body.outputs.len() == 1 { "output".to_string() } else { format!("output {k}") };
            boxes.push(Box { title, detail: shape(ty), hint: ty.to_string(), share: None });
        }
        // An input that nothing reads has no place in the picture's flow, but stays visible as a box of its own.
        Diagram { boxes, edges: edges.into_iter().collect() }
    }
}

fn describe(graph: &TypedGraph, group: &[usize], params: u64, macs: u64, share: f64) -> Box {
    let nodes = &graph.graph().eval.nodes;
    let names: Vec<&str> = group.iter().map(|&i| nodes[i].op.get().name).collect();
    let last = group.last().map(|&i| &nodes[i]);
    let output = last.and_then(|n| n.output_ids().next()).map(|v| graph.eval().ty(v));
    let out = output.map(shape).unwrap_or_default();
    let (title, path) = if group.len() == 1 {
        let scope = last.and_then(|n| graph.graph().scopes.get(n.scope.index()));
        (names.join(""), scope.map_or_else(String::new, |s| s.path.clone()))
    } else {
        let common = group.iter().map(|&i| graph.graph().scopes.get(nodes[i].scope.index()).map_or("", |s| &s.path));
        let path = common.reduce(common_path).unwrap_or_default();
        let class = graph.graph().scopes.iter().find(|s| s.path == path).map_or("", |s| &s.class);
        // A few operators are named; of many, the class of their module says more.
        let title = if group.len() <= 3 { names.join(" → ") } else { format!("{class} ({} operators)", group.len()) };
        (title, path.to_string())
    };
    let mut detail = out.clone();
    if params > 0 {
        detail.push_str(&format!(" · {} params", grouped(params)));
    }
    let hint = format!(
        "{} in {}\noutput {}\n{} parameters\n{} MACs ({:.1} %)",
        names.join(" → "),
        if path.is_empty() { "the network itself" } else { &path },
        output.map(ToString::to_string).unwrap_or_default(),
        grouped(params),
        grouped(macs),
        100.0 * share
    );
    let title = if path.is_empty() { title } else { format!("{title}  {path}") };
    Box { title: shortened(&title, 44), detail, hint, share: Some(share) }
}

/// The longest dotted path that both lie in.
fn common_path<'a>(a: &'a str, b: &'a str) -> &'a str {
    let mut end = 0;
    let mut parts = b.split('.');
    let mut at = 0;
    for part in a.split('.') {
        if parts.next() != Some(part) {
            break;
        }
        end = at + part.len();
        at = end + 1;
    }
    &a[..end]
}

/// Cut in the middle to `max` characters.
fn shortened(text: &str, max: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= max {
        return text.to_string();
    }
    let (head, tail) = (max / 2, max - max / 2 - 1);
    let cut: String = chars[..head].iter().chain(['…'].iter()).chain(&chars[chars.len() - tail..]).collect();
    cut
}
