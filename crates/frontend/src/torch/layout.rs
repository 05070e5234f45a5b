//! How a tensor lies in memory: its strides, as far as PyTorch's code can be seen to depend on them (`view`, `is_contiguous`,
//! `stride`).
//!
//! Views have exact strides. Of other results it is known for most operators that they are contiguous or lie as their input;
//! where that depends on the backend nothing is claimed, and whatever asks then gets the answer that refuses nothing.
//!
//! Source: `computeStride` of ATen/TensorUtils.cpp for views; the memory format that each operator allocates its result in.

use super::trace::TensorArg;
use archsmith_ir::{Attr, OpId};
use std::rc::Rc;

/// Where the elements of a tensor lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Row by row, without gaps.
    Contiguous,
    /// By these strides, in elements.
    Strided(Rc<[usize]>),
    /// Not followed.
    Unknown,
}

/// The strides of a contiguous tensor.
pub(crate) fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for d in (1..shape.len()).rev() {
        strides[d - 1] = strides[d].saturating_mul(shape[d].max(1));
    }
    strides
}

impl Layout {
    /// The strides, where they are known.
    pub(crate) fn strides(&self, shape: &[usize]) -> Option<Vec<usize>> {
        match self {
            Layout::Contiguous => Some(row_major(shape)),
            Layout::Strided(s) => Some(s.to_vec()),
            Layout::Unknown => None,
        }
    }

    /// Of a tensor of this shape with these strides.
    pub(crate) fn of(shape: &[usize], strides: Vec<usize>) -> Layout {
        let mut expected = 1;
        let plain = shape.contains(&0)
            || shape.iter().zip(&strides).rev().all(|(&n, &s)| {
                let fits = n == 1 || s == expected;
                expected *= n.max(1);
                fits
            });
        if plain { Layout::Contiguous } else { Layout::Strided(strides.into()) }
    }

    /// Of a new tensor of this shape that is made to lie as this one does.
    pub(crate) fn kept(&self, shape: &[usize]) -> Layout {
        match self {
            Layout::Strided(s) if !dense(shape, s) => Layout::Unknown,
            other => other.clone(),
        }
    }

    /// Whether the elements lie row by row; what is not known counts as yes.
    pub(crate) fn is_contiguous(&self) -> bool {
        !matches!(self, Layout::Strided(_))
    }
}

/// Whether every element has its own place and there are no gaps: elementwise operators then keep the strides.
fn dense(shape: &[usize], strides: &[usize]) -> bool {
    let mut dims: Vec<(usize, usize)> =
        strides.iter().copied().zip(shape.iter().copied()).filter(|(_, n)| *n != 1).collect();
    dims.sort_unstable();
    let mut expected = 1;
    dims.iter().all(|&(s, n)| {
        let fits = s == expected;
        expected *= n;
        fits
    })
}

/// The strides under which a tensor can be seen in another shape without a copy.
pub(crate) fn viewed(shape: &[usize], strides: &[usize], new: &[usize]) -> Option<Vec<usize>> {
    if shape.contains(&0) {
        return Some(row_major(new));
    }
    let Some(&last) = strides.last() else { return Some(vec![1; new.len()]) };
    let mut out = vec![0; new.len()];
    let mut at = new.len();
    let (mut base, mut old_count, mut new_count) = (last, 1usize, 1usize);
    for d in (0..shape.len()).rev() {
        old_count *= shape[d];
        if d == 0 || (shape[d - 1] != 1 && strides[d - 1] != old_count * base) {
            while at > 0 && (new_count < old_count || new[at - 1] == 1) {
                at -= 1;
                out[at] = new_count * base;
                new_count *= new[at];
            }
            if new_count != old_count {
                return None;
            }
            if d > 0 {
                base = strides[d - 1];
                (old_count, new_count) = (1, 1);
            }
        }
    }
    (at == 0).then_some(out)
}

/// Operators of one tensor whose result lies as the tensor does.
fn keeps(name: &str) -> bool {
    const NAMES: &str = " abs acos alpha_dropout asin atan bernoulli cast ceil celu clamp clamp_max clamp_min clone cos cosh \
        detach dropout dropout1d dropout2d dropout3d elu erf erfc erfinv exp exp2 expm1 feature_alpha_dropout floor frac gelu \
        hardshrink hardsigmoid hardswish hardtanh isfinite isinf isnan leaky_relu log log10 log1p log2 logical_not logit \
        logsigmoid mish nan_to_num neg ones_like rand_like randn_like reciprocal relu relu6 round rrelu rsqrt selu sigmoid \
        sign silu sin sinh softplus softshrink softsign sqrt square tan tanh tanhshrink threshold trunc zeros_like empty_like \
        full_like bitwise_not ";
    is_in(NAMES, name)
}

