//! The physical program: which values are kept with channels last, and which steps run as one.
//!
//! A backend whose kernels want `[N, H, W, C]` gets a program in which images stay in that order from the first convolution to
//! the last operator that can take it, and a transposition stands where another operator needs PyTorch's order. Batch
//! normalisation is joined with the addition and the activation that follow it. Steps that nobody reads are left out, unless they
//! draw random numbers or update statistics. Meanings do not change; orders of additions may.

use crate::kernels::Kernels;
use archsmith_ir::prim::{BinaryOp, Prim, ReduceOp, UnaryOp};
use archsmith_ir::{DType, Program, Step, TensorType, V};
use std::collections::BTreeMap;

/// How a step of the physical program is executed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Mode {
    /// Its images are `[N, H, W, C]`.
    pub(super) channels_last: bool,
    /// A batch normalisation whose last input is added to the result.
    pub(super) residual: bool,
    /// What a batch normalisation ends in.
    pub(super) activation: Option<UnaryOp>,
    /// A product with the transpose of its second input.
    pub(super) linear: bool,
}

/// A program as a backend runs it, and the mode of each step.
pub(super) struct Physical {
    pub(super) program: Program,
    pub(super) modes: Vec<Mode>,
}

/// Makes the physical program of a backend.
pub(super) fn physical<B: Kernels>(program: &Program) -> Physical {
    let channels_last = B::CHANNELS_LAST;
    let live = live_steps(program);
    let joins = joins(program, &live, B::joins);
    let mut pass = Pass {
        source: program,
        out: Program {
            values: Vec::new(),
            inputs: Vec::new(),
            state: Vec::new(),
            steps: Vec::new(),
            outputs: Vec::new(),
        },
        modes: Vec::new(),
        first: vec![None; program.values.len()],
        last: vec![None; program.values.len()],
        channels_last,
    };
    for v in &program.inputs {
        let new = pass.value(program.values[v.index()].clone());
        pass.first[v.index()] = Some(new);
        pass.out.inputs.push(new);
    }
    for (id, v) in &program.state {
        let new = pass.value(program.values[v.index()].clone());
        pass.first[v.index()] = Some(new);
        pass.out.state.push((*id, new));
    }
    for (i, step) in program.steps.iter().enumerate() {
        match joins.get(&i) {
            _ if !live[i] => {}
            Some(Join::Later) => {}
            Some(Join::Linear { weight }) => pass.linear(step, *weight),
            Some(Join::Sum { parts, factor }) => pass.sum(step, parts, *factor),
            Some(Join::Here { norm, residual, activation }) => {
                pass.joined(step, &program.steps[*norm], *residual, *activation);
            }
            None => pass.step(step),
        }
    }
    for v in &program.outputs {
        let v = pass.channels_first(*v);
        pass.out.outputs.push(v);
    }
    Physical { program: pass.out, modes: pass.modes }
}

/// Steps that are needed for an output, or whose execution leaves a trace.
pub(super) fn live_steps(program: &Program) -> Vec<bool> {
    let mut read = vec![false; program.values.len()];
    program.outputs.iter().for_each(|v| read[v.index()] = true);
    let mut live = vec![false; program.steps.len()];
    for (i, step) in program.steps.iter().enumerate().rev() {
        let first = step.first_output.index();
        let trace =
            matches!(step.prim, Prim::Random { .. } | Prim::Dropout { .. } | Prim::BatchNorm { training: true, .. });
        if trace || read[first..first + step.outputs as usize].iter().any(|r| *r) {
            live[i] = true;
            step.inputs.iter().for_each(|v| read[v.index()] = true);
        }
    }
    live
}

/// What happens to a step that belongs to a group.
enum Join {
    /// It is executed with a later one.
    Later,
    /// A linear layer: the product with the transpose of a weight.
    Linear { weight: V },
    /// The sum of these, times a factor: what a stack of them is reduced to.
    Sum { parts: Vec<V>, factor: f64 },
    /// The group is executed here.
    Here { norm: usize, residual: Option<V>, activation: Option<UnaryOp> },
}

