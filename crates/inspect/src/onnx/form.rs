//! The ONNX form of every primitive.

use super::builder::{Builder, Name, ints};
use super::proto::Value;
use super::{OnnxError, elementwise, reduce, resample, spatial};
use archsmith_ir::infer::Step;
use archsmith_ir::prim::{Distribution, PadMode, Prim};
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{DType, TensorType, V};

/// One step: its inputs by name and type, its output's type.
pub(super) struct Operands<'a> {
    pub(super) names: Vec<Name>,
    pub(super) types: Vec<&'a TensorType>,
    pub(super) out: &'a TensorType,
}

impl Operands<'_> {
    pub(super) fn shape(&self, i: usize) -> &[usize] {
        &self.types[i].shape
    }

    pub(super) fn refs(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }
}

/// What could not be expressed.
pub(super) type Form = Result<Name, String>;

/// Emits one step.
pub(super) fn emit(b: &mut Builder<'_>, step: &Step) -> Result<(), OnnxError> {
    let x = Operands {
        names: step.inputs.iter().map(|&v| b.name(v)).collect(),
        types: step.inputs.iter().map(|&v| b.ty(v)).collect(),
        out: b.ty(step.first_output),
    };
    let unsupported = |what: String| OnnxError::Unsupported { what, node: step.node };
    if let Prim::TopK { k, dim, largest } = step.prim {
        let k = b.ints(&[k as i64]);
        let attributes = vec![
            ("axis", Value::Int(dim as i64)),
            ("largest", Value::Int(i64::from(largest))),
            ("sorted", Value::Int(1)),
        ];
        let names = b.nodes("TopK", &[&x.names[0], &k], attributes, 2);
        for (i, name) in names.into_iter().enumerate() {
            define(b, V(step.first_output.0 + i as u32), name);
        }
        return Ok(());
    }
    let name = one(b, &step.prim, &x).map_err(unsupported)?;
    define(b, step.first_output, name);
    Ok(())
}

fn define(b: &mut Builder<'_>, v: V, name: Name) {
    if b.model.nodes.last().is_some_and(|n| n.outputs.contains(&name)) {
        b.note_type(v, &name);
    }
    b.define(v, name);
}

