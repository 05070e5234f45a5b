//! x·tanh(softplus(x)).

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "mish",
    summary: "x·tanh(softplus(x))",
    spellings: &["torch.nn.functional.mish(input: Tensor, inplace: bool = False)"],
    python: r#"
class Mish(Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.mish(input, inplace=self.inplace)
"#,
    returns: Returns::Tensor,
    emit: |call, e| shared::float_only(call, e, UnaryOp::Mish),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "F.mish(x)", gives: "f32[2] = [0.0, 0.865098]" }],
    tolerance: 1e-6,
};
