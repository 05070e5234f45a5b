//! Rows of a table chosen by integers.

use super::select;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim};
use crate::types::DType;

pub(super) const OPERATOR: Operator = Operator {
    name: "embedding",
    summary: "rows of a table",
    spellings: &[
        "torch.nn.functional.embedding(input: Tensor, weight: Tensor, padding_idx: int? = None, max_norm: float? = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False)",
    ],
    python: r#"
class Embedding(Module):
    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False, _weight=None, _freeze=False, device=None, dtype=None):
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        if padding_idx is not None:
            if padding_idx >= num_embeddings or padding_idx < -num_embeddings:
                raise AssertionError('Padding_idx must be within num_embeddings')
            if padding_idx < 0:
                padding_idx = num_embeddings + padding_idx
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            self.weight = Parameter(torch.empty((num_embeddings, embedding_dim)), requires_grad=not _freeze)
            self.reset_parameters()
        else:
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self):
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with torch.no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input):
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
        rows, columns = embeddings.shape
        return cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight=embeddings, _freeze=freeze)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "w = [[1.0, 2.0], [3.0, 4.0]]",
            code: "F.embedding(torch.tensor([1, 0]), w)",
            gives: "f32[2, 2] = [[3.0, 4.0], [1.0, 2.0]]",
        },
        Example { given: "i: i64[2, 5]; w: f32[10, 8]", code: "F.embedding(i, w)", gives: "f32[2, 5, 8]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (index, w) = (call.tensor("input")?, call.tensor("weight")?);
    if !matches!(e.dtype(index), DType::I64 | DType::I32) {
        return Err(OpError::dtype(format!("expected indices to be int64 or int32, found {}", e.dtype(index)))
            .help("convert them with .long()"));
    }
    if e.rank(w) != 2 {
        return Err(OpError::shape(format!("'weight' must be 2-D, found {:?}", e.shape(w))));
    }
    if !call.is_none("max_norm") {
        return Err(OpError::unsupported("embedding with max_norm, which changes the table during the forward pass"));
    }
    let shape = [e.shape(index), &e.shape(w)[1..]].concat();
    let flat = shared::flat(e, index)?;
    let flat = e.cast(flat, DType::I64)?;
    let rows = e.apply(Prim::IndexSelect { dim: 0 }, &[w, flat])?;
    let rows = e.reshape(rows, &shape)?;
    let Some(padding) = call.opt_int("padding_idx")? else { return Ok(vec![rows]) };
    // The row of the padding index gets no gradient.
    let n = e.shape(w)[0];
    let padding = select::position(padding, n)?;
    let fixed = e.apply(Prim::Detach, &[rows])?;
    let is_padding = e.scalar(BinaryOp::Eq, index, padding as f64, false)?;
    let is_padding = shared::unsqueeze(e, is_padding, shape.len() - 1)?;
    Ok(vec![e.apply(Prim::Where, &[is_padding, fixed, rows])?])
}
