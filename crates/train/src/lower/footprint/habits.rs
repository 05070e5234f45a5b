//! What each primitive takes, keeps and gives back in a training step on the CPU.
//!
//! These are facts about the kernels, and about the library's own operations where a primitive is composed of them.

use super::super::Weight;
use super::super::layout::Mode;
use super::super::value::bytes;
use crate::kernels::{self, ConvGeometry, Kernels};
use archsmith_ir::prim::{BinaryOp, PoolKind, Prim, ReduceOp, UnaryOp};
use archsmith_ir::{Step, TensorType};
use burn::backend::Flex;

/// Where a result lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// In memory of its own.
    New,
    /// In that of the first operand.
    View,
    /// In that of the first operand where nobody else reads it.
    InPlace,
}

/// Where the gradient for an operand lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Back {
    /// In memory of its own.
    New,
    /// In that of the result's gradient, where nobody else reads it.
    Reuse,
    /// It is the result's gradient, or part of it.
    Share,
    /// In memory of its own, or left as a product.
    Later,
}

/// A primitive's habits. Sizes are in bytes.
#[derive(Clone, Debug)]
pub(super) struct Habit {
    pub(super) made: Made,
    pub(super) differentiable: bool,
    kept: Kept,
    pub(super) keeps_result: bool,
    /// Kept besides operands and result.
    pub(super) private: u64,
    /// Working memory forward and backward.
    pub(super) work: u64,
    pub(super) back_work: u64,
    /// For the first operand and for the others.
    back: [Back; 2],
    /// Whether the last operand is added to the result.
    residual: bool,
}

/// Operands that the gradient wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    None,
    First,
    /// Both of a product: each where the other has a gradient.
    Factors,
    Last,
}

impl Habit {
    /// Places of the operands that are kept.
    pub(super) fn keeps(&self, tracked: &[bool]) -> impl Iterator<Item = usize> + use<> {
        let operands = tracked.len();
        let of = |k: usize| tracked.get(k).copied().unwrap_or(false);
        let (first, second) = match self.kept {
            Kept::None => (false, false),
            Kept::First => (true, false),
            Kept::Factors => (of(1), of(0)),
            Kept::Last => (false, true),
        };
        [(0, first), (1, second)].into_iter().filter(move |(k, wanted)| *wanted && *k < operands).map(|(k, _)| k)
    }

    /// The gradient for operand `k` of `n`.
    pub(super) fn back(&self, k: usize, n: usize) -> Back {
        if self.residual && k + 1 == n { Back::Share } else { self.back[k.min(1)] }
    }

    /// Whether a weight's gradient stays a product of what is kept.
    pub(super) fn deferred(&self, linear: &[Option<Weight>], step: &Step) -> bool {
        let weight = step.inputs.get(1).and_then(|v| linear[v.index()]);
        self.back[1] == Back::Later && weight.is_some_and(|w| w.deferrable)
    }
}

/// A function of each element that keeps its argument.
const PLAIN: Habit = Habit {
    made: Made::New,
    differentiable: true,
    kept: Kept::First,
    keeps_result: false,
    private: 0,
    work: 0,
    back_work: 0,
    back: [Back::New; 2],
    residual: false,
};

/// Another way to see the same elements.
const VIEW: Habit = Habit { made: Made::View, kept: Kept::None, back: [Back::Share; 2], ..PLAIN };

/// Whether every window of an adaptive pool has the same size.
fn divides(inputs: &[&TensorType], output: &TensorType) -> bool {
    let sizes = |ty: &TensorType| ty.shape.get(2..).unwrap_or_default().to_vec();
    let before = inputs.first().map(|ty| sizes(ty)).unwrap_or_default();
    before.iter().zip(sizes(output)).all(|(b, a)| a > 0 && b % a == 0)
}

