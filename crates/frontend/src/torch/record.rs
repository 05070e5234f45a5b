//! What `train_setup` and `learn` do, as library code reports it: optimisers, losses, clipping, schedules.

use super::factory;
use super::trace::BodyKind;
use crate::eval::args::Args;
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use archsmith_ir::{DType, OpId};

/// `_record(kind, object)`.
pub(crate) fn record(i: &mut Interp, args: Args) -> Eval<Value> {
    let [kind, object] = args.exactly(i, "_record")?;
    if i.torch.records.len() < 10_000
        && let Value::Str(kind) = kind
    {
        i.torch.records.push((kind, object));
    }
    Ok(Value::None)
}

/// A loss function: remembered, its value unknown. Elsewhere than in `learn` it is an operator, where there is one.
pub(crate) fn loss(i: &mut Interp, path: &'static str, mut args: Args) -> Eval<Value> {
    if i.torch.current != BodyKind::Recipe {
        return match OpId::by_path(path).first() {
            Some((_, s)) => super::call_operator(i, s.path, args),
            None if path.ends_with(".multi_margin_loss") => {
                let f = match super::module_import(i, "torch.nn.functional")? {
                    Some(m) => i.module_attr(&m, crate::syntax::Sym::new("_multi_margin"))?,
                    None => None,
                };
                i.call(&f.unwrap_or_default(), args)
            }
            None => Err(i.unsupported(format!("{path} in a forward pass"))),
        };
    }
    let smoothing = args.take_kw("label_smoothing").unwrap_or(Value::Float(0.0));
    let weight = args.take_kw("weight").or_else(|| args.pos.get(2).cloned()).unwrap_or_default();
    let input = args.take_kw("input").or_else(|| args.pos.first().cloned()).unwrap_or_default();
    let target = args.take_kw("target").or_else(|| args.pos.get(1).cloned()).unwrap_or_default();
    let (Value::Tensor(x), Value::Tensor(_)) = (&input, &target) else {
        let text = format!(
            "{path}(): arguments 'input' and 'target' must be Tensors, not {} and {}",
            i.type_name(&input),
            i.type_name(&target)
        );
        return Err(i.raise(Exc::TypeError, text));
    };
    let name = path.rsplit('.').next().unwrap_or(path);
    let shape = Value::size(&x.shape());
    i.torch.records.push(("loss".into(), Value::tuple(vec![Value::str(name), smoothing, weight, shape])));
    let t = factory::full(i, &[], 0.0, DType::F32)?;
    t.requires_grad.set(true);
    Ok(Value::Tensor(t))
}
