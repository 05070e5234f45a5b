//! How much memory training takes, told from the graph before anything is allocated.
//!
//! The physical program is walked as a training step walks it: forward, where each step keeps what its gradient will want
//! ([`habits`]); backward, by depth, as the differentiation does it; the update. What lives at the same time is summed. The
//! walk knows views and steps that work in place. Kernels count with their working memory.

mod habits;

use super::recompute::{Plan, live_before};
use super::value::bytes;
use super::{LowerError, Lowered};
use crate::backend::Cpu;
use crate::optim::rule::Rule;
use archsmith_ir::{Recipe, StateKind, TensorType, TypedGraph, V};
use habits::{Back, Habit, Made};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;

/// Memory that a process takes before any tensor, in bytes: the program itself, stacks, what a network is described by.
const PROCESS: u64 = 26 << 20;
/// Of what tensors take, the part that the allocator takes again for gaps between them.
const GAPS: u64 = 16;

/// What training needs on the CPU, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Parameters and buffers.
    pub state: u64,
    /// What the optimiser remembers.
    pub moments: u64,
    /// Activations, gradients and working memory where they are most in a step.
    pub step: u64,
    /// The most that all tensors take at once.
    pub tensors: u64,
}

impl Footprint {
    /// Of training a network by its recipe, with nothing computed again.
    ///
    /// # Errors
    /// What cannot be lowered.
    pub fn of(graph: &TypedGraph) -> Result<Footprint, LowerError> {
        Footprint::planned(graph, &Plan::default())
    }

    /// Of training a network by its recipe, with activations computed again as planned.
    ///
    /// # Errors
    /// What cannot be lowered.
    pub fn planned(graph: &TypedGraph, plan: &Plan) -> Result<Footprint, LowerError> {
        let declared = &graph.graph().state;
        let trained: Vec<bool> = declared.iter().map(|s| s.kind == StateKind::Parameter).collect();
        let state: u64 = declared.iter().map(|s| bytes(&s.ty)).sum();
        let train = Lowered::new::<Cpu>(graph.train().program())?;
        let eval = Lowered::new::<Cpu>(graph.eval().program())?;
        let step = step(&train, &trained, plan);
        let evaluation = forward(&eval);
        let parameters: u64 = trained.iter().zip(declared).filter(|(t, _)| **t).map(|(_, s)| bytes(&s.ty)).sum();
        let moments = parameters * moments(&graph.graph().recipe) as u64;
        // Initial values lie on the host while they are put on the device.
        let tensors = (state + moments + step.max(evaluation)).max(2 * state);
        Ok(Footprint { state, moments, step, tensors })
    }

    /// Peak resident memory of a process that trains the network, in MiB, besides the data set.
    pub fn process_mb(&self) -> u64 {
        (self.tensors + self.tensors / GAPS + PROCESS).div_ceil(1 << 20)
    }
}

/// The most that a training step takes at once besides the state; parameters are `trained`.
pub(super) fn step(lowered: &Lowered, trained: &[bool], plan: &Plan) -> u64 {
    let program = &lowered.program;
    let ranges = plan.ranges(program.steps.len());
    let starts: Vec<Vec<V>> = ranges.iter().map(|range| live_before(program, range.start)).collect();
    let mut forward = Walk::new(lowered, &[], &program.inputs);
    for (range, start) in ranges.iter().zip(&starts).take(ranges.len() - 1) {
        forward.keep(start);
        forward.forward(range.clone());
    }
    let mut peak = forward.memory.peak;
    // What stays when a segment is done: gradients of parameters.
    let mut done = 0;
    for (k, range) in ranges.iter().enumerate().rev() {
        let earlier: BTreeSet<V> = starts[..k].iter().flatten().copied().collect();
        let (shared, others): (Vec<V>, Vec<V>) = earlier.into_iter().partition(|v| starts[k].contains(v));
        let size = |values: &[V]| -> u64 { values.iter().map(|v| bytes(&program.values[v.index()])).sum() };
        let mut walk = Walk::new(lowered, trained, &starts[k]);
        walk.keep(&shared);
        walk.segment(range.clone(), &starts[k], starts.get(k + 1).map(Vec::as_slice));
        peak = peak.max(walk.memory.peak + size(&others) + done);
        done += walk.memory.live.saturating_sub(size(&shared));
    }
    peak
}

