//! What is drawn: nested boxes of cards, repeats folded, edges between neighbours of one box.

use archsmith_ir::cost::{Cost, cost};
use archsmith_ir::summary::{bytes, grouped};
use archsmith_ir::{Arg, Attr, NodeId, ScopeId, TypedGraph, ValueDef, ValueId};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// From how many modules of one kind on they are drawn as one although their sizes differ.
const VARYING: usize = 4;
/// Longest period of a folded sequence of operators.
const MAX_PERIOD: usize = 6;

/// One operator.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Number of the node; `None` for inputs and outputs.
    pub(crate) node: Option<usize>,
    pub(crate) title: String,
    /// Arguments worth seeing.
    pub(crate) detail: String,
    /// Output shape without the batch.
    pub(crate) shape: String,
    /// Share of the network's MACs, 0 to 1.
    pub(crate) share: f64,
    pub(crate) macs: u64,
    pub(crate) params: u64,
    pub(crate) output_bytes: u64,
    /// All arguments, a line each.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) module: String,
    pub(crate) offset: u32,
}

/// Something in a box.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// Operators that feed each other in a line.
    Card { rows: Vec<Row>, times: usize },
    /// A module.
    Group(Box<Group>),
}

/// A module and what is called in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) path: String,
    pub(crate) class: String,
    /// How often it stands here, one after the other; costs are those of all.
    pub(crate) times: usize,
    /// The copies differ in sizes; the first is drawn.
    pub(crate) varying: bool,
    /// All operators that it stands for, folded copies included.
    pub(crate) stands: Vec<usize>,
    pub(crate) params: u64,
    pub(crate) macs: u64,
    pub(crate) share: f64,
    pub(crate) operators: usize,
    pub(crate) items: Vec<Item>,
    /// From item to item; a source comes before its target.
    pub(crate) edges: Vec<(usize, usize)>,
    /// Items that read something from outside.
    pub(crate) entries: Vec<usize>,
    /// Items that something outside reads.
    pub(crate) exits: Vec<usize>,
    /// Output shape of each item.
    pub(crate) shapes: Vec<String>,
}

/// Tree of calls before edges are known: nodes in order of execution.
#[derive(Debug)]
enum Tree {
    Node(usize),
    Module { scope: ScopeId, children: Vec<Tree> },
}

impl Tree {
    fn nodes(&self) -> Vec<usize> {
        match self {
            Tree::Node(i) => vec![*i],
            Tree::Module { children, .. } => children.iter().flat_map(Tree::nodes).collect(),
        }
    }
}

struct Maker<'a> {
    graph: &'a TypedGraph,
    cost: Cost,
    /// For each node, the live nodes and inputs (numbered behind the nodes) that it reads.
    reads: Vec<Vec<usize>>,
    /// For each node, whether an output of the network is among its outputs.
    result: Vec<bool>,
    /// For each node, the nodes that read it.
    readers: Vec<Vec<usize>>,
}

