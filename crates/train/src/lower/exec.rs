//! Executes one primitive on rank-free tensors.
//!
//! Types were proved by inference and support by [`super::support`], so that nothing here can fail: a primitive reaches this
//! module only in a form that it can compute. Meanings are PyTorch's; where the library means something else, the function is
//! composed from others and the comment says why.

use super::layout::Mode;
use super::random::StepRng;
use super::value::{INT, Place, Value, float_dtype};
use super::{elementwise, index, normalize, reduce, spatial};
use crate::kernels::{Kernels, Later};
use archsmith_ir::prim::{PadMode, Prim};
use archsmith_ir::{DType, TensorType};
use burn::tensor::ops::FloatTensor;
use burn::tensor::{FloatDType, Slice};

/// Inputs and outputs of one step.
pub(super) struct Operands<'a, B: Kernels> {
    pub(super) values: Vec<Option<Value<B>>>,
    pub(super) types: Vec<&'a TensorType>,
    pub(super) outputs: &'a [TensorType],
    /// Where the gradient of a linear layer's weight goes.
    pub(super) later: Option<Later<B::Plain>>,
}

impl<B: Kernels> Operands<'_, B> {
    /// Takes an input. Each is taken at most once.
    pub(super) fn take(&mut self, i: usize) -> Value<B> {
        self.values[i].take().expect("an input is taken once")
    }

    /// Takes an input of floats.
    pub(super) fn float(&mut self, i: usize, place: &Place<B>) -> FloatTensor<B> {
        self.take(i).float(place)
    }

    pub(super) fn shape(&self, i: usize) -> &[usize] {
        &self.types[i].shape
    }
}

/// New running statistics of one batch normalisation: batch mean and unbiased batch variance.
pub(super) struct BatchStatistics<B: Kernels> {
    pub(super) mean: FloatTensor<B>,
    pub(super) variance: FloatTensor<B>,
}

/// What a step made.
pub(super) struct Made<B: Kernels> {
    pub(super) values: Vec<Value<B>>,
    pub(super) statistics: Option<BatchStatistics<B>>,
}

