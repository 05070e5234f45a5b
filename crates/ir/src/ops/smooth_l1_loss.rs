//! Huber loss divided by beta; absolute error for beta 0.

use super::huber_loss;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "smooth_l1_loss",
    summary: "smooth L1 loss",
    spellings: &[
        "torch.nn.functional.smooth_l1_loss(input: Tensor, target: Tensor, size_average: bool? = None, reduce: bool? = None, reduction: str = 'mean', beta: float = 1.0)",
    ],
    python: r#"
class SmoothL1Loss(_Loss):
    def __init__(self, size_average=None, reduce=None, reduction='mean', beta=1.0):
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input, target):
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [3.0]; t = [1.0]", code: "F.smooth_l1_loss(x, t)", gives: "f32[] = 1.5" }],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let gap = e.binary(BinaryOp::Sub, call.tensor("input")?, call.tensor("target")?)?;
    let beta = call.float("beta")?;
    let loss = if beta == 0.0 {
        e.unary(UnaryOp::Abs, gap)?
    } else {
        let huber = huber_loss::huber(e, gap, beta)?;
        e.scalar(BinaryOp::Div, huber, beta, false)?
    };
    Ok(vec![shared::reduced_loss(call, e, loss)?])
}
