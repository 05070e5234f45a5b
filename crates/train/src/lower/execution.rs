//! A program in the middle of its execution.

use super::exec::{self, BatchStatistics, Operands};
use super::value::{self, Place, Value};
use super::{BufferUpdates, Lowered, Network, Slot, StepRng};
use crate::kernels::{Deferred, Kernels};
use archsmith_ir::{Prim, Program, StateId, TensorType, V};
use burn::tensor::{Tensor, TensorPrimitive};
use std::ops::Range;

/// The values that live, and the running statistics that were changed.
pub(super) struct Execution<'a, B: Kernels> {
    network: &'a Network<B>,
    lowered: &'a Lowered,
    place: Place<B>,
    values: Vec<Option<Value<B>>>,
    pub(super) updates: BufferUpdates<B>,
}

impl<'a, B: Kernels> Execution<'a, B> {
    /// Nothing but the state is known.
    pub(super) fn new(network: &'a Network<B>, lowered: &'a Lowered) -> Self {
        let program = &lowered.program;
        let mut values: Vec<Option<Value<B>>> = vec![None; program.values.len()];
        for (id, v) in &program.state {
            values[v.index()] = match lowered.linear[v.index()] {
                Some(_) => network.kept(*id),
                None => network.state_value(*id),
            };
        }
        let updates = BufferUpdates { floats: Vec::new(), counters: Vec::new() };
        Execution { network, lowered, place: network.place(), values, updates }
    }

    /// The program's inputs, in the element types that it declares.
    pub(super) fn input(&mut self, inputs: &[Tensor<B, 4>]) {
        let program = &self.lowered.program;
        for (v, x) in program.inputs.iter().zip(inputs) {
            let x = x.clone().into_primitive().tensor();
            self.values[v.index()] = Some(typed(x, &program.values[v.index()], &self.place));
        }
    }

    pub(super) fn program(&self) -> &Program {
        &self.lowered.program
    }

    pub(super) fn put(&mut self, v: V, value: Value<B>) {
        self.values[v.index()] = Some(value);
    }

    pub(super) fn get(&self, v: V) -> Option<&Value<B>> {
        self.values[v.index()].as_ref()
    }

    /// Executes some steps. With `deferred` the backward pass leaves some gradients as products.
    pub(super) fn advance(&mut self, steps: Range<usize>, rng: &mut StepRng, deferred: Option<&Deferred<B::Plain>>) {
        let Lowered { program, modes, last_use, unread, origin, linear } = self.lowered;
        for i in steps {
            let (step, mode) = (&program.steps[i], modes[i]);
            let values = &mut self.values;
            let operands = step
                .inputs
                .iter()
                .zip(&last_use[i])
                .map(|(v, &last)| if last { values[v.index()].take() } else { values[v.index()].clone() })
                .collect();
            let first = step.first_output.index();
            let operands = Operands {
                values: operands,
                types: step.inputs.iter().map(|v| &program.values[v.index()]).collect(),
                outputs: &program.values[first..first + step.outputs as usize],
                later: deferred.and_then(|deferred| {
                    let weight = step.inputs.get(1).filter(|_| mode.linear)?.index();
                    linear[weight].filter(|w| w.deferrable)?;
                    Some((origin[weight]?, deferred.clone()))
                }),
            };
            let made = exec::execute(&step.prim, mode, operands, &self.place, rng);
            if let (Some(statistics), Prim::BatchNorm { momentum, affine, .. }) = (made.statistics, &step.prim) {
                let at = 1 + 2 * usize::from(*affine);
                let ids = [0, 1].map(|k| step.inputs.get(at + k).and_then(|v| origin[v.index()]));
                self.running_statistics(ids, statistics, *momentum);
            }
            for (k, value) in made.values.into_iter().enumerate() {
                if !unread[first + k] {
                    self.values[first + k] = Some(value);
                }
            }
        }
    }

    /// The first output, when all steps are done.
    pub(super) fn scores(&self) -> Tensor<B, 2> {
        let output = self.lowered.program.outputs.first().and_then(|v| self.get(*v));
        let scores = output.cloned().expect("inference proved that there is an output, and the last step made it");
        let x = self.place.to_float(scores, burn::tensor::FloatDType::F32);
        Tensor::from_primitive(TensorPrimitive::Float(x))
    }

    /// `r ← (1−m)·r + m·batch`, with m = 1/(batches so far) where the average is cumulative. A module that is called twice
    /// updates twice.
    fn running_statistics(&mut self, ids: [Option<StateId>; 2], statistics: BatchStatistics<B>, momentum: Option<f64>) {
        let Execution { network, updates, .. } = self;
        let counter = ids[0].and_then(|id| network.topology.counters.get(&id).copied());
        let mut batches = 0.0;
        if let Some((id, Slot::Int(k))) = counter.map(|id| (id, network.topology.slots[id.index()])) {
            let known = updates.counters.iter().position(|(known, _)| *known == id);
            let old = known.map_or_else(|| network.ints[k].val(), |i| updates.counters[i].1.clone());
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
            let Some((id, Slot::Float(k))) = id.map(|id| (id, network.topology.slots[id.index()])) else { continue };
            let new = Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(new)).detach();
            let known = updates.floats.iter().position(|(known, _)| *known == id);
            let old = known.map_or_else(|| network.floats[k].val(), |i| updates.floats[i].1.clone());
            let value = old.mul_scalar(1.0 - m) + new.mul_scalar(m);
            match known {
                Some(i) => updates.floats[i].1 = value,
                None => updates.floats.push((id, value)),
            }
        }
    }
}

/// An input in the element type that the program declares.
fn typed<B: Kernels>(x: burn::tensor::ops::FloatTensor<B>, ty: &TensorType, place: &Place<B>) -> Value<B> {
    let x = Value::Float(x);
    if ty.dtype.is_float() { Value::Float(place.to_float(x, value::float_dtype(ty.dtype))) } else { x }
}
