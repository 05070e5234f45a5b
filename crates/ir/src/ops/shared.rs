//! What many operators share: numbers beside tensors, reductions over lists of dimensions, inputs without a batch.
//!
//! Nothing here knows one operator; everything here promotes element types as PyTorch does.

use crate::op::{Call, Emitter, OpError, V, normalize_dim};
use crate::prim::{BinaryOp, Prim, ReduceOp, UnaryOp};
use crate::types::{DType, TensorType};

/// An argument that is a tensor or a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    /// A tensor.
    Tensor(V),
    /// A number, and the element type that a tensor of it would have.
    Number(f64, DType),
}

/// Reads an argument of kind `Tensor|Scalar`.
pub(super) fn operand(call: &Call<'_>, name: &str) -> Result<Operand, OpError> {
    let Some(attr) = call.attr(name)? else { return Ok(Operand::Tensor(call.tensor(name)?)) };
    match (attr.as_f64(), attr.scalar_dtype()) {
        (Some(v), Some(d)) => Ok(Operand::Number(v, d)),
        _ => Err(OpError::argument(format!("argument '{name}' must be a tensor or a number, found {attr}"))),
    }
}

/// A tensor or number as a tensor; a number becomes a scalar tensor of its own element type.
pub(super) fn as_tensor(e: &mut Emitter, o: Operand) -> Result<V, OpError> {
    match o {
        Operand::Tensor(v) => Ok(v),
        Operand::Number(v, d) => e.full(TensorType::new(d, []), v),
    }
}

/// The tensor in the element type that it takes beside a number of type `number`: a number promotes only across categories.
pub(super) fn beside(e: &mut Emitter, x: V, number: DType) -> Result<V, OpError> {
    if number.category() > e.dtype(x).category() { e.cast(x, number) } else { Ok(x) }
}

/// A binary function of two operands, at least one of which is a tensor.
pub(super) fn binary(e: &mut Emitter, op: BinaryOp, a: Operand, b: Operand) -> Result<V, OpError> {
    // Sums and products of truth values are truth values.
    let of = |op: BinaryOp, d: DType| match (op, d) {
        (BinaryOp::Add, DType::Bool) => BinaryOp::Or,
        (BinaryOp::Mul, DType::Bool) => BinaryOp::And,
        _ => op,
    };
    match (a, b) {
        (Operand::Tensor(a), Operand::Tensor(b)) => {
            let (a, b) = e.promoted(a, b)?;
            let op = of(op, e.dtype(a));
            e.apply(Prim::Binary(op), &[a, b])
        }
        (Operand::Tensor(x), Operand::Number(v, d)) => {
            let x = beside(e, x, d)?;
            e.scalar(of(op, e.dtype(x)), x, v, false)
        }
        (Operand::Number(v, d), Operand::Tensor(x)) => {
            let x = beside(e, x, d)?;
            e.scalar(of(op, e.dtype(x)), x, v, true)
        }
        (Operand::Number(..), Operand::Number(..)) => {
            Err(OpError::argument("at least one operand must be a tensor, found two numbers"))
        }
    }
}

/// A binary function of the arguments `input` and `other`.
pub(super) fn elementwise(call: &Call<'_>, e: &mut Emitter, op: BinaryOp) -> Result<Vec<V>, OpError> {
    let (a, b) = (operand(call, "input")?, operand(call, "other")?);
    Ok(vec![binary(e, op, a, b)?])
}

/// True division: integers and truth values become floats first.
pub(super) fn divide(e: &mut Emitter, a: Operand, b: Operand) -> Result<V, OpError> {
    let a = float_operand(e, a)?;
    let b = float_operand(e, b)?;
    binary(e, BinaryOp::Div, a, b)
}

fn float_operand(e: &mut Emitter, o: Operand) -> Result<Operand, OpError> {
    Ok(match o {
        Operand::Tensor(x) => Operand::Tensor(e.floating(x)?),
        Operand::Number(v, d) if d.is_float() => Operand::Number(v, d),
        // Beside a float tensor an integer changes nothing, and there is one: the other operand.
        Operand::Number(v, _) => Operand::Number(v, DType::Bool),
    })
}

/// A logical function of the arguments `input` and `other`, each compared with zero first.
pub(super) fn logical(call: &Call<'_>, e: &mut Emitter, op: BinaryOp) -> Result<Vec<V>, OpError> {
    let a = as_tensor(e, operand(call, "input")?)?;
    let b = as_tensor(e, operand(call, "other")?)?;
    let (a, b) = (truth(e, a)?, truth(e, b)?);
    Ok(vec![e.apply(Prim::Binary(op), &[a, b])?])
}

