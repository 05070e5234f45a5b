//! Why a call does not fit: where its operands got their shapes, where the layer was made and what it was made for.
//!
//! Invariants: only a raise is changed, and only by remarks and help; nothing is evaluated.

use super::Tensor;
use super::trace::TensorArg;
use crate::code;
use crate::eval::class::Instance;
use crate::eval::value::Value;
use crate::eval::{Interp, Raise};
use crate::syntax::Sym;
use archsmith_ir::{Span, ValueDef};
use std::rc::Rc;

/// Remarks on operands beyond which a diagnostic shows too much.
const MAX_OPERANDS: usize = 3;

/// What the layers of PyTorch are made for: the attribute that says so, what it counts, and the dimension of the input that
/// must have as many. `Last`: the last one; `Channels`: dimension 1, or 0 of an input without a batch.
const DECLARED: &[(&str, &str, Axis)] = &[
    ("in_channels", "input channels", Axis::Channels),
    ("in_features", "input features", Axis::Last),
    ("num_features", "channels", Axis::Channels),
    ("num_channels", "channels", Axis::Channels),
    ("input_size", "input features", Axis::Last),
    ("embed_dim", "features", Axis::Last),
    ("normalized_shape", "trailing dimensions", Axis::Trailing),
];

#[derive(Clone, Copy)]
enum Axis {
    Last,
    Channels,
    Trailing,
}

/// Says where the operands of an operator that refused them got their shapes.
#[cold]
pub(crate) fn operands(i: &Interp, mut raise: Raise, args: &[TensorArg]) -> Raise {
    let Raise::Exception(t) = &mut raise else { return raise };
    let here = t.span;
    let tensors = args.iter().flat_map(|a| match a {
        TensorArg::Tensor(t) => std::slice::from_ref(t),
        TensorArg::Tensors(ts) => ts.as_slice(),
        TensorArg::Attr(_) => &[],
    });
    for tensor in tensors {
        let (span, text) = origin(i, tensor);
        let known = t.labels.iter().any(|(s, _)| *s == span);
        if span != here && span != Span::default() && !known && t.labels.len() < MAX_OPERANDS {
            t.labels.push((span, text));
        }
    }
    raise
}

/// Where a tensor came from, and what it is.
pub(crate) fn origin(i: &Interp, tensor: &Tensor) -> (Span, String) {
    let storage = tensor.storage();
    let ty = tensor.ty();
    let body = i.torch.body(storage.body.get()).body();
    let shape = &ty.shape;
    let text = match body.values.get(storage.value.get().index()) {
        Some(ValueDef::Input(_)) => format!("the input has shape {shape:?}"),
        _ if tensor.parameter => format!("this parameter has shape {shape:?}"),
        _ if ty.dtype == archsmith_ir::DType::F32 => format!("this has shape {shape:?}"),
        _ => format!("this has shape {shape:?} of torch.{}", ty.dtype.torch_name()),
    };
    (storage.span, text)
}

/// Says that a layer stands where its output should, and where it was made.
#[cold]
pub(crate) fn not_called(mut raise: Raise, layer: &Rc<Instance>) -> Raise {
    if let Raise::Exception(t) = &mut raise {
        let name = layer.class().name.clone();
        if layer.span != t.span && layer.span != Span::default() {
            t.labels.push((layer.span, format!("this makes the layer {name}, it does not apply it")));
        }
        t.help =
            Some(format!("make the layer once in __init__ and call it on the tensor: {name}(…)(x), not {name}(x)"));
    }
    raise
}

