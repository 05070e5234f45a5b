//! Plain recurrence with relu over a sequence, in layers and directions.

use super::recurrent::{self, Activation, Cell};
use crate::op::{Example, Operator, Returns};

pub(super) const OPERATOR: Operator = Operator {
    name: "rnn_relu",
    summary: "plain recurrence with relu",
    spellings: &[
        "torch.rnn_relu(input: Tensor, hx: Tensor, params: Tensor[], has_biases: bool, num_layers: int, dropout: float, training: bool, bidirectional: bool, batch_first: bool)",
    ],
    python: "",
    returns: Returns::Tuple,
    emit: |call, e| recurrent::run(call, e, Cell::Plain(Activation::Relu)),
    examples: &[Example {
        given: "x: f32[5, 2, 3]; h: f32[1, 2, 4]; w: f32[4, 3]; u: f32[4, 4]",
        code: "torch.rnn_relu(x, h, [w, u], False, 1, 0.0, False, False, False)[0]",
        gives: "f32[5, 2, 4]",
    }],
    tolerance: 1e-5,
};
