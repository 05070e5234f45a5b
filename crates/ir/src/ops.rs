//! The operators, one file each. The list below is exhaustive: what is not in it does not exist.

use crate::op::{Operator, Signatures};
use crate::signature::Signature;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::OnceLock;

mod pooling;
mod recurrent;
mod shared;

macro_rules! operators {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*
        static ALL: &[&Operator] = &[$(&$name::OPERATOR),*];
        static SIGNATURES: [Signatures; ALL.len()] = [const { Signatures::new() }; ALL.len()];
    };
}

operators! {
    abs,
    acos,
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    add,
    addcdiv,
    addcmul,
    addmm,
    affine_grid,
    all,
    alpha_dropout,
    amax,
    amin,
    any,
    arange,
    argmax,
    argmin,
    argsort,
    asin,
    atan,
    atan2,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    baddbmm,
    batch_norm,
    bernoulli,
    bernoulli_fill,
    bilinear,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    bmm,
    broadcast_tensors,
    broadcast_to,
    cast,
    cat,
    cdist,
    ceil,
    celu,
    channel_shuffle,
    chunk,
    clamp,
    clamp_max,
    clamp_min,
    clone,
    contiguous,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    copy,
    cos,
    cosh,
    cosine_similarity,
    count_nonzero,
    cross_entropy,
    cumprod,
    cumsum,
    detach,
    diag,
    diag_embed,
    diagonal,
    dist,
    div,
    dot,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    dstack,
    einsum,
    elu,
    embedding,
    empty,
    empty_like,
    eq,
    erf,
    erfc,
    erfinv,
    exp,
    exp2,
    expand,
    expand_as,
    expm1,
    exponential,
    eye,
    feature_alpha_dropout,
    fill,
    flatten,
    flip,
    fliplr,
    flipud,
    floor,
    floor_divide,
    fmod,
    fold,
    frac,
    full,
    full_like,
    gather,
    ge,
    gelu,
    glu,
    grid_sample,
    group_norm,
    gru,
    gt,
    gumbel_softmax,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hstack,
    huber_loss,
    hypot,
    index,
    index_add,
    index_fill,
    index_put,
    index_select,
    instance_norm,
    interpolate,
    isfinite,
    isinf,
    isnan,
    kl_div,
    l1_loss,
    layer_norm,
    le,
    leaky_relu,
    lerp,
    linalg_norm,
    linear,
    linspace,
    literal,
    local_response_norm,
    log,
    log10,
    log1p,
    log2,
    log_softmax,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    logit,
    logsigmoid,
    logspace,
    logsumexp,
    lp_pool1d,
    lp_pool2d,
    lstm,
    lt,
    masked_fill,
    matmul,
    matrix_transpose,
    max,
    max_dim,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    maximum,
    mean,
    median,
    median_dim,
    meshgrid,
    min,
    min_dim,
    minimum,
    mish,
    mm,
    movedim,
    mse_loss,
    mul,
    multi_head_attention,
    mv,
    nan_to_num,
    nanmean,
    nansum,
    narrow,
    ne,
    neg,
    new_empty,
    new_full,
    new_ones,
    new_zeros,
    nll_loss,
    norm,
    normal,
    normal_fill,
    normalize,
    numpy_t,
    one_hot,
    ones,
    ones_like,
    orthogonal,
    outer,
    pad,
    pairwise_distance,
    permute,
    pixel_shuffle,
    pixel_unshuffle,
    pow,
    prelu,
    prod,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    reciprocal,
    relu,
    relu6,
    remainder,
    repeat,
    repeat_interleave,
    reshape,
    rms_norm,
    rnn_relu,
    rnn_tanh,
    roll,
    rot90,
    round,
    rrelu,
    rsqrt,
    rsub,
    scaled_dot_product_attention,
    scatter,
    scatter_add,
    scatter_value,
    select,
    select_scatter,
    selu,
    sigmoid,
    sign,
    silu,
    sin,
    sinh,
    slice,
    slice_scatter,
    smooth_l1_loss,
    softmax,
    softmin,
    softplus,
    softshrink,
    softsign,
    sort,
    split,
    sqrt,
    square,
    squeeze,
    stack,
    std_dev,
    std_mean,
    sub,
    sum,
    t,
    take_along_dim,
    tan,
    tanh,
    tanhshrink,
    tensor_split,
    threshold,
    tile,
    topk,
    transpose,
    trapezoid,
    tril,
    triu,
    trunc,
    trunc_normal,
    type_as,
    unbind,
    unflatten,
    unfold,
    unfold_dim,
    uniform,
    unsqueeze,
    var,
    var_mean,
    vector_norm,
    view,
    view_as,
    vstack,
    where_op,
    where_self,
    zero,
    zeros,
    zeros_like,
}

/// An operator of the list. Stored by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpId(u16);

impl OpId {
    /// Every operator, in the order of the list.
    pub fn all() -> impl Iterator<Item = OpId> {
        (0..ALL.len() as u16).map(OpId)
    }

    /// The operator with this name.
    pub fn by_name(name: &str) -> Option<OpId> {
        static INDEX: OnceLock<FxHashMap<&'static str, OpId>> = OnceLock::new();
        INDEX.get_or_init(|| OpId::all().map(|id| (id.get().name, id)).collect()).get(name).copied()
    }

    /// The operators that a dotted path reaches, with the signature of that spelling, in order of preference.
    /// `torch.nn.functional.relu`, `Tensor.relu`, …
    pub fn by_path(path: &str) -> &'static [(OpId, &'static Signature)] {
        type Index = FxHashMap<&'static str, Vec<(OpId, &'static Signature)>>;
        static INDEX: OnceLock<Index> = OnceLock::new();
        let index = INDEX.get_or_init(|| {
            let mut index = Index::default();
            for id in OpId::all() {
                for s in id.signatures() {
                    index.entry(s.path).or_default().push((id, s));
                }
            }
            index
        });
        index.get(path).map_or(&[], Vec::as_slice)
    }

    /// Its place in the list.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The operator itself.
    pub fn get(self) -> &'static Operator {
        ALL[self.0 as usize]
    }

    /// All its signatures; the first is canonical.
    pub fn signatures(self) -> &'static [Signature] {
        SIGNATURES[self.0 as usize].get(self.get())
    }

    /// Its canonical signature: the arguments of its nodes.
    pub fn signature(self) -> &'static Signature {
        &self.signatures()[0]
    }
}

impl std::fmt::Debug for OpId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.get().name)
    }
}

impl Serialize for OpId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.get().name)
    }
}

impl<'de> Deserialize<'de> for OpId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = String::deserialize(d)?;
        OpId::by_name(&name).ok_or_else(|| serde::de::Error::custom(format!("unknown operator '{name}'")))
    }
}
