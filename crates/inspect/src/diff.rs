//! What is different between two networks, found by matching their graphs rather than their texts.
//!
//! Operators of the evaluation passes are aligned in order of execution by what they do, what they read and what reads them;
//! what is left over is paired where its surroundings are (another operator in the same place, the same operator elsewhere).
//! Names of classes, modules and variables play no part.
//!
//! A difference is reported where it begins: a convolution with more channels is a change, the batch norm behind it, whose
//! parameters follow its input, is not ([`Pair::follows`]). Sizes that follow are those that changed in the same way in the
//! operator's inputs or outputs; strides, paddings, kernels and dimensions never follow.

mod align;
mod html;
mod render;

pub use html::html;

use archsmith_ir::cost::{Cost, cost};
use archsmith_ir::{Arg, Attr, Node, NodeId, TypedGraph, ValueDef, ValueId, fingerprint};
use serde::Serialize;

/// One operator of one network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its number in order of execution.
    pub node: u32,
    /// The operator.
    pub op: String,
    /// Path of the module that it is called in.
    pub module: String,
    /// Class of that module.
    pub class: String,
    /// Shape of its first output.
    pub output: Vec<usize>,
    /// First byte of the call in the source.
    pub offset: u32,
}

/// One attribute, input or parameter that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The argument's name.
    pub name: String,
    /// In the first network.
    pub before: String,
    /// In the second.
    pub after: String,
}

/// Two operators that stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// In the first network.
    pub a: Place,
    /// In the second.
    pub b: Place,
    /// What differs of its own accord.
    pub changes: Vec<Change>,
    /// Sizes that differ because something before differs.
    pub follows: Vec<Change>,
    /// The operator is called at another place in the order.
    pub moved: bool,
}

/// A figure of both networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Delta {
    /// Of the first network.
    pub before: u64,
    /// Of the second.
    pub after: u64,
}

/// Figures of both networks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deltas {
    /// Elements of all parameters.
    pub params: Delta,
    /// Elements of those that are trained.
    pub trainable: Delta,
    /// Multiply-adds for one sample.
    pub macs: Delta,
    /// Bytes kept for the backward pass.
    pub activation_bytes: Delta,
    /// Most bytes alive at one time in a forward pass.
    pub peak_forward_bytes: Delta,
}

/// What is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Whether both are the same network: equal fingerprints.
    pub same: bool,
    /// Operators of the first network that the second lacks, in order.
    pub removed: Vec<Place>,
    /// Operators of the second network that the first lacks, in order.
    pub added: Vec<Place>,
    /// Operators of both, in the order of the second.
    pub pairs: Vec<Pair>,
    /// Costs.
    pub deltas: Deltas,
}

impl Diff {
    /// Pairs that differ of their own accord, moved ones apart.
    pub fn changed(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(|p| !p.changes.is_empty())
    }

    /// Pairs at another place in the order.
    pub fn moved(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(|p| p.moved)
    }

    /// Whether anything is reported.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty()
            && self.added.is_empty()
            && self.changed().next().is_none()
            && self.moved().next().is_none()
    }
}

/// Compares two networks.
pub fn diff(a: &TypedGraph, b: &TypedGraph) -> Diff {
    let (na, nb) = (Side::of(a), Side::of(b));
    let matching = align::matching(&na, &nb);
    let mut pairs: Vec<Pair> = matching
        .pairs
        .iter()
        .map(|&(i, j, moved)| {
            let (changes, follows) = changes(&na, i, &nb, j, &matching);
            Pair { a: na.place(i), b: nb.place(j), changes, follows, moved }
        })
        .collect();
    pairs.sort_by_key(|p| p.b.node);
    let left = |n: usize, taken: &dyn Fn(usize) -> bool| (0..n).filter(|&i| !taken(i)).collect::<Vec<_>>();
    let removed = left(na.nodes.len(), &|i| matching.to_b[i].is_some());
    let added = left(nb.nodes.len(), &|j| matching.to_a[j].is_some());
    Diff {
        same: fingerprint::fingerprint(a) == fingerprint::fingerprint(b),
        removed: removed.into_iter().map(|i| na.place(i)).collect(),
        added: added.into_iter().map(|j| nb.place(j)).collect(),
        pairs,
        deltas: deltas(&cost(a), &cost(b)),
    }
}

fn deltas(a: &Cost, b: &Cost) -> Deltas {
    let d = |f: fn(&Cost) -> u64| Delta { before: f(a), after: f(b) };
    Deltas {
        params: d(|c| c.params),
        trainable: d(|c| c.trainable),
        macs: d(|c| c.macs),
        activation_bytes: d(|c| c.activation_bytes),
        peak_forward_bytes: d(|c| c.peak_forward_bytes),
    }
}

