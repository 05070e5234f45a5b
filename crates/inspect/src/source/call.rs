//! One operator call as a Python expression.

use archsmith_ir::signature::{Kind, Signature};
use archsmith_ir::{Arg, Attr, Node, ValueId};

/// The names of a body's values, and how often each is read.
pub(super) struct Names {
    pub(super) values: Vec<String>,
    pub(super) uses: Vec<usize>,
}

impl Names {
    fn of(&self, v: ValueId) -> &str {
        &self.values[v.index()]
    }
}

/// An attribute's value in Python.
pub(super) fn attr(a: &Attr) -> String {
    match a {
        Attr::Float(v) if v.is_nan() => "math.nan".to_string(),
        Attr::Float(v) if v.is_infinite() => if *v > 0.0 { "math.inf" } else { "-math.inf" }.to_string(),
        Attr::Float(v) => format!("{v:?}"),
        Attr::Floats(v) => list(v.iter().map(|v| attr(&Attr::Float(*v)))),
        Attr::Ints(v) => list(v.iter().map(ToString::to_string)),
        Attr::Str(s) => {
            let mut out = String::from("'");
            for c in s.chars() {
                match c {
                    '\\' | '\'' => out.extend(['\\', c]),
                    c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                    c => out.push(c),
                }
            }
            out.push('\'');
            out
        }
        Attr::DType(d) => format!("torch.{}", d.torch_name()),
        Attr::None | Attr::Bool(_) | Attr::Int(_) => a.to_string(),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// The infix form of a function of two values.
fn infix(op: &str) -> Option<&'static str> {
    Some(match op {
        "add" => "+",
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        "floor_divide" => "//",
        "remainder" => "%",
        "pow" => "**",
        "matmul" => "@",
        "eq" => "==",
        "ne" => "!=",
        "lt" => "<",
        "le" => "<=",
        "gt" => ">",
        "ge" => ">=",
        "bitwise_and" => "&",
        "bitwise_or" => "|",
        "bitwise_xor" => "^",
        _ => return None,
    })
}

/// The call as an expression. `attribute` gives the text of a non-tensor argument.
///
/// # Errors
/// The name of an operator that PyTorch has under no public name.
pub(super) fn call(names: &Names, node: &Node, attribute: impl Fn(usize) -> Option<String>) -> Result<String, String> {
    let op = node.op.get();
    let signature = node.op.signature();
    let text = |k: usize| match &node.args[k] {
        Arg::Tensor(v) => names.of(*v).to_string(),
        Arg::Tensors(vs) => list(vs.iter().map(|v| names.of(*v).to_string())),
        Arg::Attr(_) => attribute(k).unwrap_or_default(),
    };
    let at = |name: &str| signature.index(name);
    let arg = |name: &str| at(name).and_then(|k| node.args.get(k));
    let is_default = |k: usize| match (&node.args[k], &signature.params[k].default) {
        (Arg::Attr(a), Some(d)) => same(a, d, &signature.params[k].kinds) && attribute(k) == Some(self::attr(a)),
        _ => false,
    };
    let x = || text(0);
    let special = match op.name {
        "cast" => Some(format!("{}.to({})", x(), text(1))),
        // The graph does not say how memory is laid out: `reshape` copies where `view` would refuse.
        "view" => Some(format!("{}.reshape({})", x(), text(1))),
        "matrix_transpose" => Some(format!("{}.mT", x())),
        "numpy_t" => Some(format!("{}.T", x())),
        "literal" => match (arg("values"), arg("shape"), arg("dtype")) {
            (Some(Arg::Attr(values)), Some(Arg::Attr(Attr::Ints(shape))), Some(Arg::Attr(Attr::DType(dtype)))) => {
                Some(format!("torch.tensor({}, dtype=torch.{})", nested(values, shape, *dtype), dtype.torch_name()))
            }
            _ => None,
        },
        "slice" | "slice_scatter" => {
            let bound = |name: &str| match arg(name) {
                Some(Arg::Attr(Attr::Int(v))) => v.to_string(),
                _ => String::new(),
            };
            let step = match bound("step").as_str() {
                "1" | "" => String::new(),
                step => format!(":{step}"),
            };
            let dim = dimension(arg("dim"))?;
            let index = format!("{}:{}{step}", bound("start"), bound("end"));
            if op.name == "slice" { Some(format!("{}[{}{index}]", x(), ":, ".repeat(dim))) } else { None }
        }
        "select" if dimension(arg("dim")).is_ok() => Some(format!(
            "{}[{}{}]",
            x(),
            ":, ".repeat(dimension(arg("dim"))?),
            at("index").map(text).unwrap_or_default()
        )),
        "index" => Some(format!("{}[{}]", x(), indices(names, arg("indices"), arg("dims"))?)),
        "orthogonal" => Some(format!("nn.init.orthogonal_({}, {})", x(), text(1))),
        "trunc_normal" => {
            Some(format!("nn.init.trunc_normal_({}, {}, {}, {}, {})", x(), text(1), text(2), text(3), text(4)))
        }
        "multi_head_attention" => {
            let rest: Vec<String> = (13..node.args.len())
                .filter(|&k| !is_default(k))
                .map(|k| format!("{}={}", signature.params[k].name, text(k)))
                .collect();
            let first: Vec<String> = (0..13).map(text).collect();
            let call = format!(
                "F.multi_head_attention_forward({})",
                first.into_iter().chain(rest).collect::<Vec<_>>().join(", ")
            );
            Some(if node.outputs == 1 { format!("{call}[0]") } else { call })
        }
        _ => None,
    };
    if let Some(special) = special {
        return Ok(special);
    }
    if op.name.ends_with("_scatter") || op.name == "index_put" {
        return write(names, node, &text, &arg);
    }
    if let Some(sign) = infix(op.name) {
        let rest_is_default = (2..node.args.len()).all(is_default);
        if rest_is_default {
            return Ok(format!("{} {sign} {}", x(), text(1)));
        }
    }
    let given = |name: &str| signature.index(name).is_some_and(|k| !is_default(k));
    let public = public(node, given).ok_or_else(|| op.name.to_string())?;
    let (head, path) = head(names, node, public, &text);
    let mut args = Vec::new();
    let mut keyword = false;
    let skip = usize::from(path.starts_with("Tensor."));
    for k in skip..node.args.len() {
        let p = &signature.params[k];
        if matches!(p.name, "from" | "to") {
            args.push(text(k));
            continue;
        }
        // What only our side has, or only PyTorch ignores.
        if public.index(p.name).is_none() && public.text != signature.text {
            continue;
        }
        if is_default(k) || p.name == "implicit" {
            keyword = true;
            continue;
        }
        let value = match &node.args[k] {
            // `*tensors`, not a list of tensors.
            Arg::Tensors(vs) if p.variadic => vs.iter().map(|v| names.of(*v)).collect::<Vec<_>>().join(", "),
            _ => text(k),
        };
        let named =
            !p.variadic && (keyword || p.keyword_only || p.default.is_some() && matches!(node.args[k], Arg::Attr(_)));
        args.push(if named { format!("{}={value}", p.name) } else { value });
        keyword |= named;
    }
    let call = format!("{head}({})", args.join(", "));
    // One of several results that PyTorch returns.
    Ok(call)
}

/// The first signature that people can call and that takes every argument that is not a default, or else the first.
fn public(node: &Node, given: impl Fn(&str) -> bool) -> Option<&'static Signature> {
    let callable = || node.op.signatures().iter().filter(|s| !s.path.starts_with("torch.ops."));
    let names = || node.op.signature().params.iter().map(|p| p.name).filter(|name| given(name));
    callable().find(|s| names().all(|name| s.index(name).is_some())).or_else(|| callable().next())
}

