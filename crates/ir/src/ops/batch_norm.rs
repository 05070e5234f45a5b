//! Batch normalisation over the channels (dimension 1). With batch statistics and running statistics it updates the latter, and
//! `num_batches_tracked` with them.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;
use crate::types::{DType, TensorType};

pub(super) const OPERATOR: Operator = Operator {
    name: "batch_norm",
    summary: "batch normalisation",
    spellings: &[
        "torch.nn.functional.batch_norm(input: Tensor, running_mean: Tensor?, running_var: Tensor?, weight: Tensor? = None, bias: Tensor? = None, training: bool = False, momentum: float? = 0.1, eps: float = 1e-5)",
        "torch.batch_norm(input: Tensor, weight: Tensor?, bias: Tensor?, running_mean: Tensor?, running_var: Tensor?, training: bool, momentum: float, eps: float)",
    ],
    python: r#"
class _NormBase(Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = Parameter(torch.empty(num_features))
            self.bias = Parameter(torch.empty(num_features))
        else:
            self.register_parameter('weight', None)
            self.register_parameter('bias', None)
        if track_running_stats:
            self.register_buffer('running_mean', torch.zeros(num_features))
            self.register_buffer('running_var', torch.ones(num_features))
            self.register_buffer('num_batches_tracked', torch.tensor(0, dtype=torch.long))
        else:
            self.register_buffer('running_mean', None)
            self.register_buffer('running_var', None)
            self.register_buffer('num_batches_tracked', None)
        self.reset_parameters()

    def reset_running_stats(self):
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self):
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            init.zeros_(self.bias)

    def _check_input_dim(self, input):
        raise NotImplementedError


class _BatchNorm(_NormBase):
    # The statistics, num_batches_tracked included, are updated by the operator itself.
    def forward(self, input):
        self._check_input_dim(input)
        batch_statistics = self.training or (self.running_mean is None and self.running_var is None)
        tracked = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            self.weight,
            self.bias,
            batch_statistics,
            self.momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    def _check_input_dim(self, input):
        if input.dim() != 2 and input.dim() != 3:
            raise ValueError(f'expected 2D or 3D input (got {input.dim()}D input)')


class BatchNorm2d(_BatchNorm):
    def _check_input_dim(self, input):
        if input.dim() != 4:
            raise ValueError(f'expected 4D input (got {input.dim()}D input)')


class BatchNorm3d(_BatchNorm):
    def _check_input_dim(self, input):
        if input.dim() != 5:
            raise ValueError(f'expected 5D input (got {input.dim()}D input)')


class SyncBatchNorm(_BatchNorm):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, process_group=None, device=None, dtype=None):
        super().__init__(num_features, eps, momentum, affine, track_running_stats)
        self.process_group = process_group

    def _check_input_dim(self, input):
        if input.dim() < 2:
            raise ValueError(f'expected at least 2D input (got {input.dim()}D input)')

    @classmethod
    def convert_sync_batchnorm(cls, module, process_group=None):
        return module
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x: f32[2, 3, 4, 4]; m: f32[3]; v: f32[3]",
            code: "F.batch_norm(x, m, v)",
            gives: "f32[2, 3, 4, 4]",
        },
        Example { given: "x: f32[4, 3]", code: "F.batch_norm(x, None, None, training=True)", gives: "f32[4, 3]" },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let training = call.bool("training")?;
    if e.rank(x) < 2 {
        return Err(OpError::shape(format!("batch_norm takes at least 2 dimensions, found {:?}", e.shape(x))));
    }
    let (weight, bias) = affine(call, e, e.shape(x)[1], e.dtype(x))?;
    let stats = match (call.opt_tensor("running_mean")?, call.opt_tensor("running_var")?) {
        (Some(mean), Some(var)) => Some((mean, var)),
        (None, None) if training => None,
        _ => {
            return Err(OpError::argument(
                "batch_norm needs running_mean and running_var, or neither and training=True",
            ));
        }
    };
    let prim = Prim::BatchNorm {
        training,
        momentum: call.opt_float("momentum")?,
        eps: call.float("eps")?,
        affine: weight.is_some(),
        stats: stats.is_some(),
    };
    let mut inputs = vec![x];
    inputs.extend(weight);
    inputs.extend(bias);
    inputs.extend(stats.iter().flat_map(|&(mean, var)| [mean, var]));
    Ok(vec![e.apply(prim, &inputs)?])
}

/// Weight and bias, both or neither: where one alone is given, the other is ones or zeros.
pub(super) fn affine(
    call: &Call<'_>,
    e: &mut Emitter,
    channels: usize,
    dtype: DType,
) -> Result<(Option<V>, Option<V>), OpError> {
    let (weight, bias) = (call.opt_tensor("weight")?, call.opt_tensor("bias")?);
    if weight.is_none() && bias.is_none() {
        return Ok((None, None));
    }
    let ty = TensorType::new(dtype, [channels]);
    let weight = weight.map_or_else(|| e.full(ty.clone(), 1.0), Ok)?;
    let bias = bias.map_or_else(|| e.full(ty, 0.0), Ok)?;
    Ok((Some(weight), Some(bias)))
}
