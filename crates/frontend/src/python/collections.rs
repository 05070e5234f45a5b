//! `collections`: named tuples and counters.

use crate::eval::args::Args;
use crate::eval::class::{Class, NativeKind};
use crate::eval::value::{Attrs, DictKind, DictObj, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use crate::syntax::ast::BinOp;
use crate::syntax::sym::known;
use std::rc::Rc;

/// `counter + counter`, `counter - counter`: counts that stay positive.
pub(crate) fn counter_op(i: &mut Interp, op: BinOp, x: &Rc<DictObj>, y: &Rc<DictObj>) -> Eval<Value> {
    let mut out = x.borrow().clone();
    for (k, v) in y.borrow().iter() {
        let n = out.get(k).and_then(Value::as_int).unwrap_or(0);
        let m = v.as_int().unwrap_or(0);
        out.insert(k.clone(), Value::Int(if op == BinOp::Add { n + m } else { n - m }));
    }
    out.retain(|_, v| v.as_int().unwrap_or(0) > 0);
    i.allocate(out.len())?;
    Ok(Value::Dict(Rc::new(DictObj::of(out, DictKind::Counter))))
}

/// The tuple that a named tuple's constructor makes of its arguments.
pub(crate) fn named_tuple_items(i: &mut Interp, class: &Rc<Class>, fields: &Rc<[Sym]>, args: Args) -> Eval<Value> {
    if args.pos.len() > fields.len() {
        let text = format!("{}() takes {} arguments but {} were given", class.name, fields.len(), args.pos.len());
        return Err(i.raise(Exc::TypeError, text));
    }
    let mut items: Vec<Option<Value>> = args.pos.into_iter().map(Some).collect();
    items.resize(fields.len(), None);
    for (n, v) in args.kw {
        match fields.iter().position(|f| *f == n) {
            Some(k) => items[k] = Some(v),
            None => {
                let text = format!("{}() got an unexpected keyword argument '{n}'", class.name);
                return Err(i.raise(Exc::TypeError, text));
            }
        }
    }
    let defaults = match class.lookup(Sym::new("_field_defaults")) {
        Some(Value::Dict(d)) => d.borrow().clone(),
        _ => Default::default(),
    };
    let mut out = Vec::with_capacity(items.len());
    for (v, f) in items.into_iter().zip(fields.iter()) {
        match v.or_else(|| defaults.get(&crate::eval::dict::Key::str(&f.name())).cloned()) {
            Some(v) => out.push(v),
            None => {
                let text = format!("{}() missing 1 required positional argument: '{f}'", class.name);
                return Err(i.raise(Exc::TypeError, text));
            }
        }
    }
    Ok(Value::tuple(out))
}

/// A class that derives from `typing.NamedTuple`: its annotations are the fields.
pub(crate) fn typed_named_tuple(_i: &mut Interp, class: &Rc<Class>) -> Eval<()> {
    let annotations = class.attrs.borrow().get(&known::ANNOTATIONS).cloned();
    let mut fields = Vec::new();
    let mut defaults = crate::eval::dict::Dict::default();
    if let Some(Value::Dict(d)) = annotations {
        for k in d.borrow().keys() {
            if let Some(name) = k.value().as_str() {
                fields.push(Sym::new(name));
                if let Some(v) = class.remove(Sym::new(name)) {
                    defaults.insert(k.clone(), v);
                }
            }
        }
    }
    class.set(Sym::new("_field_defaults"), Value::dict(defaults));
    for (name, method) in named_tuple_methods(&fields) {
        if !class.attrs.borrow().contains_key(&name) {
            class.set(name, method);
        }
    }
    *class.fields.borrow_mut() = Some(fields.into());
    Ok(())
}

/// `namedtuple(name, fields, defaults=…)`.
pub(super) fn namedtuple(i: &mut Interp, mut args: Args) -> Eval<Value> {
    let defaults = match args.take_kw("defaults") {
        Some(v) => i.iterate(&v)?,
        None => Vec::new(),
    };
    args.take_kw("rename");
    args.take_kw("module");
    let [name, fields] = args.bind(i, "namedtuple", ["typename", "field_names"], 2)?;
    let fields: Vec<Rc<str>> = match fields {
        Some(Value::Str(s)) => s.replace(',', " ").split_whitespace().map(Into::into).collect(),
        Some(v) => i.iterate(&v)?.iter().filter_map(|v| v.as_str().map(Into::into)).collect(),
        None => Vec::new(),
    };
    let tuple = i.builtins.class("tuple");
    let name = name.and_then(|v| v.as_str().map(str::to_string)).unwrap_or_default();
    let mut attrs = Attrs::default();
    let skip = fields.len().saturating_sub(defaults.len());
    let pairs = fields[skip..].iter().zip(defaults).map(|(f, v)| (crate::eval::dict::Key::str(f), v)).collect();
    attrs.insert(Sym::new("_field_defaults"), Value::dict(pairs));
    let names: Vec<Sym> = fields.iter().map(|f| Sym::new(f)).collect();
    attrs.extend(named_tuple_methods(&names));
    let mut class = Class::native(&name, "__main__", vec![tuple], NativeKind::Wrapper, None, attrs);
    class.mutable = true;
    *class.fields.borrow_mut() = Some(fields.iter().map(|f| Sym::new(f)).collect());
    let class = Rc::new(class);
    i.hold_class(&class);
    Ok(Value::Class(class))
}

/// What every named tuple has beside its fields.
fn named_tuple_methods(fields: &[Sym]) -> [(Sym, Value); 4] {
    let make = Value::native("_make", |i, args| {
        let [class, items] = args.exactly(i, "_make")?;
        let items = i.iterate(&items)?;
        i.call(&class, Args::from(items))
    });
    [
        (Sym::new("_fields"), Value::tuple(fields.iter().map(|f| Value::Str(f.name())).collect())),
        (Sym::new("_asdict"), Value::native("_asdict", asdict)),
        (Sym::new("_replace"), Value::native("_replace", replace)),
        (Sym::new("_make"), Value::class_method(make)),
    ]
}

fn fields_of(v: &Value) -> (Vec<Sym>, Vec<Value>) {
    let Value::Instance(o) = v else { return Default::default() };
    let class = o.class();
    let fields = std::iter::once(&class).chain(&class.mro).find_map(|c| c.fields.borrow().clone());
    let items = o.payload_value().and_then(|v| v.as_sequence()).unwrap_or_default();
    (fields.map(|f| f.to_vec()).unwrap_or_default(), items)
}

fn asdict(_: &mut Interp, args: Args) -> Eval<Value> {
    let (names, items) = fields_of(&args.receiver().0);
    Ok(Value::dict(names.iter().zip(items).map(|(n, v)| (crate::eval::dict::Key::str(&n.name()), v)).collect()))
}

fn replace(i: &mut Interp, args: Args) -> Eval<Value> {
    let (v, rest) = args.receiver();
    let (names, mut items) = fields_of(&v);
    for (n, v) in rest.kw {
        match names.iter().position(|f| *f == n) {
            Some(k) => items[k] = v,
            None => return Err(i.raise(Exc::ValueError, format!("Got unexpected field names: ['{n}']"))),
        }
    }
    let class = Value::Class(i.class_of(&v));
    i.call(&class, Args::from(items))
}

/// The class `typing.NamedTuple`.
pub(super) fn named_tuple_base(i: &Interp) -> Value {
    let tuple = i.builtins.class("tuple");
    Value::Class(Rc::new(Class::native(
        "NamedTuple",
        "typing",
        vec![tuple],
        NativeKind::Wrapper,
        None,
        Attrs::default(),
    )))
}
