//! In training, each element is zero with probability p and scaled by 1/(1 − p) otherwise. Its Python holds all dropout classes.

use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "dropout",
    summary: "random zeros in training",
    spellings: &[
        "torch.nn.functional.dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False)",
        "torch.dropout(input: Tensor, p: float, training: bool)",
    ],
    python: r#"
class _DropoutNd(Module):
    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f'dropout probability has to be between 0 and 1, but got {p}')
        self.p = p
        self.inplace = inplace


class Dropout(_DropoutNd):
    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    def forward(self, input):
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    def forward(self, input):
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    def forward(self, input):
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    def forward(self, input):
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    def forward(self, input):
        return F.feature_alpha_dropout(input, self.p, self.training)
"#,
    returns: Returns::Tensor,
    emit: |call, e| {
        let x = call.tensor("input")?;
        let mask = e.shape(x).to_vec();
        Ok(vec![masked(call, e, x, mask)?])
    },
    examples: &[
        Example { given: "x = [1.0, 2.0]", code: "F.dropout(x, 0.5, training=False)", gives: "f32[2] = [1.0, 2.0]" },
        Example { given: "x: f32[2, 3]", code: "F.dropout(x)", gives: "f32[2, 3]" },
    ],
    tolerance: 0.0,
};

/// Dropout by the arguments `p` and `training` with a mask of the given shape; nothing where it does nothing.
pub(super) fn masked(call: &Call<'_>, e: &mut Emitter, x: V, mask: Vec<usize>) -> Result<V, OpError> {
    let p = shared::probability(call)?;
    if !call.bool("training")? || p == 0.0 {
        return Ok(x);
    }
    e.apply(Prim::Dropout { p, mask }, &[x])
}

/// Dropout of whole channels: dimension 1 of an input of `rank`, or dimension 0 of one without a batch.
pub(super) fn channels(call: &Call<'_>, e: &mut Emitter, rank: usize) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let kept = if e.rank(x) + 1 == rank { 1 } else { 2 };
    let mask = e.shape(x).iter().enumerate().map(|(i, &n)| if i < kept { n } else { 1 }).collect();
    Ok(vec![masked(call, e, x, mask)?])
}
