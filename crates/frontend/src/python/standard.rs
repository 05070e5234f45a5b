//! Modules of the standard library.

use super::{builtins, collections, enums};
use crate::eval::args::Args;
use crate::eval::class::{Class, NativeKind};
use crate::eval::iter::Iter;
use crate::eval::module::PyModule;
use crate::eval::value::{Attrs, DictObj, List, NativeFn, Property, SetObj, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use crate::syntax::ast::Source;
use num_bigint::BigInt;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// Modules written in Python.
const SOURCES: &[(&str, &str)] = &[
    ("dataclasses", include_str!("lib/dataclasses.py")),
    ("operator", include_str!("lib/operator.py")),
    ("itertools", include_str!("lib/itertools.py")),
    ("functools", include_str!("lib/functools.py")),
    ("contextlib", include_str!("lib/contextlib.py")),
    ("collections", include_str!("lib/collections.py")),
    ("copy", include_str!("lib/copy.py")),
    ("inert", include_str!("lib/inert.py")),
];

/// Modules that are there and do nothing; their names are in `inert.py`.
const INERT: &[&str] = &[
    "os", "os.path", "sys", "warnings", "logging", "gc", "traceback", "time", "inspect", "datetime", "tqdm", "tqdm.auto", "threading",
    "contextvars", "pprint", "__future__", "textwrap", "string", "statistics", "uuid", "tempfile", "shutil", "pathlib",
    "argparse", "json", "re", "weakref", "types", "builtins", "importlib", "platform", "concurrent", "concurrent.futures",
    "queue", "signal", "multiprocessing", "timeit", "hashlib", "pickle", "glob", "io", "bisect", "heapq", "unittest",
];

/// The standard module of a dotted name. `None`: it is not one that is here.
pub(crate) fn standard_module(i: &mut Interp, dotted: &str) -> Eval<Option<Rc<PyModule>>> {
    if let Some((name, text)) = SOURCES.iter().find(|(n, _)| *n == dotted) {
        return lazy(i, name, text).map(Some);
    }
    if INERT.contains(&dotted) {
        let mut m = PyModule::new(dotted);
        m.fallback = Some(inert);
        return Ok(Some(Rc::new(m)));
    }
    let mut m = PyModule::new(dotted);
    match dotted {
        "math" => math(&m),
        "typing" | "typing_extensions" => {
            m.set("NamedTuple", collections::named_tuple_base(i));
            m.set("TYPE_CHECKING", Value::Bool(false));
            for name in ["cast"] {
                m.set(name, Value::native("cast", |_: &mut Interp, args: Args| Ok(args.pos.into_iter().nth(1).unwrap_or_default())));
            }
            for name in ["overload", "final", "runtime_checkable", "no_type_check", "override"] {
                m.set(name, Value::native("same", |_: &mut Interp, args: Args| Ok(args.pos.into_iter().next().unwrap_or_default())));
            }
            for name in ["TypeVar", "NewType", "ParamSpec", "TypeVarTuple"] {
                m.set(name, Value::native("TypeVar", |_: &mut Interp, _: Args| Ok(Value::Opaque("typing.TypeVar".into()))));
            }
            m.set("get_type_hints", Value::native("get_type_hints", |_: &mut Interp, _: Args| Ok(Value::dict(Default::default()))));
            m.fallback = Some(|_, _, name| Ok((!name.starts_with('_')).then(|| Value::Opaque(format!("typing.{name}").into()))));
        }
        "collections.abc" | "numbers" => {
            m.fallback = Some(|i, m, name| {
                let known = [
                    "Iterable", "Iterator", "Generator", "Sequence", "MutableSequence", "Collection", "Container", "Sized", "Mapping",
                    "MutableMapping", "Set", "MutableSet", "Callable", "Hashable", "Number", "Complex", "Real", "Rational", "Integral",
                ];
                if !known.contains(&name) {
                    return Ok(None);
                }
                let object = i.builtins.class("object");
                let c = Class::native(name, &m.name, vec![object], NativeKind::Object, None, Attrs::default());
                Ok(Some(Value::Class(Rc::new(c))))
            });
        }
        "abc" => {
            let object = i.builtins.class("object");
            let abc = Class::native("ABC", "abc", vec![object.clone()], NativeKind::Object, None, Attrs::default());
            m.set("ABC", Value::Class(Rc::new(abc)));
            let meta = Class::native("ABCMeta", "abc", vec![object], NativeKind::Object, None, Attrs::default());
            m.set("ABCMeta", Value::Class(Rc::new(meta)));
            for name in ["abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod"] {
                m.set(name, Value::native("abstractmethod", |_: &mut Interp, args: Args| {
                    let f = args.pos.into_iter().next().unwrap_or_default();
                    if let Value::Function(f) = &f {
                        f.attrs.borrow_mut().insert(Sym::new("__isabstractmethod__"), Value::Bool(true));
                    }
                    Ok(f)
                }));
            }
        }
        "enum" => {
            for (name, v) in enums::classes(i) {
                m.set(name, v);
            }
            m.set("auto", Value::native("auto", |_: &mut Interp, _: Args| Ok(Value::Opaque("enum.auto".into()))));
            m.set("unique", Value::native("unique", |_: &mut Interp, args: Args| Ok(args.pos.into_iter().next().unwrap_or_default())));
        }
        "random" => {
            for (name, f) in RANDOM {
                m.set(name, Value::native(name, *f));
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(Rc::new(m)))
}

/// A module of our own Python text, parsed once a thread.
fn lazy(i: &mut Interp, name: &str, text: &str) -> Eval<Rc<PyModule>> {
    thread_local! {
        static PARSED: RefCell<FxHashMap<String, Rc<Source>>> = RefCell::default();
    }
    let known = PARSED.with_borrow(|p| p.get(name).cloned());
    let source = match known {
        Some(s) => s,
        None => match crate::syntax::parse(text, false) {
            Ok(s) => {
                let s = Rc::new(s);
                PARSED.with_borrow_mut(|p| p.insert(name.to_string(), s.clone()));
                s
            }
            Err(d) => return Err(i.abort("internal-library", format!("module {name} does not parse: {}", d.message))),
        },
    };
    let mut m = PyModule::lazy(name, vec![source]);
    m.fallback = Some(native);
    Ok(Rc::new(m))
}

/// What the Python texts of this folder call.
fn native(i: &mut Interp, m: &Rc<PyModule>, name: &str) -> Eval<Option<Value>> {
    let f: NativeFn = match (&*m.name, name) {
        ("collections", "namedtuple") => collections::namedtuple,
        ("collections", "OrderedDict" | "Counter" | "defaultdict") => return Ok(Some(Value::Class(i.builtins.class(name)))),
        ("collections", "abc") => return Ok(i.import_module("collections.abc")?.map(Value::Module)),
        ("functools", "partial") => return Ok(Some(Value::Class(i.builtins.class("partial")))),
        ("functools", "cached_property") => |i: &mut Interp, args: Args| {
            let [f] = args.exactly(i, "cached_property")?;
            let cached = match &f {
                Value::Function(f) => Some(Sym::new(&f.name())),
                _ => None,
            };
            Ok(Value::Property(Rc::new(crate::eval::nest::Nest::new(Property { get: f, cached, ..Property::default() }))))
        },
        ("itertools", "count") => |i: &mut Interp, args: Args| {
            let [start, step] = args.bind(i, "count", ["start", "step"], 0)?;
            Ok(Value::iterator(Iter::Count { next: start.unwrap_or(Value::Int(0)), step: step.unwrap_or(Value::Int(1)) }))
        },
        ("itertools", "cycle") => |i: &mut Interp, args: Args| {
            let [v] = args.exactly(i, "cycle")?;
            let items = i.iterate(&v)?;
            Ok(Value::iterator(Iter::Cycle { items, at: 0 }))
        },
        ("itertools", "repeat") => |i: &mut Interp, args: Args| {
            let [v, n] = args.bind(i, "repeat", ["object", "times"], 1)?;
            let left = n.and_then(|n| n.as_int()).map(|n| n.max(0) as usize);
            Ok(Value::iterator(Iter::Repeat { value: v.unwrap_or_default(), left }))
        },
        ("itertools", "_chain") => |_: &mut Interp, args: Args| {
            let mut left = args.pos;
            left.reverse();
            Ok(Value::iterator(Iter::Chain { left, current: None }))
        },
        ("copy", "copy") => |i: &mut Interp, args: Args| {
            let [v] = args.exactly(i, "copy")?;
            copy(i, &v, false, &mut FxHashMap::default())
        },
        ("copy", "deepcopy") => |i: &mut Interp, args: Args| {
            let v = args.pos.into_iter().next().unwrap_or_default();
            copy(i, &v, true, &mut FxHashMap::default())
        },
        ("inert", "_refuse") => |i: &mut Interp, args: Args| {
            let what = args.pos.first().and_then(Value::as_str).unwrap_or("this").to_string();
            Err(i.abort("unsupported-access", format!("{what} is refused: a network has no access to files, processes or the clock")))
        },
        _ => return Ok(None),
    };
    let name: &'static str = match name {
        "namedtuple" => "namedtuple",
        "cached_property" => "cached_property",
        "count" => "count",
        "cycle" => "cycle",
        "repeat" => "repeat",
        "copy" => "copy",
        "deepcopy" => "deepcopy",
        _ => "function",
    };
    Ok(Some(Value::native(name, f)))
}

/// A name of a module that does nothing.
fn inert(i: &mut Interp, m: &Rc<PyModule>, name: &str) -> Eval<Option<Value>> {
    if name.starts_with("__") {
        return Ok(None);
    }
    if &*m.name == "builtins" {
        return Ok(i.builtins.names.get(&Sym::new(name)).cloned());
    }
    let Some(all) = i.import_module("inert")? else { return Ok(None) };
    let own = format!("{}_{name}", m.name.replace('.', "_"));
    if let Some(v) = i.module_attr(&all, Sym::new(&own))? {
        return Ok(Some(v));
    }
    if &*m.name == "types" {
        return Ok(Some(Value::Opaque(format!("types.{name}").into())));
    }
    Ok(Some(Value::Opaque(format!("{}.{name}", m.name).into())))
}

fn copy(i: &mut Interp, v: &Value, deep: bool, memo: &mut FxHashMap<i64, Value>) -> Eval<Value> {
    i.step()?;
    i.check_stack()?;
    if let Some(known) = memo.get(&v.id()).filter(|_| deep) {
        return Ok(known.clone());
    }
    let mut inner = |i: &mut Interp, v: &Value, memo: &mut FxHashMap<i64, Value>| {
        if deep { copy(i, v, true, memo) } else { Ok(v.clone()) }
    };
    let out = match v {
        Value::List(l) => {
            let items = l.borrow().clone();
            i.allocate(items.len())?;
            let new = Rc::new(List::new(Vec::new()));
            memo.insert(v.id(), Value::List(new.clone()));
            for x in &items {
                let x = inner(i, x, memo)?;
                new.borrow_mut().push(x);
            }
            Value::List(new)
        }
        Value::Dict(d) => {
            let pairs: Vec<_> = d.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            i.allocate(pairs.len())?;
            let new = Rc::new(DictObj::of(Default::default(), d.kind.clone()));
            memo.insert(v.id(), Value::Dict(new.clone()));
            for (k, x) in pairs {
                let x = inner(i, &x, memo)?;
                new.borrow_mut().insert(k, x);
            }
            Value::Dict(new)
        }
        Value::Set(s) => {
            let content = s.borrow().clone();
            Value::Set(Rc::new(SetObj::new(content, s.frozen)))
        }
        Value::Tuple(t) if deep && !t.size => {
            let mut items = Vec::new();
            for x in t.items() {
                items.push(inner(i, x, memo)?);
            }
            Value::tuple(items)
        }
        Value::Instance(o) => {
            let class = o.class();
            let hook = Sym::new(if deep { "__deepcopy__" } else { "__copy__" });
            if class.lookup(hook).is_some() {
                let args = if deep { vec![Value::dict(Default::default())] } else { Vec::new() };
                if let Some(v) = i.call_special(v, hook, args)? {
                    return Ok(v);
                }
            }
            if class.kind == NativeKind::Exception || class.is_enum() {
                return Ok(v.clone());
            }
            let new = i.new_instance(&class, Default::default());
            memo.insert(v.id(), Value::Instance(new.clone()));
            let native = match &*o.native.borrow() {
                crate::eval::class::NativeState::Wrapped(v) => Some(v.clone()),
                _ => None,
            };
            if let Some(w) = native {
                let w = copy(i, &w, deep, memo)?;
                *new.native.borrow_mut() = crate::eval::class::NativeState::Wrapped(w);
            }
            if let Some(state) = crate::torch::module::state(o) {
                let state = crate::torch::module::copy_state(i, &state, &mut |i, v| inner(i, v, memo))?;
                *new.native.borrow_mut() = crate::eval::class::NativeState::Module(Box::new(state));
            }
            let attrs: Vec<_> = o.attrs.borrow().iter().map(|(k, v)| (*k, v.clone())).collect();
            for (k, x) in attrs {
                let x = inner(i, &x, memo)?;
                new.set(k, x);
            }
            return Ok(Value::Instance(new));
        }
        Value::Tensor(t) if deep => crate::torch::copy_tensor(i, t)?,
        other => other.clone(),
    };
    memo.insert(v.id(), out.clone());
    Ok(out)
}

fn number(i: &mut Interp, args: &Args, k: usize, name: &str) -> Eval<f64> {
    match args.pos.get(k) {
        Some(Value::Tensor(t)) => {
            let v = crate::torch::tensor_number(i, t)?;
            Ok(v.as_float().unwrap_or(f64::NAN))
        }
        Some(v) => match v.as_float() {
            Some(v) => Ok(v),
            None => Err(i.raise(Exc::TypeError, format!("must be real number, not {}", i.type_name(v)))),
        },
        None => Err(i.raise(Exc::TypeError, format!("math.{name} takes more arguments"))),
    }
}

fn math(m: &PyModule) {
    for (name, v) in [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ] {
        m.set(name, Value::Float(v));
    }
    macro_rules! one {
        ($($name:literal: $f:expr),* $(,)?) => { $(
            m.set($name, Value::native($name, |i: &mut Interp, args: Args| {
                let x = number(i, &args, 0, $name)?;
                let f: fn(f64) -> f64 = $f;
                let y = f(x);
                if y.is_nan() && !x.is_nan() {
                    return Err(i.raise(Exc::ValueError, "math domain error"));
                }
                if y.is_infinite() && x.is_finite() {
                    let class = if $name == "exp" { Exc::OverflowError } else { Exc::ValueError };
                    return Err(i.raise(class, if $name == "exp" { "math range error" } else { "math domain error" }));
                }
                Ok(Value::Float(y))
            }));
        )* };
    }
    one! {
        "sqrt": f64::sqrt, "exp": f64::exp, "expm1": f64::exp_m1, "log2": f64::log2, "log10": f64::log10, "log1p": f64::ln_1p,
        "sin": f64::sin, "cos": f64::cos, "tan": f64::tan, "asin": f64::asin, "acos": f64::acos, "atan": f64::atan,
        "sinh": f64::sinh, "cosh": f64::cosh, "tanh": f64::tanh, "fabs": f64::abs, "degrees": f64::to_degrees,
        "radians": f64::to_radians, "cbrt": f64::cbrt,
    }
    macro_rules! round {
        ($($name:literal: $f:expr),*) => { $(
            m.set($name, Value::native($name, |i: &mut Interp, args: Args| {
                if let Some(v @ (Value::Int(_) | Value::Big(_))) = args.pos.first() {
                    return Ok(v.clone());
                }
                let x = number(i, &args, 0, $name)?;
                let f: fn(f64) -> f64 = $f;
                i.float_to_int(f(x))
            }));
        )* };
    }
    round! { "floor": f64::floor, "ceil": f64::ceil, "trunc": f64::trunc }
    for (name, f) in MATH {
        m.set(name, Value::native(name, *f));
    }
}

fn big(i: &mut Interp, v: &Value) -> Eval<BigInt> {
    match v {
        Value::Int(_) | Value::Bool(_) | Value::Big(_) => Ok(crate::eval::number::to_big(v).unwrap_or_default()),
        Value::Instance(_) => Ok(BigInt::from(i.index_int(v)?)),
        v => Err(i.raise(Exc::TypeError, format!("'{}' object cannot be interpreted as an integer", i.type_name(v)))),
    }
}

fn gcd(a: BigInt, b: BigInt) -> BigInt {
    let zero = BigInt::from(0);
    let (mut a, mut b) = (a, b);
    while b != zero {
        let r = &a % &b;
        a = b;
        b = r;
    }
    if a < zero { -a } else { a }
}

const MATH: &[(&str, NativeFn)] = &[
    ("log", |i: &mut Interp, args: Args| {
        let x = number(i, &args, 0, "log")?;
        if x <= 0.0 {
            return Err(i.raise(Exc::ValueError, "math domain error"));
        }
        Ok(Value::Float(if args.pos.len() > 1 {
            let base = number(i, &args, 1, "log")?;
            x.ln() / base.ln()
        } else {
            x.ln()
        }))
    }),
    ("pow", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "pow")?, number(i, &args, 1, "pow")?);
        Ok(Value::Float(a.powf(b)))
    }),
    ("atan2", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "atan2")?, number(i, &args, 1, "atan2")?);
        Ok(Value::Float(a.atan2(b)))
    }),
    ("hypot", |i: &mut Interp, args: Args| {
        let mut s = 0.0;
        for k in 0..args.pos.len() {
            s += number(i, &args, k, "hypot")?.powi(2);
        }
        Ok(Value::Float(s.sqrt()))
    }),
    ("fmod", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "fmod")?, number(i, &args, 1, "fmod")?);
        if b == 0.0 {
            return Err(i.raise(Exc::ValueError, "math domain error"));
        }
        Ok(Value::Float(a % b))
    }),
    ("copysign", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "copysign")?, number(i, &args, 1, "copysign")?);
        Ok(Value::Float(a.copysign(b)))
    }),
    ("isnan", |i: &mut Interp, args: Args| Ok(Value::Bool(number(i, &args, 0, "isnan")?.is_nan()))),
    ("isinf", |i: &mut Interp, args: Args| Ok(Value::Bool(number(i, &args, 0, "isinf")?.is_infinite()))),
    ("isfinite", |i: &mut Interp, args: Args| Ok(Value::Bool(number(i, &args, 0, "isfinite")?.is_finite()))),
    ("isclose", |i: &mut Interp, mut args: Args| {
        let rel = args.take_kw("rel_tol").and_then(|v| v.as_float()).unwrap_or(1e-9);
        let abs = args.take_kw("abs_tol").and_then(|v| v.as_float()).unwrap_or(0.0);
        let (a, b) = (number(i, &args, 0, "isclose")?, number(i, &args, 1, "isclose")?);
        Ok(Value::Bool(a == b || (a - b).abs() <= (rel * a.abs().max(b.abs())).max(abs)))
    }),
    ("gcd", |i: &mut Interp, args: Args| {
        let mut out = BigInt::from(0);
        for v in &args.pos {
            out = gcd(out, big(i, v)?);
        }
        Ok(Value::big(out))
    }),
    ("lcm", |i: &mut Interp, args: Args| {
        let mut out = BigInt::from(1);
        for v in &args.pos {
            let b = big(i, v)?;
            let g = gcd(out.clone(), b.clone());
            if g == BigInt::from(0) {
                return Ok(Value::Int(0));
            }
            out = out * b / g;
        }
        Ok(Value::big(if out < BigInt::from(0) { -out } else { out }))
    }),
    ("isqrt", |i: &mut Interp, args: Args| {
        let v = big(i, &args.pos.first().cloned().unwrap_or_default())?;
        if v < BigInt::from(0) {
            return Err(i.raise(Exc::ValueError, "isqrt() argument must be nonnegative"));
        }
        Ok(Value::big(v.sqrt()))
    }),
    ("factorial", |i: &mut Interp, args: Args| {
        let n = i.index_int(&args.pos.first().cloned().unwrap_or_default())?;
        if !(0..=2000).contains(&n) {
            return Err(i.raise(Exc::ValueError, "factorial() of this number is not supported"));
        }
        Ok(Value::big((1..=n).fold(BigInt::from(1), |p, k| p * k)))
    }),
    ("comb", |i: &mut Interp, args: Args| {
        let n = i.index_int(&args.pos.first().cloned().unwrap_or_default())?;
        let k = i.index_int(&args.pos.get(1).cloned().unwrap_or_default())?;
        if n < 0 || k < 0 || n > 5000 {
            return Err(i.raise(Exc::ValueError, "comb() of these numbers is not supported"));
        }
        let mut out = BigInt::from(i64::from(k <= n));
        for j in 0..k.min(n - k).max(0) {
            out = out * (n - j) / (j + 1);
        }
        Ok(Value::big(out))
    }),
    ("prod", |i: &mut Interp, mut args: Args| {
        let mut out = args.take_kw("start").unwrap_or(Value::Int(1));
        for v in i.iterate(&args.pos.first().cloned().unwrap_or_default())? {
            out = i.binary(crate::syntax::ast::BinOp::Mul, &out, &v)?;
        }
        Ok(out)
    }),
    ("fsum", |i: &mut Interp, args: Args| {
        let mut s = 0.0;
        for v in i.iterate(&args.pos.first().cloned().unwrap_or_default())? {
            s += v.as_float().unwrap_or(f64::NAN);
        }
        Ok(Value::Float(s))
    }),
    ("erf", |i: &mut Interp, args: Args| {
        // Abramowitz and Stegun 7.1.5 (the series), enough for the small arguments of initial values.
        let x = number(i, &args, 0, "erf")?;
        if x.abs() > 6.0 {
            return Ok(Value::Float(x.signum()));
        }
        let (mut sum, mut term) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        Ok(Value::Float(sum * 2.0 / std::f64::consts::PI.sqrt()))
    }),
];

