//! Normalisations.

use super::elementwise::{product, sum};
use super::exec::{BatchStatistics, Made, Operands};
use super::layout::Mode;
use super::value::{Place, Value};
use crate::kernels::{BatchNorm, GroupNorm, Kernels};
use archsmith_ir::prim::Prim;
use burn::tensor::TensorMetadata;
use burn::tensor::ops::FloatTensor;

/// Batch normalisation. In training the batch statistics are handed back for the running ones.
pub(super) fn batch_norm<B: Kernels>(
    prim: &Prim,
    mode: Mode,
    mut operands: Operands<'_, B>,
    place: &Place<B>,
) -> Made<B> {
    let Prim::BatchNorm { training, eps, affine, stats, .. } = *prim else {
        return Made { values: vec![operands.take(0)], statistics: None };
    };
    let shape = operands.shape(0).to_vec();
    let (c, count) = match mode.channels_last {
        true => (shape[3], shape[0] * shape[1] * shape[2]),
        false => (shape[1], shape[0] * shape[2..].iter().product::<usize>()),
    };
    let x = operands.float(0, place);
    let (weight, bias) = match affine {
        true => (operands.float(1, place), operands.float(2, place)),
        false => neutral::<B>(c, &x, place),
    };
    // Between `[N, C, …]` and rows of channels, where the step is not in that order already.
    let turn = B::CHANNELS_LAST && !mode.channels_last && shape.len() > 2;
    let inner: usize = shape[2..].iter().product();
    let rows = |x: FloatTensor<B>| match turn {
        true => {
            let x = B::transpose(B::float_reshape(x, [shape[0], c, inner].into()));
            B::float_reshape(x, [shape[0] * inner, c].into())
        }
        false => x,
    };
    let back = |y: FloatTensor<B>| match turn {
        true => {
            let y = B::transpose(B::float_reshape(y, [shape[0], inner, c].into()));
            B::float_reshape(y, shape.clone().into())
        }
        false => y,
    };
    if training {
        let residual = mode.residual.then(|| operands.float(operands.values.len() - 1, place));
        let residual = residual.map(rows);
        let input = BatchNorm { x: rows(x), weight, bias, residual, activation: mode.activation, eps };
        let (y, mean, variance) = B::batch_norm(input);
        let count = count as f64;
        let unbiased = B::float_mul_scalar(variance, (count / (count - 1.0).max(1.0)).into());
        return Made {
            values: vec![Value::Float(back(y))],
            statistics: stats.then_some(BatchStatistics { mean, variance: unbiased }),
        };
    }
    let first = 1 + 2 * usize::from(affine);
    let (mean, variance) = (operands.float(first, place), operands.float(first + 1, place));
    // One multiplication and one addition for each element: the rest is done for each channel.
    let scale = B::float_mul(weight, B::float_recip(B::float_sqrt(B::float_add_scalar(variance, eps.into()))));
    let shift = B::float_sub(bias, B::float_mul(mean, scale.clone()));
    let (flat, channel) = match mode.channels_last {
        true => ([1, count, c], [1, 1, c]),
        false => ([shape[0], c, inner], [1, c, 1]),
    };
    let x = B::float_reshape(x, flat.into());
    let per_channel = |v: FloatTensor<B>| B::float_reshape(v, channel.into());
    let y = sum::<B>(product::<B>(x, per_channel(scale)), per_channel(shift));
    Made { values: vec![Value::Float(B::float_reshape(y, shape.into()))], statistics: None }
}

/// Normalised over the trailing `axes` dimensions: each row is one group.
pub(super) fn layer_norm<B: Kernels>(
    operands: &mut Operands<'_, B>,
    axes: usize,
    eps: f64,
    weight: bool,
    bias: bool,
    place: &Place<B>,
) -> Value<B> {
    let shape = operands.shape(0).to_vec();
    let split = shape.len() - axes;
    let (rows, n): (usize, usize) = (shape[..split].iter().product(), shape[split..].iter().product());
    let x = operands.float(0, place);
    let mut operand = |i: usize| operands.take(i).reshape(&[n]).float(place);
    let given = (weight.then(|| operand(1)), bias.then(|| operand(1 + usize::from(weight))));
    let (weight, bias) = match given {
        (Some(weight), Some(bias)) => (weight, bias),
        (weight, bias) => {
            let (one, zero) = neutral::<B>(n, &x, place);
            (weight.unwrap_or(one), bias.unwrap_or(zero))
        }
    };
    Value::Float(B::group_norm(GroupNorm { x, weight, bias, sizes: [rows, 1, n], groups: 1, eps }).0)
}

/// Normalised within groups of channels.
pub(super) fn group_norm<B: Kernels>(
    operands: &mut Operands<'_, B>,
    mode: Mode,
    groups: usize,
    eps: f64,
    affine: bool,
    place: &Place<B>,
) -> Value<B> {
    let shape = operands.shape(0).to_vec();
    let last = mode.channels_last;
    let n = shape[0];
    let c = if last { shape[3] } else { shape[1] };
    let inner = shape.iter().product::<usize>() / (n * c).max(1);
    let x = operands.float(0, place);
    let (weight, bias) = match affine {
        true => (operands.float(1, place), operands.float(2, place)),
        false => neutral::<B>(c, &x, place),
    };
    let turn = B::CHANNELS_LAST && !last && inner > 1;
    let turned = |x: FloatTensor<B>, from: [usize; 3]| match turn {
        true => B::transpose(B::float_reshape(x, from.into())),
        false => x,
    };
    let x = turned(x, [n, c, inner]);
    let y = B::group_norm(GroupNorm { x, weight, bias, sizes: [n, inner, c], groups, eps }).0;
    Value::Float(B::float_reshape(turned(y, [n, inner, c]), shape.into()))
}

/// A weight of ones and a bias of zeros.
fn neutral<B: Kernels>(c: usize, x: &FloatTensor<B>, place: &Place<B>) -> (FloatTensor<B>, FloatTensor<B>) {
    let one = B::float_ones([c].into(), &place.device, x.dtype().into());
    (one.clone(), B::float_mul_scalar(one, 0.0.into()))
}
