//! `copy.copy` and `copy.deepcopy`.

use crate::eval::class::{NativeKind, NativeState};
use crate::eval::value::{DictObj, List, SetObj, Value};
use crate::eval::{Eval, Interp};
use crate::syntax::Sym;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Values that are copied already, by identity.
pub(super) type Memo = FxHashMap<i64, Value>;

/// A copy of a value; with `deep`, of everything that it holds, each object once.
pub(super) fn copy(i: &mut Interp, v: &Value, deep: bool, memo: &mut Memo) -> Eval<Value> {
    i.step()?;
    i.check_stack()?;
    if let Some(known) = memo.get(&v.id()).filter(|_| deep) {
        return Ok(known.clone());
    }
    let inner = |i: &mut Interp, v: &Value, memo: &mut Memo| {
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
            let new = Rc::new(DictObj::of(Default::default(), d.kind.of_copy()));
            memo.insert(v.id(), Value::Dict(new.clone()));
            for (k, x) in pairs {
                let x = inner(i, &x, memo)?;
                new.borrow_mut().insert(k, x);
            }
            Value::Dict(new)
        }
        Value::Set(s) => {
            let content = s.borrow().clone();
            i.allocate(content.len())?;
            Value::Set(Rc::new(SetObj::new(content, s.frozen)))
        }
        Value::Tuple(t) if deep && !t.size => {
            let mut items = Vec::with_capacity(t.items().len());
            for x in t.items() {
                items.push(inner(i, x, memo)?);
            }
            Value::tuple(items)
        }
        Value::Instance(_) => return copy_instance(i, v, deep, memo),
        Value::Tensor(t) if deep => crate::torch::copy_tensor(i, t)?,
        other => other.clone(),
    };
    memo.insert(v.id(), out.clone());
    Ok(out)
}

fn copy_instance(i: &mut Interp, v: &Value, deep: bool, memo: &mut Memo) -> Eval<Value> {
    let Value::Instance(o) = v else { return Ok(v.clone()) };
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
    let inner = |i: &mut Interp, v: &Value, memo: &mut Memo| {
        if deep { copy(i, v, true, memo) } else { Ok(v.clone()) }
    };
    let new = i.new_instance(&class, NativeState::None);
    memo.insert(v.id(), Value::Instance(new.clone()));
    if let Some(w) = o.payload_value() {
        let w = copy(i, &w, deep, memo)?;
        *new.native.borrow_mut() = NativeState::Wrapped(w);
    }
    if let Some(state) = crate::torch::module::state(o) {
        let state = crate::torch::module::copy_state(i, &state, &mut |i, v| inner(i, v, memo))?;
        *new.native.borrow_mut() = NativeState::Module(Box::new(state));
    }
    let attrs: Vec<_> = o.attrs.borrow().iter().map(|(k, v)| (*k, v.clone())).collect();
    for (k, x) in attrs {
        let x = inner(i, &x, memo)?;
        new.set(k, x);
    }
    Ok(Value::Instance(new))
}
