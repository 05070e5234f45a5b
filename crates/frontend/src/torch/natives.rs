//! Functions of the `torch` modules that are no operators.

use super::{bind, custom, dynamic, factory, fold, hooks, module, record, traverse};
use crate::eval::args::Args;
use crate::eval::value::{NativeFn, Value};
use crate::eval::{Eval, Exc, Interp};
use archsmith_ir::DType;

/// A native by its module and name.
pub(crate) fn find(at: &str, name: &str) -> Option<Value> {
    let table = match at {
        "torch" => TORCH,
        "torch.nn" | "torch.nn.parameter" => NN,
        "torch.nn.functional" => FUNCTIONAL,
        "torch.cuda" | "torch.mps" => CUDA,
        "torch.backends" => return backend(name),
        "torch.autograd" | "torch.jit" => AUTOGRAD,
        "torch.distributed" => DISTRIBUTED,
        "torch.onnx" => ONNX,
        "torch._C" | "torch._dynamo" | "torch.compiler" | "torch.overrides" | "torch.fx" => INTROSPECTION,
        "torch.random" => TORCH,
        _ => &[],
    };
    let sized: &[(&str, NativeFn)] = if at == "torch" { dynamic::FUNCTIONS } else { &[] };
    let found = table
        .iter()
        .chain(sized)
        .chain(INTERNAL.iter().filter(|_| at != "torch.nn.functional"))
        .find(|(n, _)| *n == name);
    found.map(|(n, f)| Value::native(n, *f))
}

fn nothing(_: &mut Interp, _: Args) -> Eval<Value> {
    Ok(Value::None)
}

fn no(_: &mut Interp, _: Args) -> Eval<Value> {
    Ok(Value::Bool(false))
}

fn zero(_: &mut Interp, _: Args) -> Eval<Value> {
    Ok(Value::Int(0))
}

fn same(_: &mut Interp, args: Args) -> Eval<Value> {
    Ok(args.pos.into_iter().next().unwrap_or_default())
}

/// What library sources call.
const INTERNAL: &[(&str, NativeFn)] = &[
    ("_module_init", module::init),
    ("_returns_nothing", hooks::returns_nothing),
    ("_walk", traverse::walk),
    ("_train", traverse::train),
    ("_reset_affine", factory::reset_affine),
    ("_record", record::record),
    ("_unsupported", |i: &mut Interp, args: Args| {
        let text = |v: Option<&Value>| v.and_then(Value::as_str).unwrap_or("").to_string();
        let what = text(args.pos.get(1));
        let code = text(args.pos.first());
        let code = crate::code::by_name(&code).map_or(crate::code::UNSUPPORTED, |c| c.name);
        Err(i.abort(code, what))
    }),
    ("_set_grad_enabled", |i: &mut Interp, args: Args| {
        let on = i.truth(&args.pos.into_iter().next().unwrap_or_default())?;
        Ok(Value::Bool(std::mem::replace(&mut i.torch.grad, on)))
    }),
    ("_scales", custom::scales_gradient),
    ("_flat", custom::is_flat),
    ("_custom_gradient", |i: &mut Interp, args: Args| {
        let name = args.pos.first().and_then(Value::as_str).unwrap_or("").to_string();
        i.torch.custom_gradients.push((i.span, name));
        Ok(Value::None)
    }),
];