/// A bitwise function of the arguments `input` and `other`.
pub(super) fn bitwise(call: &Call<'_>, e: &mut Emitter, op: BinaryOp) -> Result<Vec<V>, OpError> {
    let (a, b) = (operand(call, "input")?, operand(call, "other")?);
    let v = binary(e, op, a, b)?;
    if e.dtype(v).is_float() {
        return Err(OpError::dtype("bitwise functions take integers or truth values, found floats"));
    }
    Ok(vec![v])
}

/// Whether each element differs from zero.
pub(super) fn truth(e: &mut Emitter, x: V) -> Result<V, OpError> {
    if e.dtype(x) == DType::Bool { Ok(x) } else { e.scalar(BinaryOp::Ne, x, 0.0, false) }
}

/// A function of one element on the argument `input`; integers become floats first.
pub(super) fn float_unary(call: &Call<'_>, e: &mut Emitter, op: UnaryOp) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let x = e.floating(x)?;
    Ok(vec![e.unary(op, x)?])
}

/// A function of one element on the argument `input`, in its own element type.
pub(super) fn unary(call: &Call<'_>, e: &mut Emitter, op: UnaryOp) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    Ok(vec![e.unary(op, x)?])
}

/// A function of one element that floats alone have; PyTorch refuses integers too.
pub(super) fn float_only(call: &Call<'_>, e: &mut Emitter, op: UnaryOp) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    need_float(e, x, call.signature.path)?;
    Ok(vec![e.unary(op, x)?])
}

/// Refuses a tensor that is not of floats.
pub(super) fn need_float(e: &Emitter, x: V, what: &str) -> Result<(), OpError> {
    need_float_type(e.dtype(x), what)
}

/// Refuses an element type that is not a float.
pub(super) fn need_float_type(dtype: DType, what: &str) -> Result<(), OpError> {
    if dtype.is_float() { Ok(()) } else { Err(OpError::dtype(format!("{what} is not implemented for {dtype}"))) }
}

/// A dimension of `x` by its argument name.
pub(super) fn dim(call: &Call<'_>, e: &Emitter, x: V, name: &str) -> Result<usize, OpError> {
    normalize_dim(call.int(name)?, e.rank(x))
}

/// The dimensions that the argument `name` lists; `None` means all. A scalar tensor has none.
pub(super) fn dims(call: &Call<'_>, e: &Emitter, x: V, name: &str) -> Result<Vec<usize>, OpError> {
    let dims = e.dims(x, call.opt_ints(name)?.as_deref())?;
    Ok(if e.rank(x) == 0 { Vec::new() } else { dims })
}

/// Reduces; over no dimension at all nothing happens, apart from what the function does to a single element.
pub(super) fn reduce(e: &mut Emitter, x: V, op: ReduceOp, dims: &[usize], keepdim: bool) -> Result<V, OpError> {
    e.apply(Prim::Reduce { op, dims: dims.to_vec(), keepdim }, &[x])
}

/// The reduction of the arguments `input`, `dim`, `keepdim`, after `prepare` has changed the element type.
pub(super) fn reduction(
    call: &Call<'_>,
    e: &mut Emitter,
    op: ReduceOp,
    prepare: impl FnOnce(&mut Emitter, V) -> Result<V, OpError>,
) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dims = dims(call, e, x, "dim")?;
    let x = prepare(e, x)?;
    Ok(vec![reduce(e, x, op, &dims, call.bool("keepdim")?)?])
}

/// The extreme of the arguments `input`, `dim`, `keepdim` with its index; the first where several are equal.
pub(super) fn extreme_along(call: &Call<'_>, e: &mut Emitter, max: bool) -> Result<Vec<V>, OpError> {
    let x = call.tensor("input")?;
    let dim = dim(call, e, x, "dim")?;
    if e.rank(x) == 0 {
        let index = e.full(TensorType::new(DType::I64, []), 0.0)?;
        return Ok(vec![x, index]);
    }
    if e.shape(x)[dim] == 0 {
        return Err(OpError::shape(format!("dimension {dim} of {:?} has no elements to compare", e.shape(x))));
    }
    let flat = e.apply(Prim::ArgReduce { max, dim }, &[x])?;
    let mut kept = e.shape(x).to_vec();
    kept[dim] = 1;
    let index = e.reshape(flat, &kept)?;
    let values = e.apply(Prim::Gather { dim }, &[x, index])?;
    if call.bool("keepdim")? {
        return Ok(vec![values, index]);
    }
    let shape = e.shape(flat).to_vec();
    Ok(vec![e.reshape(values, &shape)?, flat])
}

