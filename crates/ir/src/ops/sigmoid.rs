//! Logistic function: 1/(1 + exp(−x)).

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "sigmoid",
    summary: "Logistic function: 1/(1 + exp(−x))",
    spellings: &[
        "torch.sigmoid(input: Tensor)",
        "torch.sigmoid_(input: Tensor)",
        "torch.nn.functional.sigmoid(input: Tensor)",
        "torch.special.expit(input: Tensor)",
        "Tensor.sigmoid(input: Tensor)",
        "Tensor.sigmoid_(input: Tensor)",
    ],
    python: r#"
class Sigmoid(Module):
    def forward(self, input):
        return torch.sigmoid(input)
"#,
    returns: Returns::Tensor,
    emit: |call, e| shared::float_unary(call, e, UnaryOp::Sigmoid),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "torch.sigmoid(x)", gives: "f32[2] = [0.5, 0.7310586]" }],
    tolerance: 1e-6,
};
