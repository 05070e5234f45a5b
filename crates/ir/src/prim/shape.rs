//! The shape and dtype rule of every primitive.

use super::{PadMode, Prim, ReduceOp, UnaryOp};
use crate::op::OpError;
use crate::types::{DType, TensorType, broadcast};

type Types = Result<Vec<TensorType>, OpError>;

/// The types of a primitive's outputs.
///
/// # Errors
/// Where the inputs do not fit the primitive: the same inputs that PyTorch refuses, in words that name both sides.
pub fn infer(prim: &Prim, inputs: &[&TensorType]) -> Types {
    super::form::check(prim, inputs)?;
    let input = |i: usize| -> Result<&TensorType, OpError> {
        inputs.get(i).copied().ok_or_else(|| OpError::argument(format!("a primitive needs at least {} inputs", i + 1)))
    };
    let one = |ty: TensorType| Ok(vec![ty]);
    match prim {
        Prim::Conv { stride, padding, dilation, groups } => {
            let (x, w) = (input(0)?, input(1)?);
            let spatial = window_rank(x, w.rank(), "convolution")?;
            let (c, cw, o) = (x.shape[1], w.shape[1], w.shape[0]);
            if *groups == 0 || o % groups != 0 {
                return Err(OpError::argument(format!("{o} output channels cannot be divided into {groups} groups")));
            }
            if c != cw.saturating_mul(*groups) {
                return Err(OpError::shape(format!(
                    "the convolution takes {} input channels (weight {:?}, groups {groups}), but the input {:?} has {c}",
                    cw.saturating_mul(*groups),
                    w.shape,
                    x.shape
                )));
            }
            bias_of(inputs.get(2), o)?;
            let mut shape = vec![x.shape[0], o];
            for i in 0..spatial {
                let size = x.shape[2 + i] + padding[i].0 + padding[i].1;
                shape.push(windows(size, w.shape[2 + i], stride[i], dilation[i], false).ok_or_else(|| {
                    OpError::shape(format!(
                        "the kernel {:?} (dilation {dilation:?}) is larger than the padded input {:?}",
                        &w.shape[2..],
                        &x.shape[2..]
                    ))
                    .help("fewer or smaller pools and strides before it leave a larger input; so does padding")
                })?);
            }
            one(TensorType::new(same_dtype(&inputs[..2])?, shape))
        }
        Prim::ConvTranspose { stride, padding, output_padding, dilation, groups } => {
            let (x, w) = (input(0)?, input(1)?);
            let spatial = window_rank(x, w.rank(), "transposed convolution")?;
            if x.shape[1] != w.shape[0] {
                return Err(OpError::shape(format!(
                    "the transposed convolution takes {} input channels, but the input {:?} has {}",
                    w.shape[0], x.shape, x.shape[1]
                )));
            }
            if *groups == 0 || x.shape[1] % groups != 0 {
                return Err(OpError::argument(format!(
                    "{} input channels cannot be divided into {groups} groups",
                    x.shape[1]
                )));
            }
            let o = w.shape[1].saturating_mul(*groups);
            bias_of(inputs.get(2), o)?;
            let mut shape = vec![x.shape[0], o];
            for i in 0..spatial {
                if output_padding[i] >= stride[i].max(dilation[i]) {
                    return Err(OpError::argument("output padding must be smaller than either stride or dilation"));
                }
                let full = (x.shape[2 + i].max(1) - 1) * stride[i]
                    + dilation[i] * (w.shape[2 + i].max(1) - 1)
                    + output_padding[i]
                    + 1;
                shape.push(full.checked_sub(2 * padding[i]).filter(|&n| n > 0).ok_or_else(|| {
                    OpError::shape(format!(
                        "padding {padding:?} leaves nothing of the output of a transposed convolution"
                    ))
                })?);
            }
            one(TensorType::new(same_dtype(&inputs[..2])?, shape))
        }
        Prim::MatMul => {
            let (a, b) = (input(0)?, input(1)?);
            let n = a.rank();
            let fits =
                n >= 2 && n == b.rank() && a.shape[..n - 2] == b.shape[..n - 2] && a.shape[n - 1] == b.shape[n - 2];
            if !fits {
                return Err(OpError::shape(format!("matrices {:?} and {:?} cannot be multiplied", a.shape, b.shape)));
            }
            let mut shape = a.shape.clone();
            shape[n - 1] = b.shape[n - 1];
            one(TensorType::new(same_dtype(inputs)?, shape))
        }
        Prim::Unary(op) => {
            let x = input(0)?;
            let dtype = if matches!(op, UnaryOp::IsNan | UnaryOp::IsInf) { DType::Bool } else { x.dtype };
            one(TensorType::new(dtype, x.shape.clone()))
        }
        Prim::Binary(op) => {
            let (a, b) = (input(0)?, input(1)?);
            let shape = broadcast(&a.shape, &b.shape).ok_or_else(|| {
                OpError::shape(format!("shapes {:?} and {:?} cannot be broadcast together", a.shape, b.shape))
            })?;
            let dtype = same_dtype(inputs)?;
            one(TensorType::new(if op.is_comparison() { DType::Bool } else { dtype }, shape))
        }
        Prim::Scalar { op, .. } => {
            let x = input(0)?;
            one(TensorType::new(if op.is_comparison() { DType::Bool } else { x.dtype }, x.shape.clone()))
        }
        Prim::Where => {
            let (c, a, b) = (input(0)?, input(1)?, input(2)?);
            if c.dtype != DType::Bool {
                return Err(OpError::dtype(format!("a condition must be bool, found {}", c.dtype)));
            }
            let shape = broadcast(&a.shape, &b.shape).and_then(|s| broadcast(&c.shape, &s)).ok_or_else(|| {
                OpError::shape(format!(
                    "shapes {:?}, {:?} and {:?} cannot be broadcast together",
                    c.shape, a.shape, b.shape
                ))
            })?;
            one(TensorType::new(same_dtype(&inputs[1..])?, shape))
        }
        Prim::Cast(to) => one(TensorType::new(*to, input(0)?.shape.clone())),
        Prim::Reduce { op, dims, keepdim } => {
            let x = input(0)?;
            if matches!(op, ReduceOp::Max | ReduceOp::Min) && dims.iter().any(|&d| x.shape.get(d) == Some(&0)) {
                return Err(OpError::shape("cannot take the extreme of no elements"));
            }
            let dtype = if matches!(op, ReduceOp::Any | ReduceOp::All) { DType::Bool } else { x.dtype };
            one(TensorType::new(dtype, reduced(&x.shape, dims, *keepdim)))
        }
        Prim::ArgReduce { dim, .. } => one(TensorType::new(DType::I64, reduced(&input(0)?.shape, &[*dim], false))),
        Prim::CumSum { .. } | Prim::Softmax { .. } | Prim::Dropout { .. } | Prim::Flip { .. } | Prim::Detach => {
            one(input(0)?.clone())
        }
        Prim::BatchNorm { training, affine, stats, .. } => {
            let x = input(0)?;
            if x.rank() < 2 {
                return Err(OpError::shape(format!("batch norm takes at least 2 dimensions, found {:?}", x.shape)));
            }
            let want = 1 + 2 * usize::from(*affine) + 2 * usize::from(*stats);
            for t in &inputs[1..want.min(inputs.len())] {
                if t.shape != [x.shape[1]] {
                    return Err(OpError::shape(format!(
                        "batch norm over {} features, but the input {:?} has {} channels",
                        t.numel(),
                        x.shape,
                        x.shape[1]
                    )));
                }
            }
            if *training && x.numel() / x.shape[1].max(1) <= 1 {
                return Err(OpError::shape(format!(
                    "expected more than 1 value per channel when training, got input size {:?}",
                    x.shape
                )));
            }
            one(x.clone())
        }
        Prim::LayerNorm { axes, .. } => {
            let x = input(0)?;
            if *axes > x.rank() {
                return Err(OpError::shape(format!("cannot normalise {axes} trailing dimensions of {:?}", x.shape)));
            }
            let tail = &x.shape[x.rank() - axes..];
            for t in &inputs[1..] {
                if t.shape != tail {
                    return Err(OpError::shape(format!(
                        "layer norm over {:?}, but the input {:?} ends in {tail:?}",
                        t.shape, x.shape
                    )));
                }
            }
            one(x.clone())
        }
        Prim::GroupNorm { groups, .. } => {
            let x = input(0)?;
            if x.rank() < 2 || *groups == 0 || x.shape[1] % groups != 0 {
                return Err(OpError::shape(format!(
                    "the channels of {:?} cannot be divided into {groups} groups",
                    x.shape
                )));
            }
            for t in &inputs[1..] {
                if t.shape != [x.shape[1]] {
                    return Err(OpError::shape(format!(
                        "group norm over {} channels, but the input {:?} has {}",
                        t.numel(),
                        x.shape,
                        x.shape[1]
                    )));
                }
            }
            one(x.clone())
        }
        Prim::Pool { kernel, stride, padding, dilation, ceil_mode, .. } => {
            let x = input(0)?;
            let spatial = kernel.len();
            if x.rank() != spatial + 2 {
                return Err(OpError::shape(format!(
                    "pooling over {spatial} dimensions takes {} dimensions, found {:?}",
                    spatial + 2,
                    x.shape
                )));
            }
            let mut shape = x.shape[..2].to_vec();
            for i in 0..spatial {
                if stride[i] == 0 || kernel[i] == 0 {
                    return Err(OpError::argument("kernel size and stride must be greater than zero"));
                }
                if 2 * padding[i] > dilation[i] * (kernel[i] - 1) + 1 {
                    return Err(OpError::argument(format!(
                        "pad should be at most half of effective kernel size, but got pad {} and kernel {}",
                        padding[i], kernel[i]
                    )));
                }
                let size = x.shape[2 + i];
                let n = windows(size + 2 * padding[i], kernel[i], stride[i], dilation[i], *ceil_mode);
                // The last window must begin inside the input or its left padding.
                let n =
                    n.map(|n| if *ceil_mode && n > 1 && (n - 1) * stride[i] >= size + padding[i] { n - 1 } else { n });
                shape.push(n.filter(|&n| n > 0).ok_or_else(|| {
                    OpError::shape(format!(
                        "the pooling window {kernel:?} is larger than the padded input {:?}: the output would be empty",
                        x.shape
                    ))
                })?);
            }
            one(TensorType::new(x.dtype, shape))
        }
        Prim::AdaptivePool { output, .. } => {
            let x = input(0)?;
            if x.rank() != output.len() + 2 {
                return Err(OpError::shape(format!(
                    "adaptive pooling to {output:?} takes {} dimensions, found {:?}",
                    output.len() + 2,
                    x.shape
                )));
            }
            if x.shape[1..].contains(&0) {
                return Err(OpError::shape(format!("adaptive pooling of an empty input {:?}", x.shape)));
            }
            one(TensorType::new(x.dtype, [&x.shape[..2], output].concat()))
        }
        Prim::Reshape { shape } => {
            let x = input(0)?;
            let to = TensorType::new(x.dtype, shape.clone());
            if to.numel() != x.numel() {
                return Err(OpError::shape(format!(
                    "shape {shape:?} is invalid for input of size {} ({:?})",
                    x.numel(),
                    x.shape
                )));
            }
            one(to)
        }
        Prim::Permute { dims } => {
            let x = input(0)?;
            let mut seen = vec![false; x.rank()];
            let valid = dims.len() == x.rank()
                && dims.iter().all(|&d| d < seen.len() && !std::mem::replace(&mut seen[d], true));
            if !valid {
                return Err(OpError::argument(format!(
                    "{dims:?} is not an order of the {} dimensions of {:?}",
                    x.rank(),
                    x.shape
                )));
            }
            one(TensorType::new(x.dtype, dims.iter().map(|&d| x.shape[d]).collect::<Vec<_>>()))
        }
        Prim::Expand { shape } => {
            let x = input(0)?;
            if x.rank() > shape.len() || broadcast(&x.shape, shape).as_deref() != Some(shape) {
                return Err(OpError::shape(format!("{:?} cannot be expanded to {shape:?}", x.shape)));
            }
            one(TensorType::new(x.dtype, shape.clone()))
        }
        Prim::Slice { dim, start, end, step } => {
            let x = input(0)?;
            if *dim >= x.rank() || *step == 0 || *end > x.shape[*dim] {
                return Err(OpError::argument(format!(
                    "slice {start}:{end}:{step} of dimension {dim} does not exist in {:?}",
                    x.shape
                )));
            }
            let mut shape = x.shape.clone();
            shape[*dim] = end.saturating_sub(*start).div_ceil(*step);
            one(TensorType::new(x.dtype, shape))
        }
        Prim::Concat { dim } => concat(*dim, inputs),
        Prim::Pad { mode, pads } => {
            let x = input(0)?;
            if pads.len() != x.rank() {
                return Err(OpError::argument(format!("padding of {} dimensions for {:?}", pads.len(), x.shape)));
            }
            let mut shape = Vec::with_capacity(pads.len());
            for (&n, &(before, after)) in x.shape.iter().zip(pads) {
                let limit = match mode {
                    PadMode::Constant(_) => None,
                    PadMode::Reflect => Some(n as i64 - 1),
                    PadMode::Circular => Some(n as i64),
                    PadMode::Replicate => None,
                };
                if limit.is_some_and(|l| before > l || after > l) {
                    return Err(OpError::shape(format!(
                        "padding ({before}, {after}) is too large for a dimension of {n} in {:?}",
                        x.shape
                    )));
                }
                let size = n as i64 + before + after;
                shape.push(usize::try_from(size).map_err(|_| {
                    OpError::shape(format!("padding ({before}, {after}) leaves less than nothing of {:?}", x.shape))
                })?);
            }
            one(TensorType::new(x.dtype, shape))
        }
        Prim::Gather { dim } => {
            let (x, index) = (input(0)?, input(1)?);
            index_dtype(index)?;
            let fits = x.rank() == index.rank() && (0..x.rank()).all(|d| d == *dim || index.shape[d] <= x.shape[d]);
            if !fits {
                return Err(OpError::shape(format!(
                    "index {:?} does not fit {:?} apart from dimension {dim}",
                    index.shape, x.shape
                )));
            }
            one(TensorType::new(x.dtype, index.shape.clone()))
        }
        Prim::IndexSelect { dim } => {
            let (x, index) = (input(0)?, input(1)?);
            index_dtype(index)?;
            if index.rank() != 1 || *dim >= x.rank() {
                return Err(OpError::shape(format!(
                    "index {:?} cannot select from dimension {dim} of {:?}",
                    index.shape, x.shape
                )));
            }
            let mut shape = x.shape.clone();
            shape[*dim] = index.shape[0];
            one(TensorType::new(x.dtype, shape))
        }
        Prim::Scatter { dim, .. } => {
            let (x, index, src) = (input(0)?, input(1)?, input(2)?);
            index_dtype(index)?;
            if x.dtype != src.dtype {
                return Err(OpError::dtype(format!("scatter of {} into {}", src.dtype, x.dtype)));
            }
            let fits = x.rank() == index.rank()
                && x.rank() == src.rank()
                && (0..x.rank()).all(|d| index.shape[d] <= src.shape[d] && (d == *dim || index.shape[d] <= x.shape[d]));
            if !fits {
                return Err(OpError::shape(format!(
                    "index {:?} and source {:?} do not fit {:?} apart from dimension {dim}",
                    index.shape, src.shape, x.shape
                )));
            }
            one(x.clone())
        }
        Prim::TopK { k, dim, .. } => {
            let x = input(0)?;
            let size = x.shape.get(*dim).copied().unwrap_or(1);
            if *k > size {
                return Err(OpError::argument(format!(
                    "selected index k = {k} out of range for a dimension of {size}"
                )));
            }
            let mut shape = x.shape.clone();
            if let Some(d) = shape.get_mut(*dim) {
                *d = *k;
            }
            Ok(vec![TensorType::new(x.dtype, shape.clone()), TensorType::new(DType::I64, shape)])
        }
        Prim::Interpolate { size, .. } => {
            let x = input(0)?;
            if x.rank() != size.len() + 2 {
                return Err(OpError::shape(format!(
                    "interpolation to {size:?} takes {} dimensions, found {:?}",
                    size.len() + 2,
                    x.shape
                )));
            }
            if size.contains(&0) || x.shape[2..].contains(&0) {
                return Err(OpError::shape(format!(
                    "input and output sizes should be greater than 0, but got {:?} and {size:?}",
                    &x.shape[2..]
                )));
            }
            one(TensorType::new(x.dtype, [&x.shape[..2], size].concat()))
        }
        Prim::Full { ty, .. } | Prim::Random { ty, .. } => one(ty.clone()),
        Prim::Literal { ty, values } => {
            if values.len() != ty.numel() {
                return Err(OpError::argument(format!("{} values for {ty}", values.len())));
            }
            one(ty.clone())
        }
        Prim::Arange { n, dtype, .. } => one(TensorType::new(*dtype, [*n])),
    }
}