/// The index of an extreme for the arguments `input`, `dim`, `keepdim`; over all elements where `dim` is `None`.
pub(super) fn arg_extreme(call: &Call<'_>, e: &mut Emitter, max: bool) -> Result<Vec<V>, OpError> {
    let mut x = call.tensor("input")?;
    let rank = e.rank(x);
    let keepdim = call.bool("keepdim")?;
    let (dim, kept) = match call.opt_int("dim")? {
        Some(d) => {
            let d = normalize_dim(d, rank)?;
            let mut kept = e.shape(x).to_vec();
            if let Some(n) = kept.get_mut(d) {
                *n = 1;
            }
            (d, kept)
        }
        None => {
            x = flat(e, x)?;
            (0, vec![1; rank])
        }
    };
    if rank == 0 {
        x = flat(e, x)?;
    }
    if e.shape(x)[dim] == 0 {
        return Err(OpError::shape(format!("dimension {dim} of {:?} has no elements to compare", e.shape(x))));
    }
    let mut y = e.apply(Prim::ArgReduce { max, dim }, &[x])?;
    if keepdim || rank == 0 {
        y = e.reshape(y, &kept)?;
    }
    Ok(vec![y])
}

/// The square root of a sum of squares or a variance. Its gradient at zero is zero, as PyTorch defines it for norms, because the
/// operand is first limited to the smallest normal number; the value there is 1e-19 instead of 0.
pub(super) fn safe_sqrt(e: &mut Emitter, x: V) -> Result<V, OpError> {
    let x = e.unary(UnaryOp::Clamp { min: f64::from(f32::MIN_POSITIVE), max: f64::INFINITY }, x)?;
    e.unary(UnaryOp::Sqrt, x)
}

/// The p-norm over some dimensions.
pub(super) fn norm(e: &mut Emitter, x: V, p: f64, dims: &[usize], keepdim: bool) -> Result<V, OpError> {
    let x = e.floating(x)?;
    if p == 2.0 {
        let squares = e.apply(Prim::Binary(BinaryOp::Mul), &[x, x])?;
        let sum = reduce(e, squares, ReduceOp::Sum, dims, keepdim)?;
        return safe_sqrt(e, sum);
    }
    let magnitude = e.unary(UnaryOp::Abs, x)?;
    if p == f64::INFINITY {
        return reduce(e, magnitude, ReduceOp::Max, dims, keepdim);
    }
    if p == f64::NEG_INFINITY {
        return reduce(e, magnitude, ReduceOp::Min, dims, keepdim);
    }
    if p == 1.0 {
        return reduce(e, magnitude, ReduceOp::Sum, dims, keepdim);
    }
    if p == 0.0 {
        let nonzero = e.scalar(BinaryOp::Ne, magnitude, 0.0, false)?;
        let ones = e.cast(nonzero, e.dtype(x))?;
        return reduce(e, ones, ReduceOp::Sum, dims, keepdim);
    }
    let powers = e.scalar(BinaryOp::Pow, magnitude, p, false)?;
    let sum = reduce(e, powers, ReduceOp::Sum, dims, keepdim)?;
    e.scalar(BinaryOp::Pow, sum, 1.0 / p, false)
}

/// All elements in one dimension.
pub(super) fn flat(e: &mut Emitter, x: V) -> Result<V, OpError> {
    let n = e.ty(x).numel();
    e.reshape(x, &[n])
}

/// Runs `f` on an input with a batch dimension: one without gets it and loses it again.
pub(super) fn batched(
    e: &mut Emitter,
    x: V,
    rank: usize,
    what: &str,
    f: impl FnOnce(&mut Emitter, V) -> Result<V, OpError>,
) -> Result<Vec<V>, OpError> {
    if e.rank(x) == rank {
        return Ok(vec![f(e, x)?]);
    }
    if e.rank(x) + 1 != rank {
        return Err(OpError::shape(format!(
            "{what} expects an input of {} (unbatched) or {rank} dimensions, found {:?}",
            rank - 1,
            e.shape(x)
        )));
    }
    let shape = [&[1], e.shape(x)].concat();
    let x = e.reshape(x, &shape)?;
    let y = f(e, x)?;
    let shape = e.shape(y)[1..].to_vec();
    Ok(vec![e.reshape(y, &shape)?])
}

