//! Training passes that keep less: activations are computed again where their gradients are wanted.
//!
//! The program is cut into segments. The forward pass keeps only what lives at the cuts; the backward pass goes through the
//! segments from the last to the first and executes each once more. That costs one more forward pass of all but the last segment. A
//! pass without cuts is an ordinary one. What is computed again is the same to the last bit, dropout masks included; gradients are
//! those of an ordinary pass but for the order of sums over several segments.

use super::execution::Execution;
use super::footprint::Footprint;
use super::value::{Value, bytes};
use super::{BufferUpdates, LowerError, Lowered, Network, StepRng};
use crate::backend::Cpu;
use crate::kernels::{Deferred, Kernels};
use archsmith_ir::{Program, StateId, TypedGraph, V};
use burn::module::AutodiffModule;
use burn::tensor::Tensor;
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::ops::{FloatTensor, FloatTensorOps};
use std::collections::BTreeMap;
use std::ops::Range;

/// Where a training program is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The first steps of all segments but the first, rising.
    cuts: Vec<usize>,
}

impl Plan {
    /// How often a program may be cut: more segments hardly keep less.
    const SEGMENTS: [usize; 9] = [2, 3, 4, 6, 8, 12, 16, 24, 32];

    /// Number of segments; 1: nothing is computed again.
    pub fn segments(&self) -> usize {
        self.cuts.len() + 1
    }

    /// The plan with the fewest segments for which `fits`, or the one that needs least; with what it needs on the CPU.
    ///
    /// # Errors
    /// What cannot be lowered.
    pub fn fitting(graph: &TypedGraph, fits: impl Fn(&Footprint) -> bool) -> Result<(Plan, Footprint), LowerError> {
        let whole = Footprint::of(graph)?;
        let mut best = (Plan::default(), whole);
        if fits(&whole) {
            return Ok(best);
        }
        let train = Lowered::new::<Cpu>(graph.train().program())?;
        for segments in Plan::SEGMENTS {
            let plan = Plan::even(&train.program, segments);
            if plan.segments() < segments {
                break;
            }
            let footprint = Footprint::planned(graph, &plan)?;
            if fits(&footprint) {
                return Ok((plan, footprint));
            }
            if footprint.tensors < best.1.tensors {
                best = (plan, footprint);
            }
        }
        Ok(best)
    }

    /// Segments that make about equally much, cut where little lives.
    pub(super) fn even(program: &Program, segments: usize) -> Plan {
        let live: Vec<u64> = live_bytes(program);
        let mut made = vec![0; program.steps.len() + 1];
        for (i, step) in program.steps.iter().enumerate() {
            let outputs = step.first_output.index()..step.first_output.index() + step.outputs as usize;
            made[i + 1] = made[i] + program.values[outputs].iter().map(bytes).sum::<u64>();
        }
        let total = made[program.steps.len()];
        let mut cuts = Vec::new();
        for k in 1..segments as u64 {
            // Half a segment to both sides.
            let place = |halves: u64| made.partition_point(|&m| m < total * halves / (2 * segments as u64));
            let from = place(2 * k - 1).max(cuts.last().map_or(1, |c| c + 1));
            let to = place(2 * k + 1).min(program.steps.len());
            cuts.extend((from..to).min_by_key(|&c| live[c]));
        }
        Plan { cuts }
    }

    /// The steps of each segment.
    pub(super) fn ranges(&self, steps: usize) -> Vec<Range<usize>> {
        let ends = self.cuts.iter().copied().chain([steps]);
        [0].into_iter().chain(self.cuts.iter().copied()).zip(ends).map(|(a, b)| a..b).collect()
    }
}

/// Bytes of the values that live before each step and after the last.
fn live_bytes(program: &Program) -> Vec<u64> {
    let mut change = vec![0i64; program.steps.len() + 2];
    for (v, range) in lives(program) {
        let size = bytes(&program.values[v.index()]) as i64;
        change[range.start] += size;
        change[range.end] -= size;
    }
    let mut live = 0;
    change
        .iter()
        .take(program.steps.len() + 1)
        .map(|c| {
            live += c;
            live as u64
        })
        .collect()
}