fn pick(i: &mut Interp, n: usize) -> usize {
    ((i.random.unit() * n as f64) as usize).min(n.saturating_sub(1))
}

const RANDOM: &[(&str, NativeFn)] = &[
    ("seed", |i: &mut Interp, args: Args| {
        i.random.seed(args.pos.first().and_then(Value::as_int).unwrap_or(0) as u64);
        Ok(Value::None)
    }),
    ("random", |i: &mut Interp, _: Args| Ok(Value::Float(i.random.unit()))),
    ("uniform", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "uniform")?, number(i, &args, 1, "uniform")?);
        Ok(Value::Float(a + (b - a) * i.random.unit()))
    }),
    ("gauss", |i: &mut Interp, args: Args| {
        let (m, s) = (number(i, &args, 0, "gauss")?, number(i, &args, 1, "gauss")?);
        let (u, v) = (i.random.unit().max(1e-300), i.random.unit());
        Ok(Value::Float(m + s * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()))
    }),
    ("randint", |i: &mut Interp, args: Args| {
        let a = i.index_int(&args.pos.first().cloned().unwrap_or_default())?;
        let b = i.index_int(&args.pos.get(1).cloned().unwrap_or_default())?;
        if b < a {
            return Err(i.raise(Exc::ValueError, "empty range for randint()"));
        }
        Ok(Value::Int(a + pick(i, (b - a + 1) as usize) as i64))
    }),
    ("randrange", |i: &mut Interp, args: Args| {
        let range = builtins::range(i, args)?;
        let n = i.len(&range)?;
        if n == 0 {
            return Err(i.raise(Exc::ValueError, "empty range for randrange()"));
        }
        let k = pick(i, n);
        i.get_item(&range, &Value::from(k))
    }),
    ("choice", |i: &mut Interp, args: Args| {
        let items = i.iterate(&args.pos.first().cloned().unwrap_or_default())?;
        if items.is_empty() {
            return Err(i.raise(Exc::IndexError, "Cannot choose from an empty sequence"));
        }
        let k = pick(i, items.len());
        Ok(items[k].clone())
    }),
    ("choices", |i: &mut Interp, mut args: Args| {
        let k = args.take_kw("k").and_then(|v| v.as_int()).unwrap_or(1).max(0) as usize;
        let items = i.iterate(&args.pos.first().cloned().unwrap_or_default())?;
        i.allocate(k)?;
        if items.is_empty() {
            return Err(i.raise(Exc::IndexError, "Cannot choose from an empty population"));
        }
        let out = (0..k)
            .map(|_| {
                let at = pick(i, items.len());
                items[at].clone()
            })
            .collect();
        Ok(Value::list(out))
    }),
    ("sample", |i: &mut Interp, args: Args| {
        let mut items = i.iterate(&args.pos.first().cloned().unwrap_or_default())?;
        let n = i.index_int(&args.pos.get(1).cloned().unwrap_or_default())?;
        if n < 0 || n as usize > items.len() {
            return Err(i.raise(Exc::ValueError, "Sample larger than population or is negative"));
        }
        let mut out = Vec::new();
        for _ in 0..n {
            let k = pick(i, items.len());
            out.push(items.remove(k));
        }
        Ok(Value::list(out))
    }),
    ("shuffle", |i: &mut Interp, args: Args| {
        if let Some(Value::List(l)) = args.pos.first() {
            let n = l.borrow().len();
            for k in (1..n).rev() {
                let j = pick(i, k + 1);
                l.borrow_mut().swap(k, j);
            }
        }
        Ok(Value::None)
    }),
];
