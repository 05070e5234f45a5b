//! `torch.nn.Module`: parameters, buffers and submodules in PyTorch's three ordered dicts, and calling.
//!
//! The dicts are Python dicts that the source may touch (`self._modules`). Everything that needs no native help is Python, in
//! `library/module.py`.

use super::Tensor;
use super::trace::BodyKind;
use crate::eval::args::Args;
use crate::eval::class::{Instance, NativeState};
use crate::eval::dict::Key;
use crate::eval::value::Value;
use crate::eval::value::{DictObj, SetObj};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use archsmith_ir::{Scope, ScopeId};
use rustc_hash::FxHashSet;
use std::rc::Rc;

/// What a module carries after `Module.__init__`.
#[derive(Clone, Default)]
pub(crate) struct ModuleState {
    /// `_parameters`.
    pub(crate) parameters: Rc<DictObj>,
    /// `_buffers`.
    pub(crate) buffers: Rc<DictObj>,
    /// `_modules`.
    pub(crate) modules: Rc<DictObj>,
    /// `_non_persistent_buffers_set`.
    pub(crate) non_persistent: Rc<SetObj>,
}

/// The state of an instance, once its `Module.__init__` has run.
pub(crate) fn state(instance: &Instance) -> Option<ModuleState> {
    match &*instance.native.borrow() {
        NativeState::Module(s) => Some((**s).clone()),
        _ => None,
    }
}

/// A copy of a module's state with each entry copied by `copy`: what `copy.deepcopy` needs.
pub(crate) fn copy_state(
    i: &mut Interp,
    s: &ModuleState,
    copy: &mut dyn FnMut(&mut Interp, &Value) -> Eval<Value>,
) -> Eval<ModuleState> {
    let mut table = |i: &mut Interp, from: &Rc<DictObj>| -> Eval<Rc<DictObj>> {
        let pairs: Vec<(Key, Value)> = from.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let new = DictObj::default();
        for (k, v) in pairs {
            let v = copy(i, &v)?;
            new.borrow_mut().insert(k, v);
        }
        Ok(Rc::new(new))
    };
    let (parameters, buffers, modules) = (table(i, &s.parameters)?, table(i, &s.buffers)?, table(i, &s.modules)?);
    let names = s.non_persistent.borrow().clone();
    Ok(ModuleState { parameters, buffers, modules, non_persistent: Rc::new(SetObj::new(names, false)) })
}

/// Whether a value is an instance of `torch.nn.Module`.
pub(crate) fn as_module(value: &Value) -> Option<&Rc<Instance>> {
    value.as_instance().filter(|m| m.class.borrow().kind == crate::eval::class::NativeKind::Module)
}

/// `Module.__init__(self)`.
pub(crate) fn init(i: &mut Interp, args: Args) -> Eval<Value> {
    let (first, _) = args.receiver();
    let Some(module) = as_module(&first) else {
        return Err(i.raise(Exc::TypeError, "Module.__init__() must be called on a Module"));
    };
    *module.native.borrow_mut() = NativeState::Module(Box::default());
    module.set(Sym::new("training"), Value::Bool(true));
    Ok(Value::None)
}

/// An attribute that neither the instance nor its class has. `None`: there is none.
pub(crate) fn get_attr(_i: &mut Interp, module: &Rc<Instance>, name: Sym) -> Eval<Option<Value>> {
    Ok(find(module, name))
}

fn find(module: &Instance, name: Sym) -> Option<Value> {
    let borrowed = module.native.borrow();
    let NativeState::Module(s) = &*borrowed else { return None };
    name.with(|n| {
        let key = crate::eval::dict::StrKey(n);
        for table in [&s.parameters, &s.buffers, &s.modules] {
            if let Some(v) = table.borrow().get(&key) {
                return Some(v.clone());
            }
        }
        Some(match n {
            "_parameters" => Value::Dict(s.parameters.clone()),
            "_buffers" => Value::Dict(s.buffers.clone()),
            "_modules" => Value::Dict(s.modules.clone()),
            "_non_persistent_buffers_set" => Value::Set(s.non_persistent.clone()),
            _ => return None,
        })
    })
}

/// One of a module's tables by its attribute's name; the source may have put a dict of its own in its place.
pub(crate) fn table(i: &mut Interp, module: &Rc<Instance>, name: Sym) -> Eval<Rc<DictObj>> {
    let found = i.get_attr(&Value::Instance(module.clone()), name)?;
    match found.as_dict() {
        Some(dict) => Ok(dict),
        None => {
            let text = format!("'{}' object has no attribute 'items'", i.type_name(&found));
            Err(i.raise(Exc::AttributeError, text))
        }
    }
}

