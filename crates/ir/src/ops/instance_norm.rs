//! Normalisation of each channel of each sample. With `use_input_stats=False` the running statistics are used; the module updates
//! them in training, by the mean over the batch of what each sample's statistics make of them.

use super::batch_norm;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::Prim;

pub(super) const OPERATOR: Operator = Operator {
    name: "instance_norm",
    summary: "normalisation of each channel of each sample",
    spellings: &[
        "torch.nn.functional.instance_norm(input: Tensor, running_mean: Tensor? = None, running_var: Tensor? = None, weight: Tensor? = None, bias: Tensor? = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5)",
    ],
    python: r#"
class _InstanceNorm(_NormBase):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False, device=None, dtype=None):
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def _track(self, input):
        dims = [-1 - k for k in range(input.dim() - 2)]
        momentum = self.momentum if self.momentum is not None else 0.0
        with torch.no_grad():
            self.running_mean.copy_((1 - momentum) * self.running_mean + momentum * input.mean(dims).mean(0))
            self.running_var.copy_((1 - momentum) * self.running_var + momentum * input.var(dims).mean(0))

    def _apply_instance_norm(self, input):
        own = self.training or not self.track_running_stats
        if own and self.running_mean is not None:
            self._track(input)
        return F.instance_norm(
            input,
            None if own else self.running_mean,
            None if own else self.running_var,
            self.weight,
            self.bias,
            own,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )

    def forward(self, input):
        self._check_input_dim(input)
        if input.dim() == self._unbatched:
            return self._apply_instance_norm(input.unsqueeze(0)).squeeze(0)
        return self._apply_instance_norm(input)

    def _check_input_dim(self, input):
        if input.dim() not in (self._unbatched, self._unbatched + 1):
            raise ValueError(f'expected {self._unbatched}D or {self._unbatched + 1}D input (got {input.dim()}D input)')


class InstanceNorm1d(_InstanceNorm):
    _unbatched = 2


class InstanceNorm2d(_InstanceNorm):
    _unbatched = 3


class InstanceNorm3d(_InstanceNorm):
    _unbatched = 4
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[Example { given: "x: f32[2, 6, 4, 4]", code: "F.instance_norm(x)", gives: "f32[2, 6, 4, 4]" }],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let rank = e.rank(x);
    if rank < 2 {
        return Err(OpError::shape(format!(
            "expected at least 2 dimensions for instance_norm, found {:?}",
            e.shape(x)
        )));
    }
    let channels = e.shape(x)[1];
    let (weight, bias) = batch_norm::affine(call, e, channels, e.dtype(x))?;
    let stats = (call.opt_tensor("running_mean")?, call.opt_tensor("running_var")?);
    let eps = call.float("eps")?;
    let mut inputs = vec![x];
    inputs.extend(weight);
    inputs.extend(bias);
    if call.bool("use_input_stats")? {
        if stats.0.is_some() {
            return Err(OpError::unsupported("instance_norm that updates running statistics")
                .help("use track_running_stats=False"));
        }
        if e.shape(x)[2..].iter().product::<usize>() <= 1 {
            return Err(OpError::shape(format!(
                "expected more than 1 spatial element when training, got input size {:?}",
                e.shape(x)
            )));
        }
        return Ok(vec![e.apply(Prim::GroupNorm { groups: channels, eps, affine: weight.is_some() }, &inputs)?]);
    }
    let (Some(mean), Some(var)) = stats else {
        return Err(OpError::argument(
            "expected running_mean and running_var to be defined when use_input_stats is false",
        ));
    };
    inputs.extend([mean, var]);
    let prim = Prim::BatchNorm { training: false, momentum: None, eps, affine: weight.is_some(), stats: true };
    Ok(vec![e.apply(prim, &inputs)?])
}
