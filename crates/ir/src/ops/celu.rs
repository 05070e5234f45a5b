//! Continuously differentiable ELU: x above zero, alpha·(exp(x/alpha) − 1) below.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "celu",
    summary: "Continuously differentiable ELU: x above zero, alpha·(exp(x/alpha) − 1) below",
    spellings: &[
        "torch.nn.functional.celu(input: Tensor, alpha: float = 1.0, inplace: bool = False)",
        "torch.nn.functional.celu_(input: Tensor, alpha: float = 1.0)",
        "torch.celu(input: Tensor, alpha: float = 1.0)",
        "torch.celu_(input: Tensor, alpha: float = 1.0)",
    ],
    python: r#"
class CELU(Module):
    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input):
        return F.celu(input, self.alpha, self.inplace)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [-1.0, 2.0]", code: "F.celu(x, 2.0)", gives: "f32[2] = [-0.78693867, 2.0]" }],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    shared::need_float(e, x, "celu")?;
    let alpha = call.float("alpha")?;
    if alpha == 0.0 {
        return Err(OpError::argument("ZeroDivisionError: alpha cannot be 0 for CELU"));
    }
    Ok(vec![e.unary(UnaryOp::Elu { alpha, scale: 1.0, input_scale: 1.0 / alpha }, x)?])
}
