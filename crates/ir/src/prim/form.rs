//! Whether a primitive is well-formed before its shape rule is asked: number of inputs, lengths and bounds of
//! attributes.
//!
//! A graph may come from a file, and an operator's arguments from generated code: after this check no rule and no
//! interpreter indexes beyond a list or overflows.

use super::Prim;
use crate::op::{MAX_ELEMENTS, OpError};
use crate::types::TensorType;

/// Largest step, padding, dilation or window: with it, no product with a tensor's size overflows.
const MAX_EXTENT: usize = 1 << 24;

/// Refuses a primitive that its shape rule could not even look at.
pub(super) fn check(prim: &Prim, inputs: &[&TensorType]) -> Result<(), OpError> {
    arity(prim, inputs.len())?;
    let rank = inputs.first().map_or(0, |t| t.rank());
    match prim {
        Prim::Conv { stride, padding, dilation, .. } => {
            let ends: Vec<usize> = padding.iter().flat_map(|p| [p.0, p.1]).collect();
            same_length(rank.saturating_sub(2), &[stride.len(), padding.len(), dilation.len()])?;
            extents(&[stride, &ends, dilation])?;
            positive(&[stride, dilation])
        }
        Prim::ConvTranspose { stride, padding, output_padding, dilation, .. } => {
            same_length(rank.saturating_sub(2), &[stride.len(), padding.len(), output_padding.len(), dilation.len()])?;
            extents(&[stride, padding, output_padding, dilation])?;
            positive(&[stride, dilation])
        }
        Prim::Pool { kernel, stride, padding, dilation, .. } => {
            same_length(kernel.len(), &[stride.len(), padding.len(), dilation.len()])?;
            extents(&[kernel, stride, padding, dilation])?;
            spatial(kernel.len())?;
            positive(&[kernel, stride, dilation])
        }
        Prim::AdaptivePool { output, .. } => spatial(output.len()),
        Prim::Interpolate { size, scales, .. } => {
            same_length(size.len(), &[scales.as_ref().map_or(size.len(), Vec::len)])?;
            spatial(size.len())
        }
        Prim::Reduce { dims, .. } | Prim::Flip { dims } => dims.iter().try_for_each(|&d| dimension(d, rank)),
        Prim::ArgReduce { dim, .. }
        | Prim::CumSum { dim }
        | Prim::Softmax { dim, .. }
        | Prim::TopK { dim, .. }
        | Prim::Gather { dim }
        | Prim::Scatter { dim, .. } => dimension(*dim, rank),
        Prim::Pad { pads, .. } => {
            match pads.iter().find(|p| p.0.unsigned_abs().max(p.1.unsigned_abs()) > MAX_ELEMENTS as u64) {
                Some(p) => Err(OpError::argument(format!("padding {p:?} is beyond any tensor"))),
                None => Ok(()),
            }
        }
        Prim::Dropout { mask, .. } => {
            let shape = inputs.first().map_or(&[][..], |t| &t.shape);
            let fits = mask.len() == rank && mask.iter().zip(shape).all(|(&m, &n)| m == 1 || m == n);
            if fits { Ok(()) } else { Err(OpError::shape(format!("a dropout mask {mask:?} does not fit {shape:?}"))) }
        }
        _ => Ok(()),
    }
}

fn arity(prim: &Prim, found: usize) -> Result<(), OpError> {
    let allowed = match prim {
        Prim::Conv { .. } | Prim::ConvTranspose { .. } => 2..=3,
        Prim::MatMul | Prim::Binary(_) | Prim::Gather { .. } | Prim::IndexSelect { .. } => 2..=2,
        Prim::Where | Prim::Scatter { .. } => 3..=3,
        Prim::Concat { .. } => 1..=usize::MAX,
        Prim::BatchNorm { affine, stats, .. } => {
            let n = 1 + 2 * usize::from(*affine) + 2 * usize::from(*stats);
            n..=n
        }
        Prim::LayerNorm { weight, bias, .. } => {
            let n = 1 + usize::from(*weight) + usize::from(*bias);
            n..=n
        }
        Prim::GroupNorm { affine, .. } => {
            let n = 1 + 2 * usize::from(*affine);
            n..=n
        }
        Prim::Full { .. } | Prim::Arange { .. } | Prim::Literal { .. } | Prim::Random { .. } => 0..=0,
        _ => 1..=1,
    };
    if allowed.contains(&found) {
        return Ok(());
    }
    // The one operator that people call with an empty list.
    if matches!(prim, Prim::Concat { .. }) {
        return Err(OpError::argument("expected a non-empty list of tensors"));
    }
    Err(OpError::argument(format!("expected {allowed:?} tensors, found {found}")))
}

fn same_length(n: usize, lengths: &[usize]) -> Result<(), OpError> {
    match lengths.iter().find(|&&l| l != n) {
        Some(l) => Err(OpError::argument(format!("expected one number for each of {n} spatial dimensions, found {l}"))),
        None => Ok(()),
    }
}

fn extents(lists: &[&[usize]]) -> Result<(), OpError> {
    match lists.iter().copied().flatten().find(|&&n| n > MAX_EXTENT) {
        Some(n) => Err(OpError::argument(format!(
            "kernel, stride, padding and dilation must be at most {MAX_EXTENT}, found {n}"
        ))),
        None => Ok(()),
    }
}

fn positive(lists: &[&[usize]]) -> Result<(), OpError> {
    if lists.iter().copied().flatten().any(|&n| n == 0) {
        return Err(OpError::argument("kernel size, stride and dilation must be greater than zero"));
    }
    Ok(())
}

fn spatial(n: usize) -> Result<(), OpError> {
    if (1..=3).contains(&n) {
        Ok(())
    } else {
        Err(OpError::argument(format!("expected 1 to 3 spatial dimensions, found {n}")))
    }
}

/// A scalar tensor is treated as having one dimension, as in PyTorch.
fn dimension(dim: usize, rank: usize) -> Result<(), OpError> {
    if dim < rank.max(1) {
        return Ok(());
    }
    Err(OpError::argument(format!("dimension {dim} does not exist in a tensor of {rank} dimensions")))
}