/// Sizes joined by ×, without the batch.
pub(crate) fn shape(sizes: &[usize], batch: usize) -> String {
    let sizes = match sizes {
        [first, rest @ ..] if *first == batch && !rest.is_empty() => rest,
        all => all,
    };
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

/// The whole network as a box.
pub(crate) fn model(graph: &TypedGraph) -> Group {
    let g = graph.graph();
    let body = &g.eval;
    let producer = |v: ValueId| match body.values[v.index()] {
        ValueDef::Node { node, .. } => Some(node.index()),
        _ => None,
    };
    let n = body.nodes.len();
    let mut live = vec![false; n];
    let mut result = vec![false; n];
    for i in body.outputs.iter().filter_map(|v| producer(*v)) {
        (live[i], result[i]) = (true, true);
    }
    for i in (0..n).rev() {
        if live[i] {
            body.nodes[i].inputs().filter_map(producer).for_each(|j| live[j] = true);
        }
    }
    let mut reads = vec![Vec::new(); n];
    let mut readers = vec![Vec::new(); n];
    for i in (0..n).filter(|&i| live[i]) {
        let mut from: Vec<usize> = body.nodes[i]
            .inputs()
            .filter_map(|v| match body.values[v.index()] {
                ValueDef::Node { node, .. } => Some(node.index()),
                ValueDef::Input(k) => Some(n + k as usize),
                ValueDef::State(_) => None,
            })
            .collect();
        from.sort_unstable();
        from.dedup();
        from.iter().filter(|&&j| j < n).for_each(|&j| readers[j].push(i));
        reads[i] = from;
    }
    let maker = Maker { graph, cost: cost(graph), reads, result, readers };
    let order: Vec<usize> = (0..n).filter(|&i| live[i]).collect();
    let trees = maker.trees(&order, 0);
    let mut group = maker.group(ScopeId(0), &trees);
    maker.ends(&mut group);
    group
}

impl Maker<'_> {
    /// The modules around a node, outermost first, the network itself left out.
    fn chain(&self, node: usize) -> Vec<ScopeId> {
        let scopes = &self.graph.graph().scopes;
        let mut chain = Vec::new();
        let mut next = Some(self.graph.graph().eval.nodes[node].scope);
        // A parent comes before its child, so this ends.
        while let Some((id, s)) = next.and_then(|id| scopes.get(id.index()).map(|s| (id, s))) {
            if !s.path.is_empty() {
                chain.push(id);
            }
            next = s.parent;
        }
        chain.reverse();
        chain
    }

    fn trees(&self, nodes: &[usize], depth: usize) -> Vec<Tree> {
        let mut out: Vec<(Option<ScopeId>, Vec<usize>)> = Vec::new();
        for &i in nodes {
            let module = self.chain(i).get(depth).copied();
            match out.last_mut() {
                Some((last, run)) if *last == module && module.is_some() => run.push(i),
                _ => out.push((module, vec![i])),
            }
        }
        out.into_iter()
            .map(|(module, run)| match module {
                // A module around a single operator says no more than the operator.
                Some(scope) if run.len() > 1 => Tree::Module { scope, children: self.trees(&run, depth + 1) },
                _ => Tree::Node(run[0]),
            })
            .collect()
    }

    /// What a tree is, apart from names; with sizes, or by its operators alone.
    fn digest(&self, tree: &Tree, sizes: bool) -> u64 {
        let mut h = DefaultHasher::new();
        match tree {
            Tree::Node(i) => {
                let node = &self.graph.graph().eval.nodes[*i];
                node.op.get().name.hash(&mut h);
                if !sizes {
                    return h.finish();
                }
                for arg in &node.args {
                    match arg {
                        Arg::Attr(a) => a.to_string().hash(&mut h),
                        Arg::Tensor(v) => self.graph.eval().ty(*v).hash(&mut h),
                        Arg::Tensors(vs) => vs.iter().for_each(|v| self.graph.eval().ty(*v).hash(&mut h)),
                    }
                }
                // How far back its inputs were made.
                self.reads[*i].iter().map(|j| i.wrapping_sub(*j)).filter(|d| *d < 4).collect::<Vec<_>>().hash(&mut h);
            }
            Tree::Module { scope, children } => {
                if !sizes {
                    self.graph.graph().scopes.get(scope.index()).map(|s| s.class.as_str()).hash(&mut h);
                }
                children.len().hash(&mut h);
                children.iter().for_each(|c| self.digest(c, sizes).hash(&mut h));
            }
        }
        h.finish()
    }

    /// `(first, period, times, varying)` of what is folded: equal sequences, one behind the other, of which each reads only
    /// the one before; or several modules of one kind in a row whose sizes differ.
    fn repeats(&self, trees: &[Tree]) -> Vec<(usize, usize, usize, bool)> {
        let digests: Vec<u64> = trees.iter().map(|t| self.digest(t, true)).collect();
        let kinds: Vec<u64> = trees.iter().map(|t| self.digest(t, false)).collect();
        let mut out = Vec::new();
        let mut i = 0;
        while i < trees.len() {
            let best = (1..=MAX_PERIOD)
                .filter_map(|period| {
                    let mut times = 1;
                    while digests.get(i..i + period).is_some_and(|a| {
                        let at = i + times * period;
                        digests.get(at..at + period) == Some(a)
                    }) && self.chained(&trees[i + (times - 1) * period..i + (times + 1) * period], period)
                    {
                        times += 1;
                    }
                    let module =
                        trees[i..(i + period).min(trees.len())].iter().any(|t| matches!(t, Tree::Module { .. }));
                    (times > 1 && (period > 1 || module || times > 2)).then_some((period, times))
                })
                .max_by_key(|&(period, times)| (period * times, std::cmp::Reverse(period)));
            let mut alike = 1;
            if matches!(trees[i], Tree::Module { .. }) {
                while kinds.get(i + alike) == Some(&kinds[i]) && self.follows(&trees[i..i + alike], &trees[i + alike]) {
                    alike += 1;
                }
            }
            let (period, times) = best.unwrap_or((1, 1));
            if alike >= VARYING && alike > period * times {
                out.push((i, 1, alike, true));
                i += alike;
                continue;
            }
            out.push((i, period, times, false));
            i += period * times;
        }
        out
    }

    /// Whether a module reads only what those before it made or read themselves.
    fn follows(&self, before: &[Tree], next: &Tree) -> bool {
        let made: BTreeSet<usize> = before.iter().flat_map(Tree::nodes).collect();
        let first: BTreeSet<usize> = before[0].nodes().iter().flat_map(|&i| self.reads[i].clone()).collect();
        let own = next.nodes();
        let known = |j: &usize| made.contains(j) || first.contains(j) || own.contains(j);
        own.iter().all(|&i| self.reads[i].iter().all(known))
            && own.iter().any(|&i| self.reads[i].iter().any(|j| made.contains(j)))
    }

    /// Whether the second half reads only itself and the first half, and the first is read by both alone.
    fn chained(&self, pair: &[Tree], period: usize) -> bool {
        let nodes = |t: &[Tree]| t.iter().flat_map(Tree::nodes).collect::<BTreeSet<usize>>();
        let (a, b) = (nodes(&pair[..period]), nodes(&pair[period..]));
        b.iter().all(|&i| self.reads[i].iter().all(|j| a.contains(j) || b.contains(j)))
            && a.iter().all(|&i| !self.result[i] && self.readers[i].iter().all(|j| a.contains(j) || b.contains(j)))
    }

    fn group(&self, scope: ScopeId, trees: &[Tree]) -> Group {
        let s = self.graph.graph().scopes.get(scope.index());
        let all: Vec<usize> = trees.iter().flat_map(Tree::nodes).collect();
        // Units: what becomes an item or part of a card, with the nodes it stands for (folded copies too).
        let mut units: Vec<(Vec<&Tree>, usize, bool, Vec<usize>)> = Vec::new();
        for (first, period, times, varying) in self.repeats(trees) {
            let stands = trees[first..first + period * times].iter().flat_map(Tree::nodes).collect();
            units.push((trees[first..first + period].iter().collect(), times, varying, stands));
        }
        let mut items = Vec::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (unit, times, varying, stands) in units {
            match unit[..] {
                [Tree::Module { scope, children }] => {
                    let mut group = self.group(*scope, children);
                    (group.times, group.varying) = (times, varying);
                    self.account(&mut group, stands.clone());
                    items.push(Item::Group(Box::new(group)));
                    members.push(stands);
                }
                [Tree::Node(i)] if times == 1 => {
                    // Joins the card before it, where it reads that alone and is its only reader.
                    let follows = members.last().and_then(|m| m.last()).is_some_and(|last| {
                        self.reads[*i] == [*last] && self.readers[*last] == [*i] && !self.result[*last]
                    });
                    match items.last_mut() {
                        Some(Item::Card { rows, times: 1 }) if follows => {
                            rows.push(self.row(*i));
                            if let Some(m) = members.last_mut() {
                                m.push(*i);
                            }
                        }
                        _ => {
                            items.push(Item::Card { rows: vec![self.row(*i)], times: 1 });
                            members.push(stands);
                        }
                    }
                }
                _ if unit.iter().all(|t| matches!(t, Tree::Node(_))) => {
                    let rows = unit.iter().flat_map(|t| t.nodes()).map(|i| self.row(i)).collect();
                    items.push(Item::Card { rows, times });
                    members.push(stands);
                }
                _ => {
                    let owned: Vec<Tree> = unit.iter().map(|t| self.copy(t)).collect();
                    let mut group = self.group(scope, &owned);
                    group.path = String::new();
                    group.class = String::new();
                    group.times = times;
                    self.account(&mut group, stands.clone());
                    items.push(Item::Group(Box::new(group)));
                    members.push(stands);
                }
            }
        }
        let place = |node: usize| members.iter().position(|m| m.contains(&node));
        let mut edges = BTreeSet::new();
        let (mut entries, mut exits) = (BTreeSet::new(), BTreeSet::new());
        for (k, m) in members.iter().enumerate() {
            for &i in m {
                for &j in &self.reads[i] {
                    match place(j) {
                        Some(from) if from < k => {
                            edges.insert((from, k));
                        }
                        Some(_) => {}
                        None => {
                            entries.insert(k);
                        }
                    }
                }
                if self.result[i] || self.readers[i].iter().any(|r| !all.contains(r)) {
                    exits.insert(k);
                }
            }
        }
        let shapes = members.iter().map(|m| m.last().map_or_else(String::new, |&i| self.shape(i))).collect();
        let mut group = Group {
            path: s.map_or_else(String::new, |s| s.path.clone()),
            class: s.map_or_else(String::new, |s| s.class.clone()),
            times: 1,
            varying: false,
            stands: Vec::new(),
            params: 0,
            macs: 0,
            share: 0.0,
            operators: all.len(),
            items,
            edges: edges.into_iter().collect(),
            entries: entries.into_iter().collect(),
            exits: exits.into_iter().collect(),
            shapes,
        };
        self.account(&mut group, all);
        group
    }

    /// Notes what a group stands for, and its cost.
    fn account(&self, group: &mut Group, stands: Vec<usize>) {
        let own = || stands.iter().filter_map(|&i| self.cost.node(NodeId(i as u32)));
        group.params = own().map(|c| c.params).sum();
        group.macs = own().map(|c| c.macs).sum();
        group.share = group.macs as f64 / self.cost.macs.max(1) as f64;
        group.operators = stands.len();
        group.stands = stands;
    }

    fn copy(&self, tree: &Tree) -> Tree {
        match tree {
            Tree::Node(i) => Tree::Node(*i),
            Tree::Module { scope, children } => {
                Tree::Module { scope: *scope, children: children.iter().map(|c| self.copy(c)).collect() }
            }
        }
    }

    fn shape(&self, node: usize) -> String {
        let body = &self.graph.graph().eval;
        let first = body.nodes[node].output_ids().next();
        first.map_or_else(String::new, |v| shape(&self.graph.eval().ty(v).shape, self.cost.batch as usize))
    }

    fn row(&self, i: usize) -> Row {
        let g = self.graph.graph();
        let node = &g.eval.nodes[i];
        let own = self.cost.node(NodeId(i as u32)).cloned().unwrap_or_default();
        let params = &node.op.signature().params;
        let mut attributes = Vec::new();
        for (k, arg) in node.args.iter().enumerate() {
            let name = params.get(k).map_or("_", |p| p.name).to_string();
            let value = |v: ValueId| match g.eval.values[v.index()] {
                ValueDef::State(id) => {
                    let s = &g.state[id.index()];
                    format!("{} {}", s.name, s.ty)
                }
                _ => self.graph.eval().ty(v).to_string(),
            };
            attributes.push(match arg {
                Arg::Attr(a) => (name, a.to_string()),
                Arg::Tensor(v) => (name, value(*v)),
                Arg::Tensors(vs) => (name, vs.iter().map(|v| value(*v)).collect::<Vec<_>>().join(", ")),
            });
        }
        Row {
            node: Some(i),
            title: node.op.get().name.to_string(),
            detail: self.detail(i),
            shape: self.shape(i),
            share: own.macs as f64 / self.cost.macs.max(1) as f64,
            macs: own.macs,
            params: own.params,
            output_bytes: own.output_bytes,
            attributes,
            module: g.scopes.get(node.scope.index()).map_or_else(String::new, |s| s.path.clone()),
            offset: node.span.start,
        }
    }

    /// The arguments that one wants to see at a glance: `3×3 /2 g32`, `p 0.5`.
    fn detail(&self, i: usize) -> String {
        let g = self.graph.graph();
        let node = &g.eval.nodes[i];
        let arg = |name: &str| {
            let k = node.op.signature().index(name)?;
            match &node.args[k] {
                Arg::Attr(a) => Some(a),
                _ => None,
            }
        };
        let ints = |name: &str| match arg(name) {
            Some(Attr::Ints(v)) => v.clone(),
            Some(Attr::Int(v)) => vec![*v],
            _ => Vec::new(),
        };
        let joined = |v: &[i64]| v.iter().map(i64::to_string).collect::<Vec<_>>().join("×");
        let short =
            |v: &[i64]| if v.windows(2).all(|w| w[0] == w[1]) { joined(&v[..1.min(v.len())]) } else { joined(v) };
        let mut parts: Vec<String> = Vec::new();
        let weight = node.op.signature().index("weight").and_then(|k| match &node.args[k] {
            Arg::Tensor(v) => Some(self.graph.eval().ty(*v).shape.clone()),
            _ => None,
        });
        if let Some(w) = weight.filter(|w| w.len() > 2) {
            parts.push(w[2..].iter().map(usize::to_string).collect::<Vec<_>>().join("×"));
        }
        let kernel = ints("kernel_size");
        if !kernel.is_empty() {
            parts.push(if kernel.len() == 1 { format!("{0}×{0}", kernel[0]) } else { joined(&kernel) });
        }
        let stride = ints("stride");
        if stride.iter().any(|&s| s != 1) {
            parts.push(format!("/{}", short(&stride)));
        }
        let dilation = ints("dilation");
        if dilation.iter().any(|&s| s != 1) {
            parts.push(format!("dilation {}", short(&dilation)));
        }
        match arg("groups") {
            Some(Attr::Int(g)) if *g != 1 => parts.push(format!("groups {g}")),
            _ => {}
        }
        for name in ["p", "dim", "num_heads"] {
            match arg(name) {
                Some(Attr::None) | None => {}
                Some(a) if name == "p" => parts.push(a.to_string()),
                Some(a) => parts.push(format!("{} {a}", name.trim_start_matches("num_"))),
            }
        }
        let scalar = node.op.signature().index("other").and_then(|k| match &node.args[k] {
            Arg::Attr(a) => Some(a.to_string()),
            _ => None,
        });
        parts.extend(scalar);
        parts.join(" ")
    }

    /// Adds the network's inputs before and its outputs behind what is drawn.
    fn ends(&self, group: &mut Group) {
        let g = self.graph.graph();
        let batch = self.cost.batch as usize;
        let end = |title: String, sizes: &[usize], ty: String| Item::Card {
            rows: vec![Row {
                node: None,
                title,
                detail: String::new(),
                shape: shape(sizes, batch),
                share: 0.0,
                macs: 0,
                params: 0,
                output_bytes: 0,
                attributes: vec![("type".into(), ty)],
                module: String::new(),
                offset: 0,
            }],
            times: 1,
        };
        let n = g.inputs.len();
        let mut items: Vec<Item> = g
            .inputs
            .iter()
            .enumerate()
            .map(|(i, ty)| end(if n == 1 { "input".into() } else { format!("input {i}") }, &ty.shape, ty.to_string()))
            .collect();
        let mut shapes: Vec<String> = g.inputs.iter().map(|ty| shape(&ty.shape, batch)).collect();
        let mut edges: Vec<(usize, usize)> = group.edges.iter().map(|e| (e.0 + n, e.1 + n)).collect();
        // Which input an item reads is only of interest where there are several; the contract has one.
        edges.extend(group.entries.iter().flat_map(|&k| (0..n).map(move |i| (i, k + n))));
        items.append(&mut group.items);
        shapes.append(&mut group.shapes);
        let m = items.len();
        for v in &g.eval.outputs {
            let ty = self.graph.eval().ty(*v);
            edges.extend(group.exits.iter().map(|&k| (k + n, items.len())));
            items.push(end("output".into(), &ty.shape, ty.to_string()));
            shapes.push(shape(&ty.shape, batch));
        }
        edges.retain(|e| e.0 < m);
        edges.sort_unstable();
        edges.dedup();
        (group.items, group.shapes, group.edges) = (items, shapes, edges);
        (group.entries, group.exits) = (Vec::new(), Vec::new());
    }
}

