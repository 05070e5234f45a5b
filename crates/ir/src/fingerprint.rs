//! Fingerprints: two networks that compute the same thing in the same way have the same one, however they are written.
//!
//! Labels are hashed over the primitive programs of both forward passes, in the manner of Weisfeiler and Lehman:
//! forwards from the inputs, backwards from the outputs, and once more with state told apart by its uses.
//!
//! It sees primitives with their attributes, shapes, element types, what kind each state tensor is, which uses share
//! one, and how buffers and constants are filled. It does not see names, spans, scopes, the order of independent
//! nodes, the order of operands that commute, dead code, primitives that do nothing (reshapes of reshapes, dropout of
//! nothing, adding 0, multiplying by 1), how parameters are initialised, or the batch size, as long as that is at
//! least 2: with a batch of 1, dimensions of size 1 cannot be told apart from the batch.
//!
//! Networks that fold the batch into another dimension by hand (groups of a convolution, a range over the samples) may
//! differ by batch size as well: compare fingerprints of graphs that were made with one batch size.
//!
//! Equal fingerprints of different networks are possible (graphs that the Weisfeiler–Lehman test cannot tell apart)
//! but do not arise from networks that people or language models write.

use crate::cost::batch_size;
use crate::graph::{StateId, StateKind};
use crate::infer::{Program, Step, TypedGraph};
use crate::op::V;
use crate::prim::{BinaryOp, Prim, UnaryOp};
use crate::types::TensorType;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Changes whenever the same network would get another fingerprint than before.
const VERSION: &str = "archsmith fingerprint 1";

/// Radius of the largest neighbourhood among the shingles of a graph.
const SHINGLE_RADIUS: usize = 3;

/// A canonical hash of a network, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is not a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is written as 32 hexadecimal digits, found {0:?}")]
pub struct FingerprintParseError(String);

impl FromStr for Fingerprint {
    type Err = FingerprintParseError;

