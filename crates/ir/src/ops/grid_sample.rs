//! An image or a volume read at positions of a grid: from the nearest element, linearly, or (an image) by cubic convolution with
//! a = −0.75. Outside it is zero, continues its border, or is mirrored.

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
    }, Example {
        given: "x: f32[2, 3, 4, 8, 8]; g: f32[2, 2, 4, 5, 3]",
        code: "F.grid_sample(x, g, padding_mode='border', align_corners=False)",
        gives: "f32[2, 3, 2, 4, 5]",
    }, Example {
        given: "x = [[[[1.0, 2.0, 4.0]]]]; g = [[[[1.5, 0.0], [0.5, 0.0]]]]",
        code: "F.grid_sample(x, g, padding_mode='reflection', align_corners=True)",
        gives: "f32[1, 1, 1, 2] = [[[[3.0, 3.0]]]]",
    }, Example {
        given: "x = [[[[1.0, 2.0, 4.0, 8.0]]]]; g = [[[[0.0, 0.0]]]]",
        code: "F.grid_sample(x, g, mode='bicubic', align_corners=True)",
        gives: "f32[1, 1, 1, 1] = [[[[2.71875]]]]",
    }],
    tolerance: 1e-5,
};

/// How values between elements are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Nearest,
    Linear,
    Cubic,
}

/// What lies outside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outside {
    Zeros,
    Border,
    Mirror,
}

/// One axis of the image.
#[derive(Clone, Copy)]
struct Axis {
    size: usize,
    mode: Mode,
    outside: Outside,
    /// −1 and 1 are the centres of the first and the last element, not their outer edges.
    corners: bool,
}

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, grid) = (call.tensor("input")?, call.tensor("grid")?);
    let (shape, places) = (e.shape(x).to_vec(), e.shape(grid).to_vec());
    let rank = shape.len().saturating_sub(2);
    if !matches!(rank, 2 | 3) || places.len() != rank + 2 || places[rank + 1] != rank {
        return Err(OpError::shape(format!(
            "grid_sample takes (N, C, H, W) and (N, H, W, 2), or (N, C, D, H, W) and (N, D, H, W, 3), found {shape:?} and {places:?}"
        )));
    }
    if shape[0] != places[0] || shape[2..].contains(&0) {
        return Err(OpError::shape(format!("grid_sample: {shape:?} and {places:?} do not fit")));
    }
    let mode = match (call.str("mode")?, rank) {
        ("bilinear", _) => Mode::Linear,
        ("nearest", _) => Mode::Nearest,
        ("bicubic", 2) => Mode::Cubic,
        ("bicubic", _) => return Err(OpError::argument("grid_sample: bicubic interpolation only supports 4D input")),
        (other, _) => return Err(OpError::argument(format!("unknown mode {other:?} of grid_sample"))),
    };
    let outside = match call.str("padding_mode")? {
        "zeros" => Outside::Zeros,
        "border" => Outside::Border,
        "reflection" => Outside::Mirror,
        other => return Err(OpError::argument(format!("unknown padding_mode {other:?} of grid_sample"))),
    };
    let corners = !call.is_none("align_corners") && call.bool("align_corners")?;
    let (n, channels) = (shape[0], shape[1]);
    let points: usize = places[1..=rank].iter().product();
    // The grid names the last dimension first. An element is found by its row-major index, which grows dimension by dimension.
    let mut found: Vec<(V, V)> = Vec::new();
    for (d, &size) in shape[2..].iter().enumerate() {
        let p = select::pick(e, grid, rank + 1, rank - 1 - d)?;
        let p = e.reshape(p, &[n, 1, points])?;
        let along = taps(e, p, Axis { size, mode, outside, corners })?;
        if d == 0 {
            found = along;
            continue;
        }
        let mut next = Vec::with_capacity(found.len() * along.len());
        for &(index, weight) in &found {
            for &(at, share) in &along {
                let start = e.scalar(BinaryOp::Mul, index, size as f64, false)?;
                let index = shared::join(e, BinaryOp::Add, start, at)?;
                next.push((index, shared::join(e, BinaryOp::Mul, weight, share)?));
            }
        }
        found = next;
    }
    let flat = e.reshape(x, &[n, channels, shape[2..].iter().product()])?;
    let mut sum: Option<V> = None;
    for (index, weight) in found {
        let index = e.expand(index, &[n, channels, points])?;
        let value = e.apply(Prim::Gather { dim: 2 }, &[flat, index])?;
        let part = e.binary(BinaryOp::Mul, value, weight)?;
        sum = Some(match sum {
            Some(s) => shared::join(e, BinaryOp::Add, s, part)?,
            None => part,
        });
    }
    let y = sum.ok_or_else(|| OpError::argument("grid_sample without taps"))?;
    let out = [&[n, channels], &places[1..=rank]].concat();
    Ok(vec![e.reshape(y, &out)?])
}

