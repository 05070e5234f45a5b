//! The softmax of −x.

use super::softmax;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "softmin",
    summary: "softmax of the negated input",
    spellings: &[
        "torch.nn.functional.softmin(input: Tensor, dim: int? = None, _stacklevel: int = 3, dtype: dtype? = None)",
    ],
    python: r#"
class Softmin(Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.softmin(input, self.dim)
"#,
    returns: Returns::Tensor,
    emit: |call, e| softmax::softmax(call, e, false, -1.0),
    examples: &[Example { given: "x = [0.0, 0.0]", code: "F.softmin(x, dim=0)", gives: "f32[2] = [0.5, 0.5]" }],
    tolerance: 1e-6,
};
