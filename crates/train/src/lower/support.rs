//! What can be lowered: asked once, before any training, so that a candidate fails at once and with a reason.

use super::layout::live_steps;
use archsmith_ir::prim::{Distribution, InterpolateMode, PoolKind, Prim};
use archsmith_ir::{DType, Program, Step, TensorType};

/// A network that cannot be lowered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LowerError {
    /// A form of a primitive that training does not support.
    #[error("training does not support {what}")]
    Unsupported {
        /// Which.
        what: String,
    },
    /// The network is not one of images to class scores.
    #[error("a network of images [N, C, H, W] to class scores [N, K] is expected: {what}")]
    Contract {
        /// What is otherwise.
        what: String,
    },
    /// The initial state does not fit the graph.
    #[error("the initial state does not fit the network: {what}")]
    State {
        /// Which tensor and why.
        what: String,
    },
}

/// Checks every step of a program that is executed.
pub(super) fn check(program: &Program) -> Result<(), LowerError> {
    let steps = program.steps.iter().zip(live_steps(program));
    steps.filter(|(_, live)| *live).try_for_each(|(step, _)| check_step(program, step))
}

fn unsupported<T>(what: impl Into<String>) -> Result<T, LowerError> {
    Err(LowerError::Unsupported { what: what.into() })
}

fn check_step(program: &Program, step: &Step) -> Result<(), LowerError> {
    let ty = |v: &archsmith_ir::V| &program.values[v.index()];
    let first = step.first_output.index();
    let outputs = &program.values[first..first + step.outputs as usize];
    if let Some(empty) = step.inputs.iter().map(ty).chain(outputs).find(|t| t.numel() == 0) {
        return unsupported(format!("empty tensors (here {empty})"));
    }
    let inputs: Vec<&TensorType> = step.inputs.iter().map(ty).collect();
    let spatial_limit = |what: &str, n: usize, most: usize| {
        if (1..=most).contains(&n) { Ok(()) } else { unsupported(format!("{what} over {n} spatial dimensions")) }
    };
    let floats = |what: &str| match inputs.first() {
        Some(t) if !t.dtype.is_float() => unsupported(format!("{what} of {}", t.dtype)),
        _ => Ok(()),
    };
    match &step.prim {
        Prim::Conv { stride, .. } => {
            floats("a convolution")?;
            spatial_limit("a convolution", stride.len(), 3)
        }
        Prim::ConvTranspose { stride, .. } => {
            floats("a transposed convolution")?;
            spatial_limit("a transposed convolution", stride.len(), 3)
        }
        Prim::Pool { kernel, kind, dilation, .. } => {
            floats("pooling")?;
            spatial_limit("pooling", kernel.len(), 3)?;
            if matches!(kind, PoolKind::Avg { .. }) && dilation.iter().any(|&d| d != 1) {
                return unsupported("an average pool with dilation");
            }
            Ok(())
        }
        Prim::AdaptivePool { output, .. } => {
            floats("adaptive pooling")?;
            spatial_limit("adaptive pooling", output.len(), 3)
        }
        Prim::Interpolate { size, mode, .. } => {
            spatial_limit("interpolation", size.len(), 3)?;
            match mode {
                InterpolateMode::Nearest | InterpolateMode::NearestExact => Ok(()),
                _ => floats("interpolation"),
            }
        }
        Prim::Scatter { dim, .. } => {
            let (x, index) = (inputs[0], inputs[1]);
            match (0..x.rank()).any(|d| d != *dim && index.shape[d] != x.shape[d]) {
                true => unsupported("a scatter whose index covers only a part of the other dimensions"),
                false => Ok(()),
            }
        }
        Prim::Gather { .. } | Prim::IndexSelect { .. } | Prim::TopK { .. } if inputs[0].rank() == 0 => {
            unsupported("selection from a scalar tensor")
        }
        Prim::CumSum { .. } | Prim::Softmax { .. } if inputs[0].rank() == 0 => {
            unsupported("a running sum or softmax of a scalar tensor")
        }
        Prim::BatchNorm { .. } | Prim::LayerNorm { .. } | Prim::GroupNorm { .. } => floats("normalisation"),
        Prim::Random { distribution: Distribution::Orthogonal { .. }, .. } => {
            unsupported("a random orthogonal matrix in the forward pass")
        }
        Prim::Pad { pads, .. } if inputs[0].dtype == DType::Bool && pads.iter().any(|p| *p != (0, 0)) => {
            unsupported("padding of truth values")
        }
        Prim::Binary(op) | Prim::Scalar { op, .. }
            if matches!(op, archsmith_ir::prim::BinaryOp::Pow) && inputs[0].dtype == DType::Bool =>
        {
            unsupported("a power of truth values")
        }
        _ => Ok(()),
    }
}
