//! Leaky relu with a random slope in training and the mean slope in evaluation.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Distribution, Prim, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "rrelu",
    summary: "Leaky relu with a random slope in training and the mean slope in evaluation",
    spellings: &[
        "torch.nn.functional.rrelu(input: Tensor, lower: float = 0.125, upper: float = 0.3333333333333333, training: bool = False, inplace: bool = False)",
        "torch.rrelu(input: Tensor, lower: float = 0.125, upper: float = 0.3333333333333333, training: bool = False)",
    ],
    python: r#"
class RReLU(Module):
    def __init__(self, lower=1.0 / 8, upper=1.0 / 3, inplace=False):
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input):
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [-8.0, 2.0]", code: "F.rrelu(x, 0.25, 0.25)", gives: "f32[2] = [-2.0, 2.0]" }],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    shared::need_float(e, x, "rrelu")?;
    let (low, high) = (call.float("lower")?, call.float("upper")?);
    if !call.bool("training")? {
        return Ok(vec![e.unary(UnaryOp::LeakyRelu { slope: (low + high) / 2.0 }, x)?]);
    }
    let ty = e.ty(x).clone();
    let slope = e.apply(Prim::Random { ty, distribution: Distribution::Uniform { low, high } }, &[])?;
    let leaked = e.binary(BinaryOp::Mul, x, slope)?;
    let negative = e.scalar(BinaryOp::Lt, x, 0.0, false)?;
    Ok(vec![e.apply(Prim::Where, &[negative, leaked, x])?])
}