const TORCH: &[(&str, NativeFn)] = &[
    ("tensor", factory::tensor),
    ("as_tensor", factory::tensor),
    ("asarray", factory::tensor),
    ("scalar_tensor", factory::tensor),
    ("FloatTensor", |i: &mut Interp, a: Args| factory::typed(i, a, DType::F32)),
    ("DoubleTensor", |i: &mut Interp, a: Args| factory::typed(i, a, DType::F64)),
    ("LongTensor", |i: &mut Interp, a: Args| factory::typed(i, a, DType::I64)),
    ("IntTensor", |i: &mut Interp, a: Args| factory::typed(i, a, DType::I32)),
    ("BoolTensor", |i: &mut Interp, a: Args| factory::typed(i, a, DType::Bool)),
    ("ByteTensor", |i: &mut Interp, a: Args| factory::typed(i, a, DType::U8)),
    ("from_numpy", |i: &mut Interp, a: Args| factory::tensor(i, a)),
    ("manual_seed", nothing),
    ("seed", zero),
    ("initial_seed", zero),
    ("set_default_dtype", nothing),
    ("set_default_device", nothing),
    ("set_printoptions", nothing),
    ("set_num_threads", nothing),
    ("set_float32_matmul_precision", nothing),
    ("use_deterministic_algorithms", nothing),
    ("get_num_threads", |_: &mut Interp, _: Args| Ok(Value::Int(1))),
    ("get_default_dtype", |_: &mut Interp, _: Args| Ok(Value::DType(DType::F32))),
    ("is_grad_enabled", |i: &mut Interp, _: Args| Ok(Value::Bool(i.torch.grad))),
    ("is_autocast_enabled", no),
    ("are_deterministic_algorithms_enabled", no),
    ("is_warn_always_enabled", no),
    ("is_deterministic", no),
    ("_assert", |i: &mut Interp, a: Args| {
        let holds = match a.pos.first() {
            Some(v) => i.truth(v)?,
            None => true,
        };
        if holds {
            return Ok(Value::None);
        }
        Err(i.raise_args(Exc::AssertionError, a.pos.into_iter().skip(1).collect()))
    }),
    ("is_inference_mode_enabled", no),
    ("get_autocast_gpu_dtype", |_: &mut Interp, _: Args| Ok(Value::DType(DType::F16))),
    ("is_tensor", |_: &mut Interp, a: Args| Ok(Value::Bool(matches!(a.pos.first(), Some(Value::Tensor(_)))))),
    ("is_floating_point", |i: &mut Interp, a: Args| match a.pos.first() {
        Some(Value::Tensor(t)) => Ok(Value::Bool(t.dtype().is_float())),
        _ => Err(i.raise(Exc::TypeError, "is_floating_point(): argument 'input' must be Tensor")),
    }),
    ("numel", |i: &mut Interp, a: Args| match a.pos.first() {
        Some(Value::Tensor(t)) => Ok(Value::from(t.ty().numel())),
        _ => Err(i.raise(Exc::TypeError, "numel(): argument 'input' must be Tensor")),
    }),
    ("equal", |i: &mut Interp, a: Args| match (a.pos.first(), a.pos.get(1)) {
        (Some(Value::Tensor(x)), Some(Value::Tensor(y))) => {
            let (x, y) = (fold::constant(i, x)?, fold::constant(i, y)?);
            match (x, y) {
                (Some(x), Some(y)) => Ok(Value::Bool(x.ty() == y.ty() && x.data() == y.data())),
                _ => Err(i.abort(
                    crate::code::DATA_DEPENDENT,
                    "torch.equal compares tensors whose values are known only when the network runs",
                )),
            }
        }
        _ => Err(i.raise(Exc::TypeError, "equal(): arguments must be Tensors")),
    }),
    ("promote_types", |i: &mut Interp, a: Args| {
        let of = |v: Option<&Value>| v.and_then(|v| bind::dtype_of(i, v));
        match (of(a.pos.first()), of(a.pos.get(1))) {
            (Some(x), Some(y)) => Ok(Value::DType(x.promote(y))),
            _ => Err(i.raise(Exc::TypeError, "promote_types(): arguments must be dtypes")),
        }
    }),
    ("where", |i: &mut Interp, a: Args| match (a.pos.as_slice(), a.kw.is_empty()) {
        ([Value::Tensor(t)], true) => dynamic::positions(i, &t.clone(), true),
        _ => super::call_operator(i, "torch.where", a),
    }),
    ("einsum", |i: &mut Interp, a: Args| {
        let a = dynamic::einsum_equation(i, a)?;
        super::call_operator(i, "torch.einsum", a)
    }),
    ("is_deterministic_algorithms_warn_only_enabled", no),
    ("save", |i: &mut Interp, _: Args| Err(i.abort(crate::code::UNSUPPORTED_ACCESS, "torch.save writes a file"))),
    ("load", |i: &mut Interp, _: Args| {
        Err(i.abort(crate::code::UNSUPPORTED_PRETRAINED, "torch.load reads weights that are not part of the source"))
    }),
    ("typename", |i: &mut Interp, a: Args| Ok(Value::str(i.type_name(&a.pos.into_iter().next().unwrap_or_default())))),
];

