//! x/(1 + |x|).

use super::shared::{self, Operand};
use crate::op::{Example, Operator, Returns};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "softsign",
    summary: "x/(1 + |x|)",
    spellings: &["torch.nn.functional.softsign(input: Tensor)"],
    python: r#"
class Softsign(Module):
    def forward(self, input):
        return F.softsign(input)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let magnitude = e.unary(UnaryOp::Abs, x)?;
        let below = e.scalar(BinaryOp::Add, magnitude, 1.0, false)?;
        Ok(vec![shared::divide(e, Operand::Tensor(x), Operand::Tensor(below))?])
    },
    examples: &[Example { given: "x = [-1.0, 3.0]", code: "F.softsign(x)", gives: "f32[2] = [-0.5, 0.75]" }],
    tolerance: 1e-6,
};
