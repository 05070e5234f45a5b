//! The training recipe: `train_setup(prm)` and `learn([(inputs, labels)])` run on abstract tensors, and what they do is read
//! from what the library reports.
//!
//! A network is never refused for its recipe: what cannot be read is the default, and `assumed` says why.

use crate::contract::{Options, prm};
use crate::eval::args::Args;
use crate::eval::class::Instance;
use crate::eval::value::Value;
use crate::eval::{Eval, Interp};
use crate::syntax::Sym;
use crate::torch::trace::BodyKind;
use archsmith_ir::recipe::{Clip, Loss, Optimizer, Schedule, ScheduleKind};
use archsmith_ir::{DType, Recipe, TensorType};
use std::rc::Rc;

/// Reads the recipe of a constructed network.
pub(crate) fn read(i: &mut Interp, net: &Rc<Instance>, options: &Options, asked: &[String]) -> Recipe {
    let mut recipe = Recipe::default();
    i.torch.current = BodyKind::Recipe;
    i.torch.scope_stack.clear();
    i.torch.records.clear();
    i.torch.grad = true;
    let this = Value::Instance(net.clone());
    let say = |recipe: &mut Recipe, what: &str| recipe.assumed.push(what.to_string());
    if let Err(why) = setup(i, &this, options, asked) {
        say(&mut recipe, &format!("train_setup: {why}"));
    }
    if let Err(why) = learn(i, &this, options, 1) {
        say(&mut recipe, &format!("learn: {why}"));
    }
    let records = std::mem::take(&mut i.torch.records);
    let of = |kind: &str| records.iter().filter(|(k, _)| &**k == kind).map(|(_, v)| v.clone()).collect::<Vec<_>>();
    // The optimiser that steps, else the one that was made last.
    match of("step").first().or(of("optimizer").last()).and_then(|v| v.as_instance().cloned()) {
        Some(o) => match optimizer(&o) {
            Ok(found) => recipe.optimizer = found,
            Err(why) => say(&mut recipe, &format!("optimiser: {why}")),
        },
        None => say(&mut recipe, "optimiser: none is made; SGD with learning rate 0.01 and momentum 0.9 is used"),
    }
    match of("loss").first() {
        Some(v) => match loss(i, v) {
            Ok(found) => recipe.loss = found,
            Err(why) => say(&mut recipe, &format!("loss: {why}")),
        },
        None => say(&mut recipe, "loss: none is computed; cross-entropy is used"),
    }
    if let Some(v) = of("clip_norm").first()
        && let Some(items) = v.as_sequence()
    {
        match (items.first().and_then(Value::as_float), items.get(1).and_then(Value::as_float)) {
            (Some(max_norm), Some(2.0)) => recipe.clip = Some(Clip::Norm { max_norm }),
            (Some(max_norm), p) => {
                say(&mut recipe, &format!("clipping: by the norm of order {p:?}; the 2-norm is used"));
                recipe.clip = Some(Clip::Norm { max_norm });
            }
            _ => say(&mut recipe, "clipping: its bound is no number; gradients are not clipped"),
        }
    } else if let Some(clip_value) = of("clip_value").first().and_then(Value::as_float) {
        recipe.clip = Some(Clip::Value { clip_value });
    }
    if let Some(s) = of("scheduler").last().and_then(|v| v.as_instance().cloned()) {
        let stepped = |records: &[(Rc<str>, Value)]| {
            let of_it = |v: &Value| v.as_instance().is_some_and(|o| Rc::ptr_eq(o, &s));
            records.iter().filter(|(k, v)| &**k == "scheduler_step" && of_it(v)).count()
        };
        // One batch does not tell a step for each from one at the end: two do.
        let per_batch = stepped(&records) > 0 && {
            let done = learn(i, &this, options, 2);
            done.is_err() || stepped(&std::mem::take(&mut i.torch.records)) > 1
        };
        match schedule(&s) {
            Ok(kind) => recipe.schedule = Some(Schedule { kind, per_batch }),
            Err(why) => say(&mut recipe, &format!("schedule: {why}")),
        }
    }
    recipe
}

