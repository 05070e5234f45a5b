//! The reference interpreter: the meaning of every primitive, in the plainest form.
//!
//! It follows PyTorch to the letter; floats are computed in f64 and rounded once per primitive, so it is at least as
//! exact as any backend it is compared with. Elementary functions come from portable code and random values from the
//! given [`Seed`]: the same bits on every machine. It is also how initial weights are drawn ([`initial_state`]) and
//! how the frontend folds constants ([`fold`]).
//!
//! It refuses to be fast where that would cost clarity (drawing weights apart), and to hold tensors of more than
//! [`MAX_ELEMENTS`] elements.

mod elementwise;
mod layout;
mod random;
mod reduce;
mod tensor;
mod window;

pub use tensor::{Data, HostTensor};

use crate::graph::StateId;
use crate::infer::{Program, Step, TypedGraph};
use crate::op::V;
use crate::prim::Prim;
use crate::seed::Seed;
use crate::types::TensorType;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// No tensor that is evaluated may have more elements: 1 GiB of f32.
pub const MAX_ELEMENTS: usize = 1 << 28;

/// Why a program could not be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RefError {
    /// Something is beyond the interpreter's limits.
    #[error("{what} is too large for the reference interpreter (limit: {MAX_ELEMENTS} elements)")]
    TooLarge {
        /// What it is.
        what: String,
    },
    /// An input of another type than the program's, or too few of them.
    #[error("input {index}: expected {expected}, found {found}")]
    Input {
        /// Which input.
        index: usize,
        /// The program's type.
        expected: TensorType,
        /// What was given.
        found: String,
    },
    /// A state tensor of another type than the program's, or none.
    #[error("state tensor {index}: expected {expected}, found {found}")]
    State {
        /// Which tensor.
        index: usize,
        /// The program's type.
        expected: TensorType,
        /// What was given.
        found: String,
    },
    /// An index beyond a dimension.
    #[error("index {index} is out of bounds for a dimension of size {size}")]
    Index {
        /// The index.
        index: i64,
        /// The size of the dimension.
        size: usize,
    },
    /// Integer division by zero.
    #[error("integer division by zero")]
    DivisionByZero,
    /// The program contradicts itself: it was not made by inference.
    #[error("damaged program: {0}")]
    Damaged(String),
}

/// Which forward pass to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As after `Net.train()`: batch statistics are used and update the running ones, dropout drops.
    Train,
    /// As after `Net.eval()`.
    Eval,
}

/// How a program is executed.
#[derive(Clone, Debug)]
pub struct Options {
    /// Random values and dropout masks come from it; each step has a seed of its own.
    pub seed: Seed,
    /// Whether dropout drops anything.
    pub dropout: bool,
    /// For the running mean of a batch norm, the counter of its batches (`num_batches_tracked`).
    pub counters: BTreeMap<StateId, StateId>,
}

impl Options {
    /// Dropout on, no counters.
    pub fn new(seed: Seed) -> Options {
        Options { seed, dropout: true, counters: BTreeMap::new() }
    }

    /// With the counters of a graph's batch norms, found by their names in the state dict.
    pub fn of(graph: &TypedGraph, seed: Seed) -> Options {
        let names: FxHashMap<&str, StateId> =
            graph.graph().state_dict.iter().map(|(n, id)| (n.as_str(), *id)).collect();
        let counters = graph.graph().state_dict.iter().filter_map(|(name, id)| {
            let prefix = name.strip_suffix("running_mean")?;
            Some((*id, *names.get(format!("{prefix}num_batches_tracked").as_str())?))
        });
        Options { counters: counters.collect(), ..Options::new(seed) }
    }
}

/// Runs a forward pass of a graph. `state` is in the order of the graph's state; training updates running statistics
/// in it.
///
/// # Errors
/// Where inputs or state do not have the graph's types, or a tensor is too large.
pub fn run(
    graph: &TypedGraph,
    mode: Mode,
    inputs: &[HostTensor],
    state: &mut [HostTensor],
    options: &Options,
) -> Result<Vec<HostTensor>, RefError> {
    let body = match mode {
        Mode::Train => graph.train(),
        Mode::Eval => graph.eval(),
    };
    evaluate(body.program(), inputs, state, options)
}