/// Executes a primitive.
pub(super) fn execute<B: Kernels>(
    prim: &Prim,
    mode: Mode,
    mut operands: Operands<'_, B>,
    place: &Place<B>,
    rng: &mut StepRng,
) -> Made<B> {
    if place.half && is_product(prim) && operands.types.iter().all(|ty| ty.dtype == DType::F32) {
        return in_half(prim, mode, operands, place, rng);
    }
    let out = &operands.outputs[0];
    let value = match prim {
        Prim::Conv { .. }
        | Prim::ConvTranspose { .. }
        | Prim::Pool { .. }
        | Prim::AdaptivePool { .. }
        | Prim::Interpolate { .. } => spatial::execute(prim, mode, &mut operands, place),
        Prim::MatMul if mode.linear => {
            let rows = operands.shape(0).split_last().map_or(1, |(_, rows)| rows.iter().product());
            let inner = operands.shape(1)[1];
            let x = operands.take(0).reshape(&[rows, inner]).float(place);
            let w = operands.float(1, place);
            Value::Float(B::linear_forward(x, w, operands.later.take())).reshape(&out.shape)
        }
        Prim::MatMul => match (operands.take(0), operands.take(1)) {
            (Value::Int(a), Value::Int(b)) => Value::Int(B::int_matmul(a, b)),
            (a, b) => Value::Float(B::float_matmul(a.float(place), b.float(place))),
        },
        Prim::Unary(op) => elementwise::unary(*op, operands.take(0), place),
        Prim::Binary(op) => {
            let (a, b) = (operands.take(0), operands.take(1));
            let (a, b) = align(a, operands.shape(0), b, operands.shape(1));
            elementwise::binary(*op, a, b, place)
        }
        Prim::Scalar { op, value, reversed } => {
            let ty = operands.types[0].clone();
            elementwise::scalar(*op, operands.take(0), &ty, *value, *reversed, place)
        }
        Prim::Where => {
            let condition = operands.take(0).expand(&operands.types[0].shape, &out.shape);
            let a = operands.take(1).expand(&operands.types[1].shape, &out.shape);
            let b = operands.take(2).expand(&operands.types[2].shape, &out.shape);
            b.mask_where(place.to_bool(condition), a, place)
        }
        Prim::Cast(to) => {
            let x = operands.take(0);
            match to {
                DType::Bool => Value::Bool(place.to_bool(x)),
                d if d.is_float() => Value::Float(place.to_float(x, float_dtype(*d))),
                _ => Value::Int(place.to_int(x)),
            }
        }
        Prim::Reduce { op, dims, .. } => {
            let x = operands.take(0);
            reduce::reduce(*op, x, operands.shape(0), dims, place).reshape(&out.shape)
        }
        Prim::ArgReduce { max, dim } => {
            let x = operands.take(0);
            let index = match x {
                Value::Float(x) if *max => B::float_argmax(x, *dim, INT),
                Value::Float(x) => B::float_argmin(x, *dim, INT),
                other if *max => B::int_argmax(place.to_int(other), *dim),
                other => B::int_argmin(place.to_int(other), *dim),
            };
            Value::Int(index).reshape(&out.shape)
        }
        Prim::CumSum { dim } => match operands.take(0) {
            Value::Float(x) => Value::Float(B::float_cumsum(x, *dim)),
            other => Value::Int(B::int_cumsum(place.to_int(other), *dim)),
        },
        Prim::Softmax { dim, log } => {
            let x = operands.float(0, place);
            Value::Float(reduce::softmax::<B>(x, operands.shape(0), *dim, *log))
        }
        Prim::BatchNorm { .. } => return normalize::batch_norm(prim, mode, operands, place),
        Prim::LayerNorm { axes, eps, weight, bias } => {
            normalize::layer_norm(&mut operands, *axes, *eps, *weight, *bias, place)
        }
        Prim::GroupNorm { groups, eps, affine } => {
            normalize::group_norm(&mut operands, mode, *groups, *eps, *affine, place)
        }
        Prim::Reshape { .. } => operands.take(0).settled().reshape(&out.shape),
        Prim::Permute { dims } => match (operands.take(0), dims.as_slice()) {
            (Value::Float(x), &[0, 2, 3, 1]) => Value::Float(spatial::channels_last::<B>(x)),
            (Value::Float(x), &[0, 3, 1, 2]) => Value::Float(spatial::channels_first::<B>(x)),
            (x, dims) => x.settled().permute(dims),
        },
        Prim::Expand { shape } => operands.take(0).expand(&operands.types[0].shape, shape),
        Prim::Slice { dim, start, end, step } => {
            let mut slices = vec![Slice::full(); operands.shape(0).len()];
            slices[*dim] = Slice::new(*start as isize, Some(*end as isize), *step as isize);
            operands.take(0).slice(&slices)
        }
        Prim::Flip { dims } => operands.take(0).flip(dims),
        Prim::Concat { dim } => {
            let n = operands.values.len();
            let values = (0..n).map(|i| operands.take(i)).collect();
            concat(values, *dim, place)
        }
        Prim::Pad { mode, pads } => {
            let x = operands.take(0);
            pad(x, operands.shape(0), *mode, pads, place)
        }
        Prim::Gather { .. } | Prim::IndexSelect { .. } | Prim::Scatter { .. } | Prim::TopK { .. } => {
            return Made { values: index::execute(prim, &mut operands, place), statistics: None };
        }
        Prim::Dropout { p, mask } => {
            let x = operands.float(0, place);
            let m = place.floats_like(rng.dropout_mask(*p, mask), mask, &x);
            let m = Value::<B>::Float(m).expand(mask, &out.shape).float(place);
            Value::Float(B::float_mul(x, m))
        }
        Prim::Full { ty, value } => place.full(ty, *value),
        Prim::Arange { start, step, n, dtype } => {
            let values: Vec<f64> = (0..*n).map(|i| start + i as f64 * step).collect();
            place.numbers(&TensorType::new(*dtype, out.shape.clone()), values)
        }
        Prim::Literal { ty, values } => place.numbers(ty, values.clone()),
        Prim::Random { ty, distribution } => place.numbers(ty, rng.draw(*distribution, ty.numel())),
        Prim::Detach => match operands.take(0) {
            // Not `float_detach`: that keeps a leaf a leaf.
            Value::Float(x) => Value::Float(B::float_set_require_grad(x, false)),
            other => other,
        },
    };
    Made { values: vec![value], statistics: None }
}

/// What half precision makes faster and does not spoil: its sums are in f32.
fn is_product(prim: &Prim) -> bool {
    matches!(prim, Prim::Conv { .. } | Prim::ConvTranspose { .. } | Prim::MatMul)
}

