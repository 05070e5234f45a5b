//! The logarithm of the sigmoid: −softplus(−x).

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "logsigmoid",
    summary: "The logarithm of the sigmoid: −softplus(−x)",
    spellings: &["torch.nn.functional.logsigmoid(input: Tensor)"],
    python: r#"
class LogSigmoid(Module):
    def forward(self, input):
        return F.logsigmoid(input)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        shared::need_float(e, x, "logsigmoid")?;
        let negated = e.unary(UnaryOp::Neg, x)?;
        let y = e.unary(UnaryOp::Softplus { beta: 1.0, threshold: 20.0 }, negated)?;
        Ok(vec![e.unary(UnaryOp::Neg, y)?])
    },
    examples: &[Example {
        given: "x = [0.0, 1.0]",
        code: "F.logsigmoid(x)",
        gives: "f32[2] = [-0.6931472, -0.3132617]",
    }],
    tolerance: 1e-6,
};
