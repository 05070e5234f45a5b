//! `abc`: abstract methods are noted in the class attribute `__abstract__`.

use crate::eval::class::Class;
use crate::eval::value::Value;
use crate::syntax::Sym;
use std::rc::Rc;

/// Notes the abstract methods that a class leaves open.
pub(crate) fn note_abstract(class: &Rc<Class>) {
    let marked = |v: &Value| match v {
        Value::Function(f) => f.attrs.borrow().contains_key(&Sym::new("__isabstractmethod__")),
        Value::Property(p) => match &p.get {
            Value::Function(f) => f.attrs.borrow().contains_key(&Sym::new("__isabstractmethod__")),
            _ => false,
        },
        _ => false,
    };
    let mut open: Vec<Rc<str>> = Vec::new();
    for c in std::iter::once(class).chain(&class.mro) {
        for (n, v) in c.attrs.borrow().iter() {
            if marked(v) && class.lookup(*n).is_some_and(|v| marked(&v)) && !open.contains(&n.name()) {
                open.push(n.name());
            }
        }
    }
    let inherits = class.mro.iter().any(|c| c.attrs.borrow().contains_key(&Sym::new("__abstract__")));
    if !open.is_empty() {
        class.attrs.borrow_mut().insert(Sym::new("__abstract__"), Value::from(open.join(", ")));
    } else if inherits {
        class.attrs.borrow_mut().insert(Sym::new("__abstract__"), Value::None);
    }
}
