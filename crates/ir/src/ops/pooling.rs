//! Pooling over one to three dimensions. Indices of maxima are not made: `return_indices=True` is refused.

use super::shared;
use crate::op::{Call, Emitter, OpError, V};
use crate::prim::{BinaryOp, PoolKind, Prim, UnaryOp};

/// The window arguments; a missing or empty stride is the kernel.
fn window(call: &Call<'_>, spatial: usize) -> Result<(Vec<usize>, Vec<usize>), OpError> {
    let kernel = spread(call.sizes("kernel_size")?, spatial);
    let stride = match call.opt_ints("stride")? {
        Some(s) if !s.is_empty() => spread(call.sizes("stride")?, spatial),
        _ => kernel.clone(),
    };
    if kernel.contains(&0) || stride.contains(&0) {
        return Err(OpError::argument("kernel size and stride of a pool must be greater than zero"));
    }
    Ok((kernel, stride))
}

/// One size stands for all dimensions.
fn spread(sizes: Vec<usize>, spatial: usize) -> Vec<usize> {
    if sizes.len() == 1 { vec![sizes[0]; spatial] } else { sizes }
}

fn no_indices(call: &Call<'_>) -> Result<(), OpError> {
    if call.bool("return_indices")? { Err(OpError::unsupported("pooling with return_indices=True")) } else { Ok(()) }
}

/// Maximum pooling by the arguments of `max_pool2d` and its like.
pub(super) fn max_pool(call: &Call<'_>, e: &mut Emitter, spatial: usize) -> Result<Vec<V>, OpError> {
    no_indices(call)?;
    let x = call.tensor("input")?;
    let (kernel, stride) = window(call, spatial)?;
    let dilation = call.sizes("dilation")?;
    if dilation.contains(&0) {
        return Err(OpError::argument("dilation of a pool must be greater than zero"));
    }
    let prim = Prim::Pool {
        kind: PoolKind::Max,
        kernel,
        stride,
        padding: call.sizes("padding")?,
        dilation,
        ceil_mode: call.bool("ceil_mode")?,
    };
    shared::batched(e, x, spatial + 2, call.signature.path, |e, x| e.apply(prim, &[x]))
}

/// Average pooling by the arguments of `avg_pool2d` and its like.
pub(super) fn avg_pool(call: &Call<'_>, e: &mut Emitter, spatial: usize) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    shared::need_float(e, x, call.signature.path)?;
    let (kernel, stride) = window(call, spatial)?;
    let divisor = if spatial == 1 { None } else { call.opt_int("divisor_override")? };
    let divisor = match divisor.map(usize::try_from) {
        None => None,
        Some(Ok(n)) if n > 0 => Some(n),
        Some(_) => return Err(OpError::argument("divisor must be greater than zero")),
    };
    let prim = Prim::Pool {
        kind: PoolKind::Avg { count_include_pad: call.bool("count_include_pad")?, divisor },
        kernel,
        stride,
        padding: call.sizes("padding")?,
        dilation: vec![1; spatial],
        ceil_mode: call.bool("ceil_mode")?,
    };
    shared::batched(e, x, spatial + 2, call.signature.path, |e, x| e.apply(prim, &[x]))
}

/// Pooling to an output size.
pub(super) fn adaptive_pool(call: &Call<'_>, e: &mut Emitter, spatial: usize, max: bool) -> Result<Vec<V>, OpError> {
    if max {
        no_indices(call)?;
    }
    let x = call.tensor("input")?;
    shared::batched(e, x, spatial + 2, call.signature.path, |e, x| {
        let output = shared::kept_sizes(call, "output_size", &e.shape(x)[2..])?;
        e.apply(Prim::AdaptivePool { max, output }, &[x])
    })
}

/// The p-norm of each window: average of p-th powers, times the window size, p-th root.
pub(super) fn lp_pool(call: &Call<'_>, e: &mut Emitter, spatial: usize) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let p = call.float("norm_type")?;
    let (kernel, stride) = window(call, spatial)?;
    let count = kernel.iter().product::<usize>() as f64;
    let prim = Prim::Pool {
        kind: PoolKind::Avg { count_include_pad: true, divisor: None },
        kernel,
        stride,
        padding: vec![0; spatial],
        dilation: vec![1; spatial],
        ceil_mode: call.bool("ceil_mode")?,
    };
    shared::batched(e, x, spatial + 2, call.signature.path, |e, x| {
        let powers = e.scalar(BinaryOp::Pow, x, p, false)?;
        let mean = e.apply(prim, &[powers])?;
        let sum = e.scalar(BinaryOp::Mul, mean, count, false)?;
        // PyTorch takes the sign into account before the root; sums below zero only arise from odd powers.
        let positive = e.unary(UnaryOp::Relu, sum)?;
        e.scalar(BinaryOp::Pow, positive, 1.0 / p, false)
    })
}