/// Where an input of an operator comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    /// An input of the network.
    Input(u32),
    /// A parameter, buffer or constant.
    State,
    /// An output of an operator.
    Node(usize, u32),
}

/// One network, with what the comparison asks of it.
struct Side<'a> {
    graph: &'a TypedGraph,
    nodes: &'a [Node],
    /// For each node its inputs.
    sources: Vec<Vec<Source>>,
    /// For each node, those that read it.
    readers: Vec<Vec<usize>>,
}

impl<'a> Side<'a> {
    fn of(graph: &'a TypedGraph) -> Self {
        let body = &graph.graph().eval;
        let source = |v: ValueId| match body.values[v.index()] {
            ValueDef::Input(i) => Source::Input(i),
            ValueDef::State(_) => Source::State,
            ValueDef::Node { node, output } => Source::Node(node.index(), output),
        };
        let sources: Vec<Vec<Source>> = body.nodes.iter().map(|n| n.inputs().map(source).collect()).collect();
        let mut readers = vec![Vec::new(); body.nodes.len()];
        for (j, inputs) in sources.iter().enumerate() {
            for s in inputs {
                if let Source::Node(i, _) = s {
                    readers[*i].push(j);
                }
            }
        }
        Side { graph, nodes: &body.nodes, sources, readers }
    }

    fn shape(&self, v: ValueId) -> &[usize] {
        &self.graph.eval().ty(v).shape
    }

    fn output(&self, i: usize) -> &[usize] {
        self.nodes[i].output_ids().next().map_or(&[], |v| self.shape(v))
    }

    fn is_state(&self, v: ValueId) -> bool {
        matches!(self.graph.graph().eval.values[v.index()], ValueDef::State(_))
    }

    /// Shapes of the parameters and buffers that a node reads.
    fn states(&self, i: usize) -> Vec<&[usize]> {
        self.nodes[i].inputs().filter(|v| self.is_state(*v)).map(|v| self.shape(v)).collect()
    }

    fn place(&self, i: usize) -> Place {
        let node = &self.nodes[i];
        let scope = self.graph.graph().scopes.get(node.scope.index());
        Place {
            node: NodeId(i as u32).0,
            op: node.op.get().name.to_string(),
            module: scope.map_or_else(String::new, |s| s.path.clone()),
            class: scope.map_or_else(String::new, |s| s.class.clone()),
            output: self.output(i).to_vec(),
            offset: node.span.start,
        }
    }
}

/// Arguments that never follow from a size before.
fn is_own(name: &str) -> bool {
    const OWN: &[&str] = &[
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "output_padding",
        "dim",
        "dims",
        "dim0",
        "dim1",
        "start_dim",
        "end_dim",
        "num_heads",
        "p",
        "eps",
        "momentum",
        "k",
    ];
    OWN.contains(&name)
}

/// Which dimension of a weight is the operator's own choice.
fn own_dimension(op: &str) -> Option<usize> {
    match op {
        "conv1d" | "conv2d" | "conv3d" | "linear" => Some(0),
        "conv_transpose1d" | "conv_transpose2d" | "conv_transpose3d" => Some(1),
        _ => None,
    }
}

/// Pairs of sizes that differ.
#[derive(Default)]
struct Sizes(Vec<(usize, usize)>);

impl Sizes {
    fn note(&mut self, a: &[usize], b: &[usize]) {
        if a.len() == b.len() {
            self.0.extend(a.iter().zip(b).filter(|(x, y)| x != y).map(|(x, y)| (*x, *y)));
        }
        let (x, y): (usize, usize) = (a.iter().skip(1).product(), b.iter().skip(1).product());
        if x != y {
            self.0.push((x, y));
        }
    }

    /// Whether `a` became `b` as some size did, or in the same ratio.
    fn explain(&self, a: usize, b: usize) -> bool {
        a == b || self.0.iter().any(|&(x, y)| (x, y) == (a, b) || (a > 1 && b > 1 && x * b == y * a))
    }
}

