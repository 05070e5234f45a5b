//! The class objects of `torch.Tensor`, `nn.Parameter`, `torch.Size`, `torch.dtype`, `torch.device`, and the native base of
//! `nn.Module`.

use super::{Tensor, TensorObj, factory};
use crate::eval::args::Args;
use crate::eval::class::{Class, NativeKind, NativeState};
use crate::eval::value::Attrs;
use crate::eval::value::{NativeFn, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use archsmith_ir::DType;
use std::rc::Rc;

/// The classes of one thread.
struct Classes {
    tensor: Rc<Class>,
    parameter: Rc<Class>,
    size: Rc<Class>,
    dtype: Rc<Class>,
    device: Rc<Class>,
    module: Rc<Class>,
}

thread_local! {
    static CLASSES: std::cell::OnceCell<Classes> = const { std::cell::OnceCell::new() };
}

fn with<R>(i: &Interp, f: impl FnOnce(&Classes) -> R) -> R {
    CLASSES.with(|c| f(c.get_or_init(|| make(i))))
}

fn make(i: &Interp) -> Classes {
    let object = i.builtins.class("object");
    let builtin = |name: &str, module: &str, base: &Rc<Class>, construct: NativeFn| {
        Rc::new(Class::native(name, module, vec![base.clone()], NativeKind::Builtin, Some(construct), Attrs::default()))
    };
    let tensor = builtin("Tensor", "torch", &object, |i, args| factory::typed(i, args, DType::F32));
    let parameter = builtin("Parameter", "torch.nn.parameter", &tensor, parameter);
    let size = builtin("Size", "torch", &i.builtins.class("tuple"), |i, args| {
        let items = match args.pos.first() {
            Some(v) => i.iterate(v)?,
            None => Vec::new(),
        };
        let shape = factory::shape(i, "Size", vec![Value::tuple(items)])?;
        Ok(Value::size(&shape))
    });
    let dtype =
        builtin(
            "dtype",
            "torch",
            &object,
            |i, _| Err(i.raise(Exc::TypeError, "cannot create 'torch.dtype' instances")),
        );
    let device = builtin("device", "torch", &object, |i, mut args| {
        let kind = args.take_kw("type").or_else(|| args.pos.first().cloned());
        match (kind, args.pos.get(1)) {
            (Some(Value::Device(d)), _) => Ok(Value::Device(d)),
            (Some(Value::Str(s)), Some(Value::Int(n))) => Ok(Value::Device(format!("{s}:{n}").into())),
            (Some(Value::Str(s)), _) => Ok(Value::Device(s)),
            (Some(Value::Int(n)), _) => Ok(Value::Device(format!("cuda:{n}").into())),
            _ => Err(i.raise(Exc::TypeError, "device(): argument 'type' must be str")),
        }
    });
    let module = Rc::new(Class::native(
        "Module",
        "torch.nn.modules.module",
        vec![object],
        NativeKind::Module,
        None,
        [
            (Sym::new("__call__"), Value::native("__call__", call_module)),
            (Sym::new("__getattr__"), Value::native("__getattr__", registered)),
        ]
        .into_iter()
        .collect(),
    ));
    Classes { tensor, parameter, size, dtype, device, module }
}

/// `Module.__getattr__(name)`: a parameter, buffer or submodule.
fn registered(i: &mut Interp, args: Args) -> Eval<Value> {
    let (this, rest) = args.receiver();
    let [name] = rest.exactly(i, "__getattr__")?;
    let (Some(module), Some(name)) = (super::module::as_module(&this), name.as_str()) else {
        return Err(i.raise(Exc::TypeError, "Module.__getattr__(): a module and a name are expected"));
    };
    match super::module::get_attr(i, module, Sym::new(name))? {
        Some(v) => Ok(v),
        None => {
            let text = format!("'{}' object has no attribute '{name}'", module.class().name);
            Err(i.raise(Exc::AttributeError, text))
        }
    }
}

/// `Module.__call__`, as `super().__call__(…)` reaches it.
fn call_module(i: &mut Interp, args: Args) -> Eval<Value> {
    let (this, rest) = args.receiver();
    match super::module::as_module(&this) {
        Some(m) => super::module::call(i, &m.clone(), rest),
        None => Err(i.raise(Exc::TypeError, "Module.__call__() must be called on a Module")),
    }
}

/// The class object of a torch value.
pub(crate) fn value_class(i: &mut Interp, value: &Value) -> Option<Rc<Class>> {
    with(i, |c| {
        Some(match value {
            Value::Tensor(t) if t.parameter => c.parameter.clone(),
            Value::Tensor(_) => c.tensor.clone(),
            Value::DType(_) => c.dtype.clone(),
            Value::Device(_) => c.device.clone(),
            Value::Tuple(t) if t.size => c.size.clone(),
            _ => return None,
        })
    })
}

/// Whether a class is `torch.Tensor` or `nn.Parameter`.
pub(crate) fn is_tensor(i: &Interp, class: &Rc<Class>) -> bool {
    with(i, |c| Rc::ptr_eq(class, &c.tensor) || Rc::ptr_eq(class, &c.parameter))
}

/// A class object by the name that the `torch` module gives it.
pub(crate) fn by_name(i: &Interp, name: &str) -> Option<Value> {
    with(i, |c| {
        Some(Value::Class(match name {
            "Tensor" => c.tensor.clone(),
            "Parameter" => c.parameter.clone(),
            "Size" => c.size.clone(),
            "dtype" => c.dtype.clone(),
            "device" => c.device.clone(),
            "_ModuleBase" => c.module.clone(),
            _ => return None,
        }))
    })
}

/// A named tuple as `torch.max(x, dim)` gives it.
pub(crate) fn named_tuple(i: &mut Interp, name: &'static str, fields: &[&str], values: Vec<Value>) -> Value {
    let class = match i.torch.tuples.get(name) {
        Some(c) => c.clone(),
        None => {
            let tuple = i.builtins.class("tuple");
            let class =
                Class::native(name, "torch.return_types", vec![tuple], NativeKind::Wrapper, None, Attrs::default());
            *class.fields.borrow_mut() = Some(fields.iter().map(|f| Sym::new(f)).collect());
            let class = Rc::new(class);
            i.torch.tuples.insert(name, class.clone());
            class
        }
    };
    Value::Instance(i.new_instance(&class, NativeState::Wrapped(Value::tuple(values))))
}

/// `nn.Parameter(data, requires_grad=True)`.
fn parameter(i: &mut Interp, args: Args) -> Eval<Value> {
    let [data, requires_grad] = args.bind(i, "Parameter", ["data", "requires_grad"], 0)?;
    let requires_grad = match requires_grad {
        Some(v) => i.truth(&v)?,
        None => true,
    };
    let data: Tensor = match data {
        Some(Value::Tensor(t)) => t,
        None | Some(Value::None) => factory::full(i, &[0], 0.0, DType::F32)?,
        Some(v) if super::complex::is_complex(&v) => {
            let raise = i.unsupported("a complex parameter");
            return Err(raise.into_help(
                "keep real and imaginary parts in the last dimension of a real parameter and use torch.view_as_complex",
            ));
        }
        Some(v) => {
            let text = format!("'{}' object has no attribute 'detach'", i.type_name(&v));
            return Err(i.raise(Exc::AttributeError, text).into_help(
                "nn.Parameter takes a tensor: nn.Parameter(torch.tensor(…)), nn.Parameter(torch.zeros(…))",
            ));
        }
    };
    if requires_grad && !data.dtype().is_float() {
        let text = "Only Tensors of floating point and complex dtype can require gradients";
        return Err(i.raise(Exc::RuntimeError, text));
    }
    // A view that is made a parameter stands on its own: its base is not trained with it.
    i.value_of(&data)?;
    let mut t = TensorObj::over(data.storage());
    t.parameter = true;
    t.requires_grad.set(requires_grad);
    if t.storage().state.get().is_some() {
        // Made of a parameter that is in use already: another tensor with the same initial value.
        return Err(
            i.abort(crate::code::UNSUPPORTED_STATE, "a parameter made of another parameter during a forward pass")
        );
    }
    i.settle(&t.storage())?;
    let t = Rc::new(t);
    i.torch.parameters.push(Rc::downgrade(&t));
    Ok(Value::Tensor(t))
}
