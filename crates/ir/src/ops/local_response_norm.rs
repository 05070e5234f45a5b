//! Division by a power of the average of squares of neighbouring channels (Krizhevsky et al., 2012).

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, PadMode, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "local_response_norm",
    summary: "normalisation across neighbouring channels",
    spellings: &[
        "torch.nn.functional.local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0)",
    ],
    python: r#"
class LocalResponseNorm(Module):
    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input):
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 6, 4, 4]", code: "F.local_response_norm(x, 5)", gives: "f32[2, 6, 4, 4]" }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let size = call.size("size")?;
    if e.rank(x) < 3 || size == 0 {
        return Err(OpError::shape(format!(
            "expected 3D or higher dimensionality input and a positive size, got {:?} and {size}",
            e.shape(x)
        )));
    }
    let squares = e.binary(BinaryOp::Mul, x, x)?;
    let mut pads = vec![(0, 0); e.rank(x)];
    pads[1] = ((size / 2) as i64, ((size - 1) / 2) as i64);
    let padded = e.apply(Prim::Pad { mode: PadMode::Constant(0.0), pads }, &[squares])?;
    let channels = e.shape(x)[1];
    let mut sum = shared::narrow(e, padded, 1, 0, channels)?;
    for offset in 1..size {
        let next = shared::narrow(e, padded, 1, offset, offset + channels)?;
        sum = shared::join(e, BinaryOp::Add, sum, next)?;
    }
    let scaled = e.scalar(BinaryOp::Mul, sum, call.float("alpha")? / size as f64, false)?;
    let base = e.scalar(BinaryOp::Add, scaled, call.float("k")?, false)?;
    let below = e.scalar(BinaryOp::Pow, base, call.float("beta")?, false)?;
    Ok(vec![e.binary(BinaryOp::Div, x, below)?])
}