/// What differs between two operators that stand for each other: of its own accord, and as a consequence.
fn changes(a: &Side<'_>, i: usize, b: &Side<'_>, j: usize, matching: &align::Matching) -> (Vec<Change>, Vec<Change>) {
    let (x, y) = (&a.nodes[i], &b.nodes[j]);
    let (mut own, mut follows) = (Vec::new(), Vec::new());
    if x.op != y.op {
        let change =
            |before: &str, after: &str| Change { name: "operator".into(), before: before.into(), after: after.into() };
        own.push(change(x.op.get().name, y.op.get().name));
        return (own, follows);
    }
    let mut inputs = Sizes::default();
    for (v, w) in x.inputs().zip(y.inputs()) {
        if !a.is_state(v) && !b.is_state(w) {
            inputs.note(a.shape(v), b.shape(w));
        }
    }
    let mut around = Sizes(inputs.0.clone());
    around.note(a.output(i), b.output(j));
    let params = &x.op.signature().params;
    for (k, (p, q)) in x.args.iter().zip(&y.args).enumerate() {
        let name = params.get(k).map_or("_", |p| p.name);
        let change = |before: String, after: String| Change { name: name.to_string(), before, after };
        match (p, q) {
            (Arg::Attr(p), Arg::Attr(q)) if p == q => {}
            (Arg::Attr(p), Arg::Attr(q)) => {
                let consequence = !is_own(name)
                    && match (p, q) {
                        (Attr::Int(p), Attr::Int(q)) => around.explain(*p as usize, *q as usize),
                        (Attr::Ints(p), Attr::Ints(q)) => {
                            p.len() == q.len() && p.iter().zip(q).all(|(p, q)| around.explain(*p as usize, *q as usize))
                        }
                        _ => false,
                    };
                let c = change(p.to_string(), q.to_string());
                if consequence { follows.push(c) } else { own.push(c) }
            }
            (Arg::Tensor(v), Arg::Tensor(w)) if a.is_state(*v) && b.is_state(*w) => {
                let (s, t) = (a.shape(*v), b.shape(*w));
                if s == t {
                    continue;
                }
                let chosen = own_dimension(x.op.get().name);
                // The groups of a depthwise convolution follow its input, and with them its channels.
                let depthwise = x.args.iter().zip(&y.args).any(|(p, q)| match (p, q) {
                    (Arg::Attr(Attr::Int(p)), Arg::Attr(Attr::Int(q))) => p != q && s.first() == Some(&(*p as usize)),
                    _ => false,
                });
                let explained = s.len() == t.len()
                    && s.iter().zip(t).enumerate().all(|(d, (&m, &n))| {
                        m == n
                            || if chosen == Some(d) && !depthwise && s.len() > 1 {
                                false
                            } else if s.len() == 1 {
                                around.explain(m, n)
                            } else {
                                inputs.explain(m, n)
                            }
                    });
                let c = change(format!("{s:?}"), format!("{t:?}"));
                if explained { follows.push(c) } else { own.push(c) }
            }
            (Arg::Tensor(_), Arg::Tensor(_)) | (Arg::Tensors(_), Arg::Tensors(_)) => {}
            _ => own.push(change(kind(p), kind(q))),
        }
    }
    // An input from elsewhere, where both sources have counterparts and those are others.
    for (s, t) in a.sources[i].iter().zip(&b.sources[j]) {
        // Around what was moved, inputs follow.
        let beside_moved = matching.moved(i)
            || matches!(s, Source::Node(m, _) if matching.moved(*m))
            || matches!(t, Source::Node(n, _) if matching.to_a[*n].is_some_and(|m| matching.moved(m)));
        let rewired = !beside_moved
            && match (s, t) {
                (Source::Node(m, _), Source::Node(n, _)) => {
                    matching.to_b[*m].is_some_and(|o| o != *n) && matching.to_a[*n].is_some()
                }
                (Source::Input(m), Source::Input(n)) => m != n,
                (Source::State, Source::State) => false,
                (Source::Node(m, _), Source::Input(_)) => matching.to_b[*m].is_some(),
                (Source::Input(_), Source::Node(n, _)) => matching.to_a[*n].is_some(),
                _ => true,
            };
        if rewired {
            let from = |side: &Side<'_>, s: &Source| match s {
                Source::Input(k) => format!("input {k}"),
                Source::State => "a parameter".to_string(),
                Source::Node(n, _) => format!("%{n} {}", side.nodes[*n].op.get().name),
            };
            own.push(Change { name: "input".into(), before: from(a, s), after: from(b, t) });
        }
    }
    if a.sources[i].len() != b.sources[j].len() {
        let count = |n: usize| format!("{n} tensors");
        let (m, n) = (a.sources[i].len(), b.sources[j].len());
        if !own.iter().any(|c| c.before == "None" || c.after == "None") {
            own.push(Change { name: "inputs".into(), before: count(m), after: count(n) });
        }
    }
    (own, follows)
}

fn kind(a: &Arg) -> String {
    match a {
        Arg::Tensor(_) => "a tensor".into(),
        Arg::Tensors(v) => format!("{} tensors", v.len()),
        Arg::Attr(a) => a.to_string(),
    }
}
