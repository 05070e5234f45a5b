//! p-norm of x1 − x2 + eps over the last dimension.

use super::shared;
use crate::op::{Example, Operator, Returns, normalize_dim};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "pairwise_distance",
    summary: "distance of vectors",
    spellings: &[
        "torch.nn.functional.pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False)",
        "torch.pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False)",
    ],
    python: r#"
class PairwiseDistance(Module):
    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1, x2):
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let gap = e.binary(BinaryOp::Sub, call.tensor("x1")?, call.tensor("x2")?)?;
        let gap = e.scalar(BinaryOp::Add, gap, call.float("eps")?, false)?;
        let last = normalize_dim(-1, e.rank(gap))?;
        Ok(vec![shared::norm(e, gap, call.float("p")?, &[last], call.bool("keepdim")?)?])
    },
    examples: &[Example { given: "x: f32[2, 8]; y: f32[2, 8]", code: "F.pairwise_distance(x, y)", gives: "f32[2]" }],
    tolerance: 1e-5,
};