/// Groups by step: batch normalisation, addition and activation; the transposition of a matrix and the product with it; a stack
/// and what it is reduced to.
fn joins(program: &Program, live: &[bool], joined: impl Fn(UnaryOp) -> bool) -> BTreeMap<usize, Join> {
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); program.values.len()];
    for (i, step) in program.steps.iter().enumerate().filter(|(i, _)| live[*i]) {
        step.inputs.iter().for_each(|v| readers[v.index()].push(i));
    }
    // An output has one reader more.
    program.outputs.iter().for_each(|v| readers[v.index()].push(usize::MAX));
    let only = |v: V| match readers[v.index()].as_slice() {
        &[i] if i != usize::MAX => Some(i),
        _ => None,
    };
    let mut joins = BTreeMap::new();
    for (i, step) in program.steps.iter().enumerate().filter(|(i, _)| live[*i]) {
        let transposed = matches!(&step.prim, Prim::Permute { dims } if *dims == [1, 0]);
        let Some(next) = transposed.then(|| only(step.first_output)).flatten() else { continue };
        let product = &program.steps[next];
        let ty = |v: V| &program.values[v.index()];
        let second = product.inputs.get(1) == Some(&step.first_output) && ty(product.inputs[0]).rank() >= 2;
        if matches!(product.prim, Prim::MatMul) && second && product.inputs.iter().all(|v| ty(*v).dtype == DType::F32) {
            joins.insert(i, Join::Later);
            joins.insert(next, Join::Linear { weight: step.inputs[0] });
        }
    }
    join_stacks(program, live, only, &mut joins);
    let activation = |i: usize| match program.steps[i].prim {
        Prim::Unary(op) => Some(op),
        _ => None,
    };
    // After an addition the derivative must be that of the result: the sum is not kept.
    let is_relu = |i: &usize| activation(*i) == Some(UnaryOp::Relu);
    // Backwards, so that of two normalisations that are added the later one takes the addition.
    for (i, step) in program.steps.iter().enumerate().rev().filter(|(i, _)| live[*i]) {
        if !matches!(step.prim, Prim::BatchNorm { training: true, .. }) {
            continue;
        }
        let ty = &program.values[step.first_output.index()];
        let Some(next) = only(step.first_output).filter(|n| !joins.contains_key(n)) else { continue };
        // The kernels' functions are of f32; a rectifier is one of any float.
        let fits = |op: &UnaryOp| *op == UnaryOp::Relu || (ty.dtype != DType::F64 && joined(*op));
        if let Some(op) = activation(next).filter(fits) {
            joins.insert(i, Join::Later);
            joins.insert(next, Join::Here { norm: i, residual: None, activation: Some(op) });
            continue;
        }
        let added = &program.steps[next];
        let other = added.inputs.iter().copied().find(|v| *v != step.first_output);
        let Some(residual) = other.filter(|v| {
            matches!(added.prim, Prim::Binary(BinaryOp::Add)) && &program.values[v.index()] == ty && ty.rank() == 4
        }) else {
            continue;
        };
        joins.insert(i, Join::Later);
        match only(added.first_output).filter(is_relu) {
            Some(last) => {
                joins.insert(next, Join::Later);
                let activation = Some(UnaryOp::Relu);
                joins.insert(last, Join::Here { norm: i, residual: Some(residual), activation });
            }
            None => {
                joins.insert(next, Join::Here { norm: i, residual: Some(residual), activation: None });
            }
        }
    }
    joins
}