/// Before which steps each value lives that is not state: those behind the one that makes it, up to the last that reads it.
fn lives(program: &Program) -> impl Iterator<Item = (V, Range<usize>)> + '_ {
    let mut last = vec![0; program.values.len()];
    for (i, step) in program.steps.iter().enumerate() {
        step.inputs.iter().for_each(|v| last[v.index()] = i);
    }
    program.outputs.iter().for_each(|v| last[v.index()] = program.steps.len());
    let inputs = program.inputs.iter().map(|v| (*v, 0));
    let made =
        program.steps.iter().enumerate().flat_map(|(i, step)| {
            (step.first_output.0..step.first_output.0 + step.outputs).map(move |v| (V(v), i + 1))
        });
    inputs.chain(made).map(move |(v, from)| (v, from..(last[v.index()] + 1).max(from)))
}

/// What lives before a step.
pub(super) fn live_before(program: &Program, step: usize) -> Vec<V> {
    lives(program).filter(|(_, range)| range.contains(&step)).map(|(v, _)| v).collect()
}

/// What a segment starts from.
struct Start<B: Kernels> {
    values: Vec<(V, Value<B>)>,
    rng: StepRng,
}

/// A forward pass in training mode, and what its backward pass needs.
pub(crate) struct Pass<'a, B: AutodiffBackend + Kernels>
where
    B::InnerBackend: Kernels,
{
    network: &'a Network<B>,
    deferred: &'a Deferred<B::Plain>,
    /// Of all segments but the last.
    segments: Vec<(Range<usize>, Start<B::InnerBackend>)>,
    /// Of the last segment: what it starts from, with gradients.
    leaves: Vec<(V, FloatTensor<B>)>,
    /// `[N, classes]`.
    scores: Tensor<B, 2>,
    /// Running statistics that the pass changes.
    updates: BufferUpdates<B>,
}

/// Gradients of parameters.
pub(crate) type ByParameter<B> = BTreeMap<StateId, Tensor<B, 1>>;

impl<'a, B> Pass<'a, B>
where
    B: AutodiffBackend + Kernels<Plain = <B as AutodiffBackend>::InnerBackend>,
    B::InnerBackend: Kernels,
{
    /// Runs the network on inputs of the graph's types. The backward pass leaves some gradients as products in `deferred`.
    pub(crate) fn forward(
        network: &'a Network<B>,
        plan: &Plan,
        inputs: &[Tensor<B, 4>],
        rng: &mut StepRng,
        deferred: &'a Deferred<B::Plain>,
    ) -> Self {
        let lowered = &network.topology.train;
        let mut ranges = plan.ranges(lowered.program.steps.len());
        let last = ranges.pop().unwrap_or(0..0);
        let mut segments = Vec::new();
        let mut leaves = Vec::new();
        let mut execution = Execution::new(network, lowered);
        if ranges.is_empty() {
            execution.input(inputs);
        } else {
            let plain = network.valid();
            let mut sparing = Execution::new(&plain, lowered);
            sparing.input(&inputs.iter().map(|x| x.clone().inner()).collect::<Vec<_>>());
            for range in ranges {
                segments.push((range.clone(), sparing.start(range.start, rng)));
                sparing.advance(range, rng, None);
            }
            let start = sparing.start(last.start, rng);
            execution.updates = sparing.updates.differentiable();
            leaves = execution.begin(start);
        }
        execution.advance(last, rng, Some(deferred));
        let (scores, updates) = (execution.scores(), execution.updates);
        Pass { network, deferred, segments, leaves, scores, updates }
    }

    pub(crate) fn scores(&self) -> &Tensor<B, 2> {
        &self.scores
    }

    /// The gradients of the parameters on which the scores depend, from that of the scores, but for what was deferred; and the
    /// changed running statistics.
    pub(crate) fn backward(
        self,
        gradient: Tensor<B::InnerBackend, 2>,
    ) -> (ByParameter<B::InnerBackend>, BufferUpdates<B>) {
        let Pass { network, deferred, segments, leaves, scores, updates } = self;
        let lowered = &network.topology.train;
        let mut found = ByParameter::new();
        let root = B::seeded(scores.into_primitive().tensor(), gradient.into_primitive().tensor());
        let mut wanted = BTreeMap::new();
        collect(network, root, leaves, &mut wanted, &mut found);
        for (range, start) in segments.into_iter().rev() {
            let mut rng = start.rng.clone();
            let mut execution = Execution::new(network, lowered);
            let leaves = execution.begin(start);
            execution.advance(range, &mut rng, Some(deferred));
            // What only passes through has its gradient already.
            let passing: BTreeMap<V, FloatTensor<B::InnerBackend>> =
                leaves.iter().filter_map(|(v, _)| Some((*v, wanted.remove(v)?))).collect();
            let mut root = None;
            for (v, gradient) in std::mem::replace(&mut wanted, passing) {
                let Some(Value::Float(y)) = execution.get(v).cloned() else { continue };
                let Some(seed) = B::seeded(y, gradient) else { continue };
                root = Some(match root {
                    None => seed,
                    Some(sum) => B::float_add(sum, seed),
                });
            }
            drop(execution);
            collect(network, root, leaves, &mut wanted, &mut found);
        }
        (found, updates)
    }
}

