//! Lowering: from a proved graph to a network that runs on a backend.
//!
//! A [`Network`] is a module of the tensor library that holds the state tensors, flat, and runs the graph's programs step by
//! step on rank-free tensors; a value is freed at its last use. Gradients, batch statistics and random numbers mean what they
//! mean in PyTorch. It refuses what it cannot compute when it is made ([`LowerError::Unsupported`]), never in the middle of an
//! epoch.

mod elementwise;
mod empty;
mod exec;
mod footprint;
mod index;
mod layout;
mod normalize;
mod random;
mod reduce;
mod spatial;
mod support;
#[cfg(test)]
mod tests;
pub(crate) mod value;

pub use footprint::Footprint;
pub use random::StepRng;
pub use support::LowerError;

use crate::kernels::{Deferred, Kernels};
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{Prim, Program, StateId, StateKind, Step, TensorType, TypedGraph};
use burn::module::{Module, Param, ParamId};
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Int, Tensor, TensorPrimitive};
use exec::{BatchStatistics, Operands};
use layout::Mode;
use std::collections::BTreeMap;
use std::sync::Arc;
use value::{Place, Value};

/// Where a state tensor is kept.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Float(usize),
    Int(usize),
    Bool(usize),
    /// It has no elements, and nobody reads it.
    Empty,
}

/// A program with what its execution needs to know.
#[derive(Debug)]
struct Lowered {
    program: Program,
    modes: Vec<Mode>,
    /// For each step, which of its inputs are read for the last time there.
    last_use: Vec<Vec<bool>>,
    /// For each step, values that nobody reads at all.
    unread: Vec<bool>,
    /// Values of the state that only linear layers read, which take them flat, as they are kept; and of those the ones whose
    /// gradient is better left as a product: one layer reads it, and the batch is small.
    linear: Vec<Option<Weight>>,
}

/// The weight of linear layers.
#[derive(Clone, Copy, Debug)]
struct Weight {
    deferrable: bool,
}

impl Weight {
    /// The largest batch: the norm of a product costs its square.
    const ROWS: usize = 128;
    /// The smallest weight.
    const ELEMENTS: usize = 1 << 16;

    /// For each value of a program, whether it is one.
    fn all(program: &Program, modes: &[Mode]) -> Vec<Option<Weight>> {
        let mut found = vec![None; program.values.len()];
        for &(id, v) in &program.state {
            let readers = program.steps.iter().zip(modes).filter(|(step, _)| step.inputs.contains(&v));
            let readers: Vec<_> = readers.collect();
            let linear = |(step, mode): &(&Step, &Mode)| mode.linear && step.inputs[0] != v;
            if !readers.iter().all(linear) || program.outputs.contains(&v) {
                continue;
            }
            let rows = |step: &Step| program.values[step.first_output.index()].numel();
            let elements = program.values[v.index()].numel();
            let once = program.state.iter().filter(|(other, _)| *other == id).count() == 1;
            let deferrable = once && elements >= Self::ELEMENTS && readers.len() == 1 && {
                let outputs = program.values[v.index()].shape[0].max(1);
                rows(readers[0].0) / outputs <= Self::ROWS
            };
            found[v.index()] = Some(Weight { deferrable });
        }
        found
    }
}

impl Lowered {
    fn new<B: Kernels>(program: &Program) -> Result<Self, LowerError> {
        let program = &*empty::without_empty(program);
        support::check(program)?;
        let layout::Physical { program, modes } = layout::physical::<B>(program);
        let mut last = vec![usize::MAX; program.values.len()];
        for (i, step) in program.steps.iter().enumerate() {
            step.inputs.iter().for_each(|v| last[v.index()] = i);
        }
        program.outputs.iter().for_each(|v| last[v.index()] = usize::MAX - 1);
        let last_use = program
            .steps
            .iter()
            .enumerate()
            .map(|(i, step)| {
                let is_last = |k: usize, v: usize| last[v] == i && !step.inputs[k + 1..].iter().any(|w| w.index() == v);
                step.inputs.iter().enumerate().map(|(k, v)| is_last(k, v.index())).collect()
            })
            .collect();
        let unread = last.iter().map(|&l| l == usize::MAX).collect();
        let linear = Weight::all(&program, &modes);
        Ok(Lowered { program, modes, last_use, unread, linear })
    }
}

