//! The modules that a network may import: `torch` and its submodules, and the small part of torchvision, timm, einops and
//! NumPy that networks borrow.
//!
//! A name is looked for among our own Python sources, the natives, and the operators' spellings; what PyTorch has and we have
//! not is refused as unsupported, what nobody has is an `AttributeError`.

use super::{classes, names, natives};
use crate::eval::module::{Lazy, PyModule};
use crate::eval::value::Value;
use crate::eval::{Eval, Interp};
use archsmith_ir::{DType, OpId};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// A module with sources of our own.
const LIBRARY: &[(&str, &[&str])] = &[
    (
        "torch",
        &[
            include_str!("../library/torch_core.py"),
            include_str!("../library/torch_compositions.py"),
            include_str!("../library/torch_rarer.py"),
        ],
    ),
    ("torch.special", &[include_str!("../library/torch_special.py")]),
    ("torch.func", &[include_str!("../library/torch_func.py")]),
    ("torch.profiler", &[include_str!("../library/torch_profiler.py")]),
    (
        "torch.nn",
        &[
            include_str!("../library/module.py"),
            include_str!("../library/containers.py"),
            include_str!("../library/loss.py"),
            include_str!("../library/sparse.py"),
            include_str!("../library/lazy.py"),
        ],
    ),
    ("torch.nn.modules.utils", &[include_str!("../library/nn_modules_utils.py")]),
    ("torch.nn.init", &[include_str!("../library/init.py")]),
    ("torch.nn.functional", &[include_str!("../library/functional.py")]),
    ("torch.nn.utils", &[include_str!("../library/utils.py"), include_str!("../library/nn_modules_utils.py")]),
    ("torch.nn.utils.rnn", &[include_str!("../library/rnn_utils.py")]),
    ("torch.nn.utils.parametrize", &[include_str!("../library/parametrize.py")]),
    ("torch.nn.utils.parametrizations", &[include_str!("../library/parametrizations.py")]),
    ("torch.linalg", &[include_str!("../library/linalg.py")]),
    ("torch.fft", &[include_str!("../library/complex.py"), include_str!("../library/fft.py")]),
    ("torch.distributions", &[include_str!("../library/distributions.py")]),
    ("torch.ops.torchvision", &[include_str!("../library/torch_ops.py")]),
    ("torch.optim", &[include_str!("../library/optim.py")]),
    ("torch.optim.lr_scheduler", &[include_str!("../library/lr_scheduler.py")]),
    ("torch.amp", &[include_str!("../library/amp.py")]),
    ("torch.utils.checkpoint", &[include_str!("../library/checkpoint.py")]),
    ("torchvision.ops", &[include_str!("../library/torchvision_ops.py")]),
    (
        "torchvision.models",
        &[
            include_str!("../library/torchvision_models.py"),
            include_str!("../library/torchvision_nets.py"),
            include_str!("../library/torchvision_detection.py"),
            include_str!("../library/torchvision_transforms.py"),
        ],
    ),
    ("transformers", &[include_str!("../library/transformers.py")]),
    ("packaging", &[include_str!("../library/packaging.py")]),
    ("timm", &[include_str!("../library/timm.py")]),
    ("einops", &[include_str!("../library/einops.py")]),
    ("numpy", &[include_str!("../library/numpy.py")]),
];

/// The modules that have sources.
#[cfg(test)]
pub(super) fn library_names() -> impl Iterator<Item = &'static str> {
    LIBRARY.iter().map(|(n, _)| *n)
}

/// Parts of `torch.nn.modules`, whose names are all in `torch.nn` here.
const SUBMODULES: &[&str] = &[
    "modules",
    "parameter",
    "module",
    "conv",
    "linear",
    "activation",
    "batchnorm",
    "container",
    "dropout",
    "loss",
    "normalization",
    "padding",
    "pooling",
    "instancenorm",
    "rnn",
    "sparse",
    "transformer",
    "upsampling",
    "pixelshuffle",
    "flatten",
    "fold",
];