/// The habits of a step of the physical program.
pub(super) fn of(prim: &Prim, mode: Mode, inputs: &[&TensorType], output: &TensorType) -> Habit {
    let out = bytes(output);
    let input = inputs.first().map_or(0, |ty| bytes(ty));
    match prim {
        Prim::Conv { stride, padding, dilation, groups } => {
            let geometry = conv_geometry(stride, padding, dilation, *groups);
            let works = geometry.map_or([0; 3], |g| conv_work(inputs, output, mode, g, false));
            convolution(inputs, mode, out, input, works)
        }
        Prim::ConvTranspose { stride, padding, dilation, groups, .. } => {
            let padding: Vec<_> = padding.iter().map(|&p| (p, p)).collect();
            let geometry = conv_geometry(stride, &padding, dilation, *groups);
            let works = geometry.map_or([0; 3], |g| conv_work(inputs, output, mode, g, true));
            convolution(inputs, mode, out, input, works)
        }
        Prim::MatMul if mode.linear => {
            Habit { kept: Kept::Factors, back: [Back::New, Back::Later], work: out, ..PLAIN }
        }
        Prim::MatMul => Habit { kept: Kept::Factors, ..PLAIN },
        Prim::Unary(op) => unary(*op, out),
        Prim::Binary(op) => binary(*op, inputs, output, out),
        Prim::Scalar { op, reversed, .. } => match (op, reversed) {
            (BinaryOp::Add, _) | (BinaryOp::Sub, false) => {
                Habit { made: Made::InPlace, kept: Kept::None, back: [Back::Share; 2], ..PLAIN }
            }
            (BinaryOp::Mul, _) | (BinaryOp::Div, false) | (BinaryOp::Sub, true) => {
                Habit { made: Made::InPlace, kept: Kept::None, back: [Back::Reuse; 2], ..PLAIN }
            }
            _ => PLAIN,
        },
        Prim::Where => Habit { kept: Kept::None, private: out / 4, ..PLAIN },
        Prim::Cast(_) if inputs.first().is_some_and(|ty| ty.dtype.is_float()) && output.dtype.is_float() => VIEW,
        Prim::Cast(_) => Habit { differentiable: false, ..PLAIN },
        Prim::Reduce { op, .. } => match op {
            ReduceOp::Sum | ReduceOp::Mean => Habit { kept: Kept::None, ..PLAIN },
            ReduceOp::Var { .. } => Habit { kept: Kept::None, private: input, back_work: input, work: input, ..PLAIN },
            ReduceOp::Max | ReduceOp::Min => Habit { keeps_result: true, ..PLAIN },
            _ => Habit { private: input, ..PLAIN },
        },
        Prim::ArgReduce { .. } => Habit { differentiable: false, ..PLAIN },
        Prim::CumSum { .. } => Habit { kept: Kept::None, back_work: out, ..PLAIN },
        // The exponential, and the quotient's operands.
        Prim::Softmax { log: false, .. } => {
            Habit { kept: Kept::None, private: out, work: out, back_work: 2 * out, ..PLAIN }
        }
        Prim::Softmax { log: true, .. } => {
            Habit { kept: Kept::None, private: 2 * out, work: out, back_work: 2 * out, ..PLAIN }
        }
        Prim::BatchNorm { training: true, .. } => batch_norm(mode, inputs, out),
        Prim::BatchNorm { .. } => Habit { back_work: out, ..PLAIN },
        Prim::LayerNorm { .. } => Habit { back: [Back::Reuse, Back::New], ..PLAIN },
        Prim::GroupNorm { .. } => batch_norm(mode, inputs, out),
        // Composed of a maximum for each row and column of the result, each of which keeps where it found its own.
        Prim::AdaptivePool { max: true, .. } if !divides(inputs, output) => {
            Habit { kept: Kept::None, private: 3 * input, work: input, back_work: 2 * input, ..PLAIN }
        }
        Prim::Pool { kind: PoolKind::Max, .. } | Prim::AdaptivePool { max: true, .. } => {
            // A place is one byte.
            let turned = if mode.channels_last { 0 } else { input + out };
            Habit { kept: Kept::None, private: out / 4, work: turned, back_work: turned, ..PLAIN }
        }
        Prim::Pool { .. } | Prim::AdaptivePool { .. } | Prim::Interpolate { .. } => {
            let turned = if mode.channels_last { 0 } else { out };
            Habit { kept: Kept::None, work: turned, back_work: turned, ..PLAIN }
        }
        Prim::Reshape { .. } | Prim::Slice { step: 1, .. } | Prim::Expand { .. } => {
            let back = if matches!(prim, Prim::Reshape { .. }) { Back::Share } else { Back::New };
            Habit { back: [back; 2], ..VIEW }
        }
        Prim::Permute { dims } if matches!(dims.as_slice(), [0, 2, 3, 1] | [0, 3, 1, 2]) => {
            Habit { kept: Kept::None, ..PLAIN }
        }
        Prim::Permute { .. } => VIEW,
        Prim::Concat { .. } => Habit { kept: Kept::None, ..PLAIN },
        Prim::Dropout { mask, .. } => {
            let mask = 4 * mask.iter().product::<usize>() as u64;
            Habit { kept: Kept::None, private: mask, back: [Back::Reuse; 2], ..PLAIN }
        }
        Prim::Slice { .. } | Prim::Flip { .. } | Prim::Pad { .. } => Habit { kept: Kept::None, ..PLAIN },
        Prim::Gather { .. } | Prim::IndexSelect { .. } | Prim::Scatter { .. } => {
            Habit { kept: Kept::Last, back_work: input, ..PLAIN }
        }
        // Its places are kept, each in eight bytes.
        Prim::TopK { .. } => Habit { kept: Kept::None, private: 2 * out, back_work: input, ..PLAIN },
        Prim::Full { .. } | Prim::Arange { .. } | Prim::Literal { .. } | Prim::Random { .. } => {
            Habit { differentiable: false, work: 2 * out, ..PLAIN }
        }
        Prim::Detach => Habit { differentiable: false, ..VIEW },
    }
}

