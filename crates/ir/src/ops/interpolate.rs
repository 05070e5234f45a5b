//! Resizing to a size or by scale factors. Antialiasing is refused.

use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{InterpolateMode, Prim};

pub(super) const OPERATOR: Operator = Operator {
    name: "interpolate",
    summary: "resizing",
    spellings: &[
        "torch.nn.functional.interpolate(input: Tensor, size: int|int[]? = None, scale_factor: float|float[]? = None, mode: str = 'nearest', align_corners: bool? = None, recompute_scale_factor: bool? = None, antialias: bool = False)",
        "torch.nn.functional.upsample(input: Tensor, size: int|int[]? = None, scale_factor: float|float[]? = None, mode: str = 'nearest', align_corners: bool? = None)",
        "torch.nn.functional.upsample_nearest(input: Tensor, size: int|int[]? = None, scale_factor: float|float[]? = None)",
        "torch.nn.functional.upsample_bilinear(input: Tensor, size: int|int[]? = None, scale_factor: float|float[]? = None, mode: str = 'bilinear', align_corners: bool = True)",
    ],
    python: r#"
class Upsample(Module):
    def __init__(self, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None):
        super().__init__()
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input):
        return F.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners, recompute_scale_factor=self.recompute_scale_factor)


class UpsamplingNearest2d(Upsample):
    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode='nearest')


class UpsamplingBilinear2d(Upsample):
    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode='bilinear', align_corners=True)
"#,
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example { given: "x: f32[2, 3, 8, 8]", code: "F.interpolate(x, scale_factor=2)", gives: "f32[2, 3, 16, 16]" },
        Example {
            given: "x: f32[2, 3, 8, 8]",
            code: "F.interpolate(x, size=(4, 6), mode='bilinear', align_corners=False)",
            gives: "f32[2, 3, 4, 6]",
        },
        Example {
            given: "x = [[[1.0, 2.0]]]",
            code: "F.interpolate(x, size=4)",
            gives: "f32[1, 1, 4] = [[[1.0, 1.0, 2.0, 2.0]]]",
        },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let rank = e.rank(x);
    let name = call.str("mode")?;
    let (mode, ranks) = match name {
        "nearest" => (InterpolateMode::Nearest, 3..=5),
        "nearest-exact" => (InterpolateMode::NearestExact, 3..=5),
        "area" => (InterpolateMode::Area, 3..=5),
        "linear" => (InterpolateMode::Linear, 3..=3),
        "bilinear" => (InterpolateMode::Linear, 4..=4),
        "trilinear" => (InterpolateMode::Linear, 5..=5),
        "bicubic" => (InterpolateMode::Cubic, 4..=4),
        other => return Err(OpError::argument(format!("unknown interpolation mode {other:?}"))),
    };
    if !ranks.contains(&rank) {
        return Err(OpError::shape(format!(
            "mode {name:?} takes {} dimensions, found {:?}",
            ranks.start(),
            e.shape(x)
        )));
    }
    let corners = matches!(mode, InterpolateMode::Linear | InterpolateMode::Cubic);
    if !corners && !call.is_none("align_corners") && call.bool("align_corners")? {
        return Err(OpError::argument(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear",
        ));
    }
    if call.bool("antialias")? {
        return Err(OpError::unsupported("interpolate with antialias=True"));
    }
    let spatial = e.shape(x)[2..].to_vec();
    let (size, scales) = match (call.is_none("size"), call.is_none("scale_factor")) {
        (false, true) => (all(call.sizes("size")?, spatial.len(), "size")?, None),
        (true, false) => {
            let scales = all(call.floats("scale_factor")?, spatial.len(), "scale_factor")?;
            let size = spatial.iter().zip(&scales).map(|(&n, s)| (n as f64 * s).floor().max(0.0) as usize).collect();
            let again = !call.is_none("recompute_scale_factor") && call.bool("recompute_scale_factor")?;
            (size, (!again).then_some(scales))
        }
        (true, true) => return Err(OpError::argument("either size or scale_factor should be defined")),
        (false, false) => return Err(OpError::argument("only one of size or scale_factor should be defined")),
    };
    let align_corners = corners && !call.is_none("align_corners") && call.bool("align_corners")?;
    Ok(vec![e.apply(Prim::Interpolate { size, mode, align_corners, scales }, &[x])?])
}

/// One value for each spatial dimension: one stands for all.
fn all<T: Copy + std::fmt::Debug>(values: Vec<T>, spatial: usize, name: &str) -> Result<Vec<T>, OpError> {
    match values[..] {
        [one] => Ok(vec![one; spatial]),
        _ if values.len() == spatial => Ok(values),
        _ => Err(OpError::argument(format!(
            "{name} {values:?} must have one value for each of {spatial} spatial dimensions"
        ))),
    }
}
