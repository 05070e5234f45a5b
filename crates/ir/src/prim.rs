//! The primitives: a closed set of some forty tensor functions that every operator is made of.
//!
//! Each has a shape rule here, a naive meaning in the reference interpreter, a cost, a lowering and an export. Operands of
//! one primitive have equal element types (operators promote first); broadcasting is part of `Binary` and `Where` alone.

mod form;
mod shape;

use crate::types::{DType, TensorType};
use serde::{Deserialize, Serialize};

pub use shape::infer;

/// A tensor function. Inputs are listed in square brackets; `?` marks those that a flag of the primitive announces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Prim {
    /// `[x: N,C,*s | w: O,C/groups,*k | b?: O]` → `N,O,*s'`. Cross-correlation over 1 to 3 spatial dimensions.
    Conv {
        /// Step of the window.
        stride: Vec<usize>,
        /// Zeros before and after, for each spatial dimension.
        padding: Vec<(usize, usize)>,
        /// Distance between taps.
        dilation: Vec<usize>,
        /// Number of channel groups.
        groups: usize,
    },
    /// `[x: N,C,*s | w: C,O/groups,*k | b?: O]` → `N,O,*s'`. The transpose of `Conv`.
    ConvTranspose {
        /// Step of the window.
        stride: Vec<usize>,
        /// Cut from both ends.
        padding: Vec<usize>,
        /// Added to one end.
        output_padding: Vec<usize>,
        /// Distance between taps.
        dilation: Vec<usize>,
        /// Number of channel groups.
        groups: usize,
    },
    /// `[a: *b,m,k | b: *b,k,n]` → `*b,m,n`. Batch dimensions are equal.
    MatMul,
    /// `[x]` → same type, or bool for predicates.
    Unary(UnaryOp),
    /// `[a | b]`, broadcast; comparisons give bool.
    Binary(BinaryOp),
    /// `[x]`: one operand is a number.
    Scalar {
        /// The function.
        op: BinaryOp,
        /// The number.
        value: f64,
        /// Whether the number is the first operand.
        reversed: bool,
    },
    /// `[condition: bool | a | b]`, broadcast.
    Where,
    /// `[x]` → the same shape in another element type, as `Tensor.to` converts.
    Cast(DType),
    /// `[x]` → reduced over `dims`.
    Reduce {
        /// The function.
        op: ReduceOp,
        /// Reduced dimensions, each once.
        dims: Vec<usize>,
        /// Whether they stay with size 1.
        keepdim: bool,
    },
    /// `[x]` → i64 indices of the first extreme along `dim` (removed).
    ArgReduce {
        /// Maximum rather than minimum.
        max: bool,
        /// Reduced dimension.
        dim: usize,
    },
    /// `[x]` → running sum along `dim`.
    CumSum {
        /// The dimension.
        dim: usize,
    },
    /// `[x]` → softmax (or its logarithm) along `dim`.
    Softmax {
        /// The dimension.
        dim: usize,
        /// Logarithm of the softmax.
        log: bool,
    },
    /// `[x: N,C,* | weight? | bias? | running_mean? | running_var?]` → like x. In training with running statistics it also
    /// updates them in place: `r ← (1−m)·r + m·batch`, with the unbiased batch variance.
    BatchNorm {
        /// Batch statistics (true) or running statistics (false).
        training: bool,
        /// Weight of the new statistics; `None`: cumulative average, which takes `num_batches_tracked` into account.
        momentum: Option<f64>,
        /// Added to the variance.
        eps: f64,
        /// Whether weight and bias are given.
        affine: bool,
        /// Whether running statistics are given.
        stats: bool,
    },
    /// `[x | weight? | bias?]` → normalised over the last `axes` dimensions.
    LayerNorm {
        /// How many trailing dimensions.
        axes: usize,
        /// Added to the variance.
        eps: f64,
        /// Whether a weight is given.
        weight: bool,
        /// Whether a bias is given.
        bias: bool,
    },
    /// `[x: N,C,* | weight? | bias?: C]` → normalised within each of `groups` channel groups.
    GroupNorm {
        /// Number of groups.
        groups: usize,
        /// Added to the variance.
        eps: f64,
        /// Whether weight and bias are given.
        affine: bool,
    },
    /// `[x: N,C,*s]` → pooled over 1 to 3 spatial dimensions.
    Pool {
        /// Maximum or average.
        kind: PoolKind,
        /// Window.
        kernel: Vec<usize>,
        /// Step.
        stride: Vec<usize>,
        /// Padding on both sides.
        padding: Vec<usize>,
        /// Distance between taps (maximum only).
        dilation: Vec<usize>,
        /// Round the output size up.
        ceil_mode: bool,
    },
    /// `[x: N,C,*s]` → `N,C,*output`, windows as PyTorch divides them: from ⌊i·s/o⌋ to ⌈(i+1)·s/o⌉.
    AdaptivePool {
        /// Maximum rather than average.
        max: bool,
        /// Spatial output sizes.
        output: Vec<usize>,
    },
    /// `[x]` → the same elements in row-major order under another shape.
    Reshape {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// `[x]` → dimension `i` of the result is dimension `dims[i]` of x.
    Permute {
        /// The order.
        dims: Vec<usize>,
    },
    /// `[x]` → broadcast to `shape`.
    Expand {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// `[x]` → elements `start, start+step, … < end` of `dim`.
    Slice {
        /// The dimension.
        dim: usize,
        /// First.
        start: usize,
        /// One past the last.
        end: usize,
        /// At least 1.
        step: usize,
    },
    /// `[x]` → reversed along `dims`.
    Flip {
        /// The dimensions.
        dims: Vec<usize>,
    },
    /// `[x…]` → joined along `dim`.
    Concat {
        /// The dimension.
        dim: usize,
    },
    /// `[x]` → padded; negative amounts cut (constant mode only).
    Pad {
        /// What is put there.
        mode: PadMode,
        /// Before and after, for each dimension.
        pads: Vec<(i64, i64)>,
    },
    /// `[x | index: i64]` → `out[i][j][k] = x[index[i][j][k]][j][k]` for dim 0, and so on.
    Gather {
        /// The dimension.
        dim: usize,
    },
    /// `[x | index: i64, 1-d]` → the chosen slices of `dim`.
    IndexSelect {
        /// The dimension.
        dim: usize,
    },
    /// `[x | index: i64 | src]` → x with `src` written (or added) at `index` along `dim`.
    Scatter {
        /// The dimension.
        dim: usize,
        /// Add rather than replace.
        add: bool,
    },
    /// `[x]` → values and i64 indices of the k extremes of `dim`, in order.
    TopK {
        /// How many.
        k: usize,
        /// The dimension.
        dim: usize,
        /// The largest rather than the smallest.
        largest: bool,
    },
    /// `[x: N,C,*s]` → resized.
    Interpolate {
        /// Spatial output sizes.
        size: Vec<usize>,
        /// How values between samples are made.
        mode: InterpolateMode,
        /// Corner samples coincide.
        align_corners: bool,
        /// Scale factors that coordinates use instead of the ratio of sizes, where the caller gave them.
        scales: Option<Vec<f64>>,
    },
    /// `[x]` → in training, elements zeroed with probability `p` and the rest scaled by 1/(1−p). The mask has the shape
    /// `mask` (1 where it is broadcast), so that whole channels can be dropped.
    Dropout {
        /// Probability of zero.
        p: f64,
        /// Shape of the mask, of x's rank.
        mask: Vec<usize>,
    },
    /// `[]` → filled with one value.
    Full {
        /// Type of the result.
        ty: TensorType,
        /// The value.
        value: f64,
    },
    /// `[]` → `start + i·step`, i < n.
    Arange {
        /// First value.
        start: f64,
        /// Difference.
        step: f64,
        /// Number of values.
        n: usize,
        /// Element type.
        dtype: DType,
    },
    /// `[]` → these values.
    Literal {
        /// Type of the result.
        ty: TensorType,
        /// Row-major values.
        values: Vec<f64>,
    },
    /// `[]` → random values, drawn anew at each execution.
    Random {
        /// Type of the result.
        ty: TensorType,
        /// How they are distributed.
        distribution: Distribution,
    },
    /// `[x]` → x, without gradient.
    Detach,
}

/// A function of one element.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the functions")]
pub enum UnaryOp {
    Neg,
    Abs,
    Sign,
    Exp,
    Expm1,
    Log,
    Log2,
    Log10,
    Log1p,
    Sqrt,
    Rsqrt,
    Reciprocal,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Erf,
    Floor,
    Ceil,
    Round,
    Trunc,
    Sigmoid,
    Relu,
    Silu,
    Mish,
    HardSigmoid,
    HardSwish,
    /// `x·Φ(x)`, or its tanh approximation.
    Gelu {
        tanh: bool,
    },
    /// `x` above 0, `slope·x` below.
    LeakyRelu {
        slope: f64,
    },
    /// `scale·x` above 0, `scale·alpha·(exp(input_scale·x) − 1)` below: ELU, SELU, CELU.
    Elu {
        alpha: f64,
        scale: f64,
        input_scale: f64,
    },
    /// `ln(1 + exp(beta·x)) / beta`, linear where `beta·x > threshold`.
    Softplus {
        beta: f64,
        threshold: f64,
    },
    /// Limited to `min ≤ x ≤ max`.
    Clamp {
        min: f64,
        max: f64,
    },
    /// Logical not, of bool.
    Not,
    IsNan,
    IsInf,
}

/// A function of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the functions")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    /// True division, of floats.
    Div,
    /// Rounded towards minus infinity.
    FloorDiv,
    /// Python's `%`: the sign of the divisor.
    Remainder,
    Pow,
    Maximum,
    Minimum,
    Atan2,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Xor,
}