/// Elementwise operators of several tensors.
fn joins(name: &str) -> bool {
    const NAMES: &str = " add sub mul div pow maximum minimum eq ne lt le gt ge rsub remainder fmod atan2 floor_divide \
        logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor lerp addcmul addcdiv where where_self \
        masked_fill hypot ";
    is_in(NAMES, name)
}

/// Operators whose result is contiguous however their inputs lie.
fn packs(name: &str) -> bool {
    const NAMES: &str = " contiguous linear softmax log_softmax layer_norm bmm mm addmm baddbmm mv dot embedding one_hot \
        unfold fold pixel_shuffle pixel_unshuffle channel_shuffle repeat tile cat_sequence ";
    is_in(NAMES, name)
}

/// Operators whose result may lie otherwise even if all inputs are contiguous.
fn rearranges(name: &str) -> bool {
    const NAMES: &str = " lstm gru rnn_tanh rnn_relu multi_head_attention einsum scaled_dot_product_attention index \
        index_select gather topk sort argsort rot90 bilinear affine_grid cdist median_dim take_along_dim std std_mean \
        cumprod movedim ";
    is_in(NAMES, name)
}

fn is_in(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|n| n == name)
}

/// Views that can make a contiguous tensor non-contiguous.
fn moves(name: &str) -> bool {
    const NAMES: &str = " transpose permute t numpy_t matrix_transpose movedim expand expand_as broadcast_to slice select \
        narrow chunk split tensor_split unbind diagonal unfold_dim squeeze unsqueeze view view_as reshape flatten unflatten \
        broadcast_tensors meshgrid ";
    is_in(NAMES, name)
}

/// What is asked of a result: cheap for the common case of contiguous inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Keeps,
    Joins,
    Packs,
    Rearranges,
    Moves,
    Other,
}

fn class(op: OpId) -> Class {
    use std::sync::OnceLock;
    static TABLE: OnceLock<Vec<Class>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        OpId::all()
            .map(|op| match op.get().name {
                n if moves(n) => Class::Moves,
                n if keeps(n) => Class::Keeps,
                n if joins(n) => Class::Joins,
                n if packs(n) => Class::Packs,
                n if rearranges(n) => Class::Rearranges,
                _ => Class::Other,
            })
            .collect()
    });
    table.get(op.index()).copied().unwrap_or(Class::Rearranges)
}

/// The layouts of an operator's results, given its arguments and the shapes of the results.
pub(crate) fn results(op: OpId, args: &[TensorArg], shapes: &[&[usize]]) -> Vec<Layout> {
    let mut tensors = args.iter().flat_map(|a| match a {
        TensorArg::Tensor(t) => std::slice::from_ref(t),
        TensorArg::Tensors(ts) => ts.as_slice(),
        TensorArg::Attr(_) => &[],
    });
    let plain = tensors.all(|t| *t.layout.borrow() == Layout::Contiguous);
    let all = |l: Layout| vec![l; shapes.len()];
    match class(op) {
        Class::Moves => shapes.iter().enumerate().map(|(k, s)| moved(op, args, k, s)).collect(),
        Class::Rearranges => all(Layout::Unknown),
        Class::Packs => all(Layout::Contiguous),
        _ if plain && op.get().name != "matmul" => all(Layout::Contiguous),
        Class::Keeps => match args.first() {
            Some(TensorArg::Tensor(t)) => {
                let kept = t.layout.borrow().kept(&t.shape());
                all(kept)
            }
            _ => all(Layout::Unknown),
        },
        Class::Joins => all(joined(args, shapes.first().copied().unwrap_or_default())),
        _ if op.get().name == "matmul" => {
            let ranks: Vec<usize> = args
                .iter()
                .filter_map(|a| match a {
                    TensorArg::Tensor(t) => Some(t.rank()),
                    _ => None,
                })
                .collect();
            match ranks.as_slice() {
                [a, b] if *b >= 2 && (a >= b || *a >= 3) => all(Layout::Contiguous),
                _ => all(Layout::Unknown),
            }
        }
        _ => all(Layout::Unknown),
    }
}

/// An elementwise result: as the operands of its shape lie, if they agree and the others have no order of their own.
fn joined(args: &[TensorArg], shape: &[usize]) -> Layout {
    let mut found: Option<Layout> = None;
    for a in args {
        let TensorArg::Tensor(t) = a else { continue };
        let own = t.shape();
        let layout = t.layout.borrow().clone();
        if own != shape {
            if own.iter().filter(|n| **n != 1).count() > 1 {
                return Layout::Unknown;
            }
            continue;
        }
        match &layout {
            Layout::Unknown => return Layout::Unknown,
            Layout::Strided(s) if !dense(shape, s) => return Layout::Unknown,
            _ => {}
        }
        if found.as_ref().is_some_and(|f| *f != layout) {
            return Layout::Unknown;
        }
        found = Some(layout);
    }
    found.unwrap_or(Layout::Unknown)
}

