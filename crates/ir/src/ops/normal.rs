//! Random values of a normal distribution; mean and deviation are numbers or tensors.

use super::shared::{self, Operand};
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Distribution, Prim};
use crate::types::{TensorType, broadcast};

pub(super) const OPERATOR: Operator = Operator {
    name: "normal",
    summary: "random values of a normal distribution",
    spellings: &[
        "torch.ops.normal(mean: Tensor|Scalar = 0.0, std: Tensor|Scalar = 1.0, size: int[]? = None)",
        "torch.normal(mean: Tensor|Scalar, std: Tensor|Scalar, size: int[])",
        "torch.normal(mean: Tensor|Scalar = 0.0, std: Tensor|Scalar = 1.0)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "", code: "torch.normal(0.0, 0.02, (2, 3))", gives: "f32[2, 3]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (mean, std) = (shared::operand(call, "mean")?, shared::operand(call, "std")?);
    let mut shape: Vec<usize> = match call.opt_ints("size")? {
        Some(_) => call.sizes("size")?,
        None => Vec::new(),
    };
    for o in [mean, std] {
        if let Operand::Tensor(t) = o {
            shape = broadcast(&shape, e.shape(t))
                .ok_or_else(|| OpError::shape("normal: mean and std do not broadcast together"))?;
        }
    }
    let distribution = Distribution::Normal { mean: 0.0, std: 1.0 };
    let noise = e.apply(Prim::Random { ty: TensorType::f32(shape), distribution }, &[])?;
    let scaled = shared::binary(e, BinaryOp::Mul, Operand::Tensor(noise), std)?;
    Ok(vec![shared::binary(e, BinaryOp::Add, Operand::Tensor(scaled), mean)?])
}