/// The value with dimensions `a` and `b` exchanged.
pub(super) fn swap(e: &mut Emitter, x: V, a: usize, b: usize) -> Result<V, OpError> {
    let mut order: Vec<usize> = (0..e.rank(x)).collect();
    if a < order.len() && b < order.len() {
        order.swap(a, b);
    }
    e.permute(x, &order)
}

/// The value with a dimension of size 1 inserted at `dim`.
pub(super) fn unsqueeze(e: &mut Emitter, x: V, dim: usize) -> Result<V, OpError> {
    let mut shape = e.shape(x).to_vec();
    shape.insert(dim.min(shape.len()), 1);
    e.reshape(x, &shape)
}

/// Elements `start..end` of a dimension.
pub(super) fn narrow(e: &mut Emitter, x: V, dim: usize, start: usize, end: usize) -> Result<V, OpError> {
    if start == 0 && e.shape(x).get(dim) == Some(&end) {
        return Ok(x);
    }
    e.apply(Prim::Slice { dim, start, end, step: 1 }, &[x])
}

/// One shape out of a list that may hold one -1.
pub(super) fn infer_shape(shape: &[i64], numel: usize) -> Result<Vec<usize>, OpError> {
    let bad = || OpError::shape(format!("shape {shape:?} is invalid for input of size {numel}"));
    let mut hole = None;
    let mut known = 1usize;
    let mut out = Vec::with_capacity(shape.len());
    for (i, &n) in shape.iter().enumerate() {
        match n {
            -1 if hole.is_some() => return Err(OpError::argument("only one dimension can be inferred")),
            -1 => {
                hole = Some(i);
                out.push(0);
            }
            _ => {
                let n = usize::try_from(n).map_err(|_| OpError::argument(format!("invalid shape dimension {n}")))?;
                known = known.saturating_mul(n);
                out.push(n);
            }
        }
    }
    match hole {
        Some(_) if known == 0 => {
            return Err(OpError::shape(format!(
                "cannot reshape to {shape:?}: the unspecified dimension can be any value"
            )));
        }
        Some(i) if numel.is_multiple_of(known) => out[i] = numel / known,
        Some(_) => return Err(bad()),
        None if known != numel => return Err(bad()),
        None => {}
    }
    Ok(out)
}

/// Two values summed, multiplied, … without promotion: both have one element type.
pub(super) fn join(e: &mut Emitter, op: BinaryOp, a: V, b: V) -> Result<V, OpError> {
    e.apply(Prim::Binary(op), &[a, b])
}

/// `0, 1, …, n−1` as i64.
pub(super) fn iota(e: &mut Emitter, n: usize) -> Result<V, OpError> {
    e.apply(Prim::Arange { start: 0.0, step: 1.0, n, dtype: DType::I64 }, &[])
}

/// An index tensor as i64 with negative indices counted from the end of a dimension of `n`.
pub(super) fn wrapped_index(e: &mut Emitter, index: V, n: usize) -> Result<V, OpError> {
    match e.dtype(index) {
        DType::Bool => {
            return Err(OpError::unsupported(
                "the shape of a result indexed by a mask depends on the values of the mask",
            )
            .help("use torch.where or masked_fill"));
        }
        d if d.is_float() => return Err(OpError::dtype("tensors used as indices must be long, int, byte or bool")),
        _ => {}
    }
    let index = e.cast(index, DType::I64)?;
    let negative = e.scalar(BinaryOp::Lt, index, 0.0, false)?;
    let shifted = e.scalar(BinaryOp::Add, index, n as f64, false)?;
    e.apply(Prim::Where, &[negative, shifted, index])
}

/// The number that fills a tensor: as the element type requires.
pub(super) fn number(call: &Call<'_>, name: &str) -> Result<(f64, DType), OpError> {
    match operand(call, name)? {
        Operand::Number(v, d) => Ok((v, d)),
        Operand::Tensor(_) => {
            Err(OpError::unsupported(format!("argument '{name}' must be a number here, found a tensor")))
        }
    }
}

/// The element type of a factory: the argument `dtype`, or the default.
pub(super) fn factory_dtype(call: &Call<'_>, default: DType) -> Result<DType, OpError> {
    Ok(call.opt_dtype("dtype")?.unwrap_or(default))
}

