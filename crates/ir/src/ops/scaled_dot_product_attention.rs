//! softmax(q·kᵀ·scale + mask)·v, with dropout on the weights.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim};
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "scaled_dot_product_attention",
    summary: "attention",
    spellings: &[
        "torch.nn.functional.scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor? = None, dropout_p: float = 0.0, is_causal: bool = False, scale: float? = None, enable_gqa: bool = False)",
    ],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "q: f32[2, 4, 5, 8]; k: f32[2, 4, 7, 8]; v: f32[2, 4, 7, 8]",
            code: "F.scaled_dot_product_attention(q, k, v)",
            gives: "f32[2, 4, 5, 8]",
        },
        Example {
            given: "q: f32[2, 4, 5, 8]",
            code: "F.scaled_dot_product_attention(q, q, q, is_causal=True)",
            gives: "f32[2, 4, 5, 8]",
        },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let (q, mut k, mut v) = (call.tensor("query")?, call.tensor("key")?, call.tensor("value")?);
    let rank = e.rank(q);
    if rank < 2 || e.rank(k) < 2 || e.rank(v) < 2 {
        return Err(OpError::shape("attention takes at least 2 dimensions for query, key and value"));
    }
    if call.bool("enable_gqa")? && rank >= 3 && e.rank(k) == rank && e.rank(v) == rank {
        let heads = e.shape(q)[rank - 3];
        for t in [&mut k, &mut v] {
            let own = e.shape(*t)[rank - 3];
            if own == 0 || !heads.is_multiple_of(own) {
                return Err(OpError::shape(format!("{heads} query heads are no multiple of {own} heads")));
            }
            // Each head serves several query heads in a row.
            let mut shape = e.shape(*t).to_vec();
            let wide = shared::unsqueeze(e, *t, rank - 2)?;
            let mut repeated = e.shape(wide).to_vec();
            repeated[rank - 2] = heads / own;
            let wide = e.expand(wide, &repeated)?;
            shape[rank - 3] = heads;
            *t = e.reshape(wide, &shape)?;
        }
    }
    let mask = call.opt_tensor("attn_mask")?;
    let scale = call.opt_float("scale")?.unwrap_or(1.0 / (e.shape(q)[rank - 1].max(1) as f64).sqrt());
    let causal = call.bool("is_causal")?;
    if causal && mask.is_some() {
        return Err(OpError::argument("explicit attn_mask should not be set when is_causal=True"));
    }
    let (y, _) = attend(e, [q, k, v], scale, mask, causal, call.float("dropout_p")?)?;
    Ok(vec![y])
}

/// Attention of `[query, key, value]`; the result and the weights before dropout's effect on the result.
pub(super) fn attend(
    e: &mut Emitter,
    [q, k, v]: [V; 3],
    scale: f64,
    mask: Option<V>,
    causal: bool,
    dropout: f64,
) -> Result<(V, V), OpError> {
    let q = shared::scaled(e, q, scale)?;
    let rank = e.rank(k);
    let kt = shared::swap(e, k, rank - 2, rank - 1)?;
    let mut scores = shared::matmul(e, q, kt)?;
    let hidden = TensorType::new(e.dtype(scores), []);
    if causal {
        let n = e.rank(scores);
        let (rows, columns) = (e.shape(scores)[n - 2], e.shape(scores)[n - 1]);
        let row = shared::iota(e, rows)?;
        let row = e.reshape(row, &[rows, 1])?;
        let column = shared::iota(e, columns)?;
        let later = shared::join(e, BinaryOp::Gt, column, row)?;
        let hidden = e.full(hidden.clone(), f64::NEG_INFINITY)?;
        scores = e.apply(Prim::Where, &[later, hidden, scores])?;
    }
    if let Some(mask) = mask {
        scores = if e.dtype(mask) == DType::Bool {
            let hidden = e.full(hidden, f64::NEG_INFINITY)?;
            e.apply(Prim::Where, &[mask, scores, hidden])?
        } else {
            e.binary(BinaryOp::Add, scores, mask)?
        };
    }
    let dim = e.rank(scores) - 1;
    let mut weights = e.apply(Prim::Softmax { dim, log: false }, &[scores])?;
    if dropout > 0.0 {
        let mask = e.shape(weights).to_vec();
        weights = e.apply(Prim::Dropout { p: dropout, mask }, &[weights])?;
    }
    Ok((shared::matmul(e, weights, v)?, weights))
}