/// Whether one of a module's three tables has an entry of this name.
fn holds(module: &Instance, name: Sym) -> bool {
    let borrowed = module.native.borrow();
    let NativeState::Module(s) = &*borrowed else { return false };
    name.with(|n| {
        let key = crate::eval::dict::StrKey(n);
        [&s.parameters, &s.buffers, &s.modules].into_iter().any(|t| t.borrow().contains_key(&key))
    })
}

/// Sets an attribute as `Module.__setattr__` does. `false`: it is an ordinary one and is left to the caller.
pub(crate) fn set_attr(i: &mut Interp, module: &Rc<Instance>, name: Sym, value: &Value) -> Eval<bool> {
    let registered = matches!(value, Value::Tensor(t) if t.parameter || is_buffer(t)) || as_module(value).is_some();
    if !registered && !holds(module, name) {
        return Ok(false);
    }
    let Some(s) = state(module) else {
        let what = match value {
            Value::Tensor(t) if t.parameter => "parameters",
            Value::Tensor(t) if is_buffer(t) => "buffer",
            v if as_module(v).is_some() => "module",
            _ => return Ok(false),
        };
        let raise = i.raise(Exc::AttributeError, format!("cannot assign {what} before Module.__init__() call"));
        return Err(raise.into_help("call super().__init__() first in __init__"));
    };
    let key = Key::str(&name.name());
    let (in_parameters, in_modules, in_buffers) = (
        s.parameters.borrow().contains_key(&key),
        s.modules.borrow().contains_key(&key),
        s.buffers.borrow().contains_key(&key),
    );
    let forget = |tables: &[&Rc<DictObj>]| {
        let old = module.attrs.borrow_mut().shift_remove(&name);
        drop(old);
        for t in tables {
            let old = t.borrow_mut().shift_remove(&key);
            drop(old);
        }
    };
    match value {
        Value::Tensor(t) if t.parameter => {
            forget(&[&s.buffers, &s.modules]);
            settle(i, t)?;
            s.parameters.borrow_mut().insert(key, value.clone());
        }
        // `nn.Buffer`: registered by being assigned.
        Value::Tensor(t) if is_buffer(t) && !in_parameters => {
            forget(&[&s.modules]);
            settle(i, t)?;
            let persistent =
                t.attrs.borrow().get(&Sym::new("persistent")).is_none_or(|v| !matches!(v, Value::Bool(false)));
            if !persistent {
                s.non_persistent.borrow_mut().insert(key.clone());
            }
            s.buffers.borrow_mut().insert(key, value.clone());
        }
        _ if in_parameters => {
            if !value.is_none() {
                let text = format!(
                    "cannot assign '{}' as parameter '{name}' (torch.nn.Parameter or None expected)",
                    i.type_name(value)
                );
                return Err(i.raise(Exc::TypeError, text));
            }
            s.parameters.borrow_mut().insert(key, Value::None);
        }
        v if as_module(v).is_some() => {
            forget(&[&s.parameters, &s.buffers]);
            s.modules.borrow_mut().insert(key, value.clone());
        }
        _ if in_modules => {
            if !value.is_none() {
                let text = format!(
                    "cannot assign '{}' as child module '{name}' (torch.nn.Module or None expected)",
                    i.type_name(value)
                );
                return Err(i.raise(Exc::TypeError, text));
            }
            s.modules.borrow_mut().insert(key, Value::None);
        }
        _ if in_buffers => match value {
            Value::None => {
                s.buffers.borrow_mut().insert(key, Value::None);
            }
            Value::Tensor(t) => {
                // A buffer that a forward pass fills for the first time is made there, not changed.
                let first = !matches!(s.buffers.borrow().get(&key), Some(Value::Tensor(_)));
                if i.torch.current == BodyKind::Init || first && i.torch.current != BodyKind::Recipe {
                    settle(i, t)?;
                } else if !t.dtype().is_float() && t.ty().numel() == 1 {
                    // A counter: it does not change what this pass computes.
                    return Ok(true);
                } else if i.torch.current != BodyKind::Recipe {
                    let before = s.buffers.borrow().get(&key).cloned();
                    return match before {
                        Some(Value::Tensor(b)) if b.shape() == t.shape() => {
                            if Rc::ptr_eq(&b.storage(), &t.storage()) {
                                return Ok(true);
                            }
                            i.write(&b, t).map(|()| true)
                        }
                        _ => Err(i.abort(
                            crate::code::UNSUPPORTED_STATE,
                            format!("a forward pass replaces the buffer '{name}' by one of another shape"),
                        )),
                    };
                }
                s.buffers.borrow_mut().insert(key, value.clone());
            }
            complex if super::complex::is_complex(complex) => {
                s.buffers.borrow_mut().insert(key, value.clone());
            }
            _ => {
                let text = format!(
                    "cannot assign '{}' as buffer '{name}' (torch.Tensor or None expected)",
                    i.type_name(value)
                );
                return Err(i.raise(Exc::TypeError, text));
            }
        },
        _ => return Ok(false),
    }
    Ok(true)
}