/// Stacks of which only the sum or the mean is wanted: their parts are added, and never copied beside each other.
fn join_stacks(program: &Program, live: &[bool], only: impl Fn(V) -> Option<usize>, joins: &mut BTreeMap<usize, Join>) {
    let mut maker = vec![None; program.values.len()];
    for (i, step) in program.steps.iter().enumerate() {
        (0..step.outputs as usize).for_each(|k| maker[step.first_output.index() + k] = Some(i));
    }
    let made_by = |v: V| maker[v.index()].map(|i| (i, &program.steps[i]));
    for (i, step) in program.steps.iter().enumerate().filter(|(i, _)| live[*i]) {
        let Prim::Reduce { op, dims, keepdim: false } = &step.prim else { continue };
        let ty = &program.values[step.first_output.index()];
        let stacked = step.inputs.first().and_then(|v| made_by(*v).filter(|_| only(*v) == Some(i)));
        let Some((at, stack)) = stacked.filter(|_| ty.dtype.is_float()) else { continue };
        if !matches!(&stack.prim, Prim::Concat { dim } if dims.as_slice() == [*dim]) {
            continue;
        }
        let factor = match op {
            ReduceOp::Sum => 1.0,
            ReduceOp::Mean => 1.0 / stack.inputs.len() as f64,
            _ => continue,
        };
        // What is stacked has the shape of the result, lifted.
        let lifted: Option<Vec<(usize, V)>> = stack
            .inputs
            .iter()
            .map(|v| {
                let (at, lift) = made_by(*v).filter(|(_, s)| matches!(s.prim, Prim::Reshape { .. }))?;
                (program.values[lift.inputs[0].index()] == *ty).then_some((at, lift.inputs[0]))
            })
            .collect();
        let Some(lifted) = lifted else { continue };
        joins.insert(at, Join::Later);
        for (at, _) in lifted.iter().filter(|(at, _)| only(program.steps[*at].first_output).is_some()) {
            joins.insert(*at, Join::Later);
        }
        joins.insert(i, Join::Sum { parts: lifted.into_iter().map(|(_, v)| v).collect(), factor });
    }
}

/// `[N, C, H, W]` as `[N, H, W, C]`, and where each dimension goes.
const TO_LAST: [usize; 4] = [0, 2, 3, 1];
const TO_FIRST: [usize; 4] = [0, 3, 1, 2];

/// The place of a dimension with channels last.
fn moved(dim: usize) -> usize {
    TO_FIRST[dim]
}

fn last_shape(shape: &[usize]) -> Vec<usize> {
    TO_LAST.iter().map(|&d| shape[d]).collect()
}

struct Pass<'a> {
    source: &'a Program,
    out: Program,
    modes: Vec<Mode>,
    /// For each value of the source, its place in the physical program in PyTorch's order.
    first: Vec<Option<V>>,
    /// And with channels last.
    last: Vec<Option<V>>,
    channels_last: bool,
}

