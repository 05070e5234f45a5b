//! Complex tensors, which are objects of our own Python: two real tensors (`library/complex.py`). Here is where calls find them.

use crate::eval::args::Args;
use crate::eval::value::Value;
use crate::eval::{Eval, Interp};
use crate::syntax::Sym;

/// A name of the library's complex numbers.
pub(crate) fn complex_part(i: &mut Interp, name: &str) -> Eval<Value> {
    let found = match super::module_import(i, "torch.fft")? {
        Some(m) => i.module_attr(&m, Sym::new(name))?,
        None => None,
    };
    found.ok_or_else(|| i.unsupported("complex numbers"))
}

/// Calls a function of the library's complex numbers.
pub(crate) fn complex(i: &mut Interp, name: &str, args: Args) -> Eval<Value> {
    let f = complex_part(i, name)?;
    i.call(&f, args)
}

/// Whether a value is a complex tensor.
pub(super) fn is_complex(value: &Value) -> bool {
    value.as_instance().is_some_and(|o| {
        let class = o.class.borrow();
        &*class.name == "_Complex" && &*class.module == "torch.fft"
    })
}

/// Whether a value is `torch.complex64` or the like.
pub(super) fn is_complex_dtype(value: &Value) -> bool {
    matches!(value, Value::Opaque(name) if name.starts_with("torch.complex"))
}

fn named(name: &str, args: Args) -> Args {
    let mut all = args;
    all.pos.insert(0, Value::str(name));
    all
}

/// The call of an operator with a complex argument, or that is to make a complex tensor. `None`: it has nothing complex.
pub(super) fn operator(i: &mut Interp, name: &str, args: &mut Args) -> Eval<Option<Value>> {
    if let Some(at) = args.kw.iter().position(|(n, v)| is_complex_dtype(v) && n.with(|n| n == "dtype")) {
        args.kw.remove(at);
        return complex(i, "_made", named(name, std::mem::take(args))).map(Some);
    }
    let first = args.pos.first();
    let listed = match first {
        Some(Value::List(l)) => l.borrow().iter().any(is_complex),
        Some(Value::Tuple(t)) => t.items().iter().any(is_complex),
        _ => false,
    };
    let given = || args.pos.iter().take(4).chain(args.kw.iter().map(|(_, v)| v));
    if !listed && !given().any(is_complex) {
        return Ok(None);
    }
    complex(i, "_operator", named(name, std::mem::take(args))).map(Some)
}