const FUNCTIONAL: &[(&str, NativeFn)] = &[
    ("cross_entropy", |i: &mut Interp, a: Args| record::loss(i, "torch.nn.functional.cross_entropy", a)),
    ("nll_loss", |i: &mut Interp, a: Args| record::loss(i, "torch.nn.functional.nll_loss", a)),
    ("mse_loss", |i: &mut Interp, a: Args| record::loss(i, "torch.nn.functional.mse_loss", a)),
    ("l1_loss", |i: &mut Interp, a: Args| record::loss(i, "torch.nn.functional.l1_loss", a)),
    ("smooth_l1_loss", |i: &mut Interp, a: Args| record::loss(i, "torch.nn.functional.smooth_l1_loss", a)),
    ("huber_loss", |i: &mut Interp, a: Args| record::loss(i, "torch.nn.functional.huber_loss", a)),
    ("kl_div", |i: &mut Interp, a: Args| record::loss(i, "torch.nn.functional.kl_div", a)),
    ("binary_cross_entropy", |i: &mut Interp, a: Args| record::loss(i, "torch.nn.functional.binary_cross_entropy", a)),
    ("binary_cross_entropy_with_logits", |i: &mut Interp, a: Args| {
        record::loss(i, "torch.nn.functional.binary_cross_entropy_with_logits", a)
    }),
    ("interpolate", |i: &mut Interp, a: Args| {
        let asked = a.kw.iter().find(|(n, _)| n.with(|n| n == "antialias")).map(|(_, v)| v).or_else(|| a.pos.get(6));
        if matches!(asked, Some(Value::Bool(true)))
            && let Some(m) = super::module_import(i, "torch.nn.functional")?
            && let Some(f) = i.module_attr(&m, crate::syntax::Sym::new("_interpolate_antialiased"))?
        {
            return i.call(&f, a);
        }
        super::call_operator(i, "torch.nn.functional.interpolate", a)
    }),
    ("multi_margin_loss", |i: &mut Interp, a: Args| record::loss(i, "torch.nn.functional.multi_margin_loss", a)),
];

const NN: &[(&str, NativeFn)] = &[("Buffer", module::buffer)];

const CUDA: &[(&str, NativeFn)] = &[
    ("is_available", no),
    ("is_bf16_supported", no),
    ("is_initialized", no),
    ("device_count", zero),
    ("current_device", zero),
    ("memory_allocated", zero),
    ("memory_reserved", zero),
    ("max_memory_allocated", zero),
    ("empty_cache", nothing),
    ("synchronize", nothing),
    ("manual_seed", nothing),
    ("manual_seed_all", nothing),
    ("reset_peak_memory_stats", nothing),
    ("set_device", nothing),
    ("ipc_collect", nothing),
];

/// What library code asks of PyTorch's inside.
const INTROSPECTION: &[(&str, NativeFn)] = &[
    ("_log_api_usage_once", nothing),
    ("_disabled_torch_function_impl", nothing),
    ("_get_tracing_state", nothing),
    ("is_compiling", no),
    ("is_dynamo_compiling", no),
    ("has_torch_function", no),
    ("has_torch_function_unary", no),
    ("has_torch_function_variadic", no),
    ("wrap", same),
    ("disable", same),
    ("allow_in_graph", same),
];

const AUTOGRAD: &[(&str, NativeFn)] = &[
    ("grad", |i: &mut Interp, _: Args| Err(i.unsupported("torch.autograd.grad"))),
    ("is_scripting", no),
    ("is_tracing", no),
];

const ONNX: &[(&str, NativeFn)] = &[("is_in_onnx_export", no)];

const DISTRIBUTED: &[(&str, NativeFn)] = &[
    ("is_available", no),
    ("is_initialized", no),
    ("get_rank", zero),
    ("get_world_size", |_: &mut Interp, _: Args| Ok(Value::Int(1))),
];

/// Flags of `torch.backends.…`: they may be set, and nothing is there.
fn backend(name: &str) -> Option<Value> {
    Some(match name {
        "is_available" | "is_built" | "is_acceptable" | "get_fastpath_enabled" => Value::native("is_available", no),
        "enabled" | "benchmark" | "deterministic" | "allow_tf32" => Value::Bool(false),
        "cudnn" | "cuda" | "mps" | "mkldnn" | "matmul" | "mkl" | "opt_einsum" | "mha" => return None,
        _ => Value::native("same", same),
    })
}