fn one(b: &mut Builder<'_>, prim: &Prim, x: &Operands<'_>) -> Form {
    let first = x.names.first().cloned().unwrap_or_default();
    Ok(match prim {
        Prim::Conv { stride, padding, dilation, groups } => {
            let pads: Vec<usize> = padding.iter().map(|p| p.0).chain(padding.iter().map(|p| p.1)).collect();
            let attributes = vec![
                ("kernel_shape", ints(&x.shape(1)[2..])),
                ("strides", ints(stride)),
                ("pads", ints(&pads)),
                ("dilations", ints(dilation)),
                ("group", Value::Int(*groups as i64)),
            ];
            b.node("Conv", &x.refs(), attributes)
        }
        Prim::ConvTranspose { stride, padding, output_padding, dilation, groups } => {
            let attributes = vec![
                ("kernel_shape", ints(&x.shape(1)[2..])),
                ("strides", ints(stride)),
                ("pads", ints(&[padding.as_slice(), padding].concat())),
                ("output_padding", ints(output_padding)),
                ("dilations", ints(dilation)),
                ("group", Value::Int(*groups as i64)),
            ];
            b.node("ConvTranspose", &x.refs(), attributes)
        }
        Prim::MatMul => b.op("MatMul", &x.refs()),
        Prim::Unary(op) => elementwise::unary(b, *op, &first, x.types[0].dtype),
        Prim::Binary(op) => elementwise::binary(b, *op, &x.names[0], &x.names[1], x.types[0].dtype)?,
        Prim::Scalar { op, value, reversed } => {
            let dtype = x.types[0].dtype;
            let number = b.scalar(dtype, *value);
            let (p, q) = if *reversed { (&number, &first) } else { (&first, &number) };
            elementwise::binary(b, *op, p, q, dtype)?
        }
        Prim::Where => b.op("Where", &x.refs()),
        Prim::Cast(to) => b.cast(&first, *to),
        Prim::Reduce { op, dims, keepdim } => reduce::reduce(b, *op, dims, *keepdim, x),
        Prim::ArgReduce { max, dim } => reduce::arg(b, *max, *dim, x),
        Prim::CumSum { dim } => {
            let axis = b.constant(&HostTensor::full(TensorType::new(DType::I64, []), *dim as f64));
            on_list(b, x, |b, v| b.op("CumSum", &[v, &axis]))
        }
        Prim::Softmax { dim, log } => {
            let op = if *log { "LogSoftmax" } else { "Softmax" };
            on_list(b, x, |b, v| b.node(op, &[v], vec![("axis", Value::Int(*dim as i64))]))
        }
        Prim::BatchNorm { training, eps, affine, stats, .. } => {
            reduce::batch_norm(b, *eps, *affine, *stats && !*training, x)
        }
        Prim::LayerNorm { axes, eps, weight, bias } => reduce::layer_norm(b, *axes, *eps, *weight, *bias, x),
        Prim::GroupNorm { groups, eps, affine } => reduce::group_norm(b, *groups, *eps, *affine, x),
        Prim::Pool { .. } => spatial::pool(b, prim, x),
        Prim::AdaptivePool { max, output } => spatial::adaptive(b, *max, output, x),
        Prim::Reshape { shape } => b.reshape(&first, shape),
        Prim::Permute { dims } => b.transpose(&first, dims),
        Prim::Expand { shape } => {
            let shape: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
            let shape = b.ints(&shape);
            b.op("Expand", &[&first, &shape])
        }
        Prim::Slice { dim, start, end, step } => b.slice(&first, *dim, *start as i64, *end as i64, *step as i64),
        Prim::Flip { dims } => {
            // Before the first element, so that it is taken too.
            dims.iter().fold(first, |v, &dim| b.slice(&v, dim, -1, i64::MIN + 1, -1))
        }
        Prim::Concat { dim } => b.concat(&x.names, *dim),
        Prim::Pad { mode, pads } => pad(b, *mode, pads, x),
        Prim::Gather { dim } => b.node("GatherElements", &x.refs(), vec![("axis", Value::Int(*dim as i64))]),
        Prim::IndexSelect { dim } => b.node("Gather", &x.refs(), vec![("axis", Value::Int(*dim as i64))]),
        Prim::Scatter { dim, add } => {
            // PyTorch reads as much of the source as there are indices.
            let mut source = x.names[2].clone();
            for (d, (&have, &want)) in x.shape(2).iter().zip(x.shape(1)).enumerate() {
                if have > want {
                    source = b.slice(&source, d, 0, want as i64, 1);
                }
            }
            let mut attributes = vec![("axis", Value::Int(*dim as i64))];
            if *add {
                attributes.push(("reduction", Value::Text("add")));
            }
            b.node("ScatterElements", &[&x.names[0], &x.names[1], &source], attributes)
        }
        Prim::TopK { .. } => return Err("a top-k among primitives of one output".into()),
        Prim::Interpolate { .. } => resample::interpolate(b, prim, x),
        Prim::Dropout { p, mask } => {
            if *p <= 0.0 {
                return Ok(first);
            }
            let dtype = x.types[0].dtype;
            let ones = b.constant(&HostTensor::full(TensorType::new(dtype, mask.clone()), 1.0));
            let (ratio, on) = (b.scalar(DType::F32, *p), b.scalar(DType::Bool, 1.0));
            let mask = b.op("Dropout", &[&ones, &ratio, &on]);
            b.op("Mul", &[&first, &mask])
        }
        Prim::Full { ty, value } => {
            // Only what is too large to be stored comes here.
            let one = b.scalar(ty.dtype, *value);
            let shape: Vec<i64> = ty.shape.iter().map(|&d| d as i64).collect();
            let shape = b.ints(&shape);
            b.op("Expand", &[&one, &shape])
        }
        Prim::Arange { start, step, n, dtype } => {
            let (from, to, by) = (*start, start + step * *n as f64, *step);
            let [from, to, by] = [from, to, by].map(|v| b.scalar(*dtype, v));
            b.op("Range", &[&from, &to, &by])
        }
        Prim::Literal { ty, values } => b.floats(ty.dtype, &ty.shape, values.clone()),
        Prim::Random { ty, distribution } => random(b, ty, *distribution)?,
        Prim::Detach => first,
    })
}

