//! x outside −lambd … lambd, zero inside.

use crate::op::{Example, Operator, Returns};
use crate::prim::{BinaryOp, Prim, UnaryOp};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "hardshrink",
    summary: "x outside −lambd … lambd, zero inside",
    spellings: &[
        "torch.nn.functional.hardshrink(input: Tensor, lambd: float = 0.5)",
        "torch.hardshrink(input: Tensor, lambd: float = 0.5)",
    ],
    python: r#"
class Hardshrink(Module):
    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.hardshrink(input, self.lambd)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let magnitude = e.unary(UnaryOp::Abs, x)?;
        let inside = e.scalar(BinaryOp::Le, magnitude, call.float("lambd")?, false)?;
        let zero = e.full(TensorType::new(e.dtype(x), []), 0.0)?;
        Ok(vec![e.apply(Prim::Where, &[inside, zero, x])?])
    },
    examples: &[Example {
        given: "x = [-1.0, 0.25, 0.75]",
        code: "F.hardshrink(x)",
        gives: "f32[3] = [-1.0, 0.0, 0.75]",
    }],
    tolerance: 0.0,
};
