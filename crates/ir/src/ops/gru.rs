//! Gated recurrent unit over a sequence, in layers and directions.

use super::recurrent::{self, Cell};
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "gru",
    summary: "gated recurrent unit",
    spellings: &[
        "torch.gru(input: Tensor, hx: Tensor, params: Tensor[], has_biases: bool, num_layers: int, dropout: float, training: bool, bidirectional: bool, batch_first: bool)",
    ],
    python: "",
    returns: Returns::Tuple,
    emit: |call, e| recurrent::run(call, e, Cell::Gru),
    examples: &[Example {
        given: "x: f32[5, 2, 3]; h: f32[1, 2, 4]; w: f32[12, 3]; u: f32[12, 4]",
        code: "torch.gru(x, h, [w, u], False, 1, 0.0, False, False, False)[1]",
        gives: "f32[1, 2, 4]",
    }],
    tolerance: 1e-5,
};