fn conv_geometry(
    stride: &[usize],
    padding: &[(usize, usize)],
    dilation: &[usize],
    groups: usize,
) -> Option<ConvGeometry> {
    let two = |v: &[usize]| Some([*v.first()?, *v.get(1)?]).filter(|_| v.len() == 2);
    let amounts: Vec<usize> = padding.iter().map(|p| p.0).collect();
    Some(ConvGeometry { stride: two(stride)?, padding: two(&amounts)?, dilation: two(dilation)?, groups })
}

/// Working memory of a convolution's three passes; those of a transposed one are the other way round.
fn conv_work(inputs: &[&TensorType], output: &TensorType, mode: Mode, g: ConvGeometry, transposed: bool) -> [u64; 3] {
    let last = |shape: &[usize]| match (mode.channels_last, shape) {
        (false, &[n, c, h, w]) => vec![n, h, w, c],
        _ => shape.to_vec(),
    };
    let (x, w) = (last(&inputs[0].shape), &inputs[1].shape);
    match transposed {
        false => kernels::convolution_work(&x, w, g),
        true => {
            let [forward, dx, dw] = kernels::convolution_work(&last(&output.shape), w, g);
            [dx, forward, dw]
        }
    }
}

fn convolution(inputs: &[&TensorType], mode: Mode, out: u64, input: u64, [forward, dx, dw]: [u64; 3]) -> Habit {
    // Images in the other order are turned round the kernel.
    let turned = if mode.channels_last { 0 } else { input.max(out) };
    let biased = if inputs.len() > 2 && !mode.channels_last { out } else { 0 };
    Habit {
        kept: Kept::Factors,
        work: forward.max(biased) + turned,
        back_work: dx.max(dw + bytes(inputs[1])) + turned,
        private: if mode.channels_last { 0 } else { input },
        ..PLAIN
    }
}

fn unary(op: UnaryOp, out: u64) -> Habit {
    use UnaryOp::*;
    if Flex::joins(op) {
        let keeps_result = Flex::activation_keeps_result(op);
        let kept = if keeps_result { Kept::None } else { Kept::First };
        return Habit { kept, keeps_result, back: [Back::Reuse; 2], ..PLAIN };
    }
    // How many tensors the composed form keeps besides its argument.
    let more = match op {
        Neg => return Habit { made: Made::InPlace, kept: Kept::None, back: [Back::Reuse; 2], ..PLAIN },
        Not | IsNan | IsInf | Sign | Floor | Ceil | Round | Trunc => {
            return Habit { differentiable: false, ..PLAIN };
        }
        Softplus { .. } => 3,
        Expm1 => 4,
        Log2 | Log10 | Rsqrt => 1,
        _ => 0,
    };
    Habit { private: more * out, work: out.min(more * out), back_work: out, ..PLAIN }
}

fn binary(op: BinaryOp, inputs: &[&TensorType], output: &TensorType, out: u64) -> Habit {
    use BinaryOp::*;
    let same = inputs.iter().all(|ty| ty.shape == output.shape);
    match op {
        Add | Sub if same => {
            let second = if op == Add { Back::Share } else { Back::New };
            Habit { made: Made::InPlace, kept: Kept::None, back: [Back::Share, second], ..PLAIN }
        }
        Add | Sub => {
            let back = |k: usize| if inputs[k].shape == output.shape { Back::Share } else { Back::New };
            Habit { made: Made::InPlace, kept: Kept::None, back: [back(0), back(1)], ..PLAIN }
        }
        Mul => Habit { kept: Kept::Factors, ..PLAIN },
        Div | Pow | Atan2 | Remainder => Habit { kept: Kept::Factors, back_work: 2 * out, ..PLAIN },
        Maximum | Minimum => Habit { kept: Kept::None, private: out / 2, work: out, back_work: out, ..PLAIN },
        _ => Habit { differentiable: false, ..PLAIN },
    }
}

fn batch_norm(mode: Mode, inputs: &[&TensorType], out: u64) -> Habit {
    // Images in PyTorch's order are turned to rows of channels and back.
    let turned = if mode.channels_last || inputs[0].rank() == 2 { 0 } else { out };
    let first = if mode.residual { Back::New } else { Back::Reuse };
    Habit {
        kept: if turned == 0 { Kept::First } else { Kept::None },
        private: turned,
        work: turned,
        back_work: turned,
        keeps_result: mode.residual && mode.activation.is_some(),
        back: [first, Back::New],
        residual: mode.residual,
        ..PLAIN
    }
}
