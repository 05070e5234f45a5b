//! What a custom `torch.autograd.Function` does to gradients, read off the operators that it records.
//!
//! `library/torch_core.py` runs the author's `backward` on a stand-in for the gradient. Where each element of the result is the
//! stand-in's element times a factor, the factor says all, and the function becomes operators whose derivative is that.
//!
//! Invariants: nothing is recorded here; `false` where the operators do not say.

use super::Tensor;
use crate::eval::args::Args;
use crate::eval::value::Value;
use crate::eval::{Eval, Interp};
use archsmith_ir::infer::BodyBuilder;
use archsmith_ir::{Node, ValueDef, ValueId};
use rustc_hash::FxHashMap;

/// Operators through which no gradient passes.
const FLAT: &[&str] = &[
    "round",
    "floor",
    "ceil",
    "trunc",
    "sign",
    "heaviside",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "argmax",
    "argmin",
    "floor_divide",
    "detach",
    "logical_and",
    "logical_or",
    "logical_not",
    "isnan",
    "bernoulli",
];

fn maker(body: &BodyBuilder, v: ValueId) -> Option<&Node> {
    match body.body().values.get(v.index()) {
        Some(ValueDef::Node { node, .. }) => body.body().nodes.get(node.index()),
        _ => None,
    }
}

/// Whether a value is made of another.
fn depends(body: &BodyBuilder, v: ValueId, on: ValueId, known: &mut FxHashMap<ValueId, bool>) -> bool {
    if v == on {
        return true;
    }
    // Values are numbered in the order they are made.
    if v.index() < on.index() {
        return false;
    }
    if let Some(&found) = known.get(&v) {
        return found;
    }
    let inputs: Vec<ValueId> = maker(body, v).map(|n| n.inputs().collect()).unwrap_or_default();
    let found = inputs.into_iter().any(|x| depends(body, x, on, known));
    known.insert(v, found);
    found
}

/// Whether each element of a value is the same element of `g` times a factor that does not depend on `g`.
fn scales(body: &BodyBuilder, v: ValueId, g: ValueId, known: &mut FxHashMap<ValueId, bool>) -> bool {
    if v == g {
        return true;
    }
    let Some(node) = maker(body, v) else { return false };
    let inputs: Vec<ValueId> = node.inputs().collect();
    let touched: Vec<bool> = inputs.iter().map(|x| depends(body, *x, g, known)).collect();
    let shapes_stay = inputs.iter().zip(&touched).all(|(x, t)| !t || body.ty(*x).shape == body.ty(v).shape);
    let linear = match node.op.get().name {
        "mul" => touched.iter().filter(|t| **t).count() == 1,
        "div" => touched.first() == Some(&true) && touched.iter().filter(|t| **t).count() == 1,
        "neg" | "clone" | "contiguous" | "cast" | "zeros_like" => true,
        // A sum of parts that all scale.
        "add" | "sub" => inputs.len() == 2 && touched.iter().all(|t| *t),
        // Zero, or what scales, wherever a mask says.
        "masked_fill" => {
            touched.first() == Some(&true) && touched.iter().filter(|t| **t).count() == 1 && fills_zero(node)
        }
        "where_op" => inputs.len() == 3 && !touched[0] && touched[1] && touched[2],
        _ => false,
    };
    linear && shapes_stay && inputs.iter().zip(&touched).all(|(x, t)| !t || scales(body, *x, g, known))
}

fn fills_zero(node: &Node) -> bool {
    node.args.iter().any(|a| match a {
        archsmith_ir::Arg::Attr(archsmith_ir::Attr::Float(v)) => *v == 0.0,
        archsmith_ir::Arg::Attr(archsmith_ir::Attr::Int(v)) => *v == 0,
        _ => false,
    })
}

fn tensors(args: &Args) -> Option<(Tensor, Tensor)> {
    match args.pos.as_slice() {
        [Value::Tensor(a), Value::Tensor(b)] => Some((a.clone(), b.clone())),
        _ => None,
    }
}

/// `_scales(result, g)`: whether a result of `backward` is its gradient times a factor, element by element.
pub(super) fn scales_gradient(i: &mut Interp, args: Args) -> Eval<Value> {
    let Some((result, g)) = tensors(&args) else { return Ok(Value::Bool(false)) };
    let (result, g) = (i.value_of(&result)?, i.value_of(&g)?);
    let body = i.torch.body(i.torch.current);
    Ok(Value::Bool(scales(body, result, g, &mut FxHashMap::default())))
}

/// `_flat(out, x)`: whether every way from an input to what `forward` gave leads through an operator without a gradient.
pub(super) fn is_flat(i: &mut Interp, args: Args) -> Eval<Value> {
    let Some((out, x)) = tensors(&args) else { return Ok(Value::Bool(false)) };
    let (out, x) = (i.value_of(&out)?, i.value_of(&x)?);
    let body = i.torch.body(i.torch.current);
    let mut open = vec![out];
    let mut seen = FxHashMap::default();
    while let Some(v) = open.pop() {
        if v == x {
            return Ok(Value::Bool(false));
        }
        if v.index() < x.index() || seen.insert(v, ()).is_some() {
            continue;
        }
        if let Some(node) = maker(body, v).filter(|n| !FLAT.contains(&n.op.get().name)) {
            open.extend(node.inputs());
        }
    }
    Ok(Value::Bool(true))
}
