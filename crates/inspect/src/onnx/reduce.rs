//! Reductions and normalisations.

use super::builder::{Builder, Name, ints};
use super::form::Operands;
use super::proto::Value;
use archsmith_ir::prim::ReduceOp;
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{DType, TensorType};

fn over(b: &mut Builder<'_>, op: &'static str, x: &str, dims: &[usize], keep: bool) -> Name {
    let keep = ("keepdims", Value::Int(i64::from(keep)));
    if op == "ReduceSum" {
        let dims: Vec<i64> = dims.iter().map(|&d| d as i64).collect();
        let dims = b.ints(&dims);
        return b.node(op, &[x, &dims], vec![keep]);
    }
    b.node(op, &[x], vec![("axes", ints(dims)), keep])
}

pub(super) fn reduce(b: &mut Builder<'_>, op: ReduceOp, dims: &[usize], keep: bool, x: &Operands<'_>) -> Name {
    let (name, ty) = (x.names[0].clone(), x.types[0]);
    // A scalar tensor has one dimension; no dimensions to ONNX would mean all of them.
    let (name, dims, n) = match (ty.rank(), dims) {
        (0, _) => (b.reshape(&name, &[1]), vec![0], 1),
        (_, []) => (b.reshape(&name, &[ty.shape.as_slice(), &[1]].concat()), vec![ty.rank()], 1),
        (_, dims) => (name, dims.to_vec(), dims.iter().map(|&d| ty.shape[d]).product()),
    };
    let truth = ty.dtype == DType::Bool;
    let y = match op {
        ReduceOp::Sum => over(b, "ReduceSum", &name, &dims, keep),
        ReduceOp::Mean => over(b, "ReduceMean", &name, &dims, keep),
        ReduceOp::Prod => over(b, "ReduceProd", &name, &dims, keep),
        ReduceOp::Max if !truth => over(b, "ReduceMax", &name, &dims, keep),
        ReduceOp::Min if !truth => over(b, "ReduceMin", &name, &dims, keep),
        ReduceOp::Max | ReduceOp::Any | ReduceOp::Min | ReduceOp::All => {
            let largest = matches!(op, ReduceOp::Max | ReduceOp::Any);
            let truth = if truth { name } else { b.cast(&name, DType::Bool) };
            let number = b.cast(&truth, DType::I32);
            let y = over(b, if largest { "ReduceMax" } else { "ReduceMin" }, &number, &dims, keep);
            b.cast(&y, DType::Bool)
        }
        ReduceOp::Var { correction } => {
            let mean = over(b, "ReduceMean", &name, &dims, true);
            let off = b.op("Sub", &[&name, &mean]);
            let square = b.op("Mul", &[&off, &off]);
            let sum = over(b, "ReduceSum", &square, &dims, keep);
            let by = b.scalar(ty.dtype, (n as f64 - correction).max(0.0));
            b.op("Div", &[&sum, &by])
        }
    };
    if ty.rank() == 0 || dims == [ty.rank()] { b.reshape(&y, &x.out.shape) } else { y }
}

pub(super) fn arg(b: &mut Builder<'_>, max: bool, dim: usize, x: &Operands<'_>) -> Name {
    let op = if max { "ArgMax" } else { "ArgMin" };
    let attributes = vec![("axis", Value::Int(dim as i64)), ("keepdims", Value::Int(0))];
    let mut y = x.names[0].clone();
    if !x.types[0].dtype.is_float() {
        // Runtimes find extremes of floats; integers below 2^53 are exact.
        y = b.cast(&y, DType::F64);
    }
    if x.types[0].rank() == 0 {
        y = b.reshape(&y, &[1]);
    }
    b.node(op, &[&y], attributes)
}

fn filled(b: &mut Builder<'_>, dtype: DType, shape: &[usize], value: f64) -> Name {
    b.constant(&HostTensor::full(TensorType::new(dtype, shape), value))
}