/// Modules without sources.
const PLAIN: &[&str] = &[
    "torch.cuda",
    "torch.backends",
    "torch.utils",
    "torch.utils.data",
    "torch.autograd",
    "torch.jit",
    "torch.distributed",
    "torch.mps",
    "torch.ops",
    "torch.onnx",
    "torch.random",
    "torch._C",
    "torch._dynamo",
    "torch.compiler",
    "torch.overrides",
    "torch.fx",
    "torch.nn.parallel",
    "torch.types",
    "torchvision",
];

/// Where a dotted name's content is. `None`: no module that we know.
fn canonical(dotted: &str) -> Option<&str> {
    let under = |root: &str| dotted.strip_prefix(root).is_some_and(|r| r.is_empty() || r.starts_with('.'));
    let own = [
        "torch.nn.modules.utils",
        "torch.nn.utils.parametrize",
        "torch.nn.utils.parametrizations",
        "torch.nn.utils.rnn",
    ];
    // Its modules have names of small letters.
    if under("torchvision.ops") && dotted.chars().any(char::is_uppercase) {
        return None;
    }
    if let Some(rest) = own.iter().find_map(|o| dotted.strip_prefix(o).filter(|r| r.is_empty() || r.starts_with('.'))) {
        return rest.is_empty().then_some(dotted);
    }
    if under("torch.nn.modules") || dotted == "torch.nn.parameter" {
        return Some("torch.nn");
    }
    for root in [
        "torch._dynamo",
        "torch.fx",
        "torch.nn.parallel",
        "torch.nn.utils",
        "torch.cuda.amp",
        "torch.backends",
        "torch.autograd",
        "torch.jit",
        "torch.distributed",
    ] {
        if under(root) {
            return Some(if root == "torch.cuda.amp" { "torch.amp" } else { root });
        }
    }
    if under("torch.amp") {
        return Some("torch.amp");
    }
    if under("torch.optim") && !under("torch.optim.lr_scheduler") {
        return Some("torch.optim");
    }
    if under("torch.utils.data") {
        return Some("torch.utils.data");
    }
    for (root, to) in [
        ("torchvision.ops", "torchvision.ops"),
        ("torchvision.models", "torchvision.models"),
        ("torchvision.utils", "torchvision.models"),
        ("torchvision.transforms", "torchvision.models"),
        ("timm", "timm"),
        ("einops", "einops"),
        ("numpy", "numpy"),
        ("torch.distributions", "torch.distributions"),
        ("transformers.activations", "transformers"),
        ("transformers.configuration_utils", "transformers"),
        ("packaging", "packaging"),
    ] {
        if under(root) {
            return Some(to);
        }
    }
    let known = LIBRARY.iter().any(|(n, _)| *n == dotted) || PLAIN.contains(&dotted);
    known.then_some(dotted)
}

/// As [`canonical`], which looks through many names, remembered for the names that have been asked for.
fn remembered(dotted: &str) -> Option<Rc<str>> {
    /// Names that are kept.
    const MAX_KEPT: usize = 4096;
    thread_local! {
        static KNOWN: RefCell<FxHashMap<Rc<str>, Option<Rc<str>>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(found) = known.get(dotted) {
            return found.clone();
        }
        let found: Option<Rc<str>> = canonical(dotted).map(Rc::from);
        if known.len() < MAX_KEPT {
            known.insert(dotted.into(), found.clone());
        }
        found
    })
}

/// The module of a dotted name; `None`: none that we know.
pub(crate) fn module_import(i: &mut Interp, dotted: &str) -> Eval<Option<Rc<PyModule>>> {
    let Some(name) = remembered(dotted) else { return Ok(None) };
    let name = &*name;
    if let Some(m) = i.torch.modules.get(name) {
        return Ok(Some(m.clone()));
    }
    let mut module = match LIBRARY.iter().find(|(n, _)| *n == name) {
        Some((known, texts)) => PyModule::lazy(name, Lazy::of(known, || all_texts(known, texts))),
        None => PyModule::new(name),
    };
    module.fallback = Some(find);
    let module = Rc::new(module);
    i.hold_module(&module);
    i.torch.modules.insert(name.to_string(), module.clone());
    Ok(Some(module))
}

