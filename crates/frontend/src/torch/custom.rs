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
use rustc_hash::FxHashSet;

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

/// What a value has of another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    Nothing,
    /// Each element is the same element of the other, times a factor that does not depend on the other.
    Scaled,
    Mixed,
}

/// What `v` has of `g`. One pass over what was recorded since `g`: values are numbered in the order they are made.
fn share(body: &BodyBuilder, v: ValueId, g: ValueId) -> Share {
    let mut shares = vec![Share::Scaled];
    let of = |shares: &[Share], x: ValueId| {
        x.index().checked_sub(g.index()).and_then(|i| shares.get(i).copied()).unwrap_or(Share::Nothing)
    };
    for index in g.0 + 1..=v.0 {
        let value = ValueId(index);
        let found = maker(body, value).map_or(Share::Nothing, |node| {
            let inputs: Vec<(ValueId, Share)> = node.inputs().map(|x| (x, of(&shares, x))).collect();
            combined(body, node, value, &inputs)
        });
        shares.push(found);
    }
    of(&shares, v)
}

/// What the result of an operator has of `g`, from what its operands have.
fn combined(body: &BodyBuilder, node: &Node, v: ValueId, inputs: &[(ValueId, Share)]) -> Share {
    let touched: Vec<bool> = inputs.iter().map(|(_, s)| *s != Share::Nothing).collect();
    let count = touched.iter().filter(|t| **t).count();
    if count == 0 {
        return Share::Nothing;
    }
    let linear = match node.op.get().name {
        "mul" => count == 1,
        "div" => touched[0] && count == 1,
        "neg" | "clone" | "contiguous" | "cast" => true,
        // A sum of parts that all scale.
        "add" | "sub" => count == 2 && inputs.len() == 2,
        // Zero, or what scales, wherever a mask says.
        "masked_fill" => touched[0] && count == 1 && fills_zero(node),
        "where_op" => inputs.len() == 3 && count == 2 && !touched[0],
        _ => false,
    };
    let kept = |(x, s): &(ValueId, Share)| match s {
        Share::Nothing => true,
        Share::Scaled => body.ty(*x).shape == body.ty(v).shape,
        Share::Mixed => false,
    };
    if linear && inputs.iter().all(kept) { Share::Scaled } else { Share::Mixed }
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
    Ok(Value::Bool(share(body, result, g) == Share::Scaled))
}

/// `_flat(out, x)`: whether every way from an input to what `forward` gave leads through an operator without a gradient.
pub(super) fn is_flat(i: &mut Interp, args: Args) -> Eval<Value> {
    let Some((out, x)) = tensors(&args) else { return Ok(Value::Bool(false)) };
    let (out, x) = (i.value_of(&out)?, i.value_of(&x)?);
    let body = i.torch.body(i.torch.current);
    let mut open = vec![out];
    let mut seen = FxHashSet::default();
    while let Some(v) = open.pop() {
        if v == x {
            return Ok(Value::Bool(false));
        }
        if v.index() < x.index() || !seen.insert(v) {
            continue;
        }
        if let Some(node) = maker(body, v).filter(|n| !FLAT.contains(&n.op.get().name)) {
            open.extend(node.inputs());
        }
    }
    Ok(Value::Bool(true))
}