/// Executes a program. `state` is indexed by [`StateId`]; batch norms in training update running statistics (and
/// counters) in it.
///
/// # Errors
/// As [`run`].
pub fn evaluate(
    program: &Program,
    inputs: &[HostTensor],
    state: &mut [HostTensor],
    options: &Options,
) -> Result<Vec<HostTensor>, RefError> {
    let mut leaves: FxHashMap<V, Leaf> = FxHashMap::default();
    for (i, &v) in program.inputs.iter().enumerate() {
        let expected = type_of(program, v)?;
        if inputs.get(i).map(HostTensor::ty) != Some(expected) {
            let found = inputs.get(i).map_or_else(|| "nothing".to_string(), |t| t.ty.to_string());
            return Err(RefError::Input { index: i, expected: expected.clone(), found });
        }
        leaves.insert(v, Leaf::Input(i));
    }
    for &(id, v) in &program.state {
        let expected = type_of(program, v)?;
        if state.get(id.index()).map(HostTensor::ty) != Some(expected) {
            let found = state.get(id.index()).map_or_else(|| "nothing".to_string(), |t| t.ty.to_string());
            return Err(RefError::State { index: id.index(), expected: expected.clone(), found });
        }
        leaves.insert(v, Leaf::State(id));
    }
    let last = last_uses(program, 0..program.steps.len());
    let mut values: FxHashMap<V, HostTensor> = FxHashMap::default();
    for (i, step) in program.steps.iter().enumerate() {
        let find = |v: V| match leaves.get(&v) {
            Some(Leaf::Input(i)) => inputs.get(*i),
            Some(Leaf::State(id)) => state.get(id.index()),
            None => values.get(&v),
        };
        let operands: Vec<&HostTensor> = step
            .inputs
            .iter()
            .map(|&v| {
                find(v).ok_or_else(|| RefError::Damaged(format!("step {i} reads a value that does not exist yet")))
            })
            .collect::<Result<_, _>>()?;
        let mut cx = Context { seed: options.seed.derive("step", &[i as u64]), dropout: options.dropout, factor: 1.0 };
        let tracked = running_state(step, &leaves);
        if let Prim::BatchNorm { momentum, .. } = step.prim {
            let count = tracked.and_then(|(mean, _)| options.counters.get(&mean)).and_then(|c| state.get(c.index()));
            let batches = count.and_then(|c| c.as_i64()?.first().copied()).unwrap_or(0);
            cx.factor = momentum.unwrap_or(1.0 / (batches + 1) as f64);
        }
        let (outputs, running) = apply(program, step, &operands, &cx)?;
        if let (Some((mean, var)), Some((mean_id, var_id))) = (running, tracked) {
            let counter = options.counters.get(&mean_id).and_then(|c| state.get_mut(c.index()));
            if let Some(Data::Int(count)) = counter.map(|c| &mut c.data) {
                count.iter_mut().for_each(|c| *c += 1);
            }
            state[mean_id.index()] = mean;
            state[var_id.index()] = var;
        }
        for (k, t) in outputs.into_iter().enumerate() {
            values.insert(V(step.first_output.0 + k as u32), t);
        }
        // What is not read again gives its memory back.
        for v in step.inputs.iter().copied().chain((0..step.outputs).map(|k| V(step.first_output.0 + k))) {
            if last.get(&v).is_none_or(|&l| l <= i) {
                values.remove(&v);
            }
        }
    }
    program
        .outputs
        .iter()
        .map(|v| match leaves.get(v) {
            Some(Leaf::Input(i)) => Ok(inputs[*i].clone()),
            Some(Leaf::State(id)) => Ok(state[id.index()].clone()),
            None => values.get(v).cloned().ok_or_else(|| RefError::Damaged("an output that does not exist".into())),
        })
        .collect()
}

/// Draws the initial values of all state tensors, in the order of the graph's state. Only what they need is evaluated.
/// What a tensor draws depends on the seed, its name and nothing else: another layer elsewhere does not change it.
///
/// # Errors
/// Where a tensor is too large, or the graph computes an impossible index.
pub fn initial_state(graph: &TypedGraph, seed: &Seed) -> Result<Vec<HostTensor>, RefError> {
    let missing = || RefError::Damaged("a state tensor without an initial value".into());
    initial_values(graph, seed, |_| true)?.into_iter().map(|v| v.ok_or_else(missing)).collect()
}