/// What an evaluation failed with, in one line.
fn why<T>(i: &mut Interp, result: Eval<T>) -> Result<T, String> {
    result.map_err(|r| i.diagnose(r).message)
}

fn setup(i: &mut Interp, net: &Value, options: &Options, asked: &[String]) -> Result<(), String> {
    let found = i.find_attr(net, Sym::new("train_setup"));
    let Some(f) = why(i, found)? else { return Err("the network has none".into()) };
    let called = i.call(&f, Args::from([prm(options, asked)]));
    why(i, called).map(|_| ())
}

/// Calls `learn` with so many batches.
fn learn(i: &mut Interp, net: &Value, options: &Options, batches: usize) -> Result<(), String> {
    let found = i.find_attr(net, Sym::new("learn"));
    let Some(f) = why(i, found)? else { return Err("the network has none".into()) };
    let span = i.span;
    let inputs = i.torch.input(TensorType::f32(options.input_shape()), span);
    let labels = i.torch.input(TensorType::new(DType::I64, vec![options.input_shape()[0]]), span);
    let batch = Value::tuple(vec![Value::Tensor(inputs), Value::Tensor(labels)]);
    let called = i.call(&f, Args::from([Value::list(vec![batch; batches])]));
    why(i, called).map(|_| ())
}

fn attribute(o: &Instance, name: &str) -> Option<Value> {
    o.get(Sym::new(name))
}

fn optimizer(o: &Rc<Instance>) -> Result<Optimizer, String> {
    let class = o.class().name.to_string();
    let groups = attribute(o, "param_groups").and_then(|v| v.as_sequence()).unwrap_or_default();
    let Some(Value::Dict(first)) = groups.first() else { return Err("it has no parameter groups".into()) };
    let option = |name: &str| first.borrow().get(&crate::eval::dict::StrKey(name)).cloned();
    let number = |name: &str| option(name).and_then(|v| v.as_float()).ok_or_else(|| format!("its {name} is no number"));
    let flag = |name: &str| matches!(option(name), Some(Value::Bool(true)));
    let family = |name: &str| o.class().name.as_ref() == name || o.class().mro.iter().any(|c| c.name.as_ref() == name);
    if family("SGD") {
        return Ok(Optimizer::Sgd {
            lr: number("lr")?,
            momentum: number("momentum")?,
            dampening: number("dampening")?,
            weight_decay: number("weight_decay")?,
            nesterov: flag("nesterov"),
        });
    }
    if family("Adam") {
        let betas = option("betas").and_then(|v| v.as_sequence()).unwrap_or_default();
        let beta = |k: usize| betas.get(k).and_then(Value::as_float).ok_or("its betas are no numbers");
        return Ok(Optimizer::Adam {
            lr: number("lr")?,
            betas: (beta(0)?, beta(1)?),
            eps: number("eps")?,
            weight_decay: number("weight_decay")?,
            decoupled: family("AdamW"),
            amsgrad: flag("amsgrad"),
        });
    }
    if family("RMSprop") {
        return Ok(Optimizer::RmsProp {
            lr: number("lr")?,
            alpha: number("alpha")?,
            eps: number("eps")?,
            weight_decay: number("weight_decay")?,
            momentum: number("momentum")?,
            centered: flag("centered"),
        });
    }
    Err(format!(
        "{class} is not one of SGD, Adam, AdamW, RMSprop; SGD with learning rate 0.01 and momentum 0.9 is used"
    ))
}