/// The most that a forward pass takes at once where nothing is trained.
pub(super) fn forward(lowered: &Lowered) -> u64 {
    let mut walk = Walk::new(lowered, &[], &lowered.program.inputs);
    walk.forward(0..lowered.program.steps.len());
    walk.memory.peak
}

fn moments(recipe: &Recipe) -> usize {
    Rule { kind: &recipe.optimizer, lr: 0.0, steps: 1, limit: None }.moments()
}

/// Memory of one or more tensors.
type Id = usize;

/// What lives, and the most that lived at once.
#[derive(Default)]
struct Memory {
    blocks: Vec<(u64, u32)>,
    live: u64,
    peak: u64,
}

impl Memory {
    fn take(&mut self, bytes: u64) -> Id {
        self.blocks.push((bytes, 1));
        self.live += bytes;
        self.peak = self.peak.max(self.live);
        self.blocks.len() - 1
    }

    fn hold(&mut self, id: Id) -> Id {
        self.blocks[id].1 += 1;
        id
    }

    fn release(&mut self, id: Id) {
        let (bytes, holders) = &mut self.blocks[id];
        *holders -= 1;
        if *holders == 0 {
            self.live -= *bytes;
        }
    }

    fn unique(&self, id: Id) -> bool {
        self.blocks[id].1 == 1
    }

    fn work(&mut self, bytes: u64) {
        self.peak = self.peak.max(self.live + bytes);
    }
}

/// A step that will have a gradient.
struct Recorded {
    step: usize,
    depth: usize,
    kept: Vec<Id>,
    habit: Habit,
}

struct Walk<'a> {
    lowered: &'a Lowered,
    memory: Memory,
    /// For each value, its memory.
    at: Vec<Option<Id>>,
    /// For each value, how many differentiable steps it is behind a parameter.
    depth: Vec<Option<usize>>,
    tape: Vec<Recorded>,
}

impl<'a> Walk<'a> {
    /// The state and `start` are there. What training starts from has gradients, as parameters have, but for the program's inputs.
    fn new(lowered: &'a Lowered, trained: &[bool], start: &[V]) -> Self {
        let program = &lowered.program;
        let n = program.values.len();
        let mut walk =
            Walk { lowered, memory: Memory::default(), at: vec![None; n], depth: vec![None; n], tape: Vec::new() };
        for &(id, v) in &program.state {
            // Counted apart.
            walk.at[v.index()] = Some(walk.memory.take(0));
            if trained.get(id.index()).copied().unwrap_or(false) {
                walk.depth[v.index()] = Some(0);
            }
        }
        for v in start {
            let ty = &program.values[v.index()];
            walk.at[v.index()] = Some(walk.memory.take(bytes(ty)));
            if !trained.is_empty() && ty.dtype.is_float() && !program.inputs.contains(v) {
                walk.depth[v.index()] = Some(0);
            }
        }
        walk
    }

    /// Somebody else keeps these values.
    fn keep(&mut self, values: &[V]) {
        for id in values.iter().filter_map(|v| self.at[v.index()]) {
            self.memory.hold(id);
        }
    }

    /// Forward and backward through some steps, from what lives before them to what lives behind them (`None`: the scores). What
    /// stays are gradients of parameters.
    fn segment(&mut self, steps: Range<usize>, start: &[V], end: Option<&[V]>) {
        let program = &self.lowered.program;
        let leaves: Vec<V> = start.iter().copied().filter(|v| self.depth[v.index()].is_some()).collect();
        self.keep(&leaves);
        let held: Vec<Id> = leaves.iter().filter_map(|v| self.at[v.index()]).collect();
        let mut gradients: Vec<Option<Id>> = vec![None; program.values.len()];
        // The gradients of what lives behind are there before the segment is executed again.
        for v in end.unwrap_or_default().iter().filter(|v| !program.inputs.contains(v)) {
            let ty = &program.values[v.index()];
            gradients[v.index()] = ty.dtype.is_float().then(|| self.memory.take(bytes(ty)));
        }
        self.forward(steps);
        if let (None, Some(v)) = (end, program.outputs.first()) {
            gradients[v.index()] = Some(self.memory.take(bytes(&program.values[v.index()])));
        }
        for v in end.unwrap_or_default() {
            let id = self.at[v.index()].take();
            id.into_iter().for_each(|id| self.memory.release(id));
        }
        self.backward(&mut gradients);
        held.into_iter().for_each(|id| self.memory.release(id));
        for v in leaves {
            let id = gradients[v.index()].take();
            id.into_iter().for_each(|id| self.memory.release(id));
        }
    }