pub(super) fn batch_norm(b: &mut Builder<'_>, eps: f64, affine: bool, running: bool, x: &Operands<'_>) -> Name {
    let (dtype, shape) = (x.types[0].dtype, x.shape(0).to_vec());
    let c = shape.get(1).copied().unwrap_or(1);
    let (weight, bias) = if affine {
        (x.names[1].clone(), x.names[2].clone())
    } else {
        (filled(b, dtype, &[c], 1.0), filled(b, dtype, &[c], 0.0))
    };
    if running {
        let at = if affine { 3 } else { 1 };
        let inputs = [&x.names[0], &weight, &bias, &x.names[at], &x.names[at + 1]].map(String::as_str);
        return b.node("BatchNormalization", &inputs, vec![("epsilon", Value::Float(eps as f32))]);
    }
    // Statistics of this batch: the network keeps none.
    let dims: Vec<usize> = (0..shape.len()).filter(|&d| d != 1).collect();
    let y = normalised(b, &x.names[0], dtype, &dims, eps);
    let per_channel: Vec<usize> = (0..shape.len()).map(|d| if d == 1 { c } else { 1 }).collect();
    if !affine {
        return y;
    }
    let (weight, bias) = (b.reshape(&weight, &per_channel), b.reshape(&bias, &per_channel));
    let y = b.op("Mul", &[&y, &weight]);
    b.op("Add", &[&y, &bias])
}

/// `(x − mean) / sqrt(var + eps)` over some dimensions.
fn normalised(b: &mut Builder<'_>, x: &str, dtype: DType, dims: &[usize], eps: f64) -> Name {
    let mean = over(b, "ReduceMean", x, dims, true);
    let off = b.op("Sub", &[x, &mean]);
    let square = b.op("Mul", &[&off, &off]);
    let var = over(b, "ReduceMean", &square, dims, true);
    let eps = b.scalar(dtype, eps);
    let var = b.op("Add", &[&var, &eps]);
    let std = b.op("Sqrt", &[&var]);
    b.op("Div", &[&off, &std])
}

pub(super) fn layer_norm(
    b: &mut Builder<'_>,
    axes: usize,
    eps: f64,
    weight: bool,
    bias: bool,
    x: &Operands<'_>,
) -> Name {
    let shape = x.shape(0);
    let tail = shape[shape.len().saturating_sub(axes)..].to_vec();
    let scale = if weight { x.names[1].clone() } else { filled(b, x.types[0].dtype, &tail, 1.0) };
    let mut inputs = vec![x.names[0].as_str(), scale.as_str()];
    if bias {
        inputs.push(&x.names[1 + usize::from(weight)]);
    }
    let attributes = vec![("axis", Value::Int(-(axes as i64))), ("epsilon", Value::Float(eps as f32))];
    b.node("LayerNormalization", &inputs, attributes)
}

pub(super) fn group_norm(b: &mut Builder<'_>, groups: usize, eps: f64, affine: bool, x: &Operands<'_>) -> Name {
    let (dtype, shape) = (x.types[0].dtype, x.shape(0).to_vec());
    let rest: usize = shape.iter().product::<usize>() / (shape[0] * groups).max(1);
    let grouped = b.reshape(&x.names[0], &[shape[0], groups, rest]);
    let (one, zero) = (filled(b, dtype, &[groups], 1.0), filled(b, dtype, &[groups], 0.0));
    let y = b.node("InstanceNormalization", &[&grouped, &one, &zero], vec![("epsilon", Value::Float(eps as f32))]);
    let y = b.reshape(&y, &shape);
    if !affine {
        return y;
    }
    let per_channel: Vec<usize> = (0..shape.len()).map(|d| if d == 1 { shape[1] } else { 1 }).collect();
    let (weight, bias) = (b.reshape(&x.names[1], &per_channel), b.reshape(&x.names[2], &per_channel));
    let y = b.op("Mul", &[&y, &weight]);
    b.op("Add", &[&y, &bias])
}