/// The elements that positions (−1 … 1) along one axis read, each as an i64 index and a weight that is zero outside.
fn taps(e: &mut Emitter, p: V, axis: Axis) -> Result<Vec<(V, V)>, OpError> {
    let last = (axis.size - 1) as f64;
    let p = e.scalar(BinaryOp::Add, p, 1.0, false)?;
    let p = e.scalar(BinaryOp::Mul, p, if axis.corners { last } else { axis.size as f64 } / 2.0, false)?;
    let mut p = if axis.corners { p } else { e.scalar(BinaryOp::Sub, p, 0.5, false)? };
    if axis.mode != Mode::Cubic {
        p = held(e, p, axis)?;
    }
    let base = e.unary(if axis.mode == Mode::Nearest { UnaryOp::Round } else { UnaryOp::Floor }, p)?;
    let offsets: &[f64] = match axis.mode {
        Mode::Nearest => &[0.0],
        Mode::Linear => &[0.0, 1.0],
        Mode::Cubic => &[-1.0, 0.0, 1.0, 2.0],
    };
    let mut out = Vec::with_capacity(offsets.len());
    for &offset in offsets {
        let mut at = if offset == 0.0 { base } else { e.scalar(BinaryOp::Add, base, offset, false)? };
        let gap = shared::join(e, BinaryOp::Sub, p, at)?;
        if axis.mode == Mode::Cubic {
            at = held(e, at, axis)?;
        }
        let inside = e.unary(UnaryOp::Clamp { min: 0.0, max: last }, at)?;
        let valid = shared::join(e, BinaryOp::Eq, inside, at)?;
        let valid = e.cast(valid, e.dtype(p))?;
        let share = match axis.mode {
            Mode::Nearest => valid,
            Mode::Linear => {
                // 1 − |p − at|
                let gap = e.unary(UnaryOp::Abs, gap)?;
                let near = e.scalar(BinaryOp::Sub, gap, 1.0, true)?;
                shared::join(e, BinaryOp::Mul, near, valid)?
            }
            Mode::Cubic => {
                let share = cubic(e, gap, offset)?;
                shared::join(e, BinaryOp::Mul, share, valid)?
            }
        };
        out.push((e.cast(inside, DType::I64)?, share));
    }
    Ok(out)
}

/// A position brought inside, as what lies outside says.
fn held(e: &mut Emitter, p: V, axis: Axis) -> Result<V, OpError> {
    let last = (axis.size - 1) as f64;
    let p = match axis.outside {
        Outside::Zeros => return Ok(p),
        Outside::Border => p,
        Outside::Mirror => mirrored(e, p, axis)?,
    };
    e.unary(UnaryOp::Clamp { min: 0.0, max: last }, p)
}

/// A position mirrored at the first and last element (`corners`) or at their outer edges, as often as it takes.
fn mirrored(e: &mut Emitter, p: V, axis: Axis) -> Result<V, OpError> {
    let (low, span) = if axis.corners { (0.0, (axis.size - 1) as f64) } else { (-0.5, axis.size as f64) };
    if span == 0.0 {
        return e.scalar(BinaryOp::Mul, p, 0.0, false);
    }
    let from = e.scalar(BinaryOp::Sub, p, low, false)?;
    let from = e.unary(UnaryOp::Abs, from)?;
    let turns = e.scalar(BinaryOp::Div, from, span, false)?;
    let turns = e.unary(UnaryOp::Floor, turns)?;
    let whole = e.scalar(BinaryOp::Mul, turns, span, false)?;
    let there = shared::join(e, BinaryOp::Sub, from, whole)?;
    let back = e.scalar(BinaryOp::Sub, there, span, true)?;
    let odd = e.scalar(BinaryOp::Remainder, turns, 2.0, false)?;
    let odd = e.scalar(BinaryOp::Ne, odd, 0.0, false)?;
    let place = e.apply(Prim::Where, &[odd, back, there])?;
    e.scalar(BinaryOp::Add, place, low, false)
}

/// The weight of the tap at `offset` from the element before a position, of which it lies `gap` ahead (negative: behind): Keys'
/// cubic convolution kernel with a = −0.75, in Horner's form.
fn cubic(e: &mut Emitter, gap: V, offset: f64) -> Result<V, OpError> {
    const A: f64 = -0.75;
    let d = e.unary(UnaryOp::Abs, gap)?;
    let outer = offset == -1.0 || offset == 2.0;
    // |d| ≤ 1: (a+2)|d|³ − (a+3)|d|² + 1; 1 < |d| < 2: a|d|³ − 5a|d|² + 8a|d| − 4a.
    let coefficients = if outer { [A, -5.0 * A, 8.0 * A, -4.0 * A] } else { [A + 2.0, -(A + 3.0), 0.0, 1.0] };
    let mut y = e.scalar(BinaryOp::Mul, d, coefficients[0], false)?;
    for (k, &c) in coefficients[1..].iter().enumerate() {
        if c != 0.0 {
            y = e.scalar(BinaryOp::Add, y, c, false)?;
        }
        if k < 2 {
            y = shared::join(e, BinaryOp::Mul, y, d)?;
        }
    }
    Ok(y)
}
