//! Sampling positions of an affine map, for grid_sample: (N, H, W, 2) from matrices (N, 2, 3).

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "affine_grid",
    summary: "sampling positions of an affine map",
    spellings: &["torch.nn.functional.affine_grid(theta: Tensor, size: int[], align_corners: bool? = None)"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "t: f32[2, 2, 3]",
        code: "F.affine_grid(t, (2, 3, 4, 5), align_corners=False)",
        gives: "f32[2, 4, 5, 2]",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let theta = call.tensor("theta")?;
    let [n, _, height, width] = call.sizes("size")?[..] else {
        return Err(OpError::unsupported("affine_grid over other than 2 spatial dimensions"));
    };
    if e.shape(theta) != [n, 2, 3] {
        return Err(OpError::shape(format!(
            "expected a batch of 2D affine matrices of shape {n}x2x3, got {:?}",
            e.shape(theta)
        )));
    }
    let corners = !call.is_none("align_corners") && call.bool("align_corners")?;
    let dtype = e.dtype(theta);
    let axis = |e: &mut Emitter, size: usize| {
        // −1 … 1 between the centres of the outer pixels, or between their outer edges.
        let count = size.max(1) as f64;
        let (start, step) = match corners {
            true if size > 1 => (-1.0, 2.0 / (count - 1.0)),
            true => (0.0, 0.0),
            false => (1.0 / count - 1.0, 2.0 / count),
        };
        e.apply(Prim::Arange { start, step, n: size, dtype }, &[])
    };
    let x = axis(e, width)?;
    let x = e.expand(x, &[height, width])?;
    let y = axis(e, height)?;
    let y = e.reshape(y, &[height, 1])?;
    let y = e.expand(y, &[height, width])?;
    let one = e.full(TensorType::new(dtype, [height, width]), 1.0)?;
    let points = [x, y, one].map(|v| shared::unsqueeze(e, v, 2));
    let points = points.into_iter().collect::<Result<Vec<_>, _>>()?;
    let base = e.apply(Prim::Concat { dim: 2 }, &points)?;
    let base = e.reshape(base, &[1, height * width, 3])?;
    let theta = shared::swap(e, theta, 1, 2)?;
    let grid = shared::matmul(e, base, theta)?;
    Ok(vec![e.reshape(grid, &[n, height, width, 2])?])
}