/// Applies a function of a dimension; a scalar tensor has one of size 1, as in PyTorch.
pub(super) fn on_list(b: &mut Builder<'_>, x: &Operands<'_>, f: impl FnOnce(&mut Builder<'_>, &str) -> Name) -> Name {
    if x.types[0].rank() > 0 {
        return f(b, &x.names[0]);
    }
    let list = b.reshape(&x.names[0], &[1]);
    let y = f(b, &list);
    b.reshape(&y, &x.out.shape)
}

fn pad(b: &mut Builder<'_>, mode: PadMode, pads: &[(i64, i64)], x: &Operands<'_>) -> Name {
    let mut y = x.names[0].clone();
    let (value, mode) = match mode {
        PadMode::Constant(value) => (value, "constant"),
        PadMode::Reflect => (0.0, "reflect"),
        PadMode::Replicate => (0.0, "edge"),
        PadMode::Circular => {
            for (d, &(before, after)) in pads.iter().enumerate() {
                let n = x.shape(0)[d] as i64;
                let mut parts = Vec::new();
                if before > 0 {
                    parts.push(b.slice(&y, d, n - before, n, 1));
                }
                parts.push(y.clone());
                if after > 0 {
                    parts.push(b.slice(&y, d, 0, after, 1));
                }
                if parts.len() > 1 {
                    y = b.concat(&parts, d);
                }
            }
            return y;
        }
    };
    for (d, &(before, after)) in pads.iter().enumerate() {
        if before < 0 || after < 0 {
            let n = x.shape(0)[d] as i64;
            y = b.slice(&y, d, (-before).max(0), n + after.min(0), 1);
        }
    }
    if pads.iter().all(|&(before, after)| before <= 0 && after <= 0) {
        return y;
    }
    let amounts: Vec<i64> = pads.iter().map(|p| p.0.max(0)).chain(pads.iter().map(|p| p.1.max(0))).collect();
    let amounts = b.ints(&amounts);
    let mut inputs = vec![y.as_str(), amounts.as_str()];
    let fill = b.scalar(x.types[0].dtype, value);
    if mode == "constant" {
        inputs.push(&fill);
    }
    b.node("Pad", &inputs, vec![("mode", Value::Text(mode))])
}

fn random(b: &mut Builder<'_>, ty: &TensorType, distribution: Distribution) -> Form {
    let base = vec![("dtype", Value::Int(super::onnx_type(ty.dtype) as i64)), ("shape", ints(&ty.shape))];
    let with = |more: [(&'static str, f64); 2]| {
        let more = more.map(|(n, v)| (n, Value::Float(v as f32)));
        [base.clone(), more.to_vec()].concat()
    };
    Ok(match distribution {
        Distribution::Uniform { low, high } if ty.dtype.is_float() => {
            b.node("RandomUniform", &[], with([("low", low), ("high", high)]))
        }
        Distribution::Normal { mean, std } if ty.dtype.is_float() => {
            b.node("RandomNormal", &[], with([("mean", mean), ("scale", std)]))
        }
        Distribution::TruncatedNormal { mean, std, a, b: high } if ty.dtype.is_float() => {
            let y = b.node("RandomNormal", &[], with([("mean", mean), ("scale", std)]));
            let (low, high) = (b.scalar(ty.dtype, a), b.scalar(ty.dtype, high));
            b.op("Clip", &[&y, &low, &high])
        }
        Distribution::Bernoulli { p } => {
            let p = b.constant(&HostTensor::full(TensorType::f32(ty.shape.clone()), p));
            b.node("Bernoulli", &[&p], base[..1].to_vec())
        }
        other => return Err(format!("a random draw ({other:?}) of {}", ty.dtype)),
    })
}