/// As [`initial_state`], of the wanted tensors alone; `None` for the others. What is drawn for one does not depend on which
/// others are wanted.
///
/// # Errors
/// As [`initial_state`].
pub fn initial_values(
    graph: &TypedGraph,
    seed: &Seed,
    wanted: impl Fn(StateId) -> bool,
) -> Result<Vec<Option<HostTensor>>, RefError> {
    let program = graph.init().program();
    let roots: Vec<V> = graph.graph().state.iter().map(|s| graph.init().value(s.init)).collect();
    let wanted: Vec<bool> = (0..roots.len()).map(|i| wanted(StateId(i as u32))).collect();
    // Each random step belongs to the first state tensor that needs it, and has a number within that tensor.
    let mut seeds: BTreeMap<usize, Option<Seed>> = BTreeMap::new();
    for (s, &root) in graph.graph().state.iter().zip(&roots) {
        let mut drawn = 0u64;
        let cone = cone(program, root, |i| !seeds.contains_key(&i));
        for i in cone.steps {
            let own = matches!(program.steps[i].prim, Prim::Random { .. }).then(|| {
                drawn += 1;
                seed.derive("init", &[drawn]).derive(&s.name, &[])
            });
            seeds.insert(i, own);
        }
    }
    // The steps that a wanted tensor needs.
    let mut needed: FxHashSet<usize> = FxHashSet::default();
    for (&root, _) in roots.iter().zip(&wanted).filter(|(_, w)| **w) {
        needed.extend(cone(program, root, |i| !needed.contains(&i)).steps);
    }
    seeds.retain(|i, _| needed.contains(i));
    let mut last = last_uses(program, seeds.keys().copied());
    for root in &roots {
        last.insert(*root, usize::MAX);
    }
    let mut values: FxHashMap<V, HostTensor> = FxHashMap::default();
    for (&i, own) in &seeds {
        let step = &program.steps[i];
        let operands: Vec<&HostTensor> = step
            .inputs
            .iter()
            .map(|v| values.get(v).ok_or_else(|| RefError::Damaged("an initial value that depends on an input".into())))
            .collect::<Result<_, _>>()?;
        let cx = Context { seed: own.unwrap_or(*seed), dropout: true, factor: 1.0 };
        let (outputs, _) = apply(program, step, &operands, &cx)?;
        for (k, t) in outputs.into_iter().enumerate() {
            values.insert(V(step.first_output.0 + k as u32), t);
        }
        for v in &step.inputs {
            if last.get(v).is_none_or(|&l| l <= i) {
                values.remove(v);
            }
        }
    }
    let mut uses: FxHashMap<V, usize> = FxHashMap::default();
    roots.iter().for_each(|r| *uses.entry(*r).or_default() += 1);
    let take = |(r, wanted): (&V, &bool)| {
        let left = uses.entry(*r).or_default();
        *left = left.saturating_sub(1);
        match (wanted, *left) {
            (false, _) => Ok(None),
            (true, 0) => Ok(values.remove(r)),
            (true, _) => Ok(values.get(r).cloned()),
        }
    };
    roots.iter().zip(&wanted).map(take).collect()
}

/// The value of `v` where it depends on no input, no state and no randomness, and no tensor on the way has more than
/// `max_elements`; `None` otherwise. Works on unfinished programs too.
pub fn fold(program: &Program, v: V, max_elements: usize) -> Option<HostTensor> {
    fold_cone(program, v, max_elements, None)
}

/// As [`fold`], with random values drawn from `seed`.
pub fn fold_random(program: &Program, v: V, max_elements: usize, seed: &Seed) -> Option<HostTensor> {
    fold_cone(program, v, max_elements, Some(seed))
}

fn fold_cone(program: &Program, v: V, max_elements: usize, seed: Option<&Seed>) -> Option<HostTensor> {
    let small = |v: &V| program.values.get(v.index()).is_some_and(|t| t.numel() <= max_elements);
    let cone = cone(program, v, |_| true);
    let constant = |i: &usize| {
        let step = &program.steps[*i];
        let random = matches!(step.prim, Prim::Random { .. }) && seed.is_none()
            || matches!(step.prim, Prim::Dropout { p, .. } if p > 0.0)
            || matches!(step.prim, Prim::BatchNorm { training: true, .. });
        !random && (0..step.outputs).all(|k| small(&V(step.first_output.0 + k)))
    };
    if cone.leaf || !cone.steps.iter().all(constant) {
        return None;
    }
    let mut cx = Context { seed: Seed::from_u64(0), dropout: false, factor: 1.0 };
    let mut values: FxHashMap<V, HostTensor> = FxHashMap::default();
    for i in cone.steps {
        if let Some(seed) = seed {
            cx.seed = seed.derive("step", &[i as u64]);
        }
        let step = &program.steps[i];
        let operands: Vec<&HostTensor> = step.inputs.iter().map(|v| values.get(v)).collect::<Option<_>>()?;
        let (outputs, _) = apply(program, step, &operands, &cx).ok()?;
        for (k, t) in outputs.into_iter().enumerate() {
            values.insert(V(step.first_output.0 + k as u32), t);
        }
    }
    values.remove(&v)
}

