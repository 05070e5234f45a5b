//! The logarithm of the softmax along a dimension.

use super::softmax;
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "log_softmax",
    summary: "logarithm of the softmax",
    spellings: &[
        "torch.nn.functional.log_softmax(input: Tensor, dim: int? = None, _stacklevel: int = 3, dtype: dtype? = None)",
        "torch.log_softmax(input: Tensor, dim: int, dtype: dtype? = None)",
        "torch.special.log_softmax(input: Tensor, dim: int, dtype: dtype? = None)",
        "Tensor.log_softmax(input: Tensor, dim: int, dtype: dtype? = None)",
    ],
    python: r#"
class LogSoftmax(Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.log_softmax(input, self.dim)
"#,
    returns: Returns::Tensor,
    emit: |call, e| softmax::softmax(call, e, true, 1.0),
    examples: &[Example {
        given: "x = [0.0, 0.0]",
        code: "F.log_softmax(x, dim=0)",
        gives: "f32[2] = [-0.6931472, -0.6931472]",
    }],
    tolerance: 1e-6,
};