impl BinaryOp {
    /// Whether the result is bool.
    pub fn is_comparison(self) -> bool {
        use BinaryOp::*;
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge)
    }
}

/// A function of many elements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the functions")]
pub enum ReduceOp {
    Sum,
    Mean,
    Prod,
    /// The gradient is shared among equal maxima, as in `torch.amax`.
    Max,
    /// As `Max`.
    Min,
    Any,
    All,
    /// Variance with `n − correction` in the denominator.
    Var {
        correction: f64,
    },
}

/// What a pool computes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum PoolKind {
    /// The maximum; padding never wins.
    Max,
    /// The average.
    Avg {
        /// Padding counts in the denominator.
        count_include_pad: bool,
        /// The denominator, where it is given.
        divisor: Option<usize>,
    },
}

/// What padding is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum PadMode {
    /// One value.
    Constant(f64),
    /// Mirrored without the edge.
    Reflect,
    /// The edge.
    Replicate,
    /// The other end.
    Circular,
}

/// How `Interpolate` finds values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InterpolateMode {
    /// PyTorch's `nearest`: ⌊i·scale⌋.
    Nearest,
    /// `nearest-exact`: ⌊(i + ½)·scale⌋.
    NearestExact,
    /// `linear`, `bilinear`, `trilinear`.
    Linear,
    /// `bicubic` with a = −0.75.
    Cubic,
    /// `area`: adaptive average.
    Area,
}

/// A distribution of random values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Distribution {
    /// Uniform in `[low, high)`.
    Uniform {
        /// Smallest value.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Normal, drawn again outside `[a, b]`.
    TruncatedNormal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
        /// Smallest value.
        a: f64,
        /// Largest value.
        b: f64,
    },
    /// 1 with probability `p`, else 0.
    Bernoulli {
        /// Probability of 1.
        p: f64,
    },
    /// A (semi-)orthogonal matrix times `gain`; dimensions after the first count as columns.
    Orthogonal {
        /// Factor.
        gain: f64,
    },
    /// A random order of 0 … n−1 (1-d, i64).
    Permutation,
}
