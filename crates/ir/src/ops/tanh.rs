//! The hyperbolic tangent of each element.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "tanh",
    summary: "the hyperbolic tangent of each element",
    spellings: &[
        "torch.tanh(input: Tensor)",
        "torch.tanh_(input: Tensor)",
        "Tensor.tanh(input: Tensor)",
        "Tensor.tanh_(input: Tensor)",
        "torch.nn.functional.tanh(input: Tensor)",
    ],
    python: r#"
class Tanh(Module):
    def forward(self, input):
        return torch.tanh(input)
"#,
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Tanh),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.tanh(x)", gives: "f32[2] = [0.0, 0.7615942]" }],
    tolerance: 1e-6,
};
