//! x moved towards zero by lambd, zero within it.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, UnaryOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "softshrink",
    summary: "x moved towards zero by lambd, zero within it",
    spellings: &["torch.nn.functional.softshrink(input: Tensor, lambd: float = 0.5)"],
    python: r#"
class Softshrink(Module):
    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.softshrink(input, self.lambd)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x = [-1.0, 0.25, 0.75]",
        code: "F.softshrink(x)",
        gives: "f32[3] = [-0.5, 0.0, 0.25]",
    }],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let l = call.float("lambd")?;
    if l < 0.0 {
        return Err(OpError::argument(format!("lambda must be greater or equal to 0, but found to be {l}")));
    }
    // x − clamp(x, −l, l) is x − l above, 0 within and x + l below.
    let core = e.unary(UnaryOp::Clamp { min: -l, max: l }, x)?;
    Ok(vec![e.binary(BinaryOp::Sub, x, core)?])
}