/// Where a value that no step makes comes from.
enum Leaf {
    Input(usize),
    State(StateId),
}

/// The steps that a value needs.
struct Cone {
    /// In order of execution.
    steps: Vec<usize>,
    /// Whether an input or a state tensor is among what it needs.
    leaf: bool,
}

/// The step that makes a value; none for inputs and state.
pub(crate) fn producer(program: &Program, v: V) -> Option<usize> {
    // First outputs rise from step to step.
    let i = program.steps.partition_point(|s| s.first_output <= v).checked_sub(1)?;
    let step = &program.steps[i];
    (v.0 < step.first_output.0.saturating_add(step.outputs)).then_some(i)
}

/// The steps that `v` needs; where `enter` refuses a step, neither it nor what it needs alone is listed.
fn cone(program: &Program, v: V, enter: impl Fn(usize) -> bool) -> Cone {
    let mut seen: FxHashSet<usize> = FxHashSet::default();
    let (mut stack, mut leaf) = (vec![v], false);
    while let Some(v) = stack.pop() {
        match producer(program, v) {
            Some(i) if enter(i) && seen.insert(i) => stack.extend(&program.steps[i].inputs),
            Some(_) => {}
            None => leaf = true,
        }
    }
    let mut steps: Vec<usize> = seen.into_iter().collect();
    steps.sort_unstable();
    Cone { steps, leaf }
}

fn last_uses(program: &Program, steps: impl Iterator<Item = usize>) -> FxHashMap<V, usize> {
    let mut last: FxHashMap<V, usize> =
        steps.flat_map(|i| program.steps[i].inputs.iter().map(move |&v| (v, i))).collect();
    for v in &program.outputs {
        last.insert(*v, usize::MAX);
    }
    last
}

fn type_of(program: &Program, v: V) -> Result<&TensorType, RefError> {
    program.values.get(v.index()).ok_or_else(|| RefError::Damaged("a value without a type".into()))
}

/// The running mean and variance that a batch norm in training updates.
fn running_state(step: &Step, leaves: &FxHashMap<V, Leaf>) -> Option<(StateId, StateId)> {
    let Prim::BatchNorm { training: true, affine, stats: true, .. } = step.prim else { return None };
    let first = if affine { 3 } else { 1 };
    let id = |i: usize| match leaves.get(step.inputs.get(i)?) {
        Some(Leaf::State(id)) => Some(*id),
        _ => None,
    };
    Some((id(first)?, id(first + 1)?))
}

/// What the execution of one step may depend on besides its operands.
struct Context {
    seed: Seed,
    dropout: bool,
    /// Weight of the new statistics of a batch norm.
    factor: f64,
}

type Outcome = Result<(Vec<HostTensor>, Option<(HostTensor, HostTensor)>), RefError>;

