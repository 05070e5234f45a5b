//! Leaky relu with a learned slope, one for all channels or one each.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "prelu",
    summary: "Leaky relu with a learned slope, one for all channels or one each",
    spellings: &[
        "torch.nn.functional.prelu(input: Tensor, weight: Tensor)",
        "torch.prelu(input: Tensor, weight: Tensor)",
        "Tensor.prelu(input: Tensor, weight: Tensor)",
    ],
    python: r#"
class PReLU(Module):
    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(torch.full((num_parameters,), float(init)))

    def forward(self, input):
        return F.prelu(input, self.weight)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [-8.0, 2.0]; w = [0.25]", code: "F.prelu(x, w)", gives: "f32[2] = [-2.0, 2.0]" },
        Example { given: "x: f32[2, 3, 4, 4]; w: f32[3]", code: "F.prelu(x, w)", gives: "f32[2, 3, 4, 4]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, w) = (call.tensor("input")?, call.tensor("weight")?);
    let rank = e.rank(x);
    let n = e.ty(w).numel();
    let channels = if rank < 2 { 1 } else { e.shape(x)[1] };
    if n != 1 && n != channels {
        return Err(OpError::shape(format!(
            "prelu has {n} slopes, but the input {:?} has {channels} channels",
            e.shape(x)
        )));
    }
    let mut shape = vec![1; rank];
    if n > 1 {
        shape[1] = n;
    }
    let w = e.reshape(w, &shape)?;
    let leaked = e.binary(BinaryOp::Mul, x, w)?;
    let negative = e.scalar(BinaryOp::Lt, x, 0.0, false)?;
    Ok(vec![e.apply(Prim::Where, &[negative, leaked, x])?])
}
