//! Rectified linear unit: max(x, 0).

use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "relu",
    summary: "max(x, 0)",
    spellings: &[
        "torch.nn.functional.relu(input: Tensor, inplace: bool = False)",
        "torch.relu(input: Tensor)",
        "torch.relu_(input: Tensor)",
        "torch.nn.functional.relu_(input: Tensor)",
        "Tensor.relu(input: Tensor)",
        "Tensor.relu_(input: Tensor)",
    ],
    python: r#"
class ReLU(Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.relu(input, inplace=self.inplace)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        Ok(vec![e.unary(UnaryOp::Relu, x)?])
    },
    examples: &[Example { given: "x = [-1.0, 0.0, 2.5]", code: "F.relu(x)", gives: "f32[3] = [0.0, 0.0, 2.5]" }],
    tolerance: 0.0,
};