fn head<'a>(names: &Names, node: &Node, public: &'a Signature, text: &impl Fn(usize) -> String) -> (String, &'a str) {
    let path = public.path;
    let head = if let Some(method) = path.strip_prefix("Tensor.") {
        // In place on a value that someone else reads too would change it for them.
        let shared = matches!(&node.args[0], Arg::Tensor(v) if names.uses[v.index()] > 1
            || !names.of(*v).starts_with(['v', 'i']));
        let copy = if method.ends_with('_') && shared { ".clone()" } else { "" };
        format!("{}{copy}.{method}", text(0))
    } else if let Some(function) = path.strip_prefix("torch.nn.functional.") {
        format!("F.{function}")
    } else {
        path.to_string()
    };
    (head, path)
}

/// A write into a part of a tensor, as a function that gives the new tensor.
fn write<'a>(
    names: &Names,
    node: &Node,
    text: &impl Fn(usize) -> String,
    arg: &impl Fn(&str) -> Option<&'a Arg>,
) -> Result<String, String> {
    let signature = node.op.signature();
    let value = |name: &str| signature.index(name).map(text).unwrap_or_default();
    let x = text(0);
    Ok(match node.op.get().name {
        "index_put" => {
            let dims = match arg("dims") {
                Some(Arg::Attr(Attr::Ints(d))) => d.clone(),
                _ => Vec::new(),
            };
            // `index_put` takes the leading dimensions.
            if dims.iter().enumerate().any(|(i, &d)| d != i as i64) {
                return Err("index_put of inner dimensions".into());
            }
            let list = match arg("indices") {
                Some(Arg::Tensors(vs)) => vs.iter().map(|v| names.of(*v).to_string()).collect::<Vec<_>>().join(", "),
                _ => String::new(),
            };
            let number = matches!(arg("values"), Some(Arg::Attr(_)));
            let values =
                if number { format!("torch.full((), {}, dtype={x}.dtype)", value("values")) } else { value("values") };
            let add = if value("accumulate") == "True" { ", accumulate=True" } else { "" };
            format!("torch.index_put({x}, ({list},), {values}{add})")
        }
        name => {
            // The value is broadcast to the part, as an assignment does.
            let number = matches!(arg("src"), Some(Arg::Attr(_)));
            let src = if number { format!("torch.full((), {}, dtype={x}.dtype)", value("src")) } else { value("src") };
            let part = if name == "select_scatter" {
                format!("{x}.select({}, {})", value("dim"), value("index"))
            } else {
                let dim = dimension(arg("dim"))?;
                format!("{x}[{}{}:{}:{}]", ":, ".repeat(dim), none(&value("start")), none(&value("end")), value("step"))
            };
            let rest = if name == "select_scatter" {
                format!("{}, {}", value("dim"), value("index"))
            } else {
                format!("{}, {}, {}, {}", value("dim"), value("start"), value("end"), value("step"))
            };
            format!("torch.{name}({x}, {src}.expand_as({part}), {rest})")
        }
    })
}

