//! Padding, given from the last dimension backwards as (before, after) pairs; negative amounts cut.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{PadMode, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "pad",
    summary: "padding",
    spellings: &["torch.nn.functional.pad(input: Tensor, pad: int[], mode: str = 'constant', value: Scalar? = None)"],
    python: r#"
class _PadNd(Module):
    _sides = 4
    _mode = 'constant'

    def __init__(self, padding):
        super().__init__()
        self.padding = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * self._sides

    def forward(self, input):
        return F.pad(input, self.padding, self._mode)


class _ConstantPadNd(_PadNd):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, 'constant', self.value)


class _ZeroPadNd(_ConstantPadNd):
    def __init__(self, padding):
        super().__init__(padding, 0.0)


class ConstantPad1d(_ConstantPadNd):
    _sides = 2


class ZeroPad1d(_ZeroPadNd):
    _sides = 2


class ReflectionPad1d(_PadNd):
    _sides = 2
    _mode = 'reflect'


class ReplicationPad1d(_PadNd):
    _sides = 2
    _mode = 'replicate'


class CircularPad1d(_PadNd):
    _sides = 2
    _mode = 'circular'


class ConstantPad2d(_ConstantPadNd):
    _sides = 4


class ZeroPad2d(_ZeroPadNd):
    _sides = 4


class ReflectionPad2d(_PadNd):
    _sides = 4
    _mode = 'reflect'


class ReplicationPad2d(_PadNd):
    _sides = 4
    _mode = 'replicate'


class CircularPad2d(_PadNd):
    _sides = 4
    _mode = 'circular'


class ConstantPad3d(_ConstantPadNd):
    _sides = 6


class ZeroPad3d(_ZeroPadNd):
    _sides = 6


class ReflectionPad3d(_PadNd):
    _sides = 6
    _mode = 'reflect'


class ReplicationPad3d(_PadNd):
    _sides = 6
    _mode = 'replicate'


class CircularPad3d(_PadNd):
    _sides = 6
    _mode = 'circular'
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x = [1.0, 2.0]", code: "F.pad(x, (1, 2))", gives: "f32[5] = [0.0, 1.0, 2.0, 0.0, 0.0]" },
        Example {
            given: "x: f32[2, 3, 8, 8]",
            code: "F.pad(x, (1, 1, 2, 2), mode='reflect')",
            gives: "f32[2, 3, 12, 10]",
        },
        Example { given: "x: f32[2, 3, 8, 8]", code: "F.pad(x, (0, 0, 0, 0, 1, 0))", gives: "f32[2, 4, 8, 8]" },
    ],
    tolerance: 0.0,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let pad = call.ints("pad")?;
    let rank = e.rank(x);
    if pad.len() % 2 != 0 || pad.len() / 2 > rank {
        return Err(OpError::argument(format!(
            "padding {pad:?} must hold pairs for at most the {rank} dimensions of {:?}",
            e.shape(x)
        )));
    }
    let mode = match call.str("mode")? {
        "constant" => PadMode::Constant(call.opt_float("value")?.unwrap_or(0.0)),
        "reflect" => PadMode::Reflect,
        "replicate" => PadMode::Replicate,
        "circular" => PadMode::Circular,
        other => return Err(OpError::argument(format!("unrecognised padding mode {other:?}"))),
    };
    let sides = pad.len() / 2;
    if !matches!(mode, PadMode::Constant(_)) && !(matches!(sides, 1..=3) && (rank == sides + 1 || rank == sides + 2)) {
        return Err(OpError::argument(format!(
            "only 2D, 3D, 4D, 5D padding with non-constant padding of the last 1, 2 or 3 dimensions is supported, found {pad:?} for {:?}",
            e.shape(x)
        )));
    }
    let mut pads = vec![(0, 0); rank];
    for (i, pair) in pad.chunks(2).enumerate() {
        pads[rank - 1 - i] = (pair[0], pair[1]);
    }
    if pads.iter().all(|&p| p == (0, 0)) {
        return Ok(vec![x]);
    }
    Ok(vec![e.apply(Prim::Pad { mode, pads }, &[x])?])
}
