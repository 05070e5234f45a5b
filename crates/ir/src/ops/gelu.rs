//! Gaussian error linear unit: x·Φ(x), or its tanh approximation.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::UnaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "gelu",
    summary: "Gaussian error linear unit: x·Φ(x), or its tanh approximation",
    spellings: &["torch.nn.functional.gelu(input: Tensor, approximate: str = 'none')"],
    python: r#"
class GELU(Module):
    def __init__(self, approximate='none'):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        return F.gelu(input, approximate=self.approximate)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [0.0, 1.0]", code: "F.gelu(x)", gives: "f32[2] = [0.0, 0.8413447]" },
        Example { given: "x = [1.0]", code: "F.gelu(x, approximate='tanh')", gives: "f32[1] = [0.841192]" },
    ],
    tolerance: 1e-6,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    shared::need_float(e, x, "gelu")?;
    let tanh = match call.str("approximate")? {
        "none" => false,
        "tanh" => true,
        other => {
            return Err(OpError::argument(format!(
                "approximate argument must be either none or tanh, found {other:?}"
            )));
        }
    };
    Ok(vec![e.unary(UnaryOp::Gelu { tanh }, x)?])
}
