//! Tensors without elements, taken out of a program before it is lowered: tensor libraries do not agree on them.
//!
//! PyTorch allows them everywhere, and networks make them without meaning to: `x[:, c:]` of an x with c channels, joined to
//! something; a layer of `n // 2` units for n = 1. What is made of them alone is not computed; what reads one beside others
//! becomes what PyTorch defines for it, mostly a constant.

use archsmith_ir::prim::{PadMode, Prim, ReduceOp};
use archsmith_ir::{Program, Step, TensorType, V};
use std::borrow::Cow;

/// The program without empty tensors. A step that reads one and has no meaning here is left as it is.
pub(super) fn without_empty(program: &Program) -> Cow<'_, Program> {
    if program.values.iter().all(|ty| ty.numel() > 0) {
        return Cow::Borrowed(program);
    }
    let is_empty = |v: &V| program.values[v.index()].numel() == 0;
    // What a value is the same as.
    let mut same: Vec<V> = (0..program.values.len() as u32).map(V).collect();
    let mut steps = Vec::with_capacity(program.steps.len());
    for step in &program.steps {
        let first = step.first_output.index();
        let outputs = &program.values[first..first + step.outputs as usize];
        if outputs.iter().all(|ty| ty.numel() == 0) {
            continue;
        }
        let mut step = Step { inputs: step.inputs.iter().map(|v| same[v.index()]).collect(), ..step.clone() };
        if step.inputs.iter().any(is_empty) {
            match meaning(&step, &outputs[0], is_empty) {
                Some(Meaning::Same(v)) => {
                    same[first] = v;
                    continue;
                }
                Some(Meaning::Constant(value)) => {
                    step.prim = Prim::Full { ty: outputs[0].clone(), value };
                    step.inputs.clear();
                }
                Some(Meaning::Rest) => step.inputs.retain(|v| !is_empty(v)),
                None => {}
            }
        }
        steps.push(step);
    }
    Cow::Owned(Program {
        values: program.values.clone(),
        inputs: program.inputs.clone(),
        state: program.state.iter().filter(|(_, v)| !is_empty(v)).copied().collect(),
        steps,
        outputs: program.outputs.iter().map(|v| same[v.index()]).collect(),
    })
}

/// What a step is that reads an empty tensor and makes one that is not.
enum Meaning {
    /// One of its operands.
    Same(V),
    /// One number everywhere.
    Constant(f64),
    /// The step on its other operands.
    Rest,
}

fn meaning(step: &Step, output: &TensorType, is_empty: impl Fn(&V) -> bool) -> Option<Meaning> {
    let float = |value| output.dtype.is_float().then_some(Meaning::Constant(value));
    match &step.prim {
        Prim::Concat { .. } => Some(Meaning::Rest),
        Prim::Scatter { .. } => step.inputs.first().filter(|x| !is_empty(x)).copied().map(Meaning::Same),
        // A sum of no products.
        Prim::MatMul => Some(Meaning::Constant(0.0)),
        Prim::Pad { mode: PadMode::Constant(value), .. } => Some(Meaning::Constant(*value)),
        Prim::Reduce { op: ReduceOp::Sum | ReduceOp::Any, .. } => Some(Meaning::Constant(0.0)),
        Prim::Reduce { op: ReduceOp::Prod | ReduceOp::All, .. } => Some(Meaning::Constant(1.0)),
        Prim::Reduce { op: ReduceOp::Mean | ReduceOp::Var { .. }, .. } => float(f64::NAN),
        _ => None,
    }
}
