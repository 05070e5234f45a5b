//! Smooth relu: ln(1 + exp(beta·x))/beta, linear above the threshold.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "softplus",
    summary: "Smooth relu: ln(1 + exp(beta·x))/beta, linear above the threshold",
    spellings: &["torch.nn.functional.softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0)"],
    python: r#"
class Softplus(Module):
    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input):
        return F.softplus(input, self.beta, self.threshold)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        shared::need_float(e, x, "softplus")?;
        let op = UnaryOp::Softplus { beta: call.float("beta")?, threshold: call.float("threshold")? };
        Ok(vec![e.unary(op, x)?])
    },
    examples: &[Example { given: "x = [0.0, 30.0]", code: "F.softplus(x)", gives: "f32[2] = [0.6931472, 30.0]" }],
    tolerance: 1e-6,
};