/// Executes one step; for a batch norm in training, also gives the new running statistics.
fn apply(program: &Program, step: &Step, x: &[&HostTensor], cx: &Context) -> Outcome {
    let types: Vec<&TensorType> = x.iter().map(|t| &t.ty).collect();
    let outs = crate::prim::infer(&step.prim, &types).map_err(|e| RefError::Damaged(e.message))?;
    let first = step.first_output.index();
    if program.values.get(first..first + step.outputs as usize) != Some(&outs[..]) {
        return Err(RefError::Damaged("a step whose outputs are not of the types it says".into()));
    }
    if let Some(t) = outs.iter().find(|t| t.numel() > MAX_ELEMENTS) {
        return Err(RefError::TooLarge { what: format!("a tensor of {t}") });
    }
    let out = &outs[0];
    let one = match &step.prim {
        Prim::Conv { stride, padding, dilation, groups } => {
            let before: Vec<usize> = padding.iter().map(|p| p.0).collect();
            window::conv(x[0], x[1], x.get(2).copied(), (stride, &before, dilation), *groups, out)
        }
        Prim::ConvTranspose { stride, padding, dilation, groups, .. } => {
            window::conv_transpose(x[0], x[1], x.get(2).copied(), (stride, padding, dilation), *groups, out)
        }
        Prim::MatMul => reduce::matmul(x[0], x[1], out),
        Prim::Unary(op) => elementwise::unary(*op, x[0]),
        Prim::Binary(op) => elementwise::binary(*op, x[0], x[1], out)?,
        Prim::Scalar { op, value, reversed } => elementwise::with_scalar(*op, x[0], *value, *reversed, out)?,
        Prim::Where => elementwise::choose(x[0], x[1], x[2], out)?,
        Prim::Cast(to) => elementwise::cast(x[0], *to),
        Prim::Reduce { op, dims, .. } => reduce::reduce(*op, x[0], dims, out),
        Prim::ArgReduce { max, dim } => reduce::arg_reduce(x[0], *max, *dim, out),
        Prim::CumSum { dim } => reduce::cumsum(x[0], *dim),
        Prim::Softmax { dim, log } => reduce::softmax(x[0], *dim, *log),
        Prim::BatchNorm { training, eps, affine, stats, .. } => {
            let normed = reduce::batch_norm(x[0], &x[1..], *training, cx.factor, *eps, *affine, *stats);
            return Ok((vec![normed.output], normed.running));
        }
        Prim::LayerNorm { axes, eps, weight, bias } => {
            let w = weight.then(|| x[1]);
            let b = bias.then(|| x[1 + usize::from(*weight)]);
            reduce::layer_norm(x[0], *axes, *eps, w, b)
        }
        Prim::GroupNorm { groups, eps, affine } => {
            reduce::group_norm(x[0], *groups, *eps, affine.then(|| (x[1], x[2])))
        }
        Prim::Pool { kind, kernel, stride, padding, dilation, .. } => {
            window::pool(x[0], *kind, &window::Windows { kernel, stride, padding, dilation }, out)
        }
        Prim::AdaptivePool { max: true, .. } => window::adaptive_max(x[0], out),
        Prim::AdaptivePool { max: false, .. } => window::adaptive_avg(x[0], out),
        Prim::Reshape { .. } => x[0].clone().with_shape(&out.shape),
        Prim::Permute { dims } => layout::permute(x[0], dims, out),
        Prim::Expand { .. } => layout::expand(x[0], out),
        Prim::Slice { dim, start, step, .. } => layout::slice(x[0], *dim, *start, *step, out),
        Prim::Flip { dims } => layout::flip(x[0], dims),
        Prim::Concat { dim } => layout::concat(x, *dim, out)?,
        Prim::Pad { mode, pads } => layout::pad(x[0], *mode, pads, out),
        Prim::Gather { dim } => layout::gather(x[0], x[1], *dim)?,
        Prim::IndexSelect { dim } => layout::index_select(x[0], x[1], *dim, out)?,
        Prim::Scatter { dim, add } => layout::scatter(x[0], x[1], x[2], *dim, *add)?,
        Prim::TopK { k, dim, largest } => return Ok((layout::topk(x[0], *k, *dim, *largest, &outs), None)),
        Prim::Interpolate { mode, align_corners, scales, .. } => {
            window::interpolate(x[0], *mode, *align_corners, scales.as_deref(), out)
        }
        Prim::Dropout { p, mask } => dropout(x[0], *p, mask, cx),
        Prim::Full { ty, value } => HostTensor::full(ty.clone(), *value),
        Prim::Arange { start, step, n, .. } => layout::arange(*start, *step, *n, out),
        Prim::Literal { ty, values } => HostTensor::rounded(ty.clone(), values.clone()),
        Prim::Random { ty, distribution } => random::random(ty, *distribution, &cx.seed)?,
        Prim::Detach => x[0].clone(),
    };
    Ok((vec![one], None))
}

fn dropout(x: &HostTensor, p: f64, mask: &[usize], cx: &Context) -> HostTensor {
    if !cx.dropout || p <= 0.0 {
        return x.clone();
    }
    let mut draws = cx.seed.draws();
    let keep = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
    let n = mask.iter().product::<usize>();
    let kept: Vec<f64> = (0..n).map(|_| if draws.unit() < p { 0.0 } else { keep }).collect();
    reduce::masked(x, &kept, mask)
}