/// What does not change while a network is trained.
#[derive(Debug)]
pub struct Topology {
    state: Vec<(TensorType, StateKind)>,
    slots: Vec<Slot>,
    /// For the running mean of a batch normalisation, the counter of its batches.
    counters: BTreeMap<StateId, StateId>,
    train: Lowered,
    eval: Lowered,
}

/// A network on a backend. Its parameters are flat tensors: the backends' elementwise functions are then one call for each,
/// and a reshape costs nothing.
#[derive(Module, Debug)]
pub struct Network<B: Backend> {
    floats: Vec<Param<Tensor<B, 1>>>,
    ints: Vec<Param<Tensor<B, 1, Int>>>,
    bools: Vec<Param<Tensor<B, 1, Bool>>>,
    #[module(skip)]
    topology: Arc<Topology>,
}

/// New values of buffers, made by a forward pass in training mode.
#[derive(Debug)]
pub struct BufferUpdates<B: Backend> {
    floats: Vec<(StateId, Tensor<B, 1>)>,
    counters: Vec<(StateId, Tensor<B, 1, Int>)>,
}

impl<B: Kernels> Network<B> {
    /// Lowers a graph and fills its state.
    ///
    /// # Errors
    /// What cannot be lowered, and a state that is not the graph's.
    pub fn new(graph: &TypedGraph, state: &[HostTensor], device: &B::Device) -> Result<Self, LowerError> {
        let declared = &graph.graph().state;
        if state.len() != declared.len() {
            let what = format!("{} tensors are expected, found {}", declared.len(), state.len());
            return Err(LowerError::State { what });
        }
        let train = Lowered::new::<B>(graph.train().program())?;
        let eval = Lowered::new::<B>(graph.eval().program())?;
        let place = Place::<B>::new(device);
        let (mut floats, mut ints, mut bools, mut slots) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (i, (tensor, declared)) in state.iter().zip(declared).enumerate() {
            if tensor.ty() != &declared.ty {
                let what = format!("{} is {}, found {}", declared.name, declared.ty, tensor.ty());
                return Err(LowerError::State { what });
            }
            if declared.ty.numel() == 0 {
                slots.push(Slot::Empty);
                continue;
            }
            let id = ParamId::from(i as u64);
            let trained = declared.kind == StateKind::Parameter;
            match place.upload(tensor.clone()).reshape(&[declared.ty.numel()]) {
                Value::Float(x) => {
                    slots.push(Slot::Float(floats.len()));
                    let x = Tensor::from_primitive(TensorPrimitive::Float(x)).set_require_grad(trained);
                    floats.push(Param::initialized(id, x).set_require_grad(trained));
                }
                Value::Int(x) => {
                    slots.push(Slot::Int(ints.len()));
                    ints.push(Param::initialized(id, Tensor::from_primitive(x)));
                }
                Value::Bool(x) => {
                    slots.push(Slot::Bool(bools.len()));
                    bools.push(Param::initialized(id, Tensor::from_primitive(x)));
                }
            }
        }
        let state = declared.iter().map(|s| (s.ty.clone(), s.kind)).collect();
        let counters = archsmith_ir::reference::Options::of(graph, archsmith_ir::Seed::from_u64(0)).counters;
        Ok(Network { floats, ints, bools, topology: Arc::new(Topology { state, slots, counters, train, eval }) })
    }