/// Number of windows, or `None` where not one fits.
fn windows(size: usize, kernel: usize, stride: usize, dilation: usize, ceil: bool) -> Option<usize> {
    let reach = dilation.checked_mul(kernel.checked_sub(1)?)?.checked_add(1)?;
    let free = match size.checked_sub(reach) {
        Some(f) => f,
        None if ceil && reach - size < stride => 0,
        None => return None,
    };
    let stride = if stride == 0 { return None } else { stride };
    Some(if ceil { free.div_ceil(stride) } else { free / stride } + 1)
}

fn window_rank(x: &TensorType, weight_rank: usize, what: &str) -> Result<usize, OpError> {
    if weight_rank < 3 || x.rank() != weight_rank {
        return Err(OpError::shape(format!(
            "a {what} with a weight of {weight_rank} dimensions takes {weight_rank} dimensions, found {:?}",
            x.shape
        )));
    }
    Ok(weight_rank - 2)
}

fn bias_of(bias: Option<&&TensorType>, channels: usize) -> Result<(), OpError> {
    match bias {
        Some(b) if b.shape != [channels] => {
            Err(OpError::shape(format!("a bias of {channels} elements is expected, found {:?}", b.shape)))
        }
        _ => Ok(()),
    }
}

fn same_dtype(inputs: &[&TensorType]) -> Result<DType, OpError> {
    let first = inputs.first().map_or(DType::F32, |t| t.dtype);
    match inputs.iter().find(|t| t.dtype != first) {
        Some(other) => Err(OpError::dtype(format!("expected both operands to be {first}, found {}", other.dtype))),
        None => Ok(first),
    }
}

