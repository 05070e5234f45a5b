//! x·Wᵀ + b over the last dimension.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::BinaryOp;

pub(super) const OPERATOR: Operator = Operator {
    name: "linear",
    summary: "affine map of the last dimension",
    spellings: &["torch.nn.functional.linear(input: Tensor, weight: Tensor, bias: Tensor? = None)"],
    python: r#"
class Linear(Module):
    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(torch.empty((out_features, in_features)))
        if bias:
            self.bias = Parameter(torch.empty(out_features))
        else:
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        if _reset_affine(self.weight, self.bias):
            return
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input):
        return F.linear(input, self.weight, self.bias)


class NonDynamicallyQuantizableLinear(Linear):
    pass
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x = [1.0, 2.0]; w = [[1.0, 1.0], [0.0, 3.0]]",
            code: "F.linear(x, w)",
            gives: "f32[2] = [3.0, 6.0]",
        },
        Example {
            given: "x: f32[2, 5, 8]; w: f32[16, 8]; b: f32[16]",
            code: "F.linear(x, w, b)",
            gives: "f32[2, 5, 16]",
        },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (x, w) = (call.tensor("input")?, call.tensor("weight")?);
    let bias = call.opt_tensor("bias")?;
    let rank = e.rank(x);
    if rank == 0 || !matches!(e.rank(w), 1 | 2) {
        return Err(OpError::shape(format!(
            "linear takes an input of at least 1 dimension and a weight of 2, found {:?} and {:?}",
            e.shape(x),
            e.shape(w)
        )));
    }
    let inner = e.shape(w)[e.rank(w) - 1];
    if e.shape(x)[rank - 1] != inner {
        return Err(OpError::shape(format!(
            "linear: the last dimension of the input {:?} is {}, but the weight {:?} takes {inner} features",
            e.shape(x),
            e.shape(x)[rank - 1],
            e.shape(w)
        ))
        .help(format!("make in_features {}", e.shape(x)[rank - 1])));
    }
    let w = if e.rank(w) == 2 { shared::swap(e, w, 0, 1)? } else { w };
    let mut y = shared::matmul(e, x, w)?;
    if let Some(b) = bias {
        if e.dtype(b) != e.dtype(y) {
            return Err(OpError::dtype(format!("linear: expected a bias of {}, found {}", e.dtype(y), e.dtype(b))));
        }
        y = shared::join(e, BinaryOp::Add, y, b)?;
    }
    Ok(vec![y])
}
