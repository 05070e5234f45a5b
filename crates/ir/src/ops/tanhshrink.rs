//! x − tanh(x).

use crate::op::{Example, Operator, Returns};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "tanhshrink",
    summary: "x − tanh(x)",
    spellings: &["torch.nn.functional.tanhshrink(input: Tensor)"],
    python: r#"
class Tanhshrink(Module):
    def forward(self, input):
        return F.tanhshrink(input)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let x = e.floating(x)?;
        let y = e.unary(UnaryOp::Tanh, x)?;
        Ok(vec![e.binary(BinaryOp::Sub, x, y)?])
    },
    examples: &[Example { given: "x = [0.0, 1.0]", code: "F.tanhshrink(x)", gives: "f32[2] = [0.0, 0.2384058]" }],
    tolerance: 1e-6,
};