fn loss(i: &mut Interp, record: &Value) -> Result<Loss, String> {
    let parts = record.as_sequence().unwrap_or_default();
    let name = parts.first().and_then(|v| v.as_str().map(str::to_string)).unwrap_or_default();
    let smoothing = parts.get(1).and_then(Value::as_float).unwrap_or(0.0);
    let weight = match parts.get(2) {
        Some(Value::Tensor(t)) => {
            let known = crate::torch::fold::constant(i, t);
            match why(i, known)? {
                Some(host) => Some(host.to_f64().to_vec()),
                None => return Err("its class weights are not constant; cross-entropy without weights is used".into()),
            }
        }
        _ => None,
    };
    match name.as_str() {
        "cross_entropy" => Ok(Loss::CrossEntropy { label_smoothing: smoothing, weight }),
        "nll_loss" => Ok(Loss::NegativeLogLikelihood),
        other => Err(format!("{other} is not one of cross_entropy, nll_loss; cross-entropy is used")),
    }
}

fn schedule(o: &Rc<Instance>) -> Result<ScheduleKind, String> {
    let number =
        |name: &str| attribute(o, name).and_then(|v| v.as_float()).ok_or_else(|| format!("its {name} is no number"));
    let count = |name: &str| number(name).map(|n| n.max(0.0) as u64);
    let flag = |name: &str| matches!(attribute(o, name), Some(Value::Bool(true)));
    match o.class().name.as_ref() {
        "StepLR" => Ok(ScheduleKind::Step { step_size: count("step_size")?.max(1), gamma: number("gamma")? }),
        "MultiStepLR" => {
            let milestones = attribute(o, "milestones").and_then(|v| v.as_sequence()).unwrap_or_default();
            let milestones: Option<Vec<u64>> =
                milestones.iter().map(|v| v.as_float().map(|n| n.max(0.0) as u64)).collect();
            let milestones = milestones.ok_or("its milestones are no numbers")?;
            Ok(ScheduleKind::MultiStep { milestones, gamma: number("gamma")? })
        }
        "CosineAnnealingLR" => Ok(ScheduleKind::Cosine { t_max: number("T_max")?, eta_min: number("eta_min")? }),
        "ExponentialLR" => Ok(ScheduleKind::Exponential { gamma: number("gamma")? }),
        "LinearLR" => Ok(ScheduleKind::Linear {
            start_factor: number("start_factor")?,
            end_factor: number("end_factor")?,
            total_iters: count("total_iters")?,
        }),
        "ConstantLR" => Ok(ScheduleKind::Constant { factor: number("factor")?, total_iters: count("total_iters")? }),
        "PolynomialLR" => Ok(ScheduleKind::Polynomial { total_iters: count("total_iters")?, power: number("power")? }),
        "CosineAnnealingWarmRestarts" => Ok(ScheduleKind::WarmRestarts {
            t_0: count("T_0")?.max(1),
            t_mult: count("T_mult")?.max(1),
            eta_min: number("eta_min")?,
        }),
        "OneCycleLR" => {
            let momentum = (number("base_momentum")?, number("max_momentum")?);
            Ok(ScheduleKind::OneCycle {
                max_lr: number("max_lr")?,
                total_steps: count("total_steps")?.max(1),
                pct_start: number("pct_start")?,
                linear: flag("linear"),
                div_factor: number("div_factor")?,
                final_div_factor: number("final_div_factor")?,
                three_phase: flag("three_phase"),
                momentum: flag("cycle_momentum").then_some(momentum),
            })
        }
        "ReduceLROnPlateau" => Ok(ScheduleKind::Plateau {
            max: flag("more_is_better"),
            factor: number("factor")?,
            patience: count("patience")?,
            threshold: number("threshold")?,
            relative: flag("relative"),
            cooldown: count("cooldown")?,
            min_lr: number("min_lr")?,
            eps: number("eps")?,
        }),
        other => Err(format!(
            "{other} is not one of StepLR, MultiStepLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, ExponentialLR, LinearLR, \
             ConstantLR, PolynomialLR, OneCycleLR, ReduceLROnPlateau; the rate stays constant"
        )),
    }
}
