//! The operators' examples, run through the frontend: they are documentation and tests at once.

use super::factory;
use super::trace::{BodyKind, TensorArg};
use crate::eval::module::PyModule;
use crate::eval::value::Value;
use crate::eval::{Eval, Interp, Limits};
use crate::syntax::Sym;
use archsmith_ir::{Attr, DType, OpId, TensorType};
use std::rc::Rc;

/// A type as it is printed: `f32[2, 3]`.
fn parse_type(text: &str) -> Option<TensorType> {
    let (dtype, rest) = text.trim().split_once('[')?;
    let inner = rest.strip_suffix(']')?;
    let shape = inner
        .split(',')
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .map(|t| t.parse().ok())
        .collect::<Option<Vec<usize>>>()?;
    Some(TensorType { dtype: DType::from_name(dtype)?, shape })
}

fn run(i: &mut Interp, main: &Rc<PyModule>, code: &str) -> Eval<()> {
    let source = crate::syntax::parse(code, true).map_err(|d| i.unsupported(d.message.clone()))?;
    i.run_source(main, &Rc::new(source))
}

/// Numbers as they are printed, `nan` and `inf` included.
fn numbers(text: &str) -> Vec<f64> {
    text.split(['[', ']', ',', ' '])
        .filter(|t| !t.is_empty())
        .map(|t| match t {
            "True" => 1.0,
            "False" => 0.0,
            t => t.parse().unwrap_or(f64::NAN),
        })
        .collect()
}

/// What is wrong with an example; `None` when it holds.
fn wrong(given: &str, code: &str, gives: &str, tolerance: f64) -> Option<String> {
    let mut i = Interp::new(Limits::default(), 4 << 20);
    i.torch.current = BodyKind::Eval;
    let main = Rc::new(PyModule::new("__main__"));
    let heads = [
        "import torch",
        "import torch.nn as nn",
        "import torch.nn.functional as F",
        "import math",
        "import torch.nn.init as init",
    ];
    let prepared = heads.iter().try_for_each(|h| run(&mut i, &main, h));
    if let Err(e) = prepared {
        return Some(i.diagnose(e).message);
    }
    for part in given.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        let result = match part.split_once('=') {
            Some((name, values)) => {
                let values = values.replace("nan", "math.nan").replace("inf", "math.inf");
                run(&mut i, &main, &format!("{name} = torch.tensor({values})"))
            }
            None => {
                let (name, ty) = part.split_once(':')?;
                let Some(ty) = parse_type(ty) else { return Some(format!("unreadable type in {part:?}")) };
                let span = i.span;
                let x = i.torch.input(ty, span);
                main.set(name.trim(), Value::Tensor(x));
                Ok(())
            }
        };
        if let Err(e) = result {
            return Some(format!("given {part}: {}", i.diagnose(e).message));
        }
    }
    if let Err(e) = run(&mut i, &main, &format!("out = {code}")) {
        return Some(i.diagnose(e).message);
    }
    let out = main.get(Sym::new("out"))?;
    let tensors: Vec<_> = match &out {
        Value::Tensor(t) => vec![t.clone()],
        other => other.as_sequence().unwrap_or_default().iter().filter_map(|v| v.as_tensor().cloned()).collect(),
    };
    let expected: Vec<&str> = gives.split(';').map(str::trim).collect();
    if tensors.len() != expected.len() {
        return Some(format!("{} tensors came out, expected {gives}", tensors.len()));
    }
    for (t, expected) in tensors.iter().zip(expected) {
        let (ty, values) = match expected.split_once('=') {
            Some((ty, v)) => (ty, Some(v)),
            None => (expected, None),
        };
        let found = t.ty();
        if parse_type(ty).as_ref() != Some(&found) {
            return Some(format!("the type is {found}, expected {ty}"));
        }
        let Some(values) = values else { continue };
        let folded = super::fold::constant(&mut i, t);
        let host = match folded {
            Ok(Some(h)) => h,
            Ok(None) => return Some("the value is not known".into()),
            Err(e) => return Some(i.diagnose(e).message),
        };
        let wanted = numbers(values);
        let close = |a: f64, b: f64| {
            a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= (tolerance * 10.0).max(2e-4) * b.abs().max(1.0)
        };
        let got = host.to_f64();
        if got.len() != wanted.len() || !got.iter().zip(&wanted).all(|(a, b)| close(*a, *b)) {
            return Some(format!("the value is {got:?}, expected {wanted:?}"));
        }
    }
    None
}

#[test]
fn every_operators_examples_hold() {
    let test = || {
        let mut failures = String::new();
        let mut n = 0;
        for op in OpId::all().map(OpId::get) {
            for e in op.examples {
                n += 1;
                if let Some(why) = wrong(e.given, e.code, e.gives, op.tolerance) {
                    failures.push_str(&format!("{}: {} | {} | {}\n    {why}\n", op.name, e.given, e.code, e.gives));
                }
            }
        }
        assert!(n > 100, "only {n} examples");
        assert!(failures.is_empty(), "{failures}");
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(test).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn every_library_source_runs() {
    let test = || {
        let mut i = Interp::new(Limits { steps: 100_000_000, ..Limits::default() }, 16 << 20);
        let mut failures = String::new();
        for name in super::namespace::library_names() {
            let module = match super::module_import(&mut i, name) {
                Ok(Some(m)) => m,
                Ok(None) => panic!("{name} is not found"),
                Err(e) => panic!("{name}: {}", i.diagnose(e).message),
            };
            for defined in module.names() {
                if let Err(e) = i.module_attr(&module, defined) {
                    let why = i.diagnose(e).message;
                    failures.push_str(&format!("{name}.{defined}: {why}\n"));
                }
            }
        }
        assert!(failures.is_empty(), "{failures}");
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(test).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_literal_keeps_its_values() {
    let mut i = Interp::new(Limits::default(), 1 << 20);
    let list = Value::list(vec![Value::Int(1), Value::Float(2.5)]);
    let t = factory::literal(&mut i, &list, None).map_err(|e| i.diagnose(e)).expect("a tensor");
    assert_eq!(t.ty(), TensorType::f32(vec![2]));
    let host = super::fold::constant(&mut i, &t).map_err(|e| i.diagnose(e)).expect("a value").expect("a constant");
    assert_eq!(host.to_f64().to_vec(), vec![1.0, 2.5]);
    let doubled = i.op("mul", &[("input", TensorArg::Tensor(t)), ("other", TensorArg::Attr(Attr::Int(2)))]);
    assert!(doubled.is_ok());
}
