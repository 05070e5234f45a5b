//! Each element limited to an interval, [-1, 1] by default.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "hardtanh",
    summary: "Each element limited to an interval, [-1, 1] by default",
    spellings: &[
        "torch.nn.functional.hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False)",
        "torch.nn.functional.hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0)",
    ],
    python: r#"
class Hardtanh(Module):
    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False):
        super().__init__()
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace
        if max_val <= min_val:
            raise AssertionError('max_val must be greater than min_val')

    def forward(self, input):
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(Hardtanh):
    def __init__(self, inplace=False):
        super().__init__(0.0, 6.0, inplace)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x = [-2.0, 0.5, 3.0]", code: "F.hardtanh(x)", gives: "f32[3] = [-1.0, 0.5, 1.0]" }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let (min, max) = (call.float("min_val")?, call.float("max_val")?);
    if min > max {
        return Err(OpError::argument("min_val cannot be greater than max_val"));
    }
    Ok(vec![e.unary(UnaryOp::Clamp { min, max }, x)?])
}
