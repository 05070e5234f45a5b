//! x above zero, a small multiple of x below.

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "leaky_relu",
    summary: "x above zero, a small multiple of x below",
    spellings: &[
        "torch.nn.functional.leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False)",
        "torch.nn.functional.leaky_relu_(input: Tensor, negative_slope: float = 0.01)",
    ],
    python: r#"
class LeakyReLU(Module):
    def __init__(self, negative_slope=1e-2, inplace=False):
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input):
        return F.leaky_relu(input, self.negative_slope, self.inplace)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        shared::need_float(e, x, "leaky_relu")?;
        Ok(vec![e.unary(UnaryOp::LeakyRelu { slope: call.float("negative_slope")? }, x)?])
    },
    examples: &[Example { given: "x = [-1.0, 2.0]", code: "F.leaky_relu(x, 0.2)", gives: "f32[2] = [-0.2, 2.0]" }],
    tolerance: 1e-6,
};
