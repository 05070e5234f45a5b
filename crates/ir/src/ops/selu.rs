//! Scaled ELU with the constants that keep zero mean and unit variance (Klambauer et al., 2017).

use super::shared;
use crate::op::{Example, Operator, Returns};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "selu",
    summary: "scaled exponential linear unit",
    spellings: &[
        "torch.nn.functional.selu(input: Tensor, inplace: bool = False)",
        "torch.nn.functional.selu_(input: Tensor)",
        "torch.selu(input: Tensor)",
        "torch.selu_(input: Tensor)",
    ],
    python: r#"
class SELU(Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.selu(input, self.inplace)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        shared::need_float(e, x, "selu")?;
        let op = UnaryOp::Elu { alpha: 1.673_263_242_354_377_2, scale: 1.050_700_987_355_480_5, input_scale: 1.0 };
        Ok(vec![e.unary(op, x)?])
    },
    examples: &[Example { given: "x = [-1.0, 2.0]", code: "F.selu(x)", gives: "f32[2] = [-1.1113307, 2.101402]" }],
    tolerance: 1e-6,
};
