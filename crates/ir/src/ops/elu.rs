//! Exponential linear unit: x above zero, alpha·(exp(x) − 1) below.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "elu",
    summary: "Exponential linear unit: x above zero, alpha·(exp(x) − 1) below",
    spellings: &[
        "torch.nn.functional.elu(input: Tensor, alpha: float = 1.0, inplace: bool = False)",
        "torch.nn.functional.elu_(input: Tensor, alpha: float = 1.0)",
    ],
    python: r#"
class ELU(Module):
    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input):
        return F.elu(input, self.alpha, self.inplace)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        shared::need_float(e, x, "elu")?;
        let op = UnaryOp::Elu { alpha: call.float("alpha")?, scale: 1.0, input_scale: 1.0 };
        Ok(vec![e.unary(op, x)?])
    },
    examples: &[Example { given: "x = [-1.0, 2.0]", code: "F.elu(x)", gives: "f32[2] = [-0.63212055, 2.0]" }],
    tolerance: 1e-6,
};
