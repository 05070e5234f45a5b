//! Division by the root mean square of the last dimensions. `eps=None` is the smallest step of the element type.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, ReduceOp, UnaryOp};
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "rms_norm",
    summary: "division by the root mean square",
    spellings: &[
        "torch.nn.functional.rms_norm(input: Tensor, normalized_shape: int[], weight: Tensor? = None, eps: float? = None)",
        "torch.rms_norm(input: Tensor, normalized_shape: int[], weight: Tensor? = None, eps: float? = None)",
    ],
    python: r#"
class RMSNorm(Module):
    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        self.normalized_shape = tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            self.weight = Parameter(torch.empty(self.normalized_shape))
        else:
            self.register_parameter('weight', None)
        self.reset_parameters()

    def reset_parameters(self):
        if self.elementwise_affine:
            init.ones_(self.weight)

    def forward(self, input):
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 5, 8]; w: f32[8]", code: "F.rms_norm(x, (8,), w)", gives: "f32[2, 5, 8]" }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let shape = call.sizes("normalized_shape")?;
    if shape.is_empty() || !e.shape(x).ends_with(&shape) {
        return Err(OpError::shape(format!(
            "given normalized_shape={shape:?}, expected input with shape [*, {}], but got {:?}",
            shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
            e.shape(x)
        )));
    }
    let eps = call.opt_float("eps")?.unwrap_or(match e.dtype(x) {
        DType::F64 => f64::EPSILON,
        DType::F16 => 9.765_625e-4,
        DType::BF16 => 7.812_5e-3,
        _ => f64::from(f32::EPSILON),
    });
    let dims: Vec<usize> = (e.rank(x) - shape.len()..e.rank(x)).collect();
    let squares = e.binary(BinaryOp::Mul, x, x)?;
    let mean = shared::reduce(e, squares, ReduceOp::Mean, &dims, true)?;
    let mean = e.scalar(BinaryOp::Add, mean, eps, false)?;
    let factor = e.unary(UnaryOp::Rsqrt, mean)?;
    let mut y = e.binary(BinaryOp::Mul, x, factor)?;
    if let Some(w) = call.opt_tensor("weight")? {
        y = e.binary(BinaryOp::Mul, y, w)?;
    }
    Ok(vec![y])
}