    fn from_str(text: &str) -> Result<Self, FingerprintParseError> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let value = digits.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        value.map(Fingerprint).ok_or_else(|| FingerprintParseError(text.to_string()))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The fingerprint of the architecture: both forward passes, without the recipe.
pub fn fingerprint(graph: &TypedGraph) -> Fingerprint {
    let mut h = Hash::new("graph");
    for program in [graph.eval().program(), graph.train().program()] {
        h.label(Labels::new(graph, program).digest());
    }
    Fingerprint(h.finish())
}

/// The fingerprint of architecture and recipe together; why a part of the recipe was assumed does not count.
pub fn fingerprint_with_recipe(graph: &TypedGraph) -> Fingerprint {
    let recipe = &graph.graph().recipe;
    let mut h = Hash::new("graph and recipe");
    h.label(fingerprint(graph).0);
    h.text(&format!("{:?} {:?} {:?} {:?}", recipe.optimizer, recipe.loss, recipe.clip, recipe.schedule));
    Fingerprint(h.finish())
}

/// The labels of every neighbourhood of radius 0 to 3 in the evaluation pass, for a MinHash of the graph: networks
/// with many common parts have many in common. Equal neighbourhoods are numbered, so that a set tells three equal
/// blocks from four. Ascending, without duplicates.
pub fn graph_shingles(graph: &TypedGraph) -> Vec<u64> {
    let labels = Labels::new(graph, graph.eval().program());
    let mut counts: FxHashMap<u128, u64> = FxHashMap::default();
    let mut out = Vec::new();
    for radius in 0..=SHINGLE_RADIUS {
        for label in labels.neighbourhoods(radius) {
            let count = counts.entry(label).or_default();
            let mut h = Hash::new("shingle");
            h.label(label);
            h.label(u128::from(*count));
            out.push(h.finish() as u64);
            *count += 1;
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// A 128-bit hash of labels and texts.
struct Hash(blake3::Hasher);

impl Hash {
    fn new(what: &str) -> Hash {
        let mut h = Hash(blake3::Hasher::new());
        h.text(VERSION);
        h.text(what);
        h
    }

    fn text(&mut self, text: &str) {
        self.label(text.len() as u128);
        self.0.update(text.as_bytes());
    }

    fn label(&mut self, label: u128) {
        self.0.update(&label.to_le_bytes());
    }

    /// Labels whose order does not matter.
    fn multiset(&mut self, mut labels: Vec<u128>) {
        labels.sort_unstable();
        self.label(labels.len() as u128);
        labels.into_iter().for_each(|l| self.label(l));
    }

    fn finish(self) -> u128 {
        let mut first = [0; 16];
        first.copy_from_slice(&self.0.finalize().as_bytes()[..16]);
        u128::from_le_bytes(first)
    }
}

/// A program reduced to what counts: live steps with a label of their own, and where each input really comes from.
struct Labels<'a> {
    program: &'a Program,
    /// Live steps that do something, by index, in order.
    live: Vec<usize>,
    /// What the steps read, once steps that do nothing are looked through.
    origins: Origins,
    /// For each live step, what it does: primitive, attributes, output types.
    own: FxHashMap<usize, u128>,
    /// Inputs and state by what they are.
    leaves: FxHashMap<V, u128>,
    outputs: Vec<V>,
}

impl<'a> Labels<'a> {
    fn new(graph: &TypedGraph, program: &'a Program) -> Self {
        let batch = batch_size(graph);
        let origins = Origins::new(program);
        let outputs: Vec<V> = program.outputs.iter().map(|v| origins.same[v.index()]).collect();
        let mut needed = vec![false; program.values.len()];
        outputs.iter().for_each(|v| needed[v.index()] = true);
        let mut live = Vec::new();
        for (i, step) in program.steps.iter().enumerate().rev() {
            if step_outputs(step).any(|v| needed[v.index()]) {
                live.push(i);
                origins.inputs(step).iter().for_each(|v| needed[v.index()] = true);
            }
        }
        live.reverse();
        let axes = batch_axes(program, batch);
        let types = |v: V| typed(&program.values[v.index()], axes[v.index()], batch);
        let own = live
            .iter()
            .map(|&i| {
                let step = &program.steps[i];
                let mut h = Hash::new("step");
                h.text(&describe(&step.prim));
                step_outputs(step).for_each(|v| h.text(&types(v)));
                (i, h.finish())
            })
            .collect();
        let mut leaves = FxHashMap::default();
        for (i, &v) in program.inputs.iter().enumerate() {
            let mut h = Hash::new("input");
            h.label(i as u128);
            h.text(&types(v));
            leaves.insert(v, h.finish());
        }
        for &(id, v) in &program.state {
            leaves.insert(v, state_label(graph, id));
        }
        Labels { program, live, origins, own, leaves, outputs }
    }

    fn inputs(&self, step: &Step) -> Vec<V> {
        self.origins.inputs(step)
    }

    /// Labels of all values from what they are computed of.
    fn forward(&self, leaves: &FxHashMap<V, u128>) -> FxHashMap<V, u128> {
        let mut label = leaves.clone();
        for &i in &self.live {
            let step = &self.program.steps[i];
            let mut inputs: Vec<u128> = self.inputs(step).iter().map(|v| label.get(v).copied().unwrap_or(0)).collect();
            if commutes(&step.prim) {
                inputs.sort_unstable();
            }
            for (k, v) in step_outputs(step).enumerate() {
                let mut h = Hash::new("forward");
                h.label(self.own.get(&i).copied().unwrap_or(0));
                h.label(k as u128);
                inputs.iter().for_each(|l| h.label(*l));
                label.insert(v, h.finish());
            }
        }
        label
    }

    /// Labels of all values from what is computed of them.
    fn backward(&self, forward: &FxHashMap<V, u128>) -> FxHashMap<V, u128> {
        let mut uses: FxHashMap<V, Vec<u128>> = FxHashMap::default();
        for (k, v) in self.outputs.iter().enumerate() {
            let mut h = Hash::new("output");
            h.label(k as u128);
            uses.entry(*v).or_default().push(h.finish());
        }
        let close = |uses: Option<&Vec<u128>>| {
            let mut h = Hash::new("uses");
            h.multiset(uses.cloned().unwrap_or_default());
            h.finish()
        };
        for &i in self.live.iter().rev() {
            let step = &self.program.steps[i];
            let after: Vec<u128> = step_outputs(step).map(|v| close(uses.get(&v))).collect();
            for (k, v) in self.inputs(step).into_iter().enumerate() {
                let mut h = Hash::new("backward");
                h.label(forward.get(&step.first_output).copied().unwrap_or(0));
                h.label(if commutes(&step.prim) { 0 } else { k as u128 });
                after.iter().for_each(|l| h.label(*l));
                uses.entry(v).or_default().push(h.finish());
            }
        }
        uses.iter().map(|(v, u)| (*v, close(Some(u)))).collect()
    }

    fn digest(&self) -> u128 {
        let mut leaves = self.leaves.clone();
        let mut digest = 0;
        // The second round knows which uses share a state tensor.
        for _ in 0..2 {
            let forward = self.forward(&leaves);
            let backward = self.backward(&forward);
            let combine = |v: V, label: u128| {
                let mut h = Hash::new("value");
                h.label(label);
                h.label(backward.get(&v).copied().unwrap_or(0));
                h.finish()
            };
            leaves = self.leaves.iter().map(|(v, label)| (*v, combine(*v, *label))).collect();
            let used = |v: &V| backward.contains_key(v) || self.program.inputs.contains(v);
            let mut h = Hash::new("program");
            h.multiset(self.leaves.iter().filter(|(v, _)| used(v)).map(|(v, label)| combine(*v, *label)).collect());
            h.multiset(
                self.live
                    .iter()
                    .map(|&i| self.program.steps[i].first_output)
                    .map(|v| combine(v, forward.get(&v).copied().unwrap_or(0)))
                    .collect(),
            );
            self.outputs.iter().for_each(|v| h.label(forward.get(v).copied().unwrap_or(0)));
            digest = h.finish();
        }
        digest
    }

    /// For each live step, the label of what lies within `radius` steps of it.
    fn neighbourhoods(&self, radius: usize) -> Vec<u128> {
        let mut maker: FxHashMap<V, usize> = FxHashMap::default();
        for &i in &self.live {
            maker.extend(step_outputs(&self.program.steps[i]).map(|v| (v, i)));
        }
        let mut users: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for &i in &self.live {
            for v in self.inputs(&self.program.steps[i]) {
                if let Some(&m) = maker.get(&v) {
                    users.entry(m).or_default().push(i);
                }
            }
        }
        let mut label = self.own.clone();
        for _ in 0..radius {
            let next = self.live.iter().map(|&i| {
                let step = &self.program.steps[i];
                let mut before: Vec<u128> = self
                    .inputs(step)
                    .iter()
                    .map(|v| {
                        maker.get(v).and_then(|m| label.get(m)).or_else(|| self.leaves.get(v)).copied().unwrap_or(0)
                    })
                    .collect();
                if commutes(&step.prim) {
                    before.sort_unstable();
                }
                let mut h = Hash::new("neighbourhood");
                h.label(label.get(&i).copied().unwrap_or(0));
                before.iter().for_each(|l| h.label(*l));
                let after = users.get(&i).map_or(&[][..], Vec::as_slice);
                h.multiset(after.iter().filter_map(|u| label.get(u).copied()).collect());
                (i, h.finish())
            });
            label = next.collect();
        }
        self.live.iter().filter_map(|i| label.get(i).copied()).collect()
    }
}

fn step_outputs(step: &Step) -> impl Iterator<Item = V> + use<> {
    (step.first_output.0..step.first_output.0 + step.outputs).map(V)
}

/// A state tensor by kind and type; buffers and constants by how they are filled, too, since that stays as it is.
fn state_label(graph: &TypedGraph, id: StateId) -> u128 {
    let s = &graph.graph().state[id.index()];
    let mut h = Hash::new("state");
    // A buffer and a constant do the same to the network: the difference lies in the state dict alone.
    h.text(match s.kind {
        StateKind::Parameter => "parameter",
        StateKind::FrozenParameter => "frozen",
        StateKind::Buffer | StateKind::Constant => "buffer",
    });
    h.text(&s.ty.to_string());
    if !s.kind.is_parameter() {
        h.label(init_label(graph.init().program(), graph.init().value(s.init)));
    }
    h.finish()
}

/// The label of one value of the `init` program, from what it is computed of.
fn init_label(program: &Program, v: V) -> u128 {
    let mut label: FxHashMap<V, u128> = FxHashMap::default();
    let mut stack = vec![v];
    while let Some(&at) = stack.last() {
        if label.contains_key(&at) {
            stack.pop();
            continue;
        }
        let Some(i) = crate::reference::producer(program, at) else {
            label.insert(at, 0);
            continue;
        };
        let step = &program.steps[i];
        let missing: Vec<V> = step.inputs.iter().copied().filter(|v| !label.contains_key(v)).collect();
        if !missing.is_empty() {
            stack.extend(missing);
            continue;
        }
        for (k, out) in step_outputs(step).enumerate() {
            let mut h = Hash::new("init");
            h.text(&describe(&step.prim));
            h.text(&program.values[out.index()].to_string());
            h.label(k as u128);
            step.inputs.iter().for_each(|v| h.label(label.get(v).copied().unwrap_or(0)));
            label.insert(out, h.finish());
        }
    }
    label.get(&v).copied().unwrap_or(0)
}

fn commutes(prim: &Prim) -> bool {
    use BinaryOp::*;
    matches!(prim, Prim::Binary(Add | Mul | Maximum | Minimum | Eq | Ne | And | Or | Xor))
}

/// A primitive with its attributes, apart from shapes that its output type says anyway (and that hold the batch size).
fn describe(prim: &Prim) -> String {
    match prim {
        Prim::Reshape { .. } => "Reshape".to_string(),
        Prim::Expand { .. } => "Expand".to_string(),
        Prim::Full { value, .. } => format!("Full {value:?}"),
        Prim::Random { distribution, .. } => format!("Random {distribution:?}"),
        Prim::Interpolate { mode, align_corners, scales, .. } => {
            format!("Interpolate {mode:?} {align_corners} {scales:?}")
        }
        Prim::Dropout { p, mask } => {
            let whole: Vec<bool> = mask.iter().map(|&n| n == 1).collect();
            format!("Dropout {p:?} {whole:?}")
        }
        // ReLU by another name.
        Prim::Unary(UnaryOp::Clamp { min: 0.0, max: f64::INFINITY }) => describe(&Prim::Unary(UnaryOp::Relu)),
        Prim::Scalar { op: BinaryOp::Maximum, value: 0.0, .. } => describe(&Prim::Unary(UnaryOp::Relu)),
        // x + c, c + x and the like.
        Prim::Scalar { op, value, .. } if commutes(&Prim::Binary(*op)) => format!("Scalar {op:?} {value:?}"),
        // The variants' names, fields and values, which say everything else.
        _ => format!("{prim:?}"),
    }
}

/// Where values really come from.
struct Origins {
    /// For each value, the one it is equal to where steps do nothing.
    same: Vec<V>,
    /// For each value, the one whose elements it has in the same order, perhaps under another shape.
    elements: Vec<V>,
}

impl Origins {
    fn new(program: &Program) -> Origins {
        let mut same: Vec<V> = (0..program.values.len() as u32).map(V).collect();
        let mut elements = same.clone();
        for step in &program.steps {
            let (out, Some(&x)) = (step.first_output.index(), step.inputs.first()) else { continue };
            let (x, ty) = (same[x.index()], &program.values[out]);
            if does_nothing(step) && program.values[x.index()] == *ty {
                same[out] = x;
                elements[out] = elements[x.index()];
            } else if matches!(step.prim, Prim::Reshape { .. }) {
                let origin = elements[x.index()];
                elements[out] = origin;
                if program.values[origin.index()] == *ty {
                    same[out] = origin;
                }
            }
        }
        Origins { same, elements }
    }

    /// What a step reads; a reshape reads what the reshapes before it read.
    fn inputs(&self, step: &Step) -> Vec<V> {
        let from = if matches!(step.prim, Prim::Reshape { .. }) { &self.elements } else { &self.same };
        step.inputs.iter().map(|v| from[v.index()]).collect()
    }
}

/// Whether a step gives its first input back, provided that the type is the same.
fn does_nothing(step: &Step) -> bool {
    match &step.prim {
        Prim::Dropout { p, .. } => *p == 0.0,
        Prim::Scalar { op: BinaryOp::Add, value, .. } => *value == 0.0,
        Prim::Scalar { op: BinaryOp::Sub, value, reversed: false } => *value == 0.0,
        Prim::Scalar { op: BinaryOp::Mul, value, .. } => *value == 1.0,
        Prim::Scalar { op: BinaryOp::Div, value, reversed: false } => *value == 1.0,
        Prim::Reshape { .. } | Prim::Expand { .. } | Prim::Cast(_) => true,
        Prim::Slice { step, .. } => *step == 1,
        Prim::Pad { pads, .. } => pads.iter().all(|p| *p == (0, 0)),
        Prim::Concat { .. } => step.inputs.len() == 1,
        Prim::Permute { dims } => dims.iter().enumerate().all(|(i, &d)| i == d),
        _ => false,
    }
}

/// For each value, the dimension that the batch is in, where it has one.
fn batch_axes(program: &Program, batch: usize) -> Vec<Option<usize>> {
    let mut axes: Vec<Option<usize>> = vec![None; program.values.len()];
    let first_is_batch = |ty: &TensorType| ty.shape.first() == Some(&batch);
    for &v in &program.inputs {
        axes[v.index()] = first_is_batch(&program.values[v.index()]).then_some(0);
    }
    for step in &program.steps {
        let ty = |v: V| &program.values[v.index()];
        let out = ty(step.first_output);
        let first = step.inputs.first().copied();
        let of_first = first.and_then(|v| axes[v.index()]);
        let axis = match &step.prim {
            Prim::Binary(_) | Prim::Where => {
                step.inputs.iter().find_map(|&v| axes[v.index()].map(|a| a + out.rank() - ty(v).rank()))
            }
            Prim::Concat { .. } | Prim::MatMul | Prim::Gather { .. } | Prim::Scatter { .. } => {
                step.inputs.iter().find_map(|v| axes[v.index()])
            }
            Prim::Expand { .. } => match (first, of_first) {
                (Some(x), Some(a)) => Some(a + out.rank() - ty(x).rank()),
                _ => first_is_batch(out).then_some(0),
            },
            Prim::Full { .. } | Prim::Random { .. } => first_is_batch(out).then_some(0),
            Prim::Permute { dims } => of_first.and_then(|a| dims.iter().position(|&d| d == a)),
            Prim::Reshape { .. } => {
                first.zip(of_first).and_then(|(x, a)| reshaped_axis(&ty(x).shape, a, &out.shape, batch))
            }
            Prim::Reduce { dims, keepdim, .. } => of_first
                .filter(|a| !dims.contains(a))
                .map(|a| if *keepdim { a } else { a - dims.iter().filter(|&&d| d < a).count() }),
            Prim::ArgReduce { dim, .. } => of_first.filter(|a| a != dim).map(|a| if *dim < a { a - 1 } else { a }),
            Prim::IndexSelect { dim } => of_first.filter(|a| a != dim),
            _ => of_first,
        };
        for v in step_outputs(step) {
            axes[v.index()] = axis.filter(|&a| a < ty(v).rank());
        }
    }
    axes
}

/// Where the batch goes in a reshape: to the dimension that begins where its own began and holds it whole.
fn reshaped_axis(from: &[usize], axis: usize, to: &[usize], batch: usize) -> Option<usize> {
    let before: usize = from[..axis].iter().product();
    let mut product = 1usize;
    for (i, &n) in to.iter().enumerate() {
        if product == before && n % batch.max(1) == 0 && n >= batch {
            return Some(i);
        }
        product = product.saturating_mul(n);
    }
    None
}

/// A type with the batch size taken out.
fn typed(ty: &TensorType, axis: Option<usize>, batch: usize) -> String {
    let mut text = ty.dtype.name().to_string();
    for (i, &n) in ty.shape.iter().enumerate() {
        if axis == Some(i) && batch > 0 && n % batch == 0 {
            text.push_str(&format!(" N*{}", n / batch));
        } else {
            text.push_str(&format!(" {n}"));
        }
    }
    text
}