/// Says where the layer was made that refused its input, what it was made for and what it got.
#[cold]
pub(crate) fn declaration(i: &mut Interp, mut raise: Raise, module: &Rc<Instance>, inputs: &[Value]) -> Raise {
    let Raise::Exception(t) = &mut raise else { return raise };
    let class = module.class();
    let ours = match class.lookup(Sym::new("forward")) {
        Some(Value::Function(f)) => !f.code.user,
        _ => false,
    };
    let fits = matches!(
        t.code,
        code::SHAPE_MISMATCH | code::DTYPE_MISMATCH | code::BAD_ARGUMENT | code::RUNTIME_ERROR | code::VALUE_ERROR
    );
    if !ours || !fits || t.declared || module.span == Span::default() {
        return raise;
    }
    let Some((made_for, what, axis)) =
        DECLARED.iter().find_map(|(name, what, axis)| Some((module.get(Sym::new(name))?, *what, *axis)))
    else {
        return raise;
    };
    t.declared = true;
    // The layer's own parameters were made where the layer was.
    t.labels.retain(|(span, _)| *span != module.span);
    let Ok(declared) = i.repr(&made_for) else { return raise };
    t.labels.insert(0, (module.span, format!("{} declared here for {declared} {what}", class.name)));
    let Some(Value::Tensor(input)) = inputs.first() else { return raise };
    let shape = input.shape();
    let spatial = match class.name.chars().rev().nth(1) {
        Some(d @ '1'..='3') => d as usize - '0' as usize,
        _ => shape.len().saturating_sub(2),
    };
    let found = match axis {
        Axis::Last => shape.last().map(usize::to_string),
        Axis::Channels => shape.get(usize::from(shape.len() != spatial + 1)).map(usize::to_string),
        Axis::Trailing => {
            let rank = made_for.as_sequence().map_or(1, |s| s.len());
            shape.get(shape.len().saturating_sub(rank)..).map(|d| match d {
                [one] => format!("({one},)"),
                many => format!("({})", many.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
            })
        }
    };
    if let Some(found) = found.filter(|f| **f != *declared) {
        t.labels.insert(0, (t.span, format!("called here with {found} {}", what.trim_start_matches("input "))));
        t.help = Some(rearrange(axis, &class.name, &declared, &shape).unwrap_or_else(|| {
            format!("write {0}({found}, …) instead of {0}({declared}, …), or change what comes before", class.name)
        }));
    }
    raise
}

/// What makes the input fit a layer over the last dimensions, where its elements are right and only lie otherwise.
fn rearrange(axis: Axis, class: &str, declared: &str, shape: &[usize]) -> Option<String> {
    let wanted: usize = declared.trim_matches(['(', ')', '[', ']', ',']).parse().ok()?;
    let (batch, rest) = shape.split_first()?;
    let [channels, spatial @ ..] = rest else { return None };
    if spatial.is_empty() {
        return None;
    }
    let all: usize = rest.iter().product();
    match axis {
        // `in_shape` is (N, C, H, W), and its first number is often taken for the channels.
        Axis::Channels if batch == &wanted && *channels != wanted && spatial.len() == 2 && *channels <= 4 => {
            Some("in_shape is (N, C, H, W): the channels are in_shape[1]".into())
        }
        Axis::Last if all == wanted => Some(format!("flatten it first: x.flatten(1) has shape [{batch}, {wanted}]")),
        Axis::Last if *channels == wanted && spatial.len() == 2 => Some(format!(
            "{class} acts on the last dimension: pool first, x.mean((2, 3)) has shape [{batch}, {wanted}], or use a \
             convolution with kernel_size=1"
        )),
        Axis::Trailing if *channels == wanted && spatial.len() == 2 => Some(format!(
            "{class} normalises the last dimension: x.permute(0, 2, 3, 1) before and x.permute(0, 3, 1, 2) after it, or \
             GroupNorm(1, {wanted})"
        )),
        _ => None,
    }
}

/// Arguments of layers that are whole numbers, by the attributes that keep them.
const WHOLE: &[&str] = &[
    "in_channels",
    "out_channels",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "in_features",
    "out_features",
    "num_features",
    "num_channels",
    "num_groups",
    "embed_dim",
    "num_heads",
    "input_size",
    "hidden_size",
    "num_layers",
    "num_embeddings",
    "embedding_dim",
    "normalized_shape",
];

/// Says which argument of a layer's constructor is no whole number.
#[cold]
pub(crate) fn construction(i: &mut Interp, mut raise: Raise, made: &Rc<Instance>) -> Raise {
    let ours = match made.class().lookup(Sym::new("__init__")) {
        Some(Value::Function(f)) => !f.code.user,
        _ => false,
    };
    let Raise::Exception(t) = &mut raise else { return raise };
    if !ours || t.declared || !matches!(t.code, code::BAD_ARGUMENT | code::TYPE_ERROR) {
        return raise;
    }
    for name in WHOLE {
        let Some(value) = made.get(Sym::new(name)) else { continue };
        let items = value.as_sequence().unwrap_or_else(|| vec![value.clone()]);
        let what = match items.iter().find(|v| matches!(v, Value::Float(_) | Value::Str(_) | Value::None)) {
            Some(Value::Float(f)) if f.fract() == 0.0 => "a float: use // instead of /, or int(…)",
            Some(Value::Float(_)) => "a float: round it to a whole number",
            Some(Value::Str(_)) if matches!(*name, "padding") => continue,
            Some(Value::Str(_)) => "text: write the number without quotes",
            Some(_) => "None: a whole number is missing",
            None => continue,
        };
        t.declared = true;
        let Ok(shown) = i.repr(&value) else { return raise };
        return raise.into_help(format!("{name} is {shown}, {what}"));
    }
    raise
}

/// Keeps where a `forward` of the source returned nothing, for [`nothing`].
#[cold]
pub(crate) fn remember_nothing(i: &mut Interp, module: &Rc<Instance>) {
    if let Some(Value::Function(f)) = module.class().lookup(Sym::new("forward"))
        && f.code.user
    {
        i.torch.returned_nothing = Some((f.code.span, f.code.qualname.clone()));
    }
}

/// Says where `None` may come from.
#[cold]
pub(crate) fn nothing(i: &Interp, mut raise: Raise) -> Raise {
    let Some((span, name)) = &i.torch.returned_nothing else { return raise };
    if let Raise::Exception(t) = &mut raise {
        t.labels.push((*span, format!("{name} returned None")));
    }
    raise.into_help(format!("end {name} with a return"))
}
