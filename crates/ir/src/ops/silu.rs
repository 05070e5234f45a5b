//! Sigmoid-weighted linear unit: x·sigmoid(x).

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "silu",
    summary: "Sigmoid-weighted linear unit: x·sigmoid(x)",
    spellings: &["torch.nn.functional.silu(input: Tensor, inplace: bool = False)"],
    python: r#"
class SiLU(Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.silu(input, inplace=self.inplace)
"#,
    returns: Returns::Tensor,
    emit: |call, e| shared::float_only(call, e, UnaryOp::Silu),
    examples: &[Example { given: "x = [0.0, 1.0]", code: "F.silu(x)", gives: "f32[2] = [0.0, 0.7310586]" }],
    tolerance: 1e-6,
};