/// The texts of a module: for `torch.nn` those of the operators' files too.
fn all_texts(name: &str, texts: &[&'static str]) -> Vec<&'static str> {
    let mut all = texts.to_vec();
    if name == "torch.nn" {
        all.extend(OpId::all().map(|op| op.get().python).filter(|p| !p.is_empty()));
    }
    all
}

/// Finds a name that a module's sources do not define.
fn find(i: &mut Interp, module: &Rc<PyModule>, name: &str) -> Eval<Option<Value>> {
    let at = &*module.name;
    let dotted = format!("{at}.{name}");
    if remembered(&dotted).is_some_and(|c| &*c != at)
        && let Some(m) = module_import(i, &dotted)?
    {
        return Ok(Some(Value::Module(m)));
    }
    if at.starts_with("torchvision.") || at == "timm" || at == "einops" {
        let parts = [
            "misc",
            "_utils",
            "_api",
            "functional",
            "layers",
            "models",
            "transforms",
            "boxes",
            "poolers",
            "resnet",
            "vgg",
            "densenet",
            "mobilenet",
            "mobilenetv2",
            "mobilenetv3",
            "efficientnet",
            "convnext",
            "shufflenetv2",
        ];
        if parts.contains(&name) {
            return Ok(Some(Value::Module(module.clone())));
        }
    }
    if at == "packaging" && name == "version" {
        return Ok(Some(Value::Module(module.clone())));
    }
    if at == "torch.types" || at == "torchvision.models" && name.ends_with("_Weights") {
        return Ok(Some(Value::Opaque(dotted.into())));
    }
    if at == "torch.nn" && SUBMODULES.contains(&name) {
        return Ok(Some(Value::Module(module.clone())));
    }
    if at == "torch.backends"
        && matches!(name, "cudnn" | "cuda" | "mps" | "mkldnn" | "matmul" | "mkl" | "opt_einsum" | "mha")
    {
        return Ok(Some(Value::Module(module.clone())));
    }
    if let Some(v) = natives::find(at, name) {
        return Ok(Some(v));
    }
    if matches!(at, "torch.autograd" | "torch.jit" | "torch.onnx" | "torch.utils") {
        let of = match name {
            "export" | "unused" | "script_if_tracing" | "interface" | "script_method" | "_overload_method"
            | "_overload" => "_identity",
            "detect_anomaly" | "set_detect_anomaly" => "_Anomaly",
            "profiler" if at == "torch.autograd" => {
                return module_import(i, "torch.profiler").map(|m| m.map(Value::Module));
            }
            "function" | "variable" | "forward_ad" => return Ok(Some(Value::Module(module.clone()))),
            other => other,
        };
        if let Some(torch) = module_import(i, "torch")?
            && matches!(
                of,
                "_identity"
                    | "_Anomaly"
                    | "Function"
                    | "Variable"
                    | "no_grad"
                    | "enable_grad"
                    | "set_grad_enabled"
                    | "inference_mode"
                    | "script"
                    | "trace"
                    | "ignore"
                    | "compile"
            )
        {
            return i.module_attr(&torch, crate::syntax::Sym::new(of));
        }
    }
    if at == "torch._C" && matches!(name, "_TensorMeta" | "_TensorBase") {
        let class = if name == "_TensorMeta" {
            Some(Value::Class(i.builtins.class("type")))
        } else {
            classes::by_name(i, "Tensor")
        };
        return Ok(class);
    }
    if at == "torch" && name == "autocast" {
        return match module_import(i, "torch.amp")? {
            Some(amp) => i.module_attr(&amp, crate::syntax::Sym::new(name)),
            None => Ok(None),
        };
    }
    if at == "torch" {
        if let Some(v) = classes::by_name(i, name).filter(|_| name != "Parameter") {
            return Ok(Some(v));
        }
        if let Some(d) = DType::from_name(name).filter(|d| d.name() != name || name == "bool") {
            return Ok(Some(Value::DType(d)));
        }
        let constant = match name {
            "pi" => Some(Value::Float(std::f64::consts::PI)),
            "e" => Some(Value::Float(std::f64::consts::E)),
            "inf" => Some(Value::Float(f64::INFINITY)),
            "nan" => Some(Value::Float(f64::NAN)),
            "newaxis" => Some(Value::None),
            "complex64" | "cfloat" => Some(Value::Opaque("torch.complex64".into())),
            "complex128" | "cdouble" => Some(Value::Opaque("torch.complex128".into())),
            "__version__" => Some(Value::str("2.5.0")),
            "_TensorBase" | "TensorType" => Some(Value::Opaque(format!("torch.{name}").into())),
            "strided" | "channels_last" | "channels_last_3d" | "contiguous_format" | "preserve_format" => {
                Some(Value::Opaque(format!("torch.{name}").into()))
            }
            _ => None,
        };
        if constant.is_some() {
            return Ok(constant);
        }
    }
    let operators = OpId::by_path(&dotted);
    if let Some((_, s)) = operators.first() {
        return Ok(Some(Value::Operator(s.path)));
    }
    if let Some(v) = shared(i, at, name)? {
        return Ok(Some(v));
    }
    let foreign = matches!(at.split('.').next(), Some("torchvision" | "timm" | "einops" | "numpy"));
    if at == "torchvision.models" {
        let text = format!("torchvision's '{name}': whole models and transforms are not part of the source");
        return Err(i.abort(crate::code::UNSUPPORTED_IMPORT, text));
    }
    if at == "torch.utils.data" {
        // Imported by habit and used outside the network: refused where it is used, not where it is named.
        return Ok(Some(Value::Opaque(dotted.into())));
    }
    if names::exists(at, name) || foreign && names::all(at).next().is_none() {
        return Err(i.unsupported(dotted));
    }
    Ok(None)
}

/// Names that library sources use without importing them.
fn shared(i: &mut Interp, at: &str, name: &str) -> Eval<Option<Value>> {
    if !LIBRARY.iter().any(|(n, _)| *n == at) || at == "torch" && !matches!(name, "math" | "functools" | "collections")
    {
        return Ok(None);
    }
    let imported = match name {
        "torch" => "torch",
        "nn" => "torch.nn",
        "F" | "functional" => "torch.nn.functional",
        "init" => "torch.nn.init",
        "math" | "functools" | "operator" | "warnings" | "collections" | "copy" | "itertools" => {
            return Ok(i.import_module(name)?.map(Value::Module));
        }
        "Tensor" | "Parameter" | "_ModuleBase" | "Size" => return Ok(classes::by_name(i, name)),
        "UninitializedParameter" | "Buffer" => return Ok(None),
        _ => return Ok(None),
    };
    Ok(module_import(i, imported)?.map(Value::Module))
}

#[cfg(test)]
mod tests {
    use super::{LIBRARY, all_texts};
    use crate::eval::module::defined;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_modules_of_texts_share_a_name() {
        let names: Vec<&str> = LIBRARY.iter().map(|(name, _)| *name).chain(crate::python::standard_names()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }

    #[test]
    fn what_a_library_text_defines_is_seen_without_parsing_it() {
        let torch = LIBRARY.iter().flat_map(|(name, texts)| all_texts(name, texts));
        let texts: Vec<&str> = torch.chain(crate::python::standard_texts()).collect();
        assert!(texts.len() > 100, "{} texts", texts.len());
        for text in texts {
            let head = text.lines().find(|l| !l.is_empty()).unwrap_or_default();
            let source = crate::syntax::parse(text, false).unwrap_or_else(|d| panic!("{head}: {}", d.message));
            let parsed: BTreeSet<String> = source.definitions().iter().map(|(n, _)| n.name().to_string()).collect();
            let seen: BTreeSet<String> = defined(text).into_iter().map(String::from).collect();
            assert_eq!(seen, parsed, "{head}");
        }
    }
}