fn none(text: &str) -> &str {
    if text == "None" { "" } else { text }
}

fn dimension(arg: Option<&Arg>) -> Result<usize, String> {
    match arg {
        Some(Arg::Attr(Attr::Int(d))) => usize::try_from(*d).map_err(|_| "a slice of a dimension from the end".into()),
        _ => Err("a slice without a dimension".into()),
    }
}

/// `:, i, :` for the indexed dimensions.
fn indices(names: &Names, indices: Option<&Arg>, dims: Option<&Arg>) -> Result<String, String> {
    let (Some(Arg::Tensors(indices)), Some(Arg::Attr(Attr::Ints(dims)))) = (indices, dims) else {
        return Err("index".into());
    };
    let mut places: Vec<(i64, &str)> = dims.iter().copied().zip(indices.iter().map(|v| names.of(*v))).collect();
    places.sort_unstable();
    if places.iter().any(|p| p.0 < 0) {
        return Err("an index of a dimension from the end".into());
    }
    let last = places.last().map_or(0, |p| p.0);
    let parts = (0..=last).map(|d| places.iter().find(|p| p.0 == d).map_or(":", |p| p.1));
    Ok(parts.collect::<Vec<_>>().join(", "))
}

/// A flat list of numbers as nested lists.
fn nested(values: &Attr, shape: &[i64], dtype: archsmith_ir::DType) -> String {
    let numbers: Vec<f64> = match values {
        Attr::Floats(v) => v.clone(),
        Attr::Ints(v) => v.iter().map(|&v| v as f64).collect(),
        other => other.as_f64().into_iter().collect(),
    };
    let number = |v: f64| match dtype {
        archsmith_ir::DType::Bool => if v != 0.0 { "True" } else { "False" }.to_string(),
        d if d.is_float() => attr(&Attr::Float(v)),
        _ => format!("{}", v as i64),
    };
    fn level(numbers: &[f64], shape: &[i64], number: &dyn Fn(f64) -> String) -> String {
        match shape {
            [] => numbers.first().map_or("0".to_string(), |v| number(*v)),
            [n, rest @ ..] => {
                let each = numbers.len() / usize::try_from(*n).unwrap_or(0).max(1);
                list(
                    (0..usize::try_from(*n).unwrap_or(0))
                        .map(|i| level(&numbers[i * each..(i + 1) * each], rest, number)),
                )
            }
        }
    }
    level(&numbers, shape, &number)
}

/// Whether an argument is the default: `3` is `[3, 3]` for a pair.
fn same(a: &Attr, default: &Attr, kinds: &[Kind]) -> bool {
    if a == default {
        return true;
    }
    let pair = kinds.iter().any(|k| matches!(k, Kind::Ints(Some(_))));
    match (a, default) {
        (Attr::Ints(v), Attr::Int(d)) => pair && v.iter().all(|v| v == d),
        (Attr::Float(v), Attr::Int(d)) => *v == *d as f64,
        _ => false,
    }
}