/// A product of operands rounded to bf16, and its gradients too; the result is f32 again. PyTorch's autocast does the same.
fn in_half<B: Kernels>(
    prim: &Prim,
    mode: Mode,
    mut operands: Operands<'_, B>,
    place: &Place<B>,
    rng: &mut StepRng,
) -> Made<B> {
    let cast = |value, dtype| match value {
        Value::Float(x) => Value::Float(B::float_cast(x, dtype)),
        other => other,
    };
    operands.values.iter_mut().for_each(|v| *v = v.take().map(|v| cast(v, FloatDType::BF16)));
    operands.later = None;
    let made = execute(prim, mode, operands, &Place { half: false, ..place.clone() }, rng);
    Made { values: made.values.into_iter().map(|v| cast(v, FloatDType::F32)).collect(), statistics: None }
}

/// Both operands in one rank, by leading dimensions of size 1: what the library's broadcasting wants.
fn align<B: Kernels>(a: Value<B>, shape_a: &[usize], b: Value<B>, shape_b: &[usize]) -> (Value<B>, Value<B>) {
    let rank = shape_a.len().max(shape_b.len());
    let lift = |x: Value<B>, shape: &[usize]| {
        if shape.len() == rank {
            return x;
        }
        let mut to = vec![1; rank - shape.len()];
        to.extend_from_slice(shape);
        x.reshape(&to)
    };
    (lift(a, shape_a), lift(b, shape_b))
}

/// Joined along a dimension.
pub(super) fn concat<B: Kernels>(values: Vec<Value<B>>, dim: usize, place: &Place<B>) -> Value<B> {
    match values.first() {
        Some(Value::Float(_)) => {
            // Each part's gradient is then a copy in its order, rather than a view of the whole's.
            let parts = values.into_iter().map(|v| B::settle(v.float(place))).collect();
            Value::Float(B::float_cat(parts, dim))
        }
        Some(Value::Bool(_)) => Value::Bool(B::bool_cat(values.into_iter().map(|v| place.to_bool(v)).collect(), dim)),
        _ => Value::Int(B::int_cat(values.into_iter().map(|v| place.to_int(v)).collect(), dim)),
    }
}

/// Padded, or cut where an amount is negative.
pub(super) fn pad<B: Kernels>(
    x: Value<B>,
    shape: &[usize],
    mode: PadMode,
    pads: &[(i64, i64)],
    place: &Place<B>,
) -> Value<B> {
    let PadMode::Constant(fill) = mode else {
        return index_pad(x, shape, mode, pads, place);
    };
    let mut x = x;
    let mut size = shape.to_vec();
    for (d, &(before, after)) in pads.iter().enumerate() {
        let (from, to) = ((-before).max(0) as usize, size[d] - (-after).max(0) as usize);
        if (from, to) != (0, size[d]) {
            x = x.narrow(shape.len(), d, from..to);
            size[d] = to - from;
        }
    }
    if pads.iter().all(|&(before, after)| before <= 0 && after <= 0) {
        return x;
    }
    let grow = |d: usize| (pads[d].0.max(0) as usize, pads[d].1.max(0) as usize);
    let full: Vec<usize> = (0..size.len()).map(|d| size[d] + grow(d).0 + grow(d).1).collect();
    let slices: Vec<Slice> =
        (0..size.len()).map(|d| Slice::new(grow(d).0 as isize, Some((grow(d).0 + size[d]) as isize), 1)).collect();
    match x {
        Value::Float(x) => {
            use burn::tensor::TensorMetadata;
            let canvas = B::float_full(full.into(), fill.into(), &place.device, x.dtype().into());
            Value::Float(B::float_slice_assign(canvas, &slices, x))
        }
        Value::Int(x) => {
            let canvas = B::int_full(full.into(), (fill as i64).into(), &place.device, INT);
            Value::Int(B::int_slice_assign(canvas, &slices, x))
        }
        Value::Bool(x) => {
            let canvas = place.full(&TensorType::new(DType::Bool, full), fill);
            Value::Bool(B::bool_slice_assign(place.to_bool(canvas), &slices, x))
        }
    }
}

/// Padding with elements of the tensor: a selection along each padded dimension.
fn index_pad<B: Kernels>(
    mut x: Value<B>,
    shape: &[usize],
    mode: PadMode,
    pads: &[(i64, i64)],
    place: &Place<B>,
) -> Value<B> {
    for (d, &(before, after)) in pads.iter().enumerate() {
        if (before, after) == (0, 0) {
            continue;
        }
        let n = shape[d] as i64;
        let source = |i: i64| match mode {
            PadMode::Reflect if n > 1 => {
                let period = 2 * (n - 1);
                let i = i.rem_euclid(period);
                i.min(period - i)
            }
            PadMode::Circular => i.rem_euclid(n),
            _ => i.clamp(0, n - 1),
        };
        let index: Vec<i64> = (-before..n + after).map(source).collect();
        let len = index.len();
        x = x.select(d, place.ints(index, &[len]));
    }
    x
}
