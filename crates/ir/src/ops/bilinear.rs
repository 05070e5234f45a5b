//! x₁·W·x₂ + b for each output feature.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "bilinear",
    summary: "bilinear form of two inputs",
    spellings: &["torch.nn.functional.bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor? = None)"],
    python: r#"
class Bilinear(Module):
    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(torch.empty(out_features, in1_features, in2_features))
        if bias:
            self.bias = Parameter(torch.empty(out_features))
        else:
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        bound = 1 / math.sqrt(self.weight.size(1))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1, input2):
        return F.bilinear(input1, input2, self.weight, self.bias)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example {
        given: "x: f32[2, 3]; y: f32[2, 4]; w: f32[5, 3, 4]",
        code: "F.bilinear(x, y, w)",
        gives: "f32[2, 5]",
    }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (a, b, w) = (call.tensor("input1")?, call.tensor("input2")?, call.tensor("weight")?);
    let [out, m, n] = e.shape(w)[..] else {
        return Err(OpError::shape(format!("bilinear takes a weight of 3 dimensions, found {:?}", e.shape(w))));
    };
    let batch = e.shape(a)[..e.rank(a).saturating_sub(1)].to_vec();
    if e.shape(a).last() != Some(&m) || e.shape(b) != [batch.as_slice(), &[n]].concat() {
        return Err(OpError::shape(format!(
            "bilinear: inputs {:?} and {:?} do not fit the weight {:?}",
            e.shape(a),
            e.shape(b),
            e.shape(w)
        )));
    }
    let rows = batch.iter().product();
    // [rows, m] × [m, out·n] gives the partial products, which the second input then weighs.
    let a = e.reshape(a, &[rows, m])?;
    let w = e.permute(w, &[1, 0, 2])?;
    let w = e.reshape(w, &[m, out * n])?;
    let partial = e.apply(Prim::MatMul, &[a, w])?;
    let partial = e.reshape(partial, &[rows, out, n])?;
    let b = e.reshape(b, &[rows, n, 1])?;
    let y = e.apply(Prim::MatMul, &[partial, b])?;
    let mut y = e.reshape(y, &[batch.as_slice(), &[out]].concat())?;
    if let Some(bias) = call.opt_tensor("bias")? {
        y = e.binary(BinaryOp::Add, y, bias)?;
    }
    Ok(vec![y])
}
