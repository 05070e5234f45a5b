//! An image read at positions of a grid, bilinearly or from the nearest pixel; outside it is zero or continues its border.

use super::select;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim, UnaryOp};
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "grid_sample",
    summary: "an image read at positions of a grid",
    spellings: &[
        "torch.nn.functional.grid_sample(input: Tensor, grid: Tensor, mode: str = 'bilinear', padding_mode: str = 'zeros', align_corners: bool? = None)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x: f32[2, 3, 8, 8]; g: f32[2, 4, 5, 2]",
        code: "F.grid_sample(x, g, align_corners=False)",
        gives: "f32[2, 3, 4, 5]",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, grid) = (call.tensor("input")?, call.tensor("grid")?);
    let (&[n, channels, height, width], &[m, rows, columns, 2]) = (e.shape(x), e.shape(grid)) else {
        return Err(OpError::shape(format!(
            "grid_sample takes (N, C, H, W) and (N, H, W, 2), found {:?} and {:?}",
            e.shape(x),
            e.shape(grid)
        )));
    };
    if n != m || height == 0 || width == 0 {
        return Err(OpError::shape(format!("grid_sample: {:?} and {:?} do not fit", e.shape(x), e.shape(grid))));
    }
    let nearest = match call.str("mode")? {
        "bilinear" => false,
        "nearest" => true,
        "bicubic" => return Err(OpError::unsupported("grid_sample with mode='bicubic'")),
        other => return Err(OpError::argument(format!("unknown mode {other:?} of grid_sample"))),
    };
    let border = match call.str("padding_mode")? {
        "zeros" => false,
        "border" => true,
        "reflection" => return Err(OpError::unsupported("grid_sample with padding_mode='reflection'")),
        other => return Err(OpError::argument(format!("unknown padding_mode {other:?} of grid_sample"))),
    };
    let corners = !call.is_none("align_corners") && call.bool("align_corners")?;
    let points = rows * columns;
    let mut axes = Vec::with_capacity(2);
    for (i, size) in [width, height].into_iter().enumerate() {
        let p = select::pick(e, grid, 3, i)?;
        let p = e.reshape(p, &[n, 1, points])?;
        axes.push(taps(e, p, size, corners, border, nearest)?);
    }
    let flat = e.reshape(x, &[n, channels, height * width])?;
    let mut sum: Option<V> = None;
    for &(row, row_weight) in &axes[1] {
        for &(column, column_weight) in &axes[0] {
            let start = e.scalar(BinaryOp::Mul, row, width as f64, false)?;
            let index = shared::join(e, BinaryOp::Add, start, column)?;
            let index = e.expand(index, &[n, channels, points])?;
            let value = e.apply(Prim::Gather { dim: 2 }, &[flat, index])?;
            let weight = shared::join(e, BinaryOp::Mul, row_weight, column_weight)?;
            let part = e.binary(BinaryOp::Mul, value, weight)?;
            sum = Some(match sum {
                Some(s) => shared::join(e, BinaryOp::Add, s, part)?,
                None => part,
            });
        }
    }
    let y = sum.ok_or_else(|| OpError::argument("grid_sample without taps"))?;
    Ok(vec![e.reshape(y, &[n, channels, rows, columns])?])
}

/// The pixels that positions (−1 … 1) along one axis read, each as an i64 index and a weight that is zero outside.
fn taps(
    e: &mut Emitter,
    p: V,
    size: usize,
    corners: bool,
    border: bool,
    nearest: bool,
) -> Result<Vec<(V, V)>, OpError> {
    let last = (size - 1) as f64;
    let p = e.scalar(BinaryOp::Add, p, 1.0, false)?;
    let p = e.scalar(BinaryOp::Mul, p, if corners { last } else { size as f64 } / 2.0, false)?;
    let mut p = if corners { p } else { e.scalar(BinaryOp::Sub, p, 0.5, false)? };
    let inside = UnaryOp::Clamp { min: 0.0, max: last };
    if border {
        p = e.unary(inside, p)?;
    }
    let mut out = Vec::with_capacity(2);
    let base = e.unary(if nearest { UnaryOp::Round } else { UnaryOp::Floor }, p)?;
    for offset in 0..if nearest { 1 } else { 2 } {
        let at = if offset == 0 { base } else { e.scalar(BinaryOp::Add, base, 1.0, false)? };
        let held = e.unary(inside, at)?;
        let valid = shared::join(e, BinaryOp::Eq, held, at)?;
        let valid = e.cast(valid, e.dtype(p))?;
        let weight = if nearest {
            valid
        } else {
            // 1 − |p − at|
            let gap = shared::join(e, BinaryOp::Sub, p, at)?;
            let gap = e.unary(UnaryOp::Abs, gap)?;
            let near = e.scalar(BinaryOp::Sub, gap, 1.0, true)?;
            shared::join(e, BinaryOp::Mul, near, valid)?
        };
        out.push((e.cast(held, DType::I64)?, weight));
    }
    Ok(out)
}