impl Pass<'_> {
    fn value(&mut self, ty: TensorType) -> V {
        self.out.values.push(ty);
        V(self.out.values.len() as u32 - 1)
    }

    fn ty(&self, v: V) -> &TensorType {
        &self.source.values[v.index()]
    }

    fn emit(&mut self, prim: Prim, inputs: Vec<V>, outputs: Vec<TensorType>, mode: Mode, like: Option<&Step>) -> V {
        let first_output = V(self.out.values.len() as u32);
        let count = outputs.len() as u32;
        self.out.values.extend(outputs);
        let node = like.and_then(|s| s.node);
        self.out.steps.push(Step { prim, inputs, first_output, outputs: count, node });
        self.modes.push(mode);
        first_output
    }

    /// Reorders a value; where only one of the exchanged parts has a size, that is a reshape.
    fn reorder(&mut self, v: V, dims: [usize; 4]) -> V {
        let ty = self.out.values[v.index()].clone();
        let shape: Vec<usize> = dims.iter().map(|&d| ty.shape[d]).collect();
        let to = TensorType::new(ty.dtype, shape.clone());
        let (channels, space) = match dims {
            TO_LAST => (ty.shape[1], ty.shape[2] * ty.shape[3]),
            _ => (ty.shape[3], ty.shape[1] * ty.shape[2]),
        };
        let prim =
            if channels == 1 || space == 1 { Prim::Reshape { shape } } else { Prim::Permute { dims: dims.to_vec() } };
        self.emit(prim, vec![v], vec![to], Mode::default(), None)
    }

    fn channels_first(&mut self, v: V) -> V {
        if let Some(v) = self.first[v.index()] {
            return v;
        }
        // Steps come in order: what is not in one order is in the other.
        let last = self.last[v.index()].unwrap_or(V(0));
        let new = self.reorder(last, TO_FIRST);
        self.first[v.index()] = Some(new);
        new
    }

    fn channels_last(&mut self, v: V) -> V {
        if let Some(v) = self.last[v.index()] {
            return v;
        }
        let first = self.first[v.index()].unwrap_or(V(0));
        let new = self.reorder(first, TO_LAST);
        self.last[v.index()] = Some(new);
        new
    }

    fn is_last(&self, v: V) -> bool {
        self.last[v.index()].is_some()
    }

    fn image(&self, v: V) -> bool {
        self.ty(v).rank() == 4
    }

    /// A step whose inputs `images` have channels last, and its one output too.
    fn last_step(&mut self, step: &Step, prim: Prim, images: usize) {
        let mode = Mode { channels_last: true, ..Mode::default() };
        let inputs = step.inputs.iter().enumerate();
        let inputs: Vec<V> =
            inputs.map(|(i, v)| if i < images { self.channels_last(*v) } else { self.channels_first(*v) }).collect();
        let ty = self.ty(step.first_output);
        let ty = TensorType::new(ty.dtype, last_shape(&ty.shape));
        let new = self.emit(prim, inputs, vec![ty], mode, Some(step));
        self.last[step.first_output.index()] = Some(new);
    }

    /// A step in PyTorch's order.
    fn first_step(&mut self, step: &Step) {
        let inputs: Vec<V> = step.inputs.iter().map(|v| self.channels_first(*v)).collect();
        let from = step.first_output.index();
        let types = self.source.values[from..from + step.outputs as usize].to_vec();
        let new = self.emit(step.prim.clone(), inputs, types, Mode::default(), Some(step));
        (0..step.outputs as usize).for_each(|k| self.first[from + k] = Some(V(new.0 + k as u32)));
    }

    fn linear(&mut self, step: &Step, weight: V) {
        let inputs = vec![self.channels_first(step.inputs[0]), self.channels_first(weight)];
        let ty = self.ty(step.first_output).clone();
        let mode = Mode { linear: true, ..Mode::default() };
        let new = self.emit(Prim::MatMul, inputs, vec![ty], mode, Some(step));
        self.first[step.first_output.index()] = Some(new);
    }

    /// With channels last where a part is, see [`Join::Sum`].
    fn sum(&mut self, step: &Step, parts: &[V], factor: f64) {
        let mut ty = self.ty(step.first_output).clone();
        let channels_last = self.channels_last && ty.rank() == 4 && parts.iter().any(|v| self.is_last(*v));
        if channels_last {
            ty.shape = last_shape(&ty.shape);
        }
        let mode = Mode { channels_last, ..Mode::default() };
        let placed: Vec<V> =
            parts.iter().map(|&v| if channels_last { self.channels_last(v) } else { self.channels_first(v) }).collect();
        let mut total = placed[0];
        for &v in &placed[1..] {
            total = self.emit(Prim::Binary(BinaryOp::Add), vec![total, v], vec![ty.clone()], mode, Some(step));
        }
        if factor != 1.0 {
            let scaled = Prim::Scalar { op: BinaryOp::Mul, value: factor, reversed: false };
            total = self.emit(scaled, vec![total], vec![ty], mode, Some(step));
        }
        let place = if channels_last { &mut self.last } else { &mut self.first };
        place[step.first_output.index()] = Some(total);
    }

    fn joined(&mut self, step: &Step, norm: &Step, residual: Option<V>, activation: Option<UnaryOp>) {
        let channels_last = self.channels_last && self.image(norm.first_output);
        let mode = Mode { channels_last, residual: residual.is_some(), activation, ..Mode::default() };
        let mut inputs = Vec::new();
        for (i, v) in norm.inputs.iter().copied().enumerate() {
            inputs.push(if i == 0 && channels_last { self.channels_last(v) } else { self.channels_first(v) });
        }
        if let Some(v) = residual {
            inputs.push(if channels_last { self.channels_last(v) } else { self.channels_first(v) });
        }
        let mut ty = self.ty(step.first_output).clone();
        if channels_last {
            ty.shape = last_shape(&ty.shape);
        }
        let new = self.emit(norm.prim.clone(), inputs, vec![ty], mode, Some(norm));
        let place = if channels_last { &mut self.last } else { &mut self.first };
        place[step.first_output.index()] = Some(new);
    }

    fn step(&mut self, step: &Step) {
        let x = step.inputs.first().copied();
        let image = x.is_some_and(|x| self.image(x)) && self.channels_last;
        let Some(x) = x.filter(|_| image) else { return self.first_step(step) };
        let follows = self.is_last(x);
        match &step.prim {
            Prim::Conv { padding, .. } if padding.iter().all(|p| p.0 == p.1) && self.ty(x).dtype == DType::F32 => {
                self.last_step(step, step.prim.clone(), 1)
            }
            Prim::ConvTranspose { .. } if self.ty(x).dtype == DType::F32 => self.last_step(step, step.prim.clone(), 1),
            Prim::BatchNorm { .. } | Prim::GroupNorm { .. } if follows => self.last_step(step, step.prim.clone(), 1),
            Prim::Pool { .. } | Prim::AdaptivePool { .. } if follows => self.last_step(step, step.prim.clone(), 1),
            Prim::Unary(_) | Prim::Scalar { .. } | Prim::Cast(_) | Prim::Detach if follows => {
                self.last_step(step, step.prim.clone(), 1)
            }
            Prim::Dropout { p, mask } if follows => {
                let mask = last_shape(mask);
                self.last_step(step, Prim::Dropout { p: *p, mask }, 1)
            }
            Prim::Binary(_) => self.binary(step),
            Prim::Concat { dim } if step.inputs.iter().any(|v| self.is_last(*v)) => {
                self.last_step(step, Prim::Concat { dim: moved(*dim) }, step.inputs.len())
            }
            Prim::Slice { dim, start, end, step: by } if follows => {
                let prim = Prim::Slice { dim: moved(*dim), start: *start, end: *end, step: *by };
                self.last_step(step, prim, 1)
            }
            Prim::Pad { mode, pads } if follows => {
                let pads = TO_LAST.iter().map(|&d| pads[d]).collect();
                self.last_step(step, Prim::Pad { mode: *mode, pads }, 1)
            }
            Prim::Expand { shape } if follows && shape.len() == 4 => {
                self.last_step(step, Prim::Expand { shape: last_shape(shape) }, 1)
            }
            Prim::Reduce { op, dims, keepdim: true } if follows => {
                let dims = dims.iter().map(|&d| moved(d)).collect();
                self.last_step(step, Prim::Reduce { op: *op, dims, keepdim: true }, 1)
            }
            Prim::Reduce { op, dims, keepdim: false } if follows && is_space(dims) => self.reduce_space(step, x, *op),
            Prim::Permute { dims } if *dims == TO_LAST && follows => {
                // What is asked for is how it lies.
                self.first[step.first_output.index()] = self.last[x.index()];
            }
            Prim::Permute { dims } if *dims == TO_FIRST && self.ty(x).dtype == DType::F32 => {
                self.last[step.first_output.index()] = Some(self.channels_first(x));
            }
            Prim::Reshape { shape } if follows && self.ty(x).shape == *shape => {
                self.last[step.first_output.index()] = self.last[x.index()];
            }
            _ => self.first_step(step),
        }
    }

    /// Over height and width, `[N, C]`: the kept dimensions are in order either way.
    fn reduce_space(&mut self, step: &Step, x: V, op: archsmith_ir::prim::ReduceOp) {
        let x = self.channels_last(x);
        let mode = Mode { channels_last: true, ..Mode::default() };
        let ty = self.ty(step.first_output).clone();
        let prim = Prim::Reduce { op, dims: vec![1, 2], keepdim: false };
        let new = self.emit(prim, vec![x], vec![ty], mode, Some(step));
        self.first[step.first_output.index()] = Some(new);
    }

    /// With channels last where an operand is; the other is an image too, or has one element.
    fn binary(&mut self, step: &Step) {
        let fits = |v: &V| self.image(*v) || self.ty(*v).numel() == 1;
        let any = step.inputs.iter().any(|v| self.is_last(*v));
        if !any || !step.inputs.iter().all(fits) {
            return self.first_step(step);
        }
        let inputs: Vec<V> = step
            .inputs
            .iter()
            .map(|&v| if self.image(v) { self.channels_last(v) } else { self.channels_first(v) })
            .collect();
        let ty = self.ty(step.first_output);
        let ty = TensorType::new(ty.dtype, last_shape(&ty.shape));
        let mode = Mode { channels_last: true, ..Mode::default() };
        let new = self.emit(step.prim.clone(), inputs, vec![ty], mode, Some(step));
        self.last[step.first_output.index()] = Some(new);
    }
}

fn is_space(dims: &[usize]) -> bool {
    let mut dims = dims.to_vec();
    dims.sort_unstable();
    dims == [2, 3]
}
