//! x above a threshold, a fixed value elsewhere.

use crate::op::{Example, Operator, Returns};
use crate::prim::{BinaryOp, Prim};
use crate::types::TensorType;

pub(super) const OPERATOR: Operator = Operator {
    name: "threshold",
    summary: "x above a threshold, a fixed value elsewhere",
    spellings: &[
        "torch.nn.functional.threshold(input: Tensor, threshold: float, value: float, inplace: bool = False)",
        "torch.nn.functional.threshold_(input: Tensor, threshold: float, value: float)",
        "torch.threshold(input: Tensor, threshold: float, value: float)",
        "torch.threshold_(input: Tensor, threshold: float, value: float)",
    ],
    python: r#"
class Threshold(Module):
    def __init__(self, threshold, value, inplace=False):
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input):
        return F.threshold(input, self.threshold, self.value, self.inplace)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let above = e.scalar(BinaryOp::Gt, x, call.float("threshold")?, false)?;
        let value = e.full(TensorType::new(e.dtype(x), []), call.float("value")?)?;
        Ok(vec![e.apply(Prim::Where, &[above, x, value])?])
    },
    examples: &[Example { given: "x = [-1.0, 2.0]", code: "F.threshold(x, 0.5, 9.0)", gives: "f32[2] = [9.0, 2.0]" }],
    tolerance: 0.0,
};