    /// The trained parameters.
    pub fn parameters(&self) -> impl Iterator<Item = (StateId, Tensor<B, 1>)> + '_ {
        self.topology.state.iter().zip(&self.topology.slots).enumerate().filter_map(|(i, ((_, kind), slot))| match slot
        {
            Slot::Float(k) if *kind == StateKind::Parameter => Some((StateId(i as u32), self.floats[*k].val())),
            _ => None,
        })
    }

    /// Replaces a float tensor of the state. A parameter becomes a leaf of the next gradient.
    pub fn set(&mut self, id: StateId, value: Tensor<B, 1>) {
        if let Some(Slot::Float(k)) = self.topology.slots.get(id.index()) {
            let trained = self.topology.state[id.index()].1 == StateKind::Parameter;
            let value = value.detach().set_require_grad(trained);
            self.floats[*k] = Param::initialized(self.floats[*k].id, value).set_require_grad(trained);
        }
    }

    /// Replaces a float tensor of the state by what `f` makes of it. `f` is the only one who has it, so that it may be changed
    /// in its own memory.
    pub fn replace(&mut self, id: StateId, f: impl FnOnce(Tensor<B, 1>) -> Tensor<B, 1>) {
        if let Some(Slot::Float(k)) = self.topology.slots.get(id.index()) {
            let param = &mut self.floats[*k];
            let nothing = Tensor::empty([0], &param.lazy_device());
            let value = std::mem::replace(param, Param::initialized(param.id, nothing)).into_value();
            self.set(id, f(value));
        }
    }

    /// Takes over the buffers that a training step has changed.
    pub fn update_buffers(&mut self, updates: BufferUpdates<B>) {
        updates.floats.into_iter().for_each(|(id, value)| self.set(id, value));
        for (id, value) in updates.counters {
            if let Slot::Int(k) = self.topology.slots[id.index()] {
                self.ints[k] = Param::initialized(self.ints[k].id, value);
            }
        }
    }

    /// The state as host tensors, in the graph's order.
    ///
    /// # Errors
    /// What the device says, where a read failed.
    pub fn state(&self) -> Result<Vec<HostTensor>, String> {
        self.topology
            .state
            .iter()
            .enumerate()
            .map(|(i, (ty, _))| {
                let values = self.state_value(StateId(i as u32)).map_or(Ok(Vec::new()), |v| v.download())?;
                HostTensor::from_f64(ty.clone(), values).ok_or_else(|| format!("state tensor {i} changed its size"))
            })
            .collect()
    }

    fn place(&self) -> Place<B> {
        let device = match (self.floats.first(), self.ints.first()) {
            (Some(p), _) => p.val().device(),
            (None, Some(p)) => p.val().device(),
            (None, None) => B::Device::default(),
        };
        Place::new(&device)
    }

    /// A state tensor; none where it has no elements.
    fn state_value(&self, id: StateId) -> Option<Value<B>> {
        Some(self.kept(id)?.reshape(&self.topology.state[id.index()].0.shape))
    }

    /// A state tensor as it is kept, flat.
    fn kept(&self, id: StateId) -> Option<Value<B>> {
        Some(match self.topology.slots[id.index()] {
            Slot::Float(k) => Value::Float(self.floats[k].val().into_primitive().tensor()),
            Slot::Int(k) => Value::Int(self.ints[k].val().into_primitive()),
            Slot::Bool(k) => Value::Bool(self.bools[k].val().into_primitive()),
            Slot::Empty => return None,
        })
    }

    /// The forward pass in training mode on inputs of the graph's types: logits, and the running statistics it changes.
    pub fn forward_train(&self, inputs: &[Tensor<B, 4>], rng: &mut StepRng) -> (Tensor<B, 2>, BufferUpdates<B>) {
        self.training_pass(inputs, rng, None)
    }

    /// As [`Network::forward_train`]; the backward pass leaves some gradients as products.
    pub fn forward_deferring(
        &self,
        inputs: &[Tensor<B, 4>],
        rng: &mut StepRng,
        deferred: &Deferred<B::Plain>,
    ) -> (Tensor<B, 2>, BufferUpdates<B>) {
        self.training_pass(inputs, rng, Some(deferred))
    }

    fn training_pass(
        &self,
        inputs: &[Tensor<B, 4>],
        rng: &mut StepRng,
        deferred: Option<&Deferred<B::Plain>>,
    ) -> (Tensor<B, 2>, BufferUpdates<B>) {
        let inputs = inputs.iter().map(|x| Value::Float(x.clone().into_primitive().tensor())).collect();
        let (mut outputs, updates) = self.run(&self.topology.train, inputs, rng, deferred);
        (logits(outputs.swap_remove(0), &self.place()), updates)
    }

    /// The forward pass in evaluation mode.
    pub fn forward_eval(&self, inputs: &[Tensor<B, 4>], rng: &mut StepRng) -> Tensor<B, 2> {
        let inputs = inputs.iter().map(|x| Value::Float(x.clone().into_primitive().tensor())).collect();
        let (mut outputs, _) = self.run(&self.topology.eval, inputs, rng, None);
        logits(outputs.swap_remove(0), &self.place())
    }

    fn run(
        &self,
        lowered: &Lowered,
        inputs: Vec<Value<B>>,
        rng: &mut StepRng,
        deferred: Option<&Deferred<B::Plain>>,
    ) -> (Vec<Value<B>>, BufferUpdates<B>) {
        let place = self.place();
        let program = &lowered.program;
        let mut values: Vec<Option<Value<B>>> = vec![None; program.values.len()];
        let mut origin: Vec<Option<StateId>> = vec![None; program.values.len()];
        for (v, x) in program.inputs.iter().zip(inputs) {
            values[v.index()] = Some(place_typed(x, &program.values[v.index()], &place));
        }
        for (id, v) in &program.state {
            values[v.index()] = match lowered.linear[v.index()] {
                Some(_) => self.kept(*id),
                None => self.state_value(*id),
            };
            origin[v.index()] = Some(*id);
        }
        let mut updates = BufferUpdates { floats: Vec::new(), counters: Vec::new() };
        for ((step, last), mode) in program.steps.iter().zip(&lowered.last_use).zip(&lowered.modes) {
            let operands = step
                .inputs
                .iter()
                .zip(last)
                .map(|(v, &last)| if last { values[v.index()].take() } else { values[v.index()].clone() })
                .collect();
            let first = step.first_output.index();
            let operands = Operands {
                values: operands,
                types: step.inputs.iter().map(|v| &program.values[v.index()]).collect(),
                outputs: &program.values[first..first + step.outputs as usize],
                later: deferred.and_then(|deferred| {
                    let weight = step.inputs.get(1).filter(|_| mode.linear)?.index();
                    lowered.linear[weight].filter(|w| w.deferrable)?;
                    Some((origin[weight]?, deferred.clone()))
                }),
            };
            let made = exec::execute(&step.prim, *mode, operands, &place, rng);
            if let (Some(statistics), Prim::BatchNorm { momentum, affine, .. }) = (made.statistics, &step.prim) {
                let at = 1 + 2 * usize::from(*affine);
                let ids = [0, 1].map(|k| step.inputs.get(at + k).and_then(|v| origin[v.index()]));
                self.running_statistics(ids, statistics, *momentum, &mut updates);
            }
            for (k, value) in made.values.into_iter().enumerate() {
                if !lowered.unread[first + k] {
                    values[first + k] = Some(value);
                }
            }
        }
        let outputs = program.outputs.iter().filter_map(|v| values[v.index()].clone()).collect();
        (outputs, updates)
    }

    /// `r ← (1−m)·r + m·batch`, with m = 1/(batches so far) where the average is cumulative. A module that is called twice
    /// updates twice.
    fn running_statistics(
        &self,
        ids: [Option<StateId>; 2],
        statistics: BatchStatistics<B>,
        momentum: Option<f64>,
        updates: &mut BufferUpdates<B>,
    ) {
        let counter = ids[0].and_then(|id| self.topology.counters.get(&id).copied());
        let mut batches = 0.0;
        if let Some((id, Slot::Int(k))) = counter.map(|id| (id, self.topology.slots[id.index()])) {
            let known = updates.counters.iter().position(|(known, _)| *known == id);
            let old = known.map_or_else(|| self.ints[k].val(), |i| updates.counters[i].1.clone());
            if momentum.is_none() {
                let value = Value::<B>::Int(old.clone().into_primitive()).download();
                batches = value.ok().and_then(|v| v.first().copied()).unwrap_or(0.0);
            }
            match known {
                Some(i) => updates.counters[i].1 = old.add_scalar(1),
                None => updates.counters.push((id, old.add_scalar(1))),
            }
        }
        let m = momentum.unwrap_or(1.0 / (batches + 1.0));
        for (id, new) in ids.into_iter().zip([statistics.mean, statistics.variance]) {
            let Some((id, Slot::Float(k))) = id.map(|id| (id, self.topology.slots[id.index()])) else { continue };
            let new = Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(new)).detach();
            let known = updates.floats.iter().position(|(known, _)| *known == id);
            let old = known.map_or_else(|| self.floats[k].val(), |i| updates.floats[i].1.clone());
            let value = old.mul_scalar(1.0 - m) + new.mul_scalar(m);
            match known {
                Some(i) => updates.floats[i].1 = value,
                None => updates.floats.push((id, value)),
            }
        }
    }
}

/// An input in the element type that the program declares.
fn place_typed<B: Kernels>(x: Value<B>, ty: &TensorType, place: &Place<B>) -> Value<B> {
    if ty.dtype.is_float() { Value::Float(place.to_float(x, value::float_dtype(ty.dtype))) } else { x }
}

fn logits<B: Kernels>(value: Value<B>, place: &Place<B>) -> Tensor<B, 2> {
    let x = place.to_float(value, burn::tensor::FloatDType::F32);
    Tensor::from_primitive(TensorPrimitive::Float(x))
}