/// Whether a tensor was made by `nn.Buffer`.
fn is_buffer(t: &Tensor) -> bool {
    t.attrs.borrow().get(&Sym::new("_is_buffer")).is_some()
}

/// `nn.Buffer(data=None, *, persistent=True)`: a tensor that becomes a buffer where it is assigned to a module.
pub(crate) fn buffer(i: &mut Interp, args: Args) -> Eval<Value> {
    let [data, persistent] = args.bind(i, "Buffer", ["data", "persistent"], 0)?;
    let data = match data {
        Some(Value::Tensor(t)) => t,
        None | Some(Value::None) => super::factory::full(i, &[0], 0.0, archsmith_ir::DType::F32)?,
        Some(v) => {
            let text = format!("'{}' object has no attribute 'detach'", i.type_name(&v));
            return Err(i.raise(Exc::AttributeError, text));
        }
    };
    i.value_of(&data)?;
    let t = super::TensorObj::over(data.storage());
    t.attrs.borrow_mut().insert(Sym::new("_is_buffer"), Value::Bool(true));
    t.attrs.borrow_mut().insert(Sym::new("persistent"), persistent.unwrap_or(Value::Bool(true)));
    Ok(Value::Tensor(Rc::new(t)))
}

/// Deletes a parameter, buffer or submodule. `false`: there is none of this name.
pub(crate) fn del_attr(_i: &mut Interp, module: &Rc<Instance>, name: Sym) -> Eval<bool> {
    let Some(s) = state(module) else { return Ok(false) };
    let key = Key::str(&name.name());
    for table in [&s.parameters, &s.buffers, &s.modules] {
        let old = table.borrow_mut().shift_remove(&key);
        if old.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A tensor that becomes a parameter or buffer belongs to the init body.
fn settle(i: &mut Interp, t: &Tensor) -> Eval<()> {
    i.settle(&t.storage())
}

/// Calls a module: hooks, then `forward`, inside the module's scope.
pub(crate) fn call(i: &mut Interp, module: &Rc<Instance>, mut args: Args) -> Eval<Value> {
    if state(module).is_none() {
        let class = module.class();
        let text = format!(
            "'{}' object has no attribute '_forward_hooks': call super().__init__() in its __init__",
            class.name
        );
        return Err(i.raise(Exc::AttributeError, text));
    }
    if i.torch.current == BodyKind::Recipe
        && let Some((at, out)) = i.torch.train_output.clone()
        && at == Rc::as_ptr(module).addr()
        && let Some(out) = stand_in(i, &out)
    {
        return Ok(out);
    }
    let this = Value::Instance(module.clone());
    super::hooks::before(i, module, &mut args)?;
    let forward = i.get_attr(&this, Sym::new("forward"))?;
    let scope = open_scope(i, module);
    let given = args.clone();
    let out = i.call(&forward, args);
    if scope {
        i.torch.scope_stack.pop();
    }
    let out = out.map_err(|raise| super::explain::declaration(i, raise, module, &given.pos))?;
    if out.is_none() {
        super::explain::remember_nothing(i, module);
    }
    super::hooks::after(i, module, &given, out)
}

/// Unknown tensors of the types that a value holds. `None`: the value is more than tensors in tuples and lists.
fn stand_in(i: &mut Interp, value: &Value) -> Option<Value> {
    match value {
        Value::Tensor(t) => {
            let span = i.span;
            let x = i.torch.input(t.ty(), span);
            x.requires_grad.set(t.dtype().is_float());
            Some(Value::Tensor(x))
        }
        Value::Tuple(t) => t.items().iter().map(|v| stand_in(i, v)).collect::<Option<_>>().map(Value::tuple),
        Value::List(l) => {
            let items = l.borrow().clone();
            items.iter().map(|v| stand_in(i, v)).collect::<Option<_>>().map(Value::list)
        }
        _ => None,
    }
}

/// Opens the scope of a module in a forward pass; whether it did.
fn open_scope(i: &mut Interp, module: &Rc<Instance>) -> bool {
    if i.torch.current == BodyKind::Init {
        return false;
    }
    let at = Rc::as_ptr(module).addr();
    let parent = i.torch.scope_stack.last().copied();
    let id = match i.torch.scope_of.get(&at) {
        Some(id) => *id,
        None => {
            let id = ScopeId(i.torch.scopes.len() as u32);
            let class = module.class().name.to_string();
            let path = match (i.torch.paths.get(&at), parent) {
                (Some(p), _) => p.clone(),
                // A module kept in a plain list or made on the fly.
                (None, Some(p)) => {
                    let outer = &i.torch.scopes[p.index()].path;
                    if outer.is_empty() { format!("<{class}>") } else { format!("{outer}.<{class}>") }
                }
                (None, None) => String::new(),
            };
            i.torch.scopes.push(Scope { path, class, parent, span: module.span });
            i.torch.scope_of.insert(at, id);
            id
        }
    };
    i.torch.scope_stack.push(id);
    true
}

/// What an entry of the state dict is.
#[derive(Clone)]
pub(crate) struct Entry {
    /// Dotted name.
    pub(crate) name: String,
    /// The tensor.
    pub(crate) tensor: Tensor,
    /// Whether it is a parameter.
    pub(crate) parameter: bool,
    /// Whether it is in the state dict.
    pub(crate) persistent: bool,
}

/// Every parameter and buffer in the order of `state_dict()`; shared modules appear under each of their names.
pub(crate) fn entries(i: &mut Interp, root: &Rc<Instance>) -> Eval<Vec<Entry>> {
    let mut out = Vec::new();
    let mut open = FxHashSet::default();
    collect(i, root, "", &mut out, &mut open)?;
    Ok(out)
}

fn collect(
    i: &mut Interp,
    module: &Rc<Instance>,
    prefix: &str,
    out: &mut Vec<Entry>,
    open: &mut FxHashSet<usize>,
) -> Eval<()> {
    i.step()?;
    i.check_stack()?;
    let Some(s) = state(module) else { return Ok(()) };
    let at = Rc::as_ptr(module).addr();
    if !open.insert(at) {
        return Err(i.raise(Exc::RecursionError, "maximum recursion depth exceeded: a module contains itself"));
    }
    let text = |k: &Key| k.value().as_str().unwrap_or("").to_string();
    for (table, parameter) in [(&s.parameters, true), (&s.buffers, false)] {
        for (k, v) in table.borrow().iter() {
            if super::complex::is_complex(v) {
                i.torch.complex_state = true;
            }
            if let Value::Tensor(t) = v {
                let persistent = parameter || !s.non_persistent.borrow().contains(k);
                out.push(Entry { name: format!("{prefix}{}", text(k)), tensor: t.clone(), parameter, persistent });
            }
        }
    }
    let children: Vec<(String, Value)> = s.modules.borrow().iter().map(|(k, v)| (text(k), v.clone())).collect();
    for (name, child) in children {
        if let Some(child) = as_module(&child) {
            collect(i, child, &format!("{prefix}{name}."), out, open)?;
        }
    }
    open.remove(&at);
    Ok(())
}

/// Every module instance under a root with its dotted path, each once, a parent before its children.
pub(crate) fn tree(root: &Rc<Instance>) -> Vec<(String, Rc<Instance>)> {
    let mut out: Vec<(String, Rc<Instance>)> = Vec::new();
    let mut seen = FxHashSet::default();
    let mut pending = vec![(String::new(), root.clone())];
    while let Some((path, module)) = pending.pop() {
        if !seen.insert(Rc::as_ptr(&module).addr()) {
            continue;
        }
        if let Some(s) = state(&module) {
            let children: Vec<(String, Rc<Instance>)> = s
                .modules
                .borrow()
                .iter()
                .filter_map(|(k, v)| {
                    let name = k.value().as_str().unwrap_or("");
                    let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                    as_module(v).map(|m| (path, m.clone()))
                })
                .collect();
            pending.extend(children.into_iter().rev());
        }
        out.push((path, module));
    }
    out
}
