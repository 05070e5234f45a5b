//! Piecewise linear sigmoid: relu6(x + 3)/6.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "hardsigmoid",
    summary: "Piecewise linear sigmoid: relu6(x + 3)/6",
    spellings: &["torch.nn.functional.hardsigmoid(input: Tensor, inplace: bool = False)"],
    python: r#"
class Hardsigmoid(Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.hardsigmoid(input, self.inplace)
"#,
    returns: Returns::Tensor,
    emit: |call, e| shared::float_only(call, e, UnaryOp::HardSigmoid),
    examples: &[Example {
        given: "x = [-4.0, 0.0, 1.0]",
        code: "F.hardsigmoid(x)",
        gives: "f32[3] = [0.0, 0.5, 0.6666667]",
    }],
    tolerance: 1e-6,
};