impl Row {
    /// All there is to say, for a tooltip.
    pub(crate) fn hint(&self) -> String {
        let mut out = format!("{}\n{}\noutput {}\n", self.title, self.module, self.shape);
        for (name, value) in &self.attributes {
            out.push_str(&format!("{name} = {value}\n"));
        }
        out.push_str(&format!(
            "{} parameters, {} MACs ({:.1} %), {}",
            grouped(self.params),
            grouped(self.macs),
            100.0 * self.share,
            bytes(self.output_bytes)
        ));
        out
    }
}

impl Group {
    /// `layer1: Sequential ×4`; the path as seen from the module around it.
    pub(crate) fn title(&self, around: &str) -> String {
        let path = match self.path.strip_prefix(around) {
            Some(rest) if !around.is_empty() => rest.trim_start_matches('.'),
            _ => &self.path,
        };
        let name = match (path.is_empty(), self.class.is_empty()) {
            (true, _) => self.class.clone(),
            (_, true) => path.to_string(),
            _ => format!("{path}: {}", self.class),
        };
        if self.times == 1 {
            return name;
        }
        let sizes = if self.varying { ", sizes differ" } else { "" };
        format!("×{}{sizes}  {name}", self.times).trim().to_string()
    }

    pub(crate) fn cost_text(&self) -> String {
        let mut parts = Vec::new();
        if self.params > 0 {
            parts.push(format!("{} params", short(self.params)));
        }
        if self.macs > 0 {
            parts.push(format!("{:.1} %", 100.0 * self.share));
        }
        parts.join(" · ")
    }
}

/// `11.2 M`.
pub(crate) fn short(n: u64) -> String {
    match n {
        0..=9_999 => n.to_string(),
        10_000..=999_999 => format!("{:.1} k", n as f64 / 1e3),
        1_000_000..=999_999_999 => format!("{:.1} M", n as f64 / 1e6),
        _ => format!("{:.1} G", n as f64 / 1e9),
    }
}