/// A view: its exact strides.
fn moved(op: OpId, args: &[TensorArg], output: usize, shape: &[usize]) -> Layout {
    let Some(TensorArg::Tensor(base)) = args.first() else { return Layout::Unknown };
    let layout = base.layout.borrow().clone();
    let old = base.shape();
    let Some(strides) = layout.strides(&old) else { return Layout::Unknown };
    let arg = |name: &str| op.signature().index(name).and_then(|k| args.get(k));
    let int = |name: &str| match arg(name) {
        Some(TensorArg::Attr(a)) => a.as_i64(),
        _ => None,
    };
    let rank = old.len();
    let dim = |name: &str| int(name).and_then(|d| archsmith_ir::op::normalize_dim(d, rank).ok()).filter(|d| *d < rank);
    let strided = |s: Option<Vec<usize>>| match s {
        Some(s) if s.len() == shape.len() => Layout::of(shape, s),
        _ => Layout::Unknown,
    };
    let swapped = |a: Option<usize>, b: Option<usize>| match (a, b) {
        (Some(a), Some(b)) => {
            let mut s = strides.clone();
            s.swap(a, b);
            Some(s)
        }
        _ => None,
    };
    match op.get().name {
        "transpose" => strided(swapped(dim("dim0"), dim("dim1"))),
        "t" => strided(if rank == 2 { swapped(Some(0), Some(1)) } else { Some(strides.clone()) }),
        "matrix_transpose" => strided(swapped(rank.checked_sub(2), rank.checked_sub(1))),
        "numpy_t" => strided(Some(strides.iter().rev().copied().collect())),
        "permute" => {
            let Some(TensorArg::Attr(Attr::Ints(dims))) = arg("dims") else { return Layout::Unknown };
            let s: Option<Vec<usize>> = dims
                .iter()
                .map(|d| archsmith_ir::op::normalize_dim(*d, rank).ok().and_then(|d| strides.get(d).copied()))
                .collect();
            strided(s)
        }
        "expand" | "expand_as" | "broadcast_to" => {
            let Some(new) = shape.len().checked_sub(rank) else { return Layout::Unknown };
            let s = (0..shape.len())
                .map(|d| if d < new || (old[d - new] == 1 && shape[d] != 1) { 0 } else { strides[d - new] })
                .collect();
            strided(Some(s))
        }
        "slice" => {
            let mut s = strides.clone();
            let Some(d) = dim("dim") else { return Layout::Unknown };
            s[d] *= int("step").and_then(|v| usize::try_from(v).ok()).unwrap_or(1);
            strided(Some(s))
        }
        "narrow" | "chunk" | "split" | "tensor_split" => {
            let _ = output;
            strided(Some(strides.clone()))
        }
        "select" | "unbind" => {
            let Some(d) = dim("dim") else { return Layout::Unknown };
            let mut s = strides.clone();
            s.remove(d);
            strided(Some(s))
        }
        "squeeze" | "unsqueeze" | "view" | "view_as" | "unflatten" => strided(viewed(&old, &strides, shape)),
        "reshape" | "flatten" => match viewed(&old, &strides, shape) {
            Some(s) => Layout::of(shape, s),
            None => Layout::Contiguous,
        },
        _ => Layout::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_matrix_cannot_be_flattened() {
        assert_eq!(viewed(&[3, 2], &[1, 3], &[6]), None);
        assert_eq!(viewed(&[2, 3, 4], &[12, 1, 3], &[2, 3, 2, 2]), Some(vec![12, 1, 6, 3]));
    }

    #[test]
    fn neighbouring_dimensions_of_a_permuted_tensor_can_be_joined() {
        // NCHW seen as NHWC: height and width still lie together.
        assert_eq!(viewed(&[2, 4, 4, 3], &[48, 4, 1, 16], &[2, 16, 3]), Some(vec![48, 1, 16]));
        assert_eq!(viewed(&[2, 4, 4, 3], &[48, 4, 1, 16], &[2, 48]), None);
    }

    #[test]
    fn dimensions_of_one_have_no_place() {
        assert_eq!(Layout::of(&[2, 1, 3], vec![3, 77, 1]), Layout::Contiguous);
        assert_eq!(viewed(&[2, 3, 1, 1], &[3, 1, 1, 1], &[2, 3]), Some(vec![3, 1]));
    }
}