/// Goes back from a root; adds the gradients of leaves and parameters to those that are known.
fn collect<B>(
    network: &Network<B>,
    root: Option<FloatTensor<B>>,
    leaves: Vec<(V, FloatTensor<B>)>,
    wanted: &mut BTreeMap<V, FloatTensor<B::InnerBackend>>,
    found: &mut ByParameter<B::InnerBackend>,
) where
    B: AutodiffBackend + Kernels,
    B::InnerBackend: Kernels,
{
    let Some(root) = root else { return };
    let mut gradients = B::backward(root);
    for (v, leaf) in leaves {
        let Some(more) = B::grad_remove(&leaf, &mut gradients) else { continue };
        let sum = match wanted.remove(&v) {
            None => more,
            Some(known) => B::InnerBackend::float_add(known, more),
        };
        wanted.insert(v, sum);
    }
    for (id, parameter) in network.parameters() {
        let Some(more) = parameter.grad_remove(&mut gradients) else { continue };
        let sum = match found.remove(&id) {
            None => more,
            Some(known) => known + more,
        };
        found.insert(id, sum);
    }
}

impl<B: Kernels> Execution<'_, B> {
    /// What the segment that begins with this step starts from.
    fn start(&self, step: usize, rng: &StepRng) -> Start<B> {
        let live = live_before(self.program(), step).into_iter();
        Start { values: live.filter_map(|v| Some((v, self.get(v)?.clone()))).collect(), rng: rng.clone() }
    }
}

impl<B: AutodiffBackend + Kernels> Execution<'_, B>
where
    B::InnerBackend: Kernels,
{
    /// Puts in what a segment starts from. Floats, but for the program's inputs, have gradients: they come back too.
    fn begin(&mut self, start: Start<B::InnerBackend>) -> Vec<(V, FloatTensor<B>)> {
        let mut leaves = Vec::new();
        for (v, value) in start.values {
            let value = match value {
                Value::Float(x) if self.program().inputs.contains(&v) => Value::Float(B::from_inner(x)),
                Value::Float(x) => {
                    let leaf = B::float_set_require_grad(B::from_inner(x), true);
                    leaves.push((v, leaf.clone()));
                    Value::Float(leaf)
                }
                Value::Int(x) => Value::Int(B::int_from_inner(x)),
                Value::Bool(x) => Value::Bool(B::bool_from_inner(x)),
            };
            self.put(v, value);
        }
        leaves
    }
}

impl<B: burn::tensor::backend::Backend> BufferUpdates<B> {
    fn differentiable<A: AutodiffBackend<InnerBackend = B>>(self) -> BufferUpdates<A> {
        let floats = self.floats.into_iter().map(|(id, x)| (id, Tensor::from_inner(x))).collect();
        let int = |x: Tensor<B, 1, burn::tensor::Int>| Tensor::from_primitive(A::int_from_inner(x.into_primitive()));
        BufferUpdates { floats, counters: self.counters.into_iter().map(|(id, x)| (id, int(x))).collect() }
    }
}