fn index_dtype(index: &TensorType) -> Result<(), OpError> {
    if index.dtype == DType::I64 {
        Ok(())
    } else {
        Err(OpError::dtype(format!("an index must be i64, found {}", index.dtype)))
    }
}

fn reduced(shape: &[usize], dims: &[usize], keepdim: bool) -> Vec<usize> {
    let mut out = Vec::with_capacity(shape.len());
    for (i, &n) in shape.iter().enumerate() {
        if !dims.contains(&i) {
            out.push(n);
        } else if keepdim {
            out.push(1);
        }
    }
    out
}

fn concat(dim: usize, inputs: &[&TensorType]) -> Types {
    let first = inputs.first().ok_or_else(|| OpError::argument("expected a non-empty list of tensors"))?;
    let mut shape = first.shape.clone();
    if dim >= shape.len() {
        return Err(OpError::shape(format!("cannot concatenate {:?} along dimension {dim}", first.shape)));
    }
    for t in &inputs[1..] {
        let fits = t.rank() == shape.len() && (0..shape.len()).all(|d| d == dim || t.shape[d] == first.shape[d]);
        if !fits {
            return Err(OpError::shape(format!(
                "sizes of tensors must match except in dimension {dim}: found {:?} and {:?}",
                first.shape, t.shape
            )));
        }
        shape[dim] += t.shape[dim];
    }
    one_of(same_dtype(inputs)?, shape)
}

fn one_of(dtype: DType, shape: Vec<usize>) -> Types {
    Ok(vec![TensorType::new(dtype, shape)])
}
