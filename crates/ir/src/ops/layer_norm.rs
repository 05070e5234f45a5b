//! Normalisation over the last dimensions, those of `normalized_shape`.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "layer_norm",
    summary: "normalisation over the last dimensions",
    spellings: &[
        "torch.nn.functional.layer_norm(input: Tensor, normalized_shape: int[], weight: Tensor? = None, bias: Tensor? = None, eps: float = 1e-5)",
        "torch.layer_norm(input: Tensor, normalized_shape: int[], weight: Tensor? = None, bias: Tensor? = None, eps: float = 1e-5)",
    ],
    python: r#"
class LayerNorm(Module):
    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        self.normalized_shape = tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            self.weight = Parameter(torch.empty(self.normalized_shape))
            if bias:
                self.bias = Parameter(torch.empty(self.normalized_shape))
            else:
                self.register_parameter('bias', None)
        else:
            self.register_parameter('weight', None)
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        if self.elementwise_affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x: f32[2, 5, 8]", code: "F.layer_norm(x, (8,))", gives: "f32[2, 5, 8]" },
        Example { given: "x = [1.0, 3.0]", code: "F.layer_norm(x, (2,), eps=0.0)", gives: "f32[2] = [-1.0, 1.0]" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let shape = call.sizes("normalized_shape")?;
    if shape.is_empty() || !e.shape(x).ends_with(&shape) {
        return Err(OpError::shape(format!(
            "given normalized_shape={shape:?}, expected input with shape [*, {}], but got {:?}",
            shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
            e.shape(x)
        ))
        .help("LayerNorm takes the trailing dimensions: permute channels to the end, or use GroupNorm(1, channels)"));
    }
    let (weight, bias) = (call.opt_tensor("weight")?, call.opt_tensor("bias")?);
    let prim =
        Prim::LayerNorm { axes: shape.len(), eps: call.float("eps")?, weight: weight.is_some(), bias: bias.is_some() };
    let mut inputs = vec![x];
    inputs.extend(weight);
    inputs.extend(bias);
    Ok(vec![e.apply(prim, &inputs)?])
}
