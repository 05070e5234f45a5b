//! Functions of many elements.
//!
//! Sums go dimension by dimension and never through the library's whole-tensor sum: that one adds partial sums in the order
//! in which threads finish, and equal seeds must give equal bits.

use super::value::{INT, Place, Value};
use crate::kernels::Kernels;
use archsmith_ir::prim::ReduceOp;
use burn::tensor::TensorMetadata;
use burn::tensor::ops::FloatTensor;

/// Reduced over `dims`; the result has the kept elements in order, under any shape.
pub(super) fn reduce<B: Kernels>(
    op: ReduceOp,
    x: Value<B>,
    shape: &[usize],
    dims: &[usize],
    place: &Place<B>,
) -> Value<B> {
    let (x, n) = gather_dims(x, shape, dims);
    match op {
        ReduceOp::Any | ReduceOp::All => {
            let hits = B::int_sum_dim(place.to_int(Value::Bool(place.to_bool(x))), 1);
            let least = if op == ReduceOp::Any { 1 } else { n as i64 };
            return Value::Bool(B::int_greater_equal_elem(hits, least.into(), place.bool_store));
        }
        _ => {}
    }
    match x {
        Value::Float(x) => Value::Float(float_reduce::<B>(op, x, n, place)),
        other => {
            let x = place.to_int(other);
            Value::Int(match op {
                ReduceOp::Prod => B::int_prod_dim(x, 1),
                ReduceOp::Max => {
                    let i = B::int_argmax(x.clone(), 1);
                    B::int_gather(1, x, i)
                }
                ReduceOp::Min => {
                    let i = B::int_argmin(x.clone(), 1);
                    B::int_gather(1, x, i)
                }
                ReduceOp::Mean => B::int_cast(B::int_mean_dim(x, 1), INT),
                _ => B::int_sum_dim(x, 1),
            })
        }
    }
}

/// As `[outer, n, inner]`, with the reduced elements in the middle.
fn gather_dims<B: Kernels>(x: Value<B>, shape: &[usize], dims: &[usize]) -> (Value<B>, usize) {
    let mut dims = dims.to_vec();
    dims.sort_unstable();
    dims.retain(|&d| d < shape.len());
    let n: usize = dims.iter().map(|&d| shape[d]).product();
    let adjacent = dims.windows(2).all(|w| w[1] == w[0] + 1);
    if let (Some(&first), Some(&last), true) = (dims.first(), dims.last(), adjacent) {
        let outer: usize = shape[..first].iter().product();
        let inner: usize = shape[last + 1..].iter().product();
        return (x.reshape(&[outer, n, inner]), n);
    }
    let kept: Vec<usize> = (0..shape.len()).filter(|d| !dims.contains(d)).collect();
    let outer: usize = kept.iter().map(|&d| shape[d]).product();
    let order: Vec<usize> = kept.into_iter().chain(dims).collect();
    let x = if order.is_empty() { x } else { x.permute(&order) };
    (x.reshape(&[outer, n, 1]), n)
}

fn float_reduce<B: Kernels>(op: ReduceOp, x: FloatTensor<B>, n: usize, place: &Place<B>) -> FloatTensor<B> {
    match op {
        ReduceOp::Mean => B::float_mul_scalar(B::sum_middle(x), (1.0 / n as f64).into()),
        ReduceOp::Prod => product::<B>(x, n, place),
        ReduceOp::Max => extreme::<B>(x, true, place),
        ReduceOp::Min => extreme::<B>(x, false, place),
        ReduceOp::Var { correction } => {
            let mean = B::float_mul_scalar(B::sum_middle(x.clone()), (1.0 / n as f64).into());
            let centred = B::float_sub(x, mean);
            let squares = B::sum_middle(B::float_mul(centred.clone(), centred));
            B::float_mul_scalar(squares, (1.0 / (n as f64 - correction).max(0.0)).into())
        }
        _ => B::sum_middle(x),
    }
}

/// The extreme, with the gradient shared among equal elements.
fn extreme<B: Kernels>(x: FloatTensor<B>, max: bool, place: &Place<B>) -> FloatTensor<B> {
    let x = match B::extreme_middle(x, max) {
        Ok(y) => return y,
        Err(x) => x,
    };
    let fixed = B::float_set_require_grad(x.clone(), false);
    let best = if max { B::float_max_dim(fixed.clone(), 1) } else { B::float_min_dim(fixed.clone(), 1) };
    let hit = B::float_equal(fixed, B::float_expand(best.clone(), x.shape()), place.bool_store);
    let share = B::bool_into_float(hit.clone(), x.dtype().into());
    let share = B::float_div(share.clone(), B::float_sum_dim(share, 1));
    // The value is the extreme itself; the difference that is added is zero and carries the gradient. Infinities have none:
    // their difference is not a number.
    let finite = B::bool_not(B::float_is_inf(B::float_set_require_grad(x.clone(), false), place.bool_store));
    let spread = B::float_sub(x.clone(), B::float_set_require_grad(x.clone(), false));
    let none = B::float_zeros(x.shape(), &place.device, x.dtype().into());
    let spread = B::float_mask_where(none, B::bool_and(hit, finite), spread);
    B::float_add(best, B::float_sum_dim(B::float_mul(spread, share), 1))
}

/// The product, halving the dimension: the library's own goes through logarithms, which negative numbers do not have.
fn product<B: Kernels>(mut x: FloatTensor<B>, mut n: usize, place: &Place<B>) -> FloatTensor<B> {
    while n > 1 {
        let half = n / 2;
        let part = |x: &FloatTensor<B>, range: std::ops::Range<usize>| {
            Value::<B>::Float(x.clone()).narrow(3, 1, range).float(place)
        };
        let paired = B::float_mul(part(&x, 0..half), part(&x, half..2 * half));
        x = if n % 2 == 1 { B::float_cat(vec![paired, part(&x, n - 1..n)], 1) } else { paired };
        n = half + n % 2;
    }
    x
}

/// Softmax or its logarithm, stable.
pub(super) fn softmax<B: Kernels>(x: FloatTensor<B>, shape: &[usize], dim: usize, log: bool) -> FloatTensor<B> {
    let dim = dim.min(shape.len().saturating_sub(1));
    let largest = B::float_max_dim(B::float_set_require_grad(x.clone(), false), dim);
    let shifted = B::float_sub(x, largest);
    if log {
        let total = B::float_log(B::float_sum_dim(B::float_exp(shifted.clone()), dim));
        B::float_sub(shifted, total)
    } else {
        let e = B::float_exp(shifted);
        B::float_div(e.clone(), B::float_sum_dim(e, dim))
    }
}
