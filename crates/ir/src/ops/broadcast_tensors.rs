//! Several tensors broadcast to their common shape.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::types::broadcast;

pub(super) const OPERATOR: Operator = Operator {
    name: "broadcast_tensors",
    summary: "tensors broadcast together",
    spellings: &["torch.broadcast_tensors(*tensors: Tensor[])"],
    python: "",
    returns: Returns::Tuple,
    emit,
    examples: &[Example {
        given: "x: f32[2, 1]; y: f32[3]",
        code: "torch.broadcast_tensors(x, y)[1]",
        gives: "f32[2, 3]",
    }],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let tensors = call.tensors("tensors")?;
    let mut shape: Vec<usize> = Vec::new();
    for &t in tensors {
        shape = broadcast(&shape, e.shape(t)).ok_or_else(|| {
            OpError::shape(format!("shapes {shape:?} and {:?} cannot be broadcast together", e.shape(t)))
        })?;
    }
    tensors.iter().map(|&t| e.expand(t, &shape)).collect()
}
