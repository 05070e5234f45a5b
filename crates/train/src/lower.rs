//! Lowering: from a proved graph to a network that runs on a backend.
//!
//! A [`Network`] is a module of the tensor library that holds the state tensors, flat, and runs the graph's programs step by
//! step on rank-free tensors; a value is freed at its last use. Gradients, batch statistics and random numbers mean what they
//! mean in PyTorch. It refuses what it cannot compute when it is made ([`LowerError::Unsupported`]), never in the middle of an
//! epoch.

mod elementwise;
mod empty;
mod exec;
mod execution;
mod footprint;
mod index;
mod layout;
mod normalize;
mod random;
mod recompute;
mod reduce;
mod spatial;
mod support;
#[cfg(test)]
mod tests;
pub(crate) mod value;

pub use footprint::Footprint;
pub use random::StepRng;
pub(crate) use recompute::Pass;
pub use recompute::Plan;
pub use support::LowerError;

use crate::backend::Precision;
use crate::kernels::Kernels;
use archsmith_ir::prim::UnaryOp;
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{Prim, Program, StateId, StateKind, Step, TensorType, TypedGraph};
use burn::module::{Module, Param, ParamId};
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Int, Tensor, TensorPrimitive};
use execution::Execution;
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
    /// For each value, the state tensor that it is.
    origin: Vec<Option<StateId>>,
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
        let mut origin = vec![None; program.values.len()];
        program.state.iter().for_each(|(id, v)| origin[v.index()] = Some(*id));
        Ok(Lowered { program, modes, last_use, unread, origin, linear })
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
    /// In what products are computed.
    #[module(skip)]
    precision: Precision,
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
        Ok(Network {
            floats,
            ints,
            bools,
            topology: Arc::new(Topology { state, slots, counters, train, eval }),
            precision: Precision::F32,
        })
    }

    /// The same network with its products computed in this precision.
    pub fn with_precision(self, precision: Precision) -> Self {
        Network { precision, ..self }
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
        Place { half: self.precision == Precision::Bf16, ..Place::new(&device) }
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
        let execution = self.run(&self.topology.train, inputs, rng);
        (execution.scores(), execution.updates)
    }

    /// The forward pass in evaluation mode.
    pub fn forward_eval(&self, inputs: &[Tensor<B, 4>], rng: &mut StepRng) -> Tensor<B, 2> {
        self.run(&self.topology.eval, inputs, rng).scores()
    }

    /// The forward pass in training mode with a look at what elementwise functions make: `see` is told the function, the shape of its
    /// result, the batch first, and how to read that, row-major in that shape.
    pub(crate) fn watch_train(
        &self,
        inputs: &[Tensor<B, 4>],
        rng: &mut StepRng,
        mut see: impl FnMut(UnaryOp, &[usize], &dyn Fn() -> Vec<f64>),
    ) {
        let lowered = &self.topology.train;
        let mut execution = Execution::new(self, lowered);
        execution.input(inputs);
        for (i, step) in lowered.program.steps.iter().enumerate() {
            execution.advance(i..i + 1, rng, None);
            let function = match step.prim {
                Prim::Unary(op) => Some(op),
                _ => lowered.modes[i].activation,
            };
            let shape = &lowered.program.values[step.first_output.index()].shape;
            if let (Some(op), Some(value)) = (function, execution.get(step.first_output)) {
                see(op, shape, &|| value.clone().download().unwrap_or_default());
            }
        }
    }

    fn run<'a>(&'a self, lowered: &'a Lowered, inputs: &[Tensor<B, 4>], rng: &mut StepRng) -> Execution<'a, B> {
        let mut execution = Execution::new(self, lowered);
        execution.input(inputs);
        execution.advance(0..lowered.program.steps.len(), rng, None);
        execution
    }
}