    fn forward(&mut self, steps: Range<usize>) {
        let program = &self.lowered.program;
        for i in steps {
            let step = &program.steps[i];
            let first = step.first_output.index();
            let inputs: Vec<&TensorType> = step.inputs.iter().map(|v| &program.values[v.index()]).collect();
            let output = &program.values[first];
            let habit = habits::of(&step.prim, self.lowered.modes[i], &inputs, output);
            let depth = step.inputs.iter().filter_map(|v| self.depth[v.index()]).max();
            let depth = depth.filter(|_| output.dtype.is_float() && habit.differentiable).map(|d| d + 1);
            let tracked: Vec<bool> = step.inputs.iter().map(|v| self.depth[v.index()].is_some()).collect();
            let operands: Vec<Option<Id>> = step.inputs.iter().map(|v| self.at[v.index()]).collect();

            // What is kept is held before the operands go.
            let mut kept = Vec::new();
            if depth.is_some() {
                kept.extend(habit.keeps(&tracked).filter_map(|k| operands[k]).map(|id| self.memory.hold(id)));
                kept.push(self.memory.take(habit.private));
            }
            // What is read for the last time goes with the step.
            let last = step.inputs.iter().zip(&self.lowered.last_use[i]).filter(|(_, last)| **last);
            let dying: Vec<Id> = last.filter_map(|(v, _)| self.at[v.index()].take()).collect();
            let made = match (habit.made, operands.first().copied().flatten()) {
                (Made::View, Some(id)) => self.memory.hold(id),
                (Made::InPlace, Some(id)) if self.memory.unique(id) && dying.contains(&id) => self.memory.hold(id),
                _ => self.memory.take(bytes(output)),
            };
            self.memory.work(habit.work);
            dying.into_iter().for_each(|id| self.memory.release(id));
            if depth.is_some() && habit.keeps_result {
                kept.push(self.memory.hold(made));
            }
            if self.lowered.unread[first] {
                self.memory.release(made);
            } else {
                self.at[first] = Some(made);
            }
            for k in 1..step.outputs as usize {
                let size = bytes(&program.values[first + k]);
                let id = self.memory.take(size);
                match self.lowered.unread[first + k] {
                    true => self.memory.release(id),
                    false => self.at[first + k] = Some(id),
                }
            }
            if let Some(depth) = depth {
                self.depth[first] = Some(depth);
                self.tape.push(Recorded { step: i, depth, kept, habit });
            }
        }
    }

    fn backward(&mut self, gradients: &mut [Option<Id>]) {
        let program = &self.lowered.program;
        let mut tape = std::mem::take(&mut self.tape);
        // The deepest first; of equally deep ones the order hardly matters.
        tape.sort_by_key(|r| std::cmp::Reverse(r.depth));
        for Recorded { step, kept, habit, .. } in tape {
            let step = &program.steps[step];
            let dy = gradients[step.first_output.index()].take();
            if let Some(dy) = dy {
                self.gradients_of(step, &habit, dy, gradients);
                if !habit.deferred(&self.lowered.linear, step) {
                    self.memory.release(dy);
                    kept.into_iter().for_each(|id| self.memory.release(id));
                }
            } else {
                kept.into_iter().for_each(|id| self.memory.release(id));
            }
        }
    }

    fn gradients_of(&mut self, step: &archsmith_ir::Step, habit: &Habit, dy: Id, gradients: &mut [Option<Id>]) {
        self.memory.work(habit.back_work);
        // Weights come before inputs.
        for (k, v) in step.inputs.iter().enumerate().rev() {
            if self.depth[v.index()].is_none() {
                continue;
            }
            let size = bytes(&self.lowered.program.values[v.index()]);
            let made = match habit.back(k, step.inputs.len()) {
                Back::Later if habit.deferred(&self.lowered.linear, step) => continue,
                Back::Share => self.memory.hold(dy),
                Back::Reuse if self.memory.unique(dy) => self.memory.hold(dy),
                Back::Reuse | Back::New | Back::Later => self.memory.take(size),
            };
            let at = &mut gradients[v.index()];
            *at = Some(match at.take() {
                None => made,
                Some(old) => {
                    let sum = if self.memory.unique(made) {
                        made
                    } else {
                        let sum = self.memory.take(size);
                        self.memory.release(made);
                        sum
                    };
                    self.memory.release(old);
                    sum
                }
            });
        }
    }
}
