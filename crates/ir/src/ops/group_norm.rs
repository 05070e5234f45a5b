//! Normalisation within groups of channels.

use super::batch_norm;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "group_norm",
    summary: "normalisation within groups of channels",
    spellings: &[
        "torch.nn.functional.group_norm(input: Tensor, num_groups: int, weight: Tensor? = None, bias: Tensor? = None, eps: float = 1e-5)",
        "torch.group_norm(input: Tensor, num_groups: int, weight: Tensor? = None, bias: Tensor? = None, eps: float = 1e-5)",
    ],
    python: r#"
class GroupNorm(Module):
    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None):
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f'num_channels must be divisible by num_groups: {num_channels} channels, {num_groups} groups')
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        if affine:
            self.weight = Parameter(torch.empty(num_channels))
            self.bias = Parameter(torch.empty(num_channels))
        else:
            self.register_parameter('weight', None)
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        if self.affine:
            init.ones_(self.weight)
            init.zeros_(self.bias)

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 6, 4, 4]", code: "F.group_norm(x, 3)", gives: "f32[2, 6, 4, 4]" }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let groups = call.size("num_groups")?;
    if e.rank(x) < 2 {
        return Err(OpError::shape(format!("expected at least 2 dimensions for group_norm, found {:?}", e.shape(x))));
    }
    let (weight, bias) = batch_norm::affine(call, e, e.shape(x)[1], e.dtype(x))?;
    let prim = Prim::GroupNorm { groups, eps: call.float("eps")?, affine: weight.is_some() };
    let mut inputs = vec![x];
    inputs.extend(weight);
    inputs.extend(bias);
    Ok(vec![e.apply(prim, &inputs)?])
}