/// A tensor multiplied by a number unless that is 1.
pub(super) fn scaled(e: &mut Emitter, x: V, factor: f64) -> Result<V, OpError> {
    if factor == 1.0 { Ok(x) } else { e.scalar(BinaryOp::Mul, x, factor, false) }
}

/// Matrix product with PyTorch's rules for vectors, matrices and broadcast batches.
pub(super) fn matmul(e: &mut Emitter, a: V, b: V) -> Result<V, OpError> {
    let (ra, rb) = (e.rank(a), e.rank(b));
    if ra == 0 || rb == 0 {
        return Err(OpError::shape("both arguments to matmul need to be at least 1-dimensional, but one is a scalar"));
    }
    if e.dtype(a) != e.dtype(b) {
        return Err(OpError::dtype(format!(
            "expected both matrices to have one dtype, found {} and {}",
            e.dtype(a),
            e.dtype(b)
        )));
    }
    let (inner_a, inner_b) = (e.shape(a)[ra - 1], e.shape(b)[rb.max(2) - 2]);
    if inner_a != inner_b {
        return Err(OpError::shape(format!(
            "matrices of shapes {:?} and {:?} cannot be multiplied ({inner_a} columns and {inner_b} rows)",
            e.shape(a),
            e.shape(b)
        )));
    }
    // Vectors become a row or a column, and the extra dimension goes at the end.
    let row = ra == 1;
    let column = rb == 1;
    let a = if row { e.reshape(a, &[1, inner_a])? } else { a };
    let b = if column { e.reshape(b, &[inner_a, 1])? } else { b };
    let (sa, sb) = (e.shape(a).to_vec(), e.shape(b).to_vec());
    let (m, n) = (sa[sa.len() - 2], sb[sb.len() - 1]);
    let mut shape = sa[..sa.len() - 2].to_vec();
    let product = if sb.len() == 2 && sa.len() > 2 {
        // One matrix for the whole batch: fold the batch into the rows.
        let rows = shape.iter().product::<usize>() * m;
        let a = e.reshape(a, &[rows, inner_a])?;
        e.apply(Prim::MatMul, &[a, b])?
    } else {
        shape = crate::types::broadcast(&sa[..sa.len() - 2], &sb[..sb.len() - 2])
            .ok_or_else(|| OpError::shape(format!("the batches of {sa:?} and {sb:?} cannot be broadcast together")))?;
        let a = e.expand(a, &[shape.as_slice(), &[m, inner_a]].concat())?;
        let b = e.expand(b, &[shape.as_slice(), &[inner_a, n]].concat())?;
        e.apply(Prim::MatMul, &[a, b])?
    };
    if !row {
        shape.push(m);
    }
    if !column {
        shape.push(n);
    }
    e.reshape(product, &shape)
}

/// Averages, sums or leaves the losses, by the argument `reduction`.
pub(super) fn reduced_loss(call: &Call<'_>, e: &mut Emitter, loss: V) -> Result<V, OpError> {
    let all: Vec<usize> = (0..e.rank(loss)).collect();
    match call.str("reduction")? {
        "none" => Ok(loss),
        "mean" => reduce(e, loss, ReduceOp::Mean, &all, false),
        "sum" => reduce(e, loss, ReduceOp::Sum, &all, false),
        other => {
            Err(OpError::argument(format!("{other:?} is not a valid value for reduction: use 'none', 'mean' or 'sum'")))
        }
    }
}

/// A list of sizes whose entry -1 (Python's `None`) keeps the input's size.
pub(super) fn kept_sizes(call: &Call<'_>, name: &str, input: &[usize]) -> Result<Vec<usize>, OpError> {
    let Some(given) = call.opt_ints(name)? else { return Ok(input.to_vec()) };
    let given = if given.len() == 1 { vec![given[0]; input.len()] } else { given };
    if given.len() != input.len() {
        return Err(OpError::argument(format!(
            "argument '{name}' must have {} elements, found {given:?}",
            input.len()
        )));
    }
    given
        .iter()
        .zip(input)
        .map(|(&n, &kept)| match n {
            -1 => Ok(kept),
            _ => usize::try_from(n)
                .map_err(|_| OpError::argument(format!("elements of '{name}' must not be negative, found {n}"))),
        })
        .collect()
}

/// A dropout rate.
pub(super) fn probability(call: &Call<'_>) -> Result<f64, OpError> {
    let p = call.float("p")?;
    if (0.0..=1.0).contains(&p) {
        Ok(p)
    } else {
        Err(OpError::argument(format!("dropout probability has to be between 0 and 1, but got {p}")))
    }
}
