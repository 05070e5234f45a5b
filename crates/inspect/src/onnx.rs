//! ONNX: the evaluation pass of a network as a model file that other runtimes execute.
//!
//! Opset [`OPSET`] of the default domain, IR version [`IR_VERSION`]: what onnxruntime, tract and the compilers all read. One
//! input for each input of `forward` with the batch size of the graph (it is part of the proof of its shapes), one output for
//! each of its outputs. Parameters, buffers and constants are initializers under their state_dict names; without weights they
//! are inputs of the model.
//!
//! Each primitive has its form in one place (`form`), an exhaustive match, so that a new primitive is not forgotten. What
//! depends on no input is computed here and stored.
//!
//! Refused: models of more than 2 GB (the limit of the file format), random permutations and orthogonal matrices in `forward`,
//! bit operations on integers. Dropout is left out, as in evaluation, unless the network drops in evaluation too.

mod builder;
mod elementwise;
mod form;
mod proto;
mod reduce;
mod resample;
mod spatial;

use crate::weights::little_endian;
use archsmith_ir::infer::{Program, Step};
use archsmith_ir::prim::{PadMode, PoolKind, Prim};
use archsmith_ir::reference::{HostTensor, RefError};
use archsmith_ir::{DType, StateKind, TensorType, TypedGraph, V, fingerprint, reference};
use builder::Builder;
use proto::{Info, Tensor, Type};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::io::Write;

/// The version of the operator set.
pub const OPSET: i64 = 17;
/// The version of the file format.
pub const IR_VERSION: i64 = 8;

/// The limit of protocol buffers.
const MAX_BYTES: u64 = (1 << 31) - 1;
/// No constant that is computed here has more elements.
const MAX_CONSTANT: usize = 1 << 22;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// A primitive in a form that the operator set does not have.
    #[error("{what} has no form in ONNX opset {OPSET}")]
    Unsupported {
        /// What it is.
        what: String,
        /// The node it comes from.
        node: Option<archsmith_ir::NodeId>,
    },
    /// The file format is limited.
    #[error("the model has {bytes} bytes; an ONNX file holds at most {MAX_BYTES} (export it without weights)")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// A constant could not be computed.
    #[error(transparent)]
    Constant(#[from] RefError),
    /// The writer failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The values of the state's tensors.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// As given, in the order of the graph's state.
    Given(&'a [HostTensor]),
    /// None: the model has an input for each tensor of the state dict. Constants outside it are stored all the same, and
    /// are taken from here.
    Inputs(&'a [HostTensor]),
}

/// Writes the evaluation pass as an ONNX model.
///
/// # Errors
/// Where a primitive has no form, the model is too large, or the writer fails. Nothing is written before all is known.
pub fn export(graph: &TypedGraph, weights: Weights<'_>, out: &mut dyn Write) -> Result<(), OnnxError> {
    let program = graph.eval().program();
    let g = graph.graph();
    let mut b = Builder::new(program);
    b.model.name.clone_from(&g.name);
    b.model.metadata = vec![
        ("archsmith.fingerprint", fingerprint::fingerprint(graph).to_string()),
        ("archsmith.class", g.name.clone()),
    ];
    let live = live(program);
    for (i, &v) in program.inputs.iter().enumerate() {
        let name = if program.inputs.len() == 1 { "input".to_string() } else { format!("input.{i}") };
        b.model.inputs.push(info(&name, &program.values[v.index()]));
        b.define(v, name);
    }
    for &(id, v) in program.state.iter().filter(|(_, v)| live.contains(v)) {
        let s = &g.state[id.index()];
        let name = b.unique(&s.name);
        let (values, open) = match weights {
            Weights::Given(values) => (values, false),
            Weights::Inputs(values) => (values, s.kind != StateKind::Constant),
        };
        if open {
            b.model.inputs.push(info(&name, &s.ty));
        } else {
            let value = values.get(id.index()).filter(|t| t.ty() == &s.ty);
            let value = value.ok_or_else(|| RefError::Damaged(format!("no value of the right type for {}", s.name)))?;
            b.model.initializers.push(Tensor { info: info(&name, &s.ty), bytes: little_endian(value) });
        }
        b.define(v, name);
    }
    let constant = constants(program);
    for (i, step) in program.steps.iter().enumerate() {
        if constant[i] || !outputs(step).any(|v| live.contains(&v)) {
            continue;
        }
        fold_inputs(&mut b, program, &constant, &step.inputs)?;
        let scope = step.node.and_then(|n| g.eval.nodes.get(n.index())).map(|n| g.scopes[n.scope.index()].path.clone());
        b.scope = scope.unwrap_or_default();
        form::emit(&mut b, &finite(program, step))?;
    }
    fold_inputs(&mut b, program, &constant, &program.outputs)?;
    let n = program.outputs.len();
    for (k, &v) in program.outputs.iter().enumerate() {
        let name = if n == 1 { "logits".to_string() } else { format!("output.{k}") };
        b.output(v, &name);
        b.model.outputs.push(info(&name, &program.values[v.index()]));
    }
    let model = b.model;
    if model.size() > MAX_BYTES {
        return Err(OnnxError::TooLarge { bytes: model.size() });
    }
    Ok(model.write(IR_VERSION, OPSET, out)?)
}

/// Padding with −∞ that maxima alone read, in windows of which each holds an element, with the lowest finite number instead:
/// nothing changes, and there are runtimes that cannot spell −∞.
fn finite<'a>(program: &Program, step: &'a Step) -> Cow<'a, Step> {
    match &step.prim {
        Prim::Pad { mode: PadMode::Constant(value), pads } if *value == f64::NEG_INFINITY => {
            let narrow = |kernel: &[usize]| {
                let spatial = pads.len() - kernel.len().min(pads.len());
                let below = |(&(l, r), &k): (&(i64, i64), &usize)| [l, r].iter().all(|p| (0..k as i64).contains(p));
                pads[..spatial].iter().all(|p| *p == (0, 0)) && pads[spatial..].iter().zip(kernel).all(below)
            };
            let mut readers = program.steps.iter().filter(|s| s.inputs.contains(&step.first_output));
            let pooled = readers.all(|s| match &s.prim {
                Prim::Pool { kind: PoolKind::Max, kernel, dilation, padding, .. } => {
                    narrow(kernel) && dilation.iter().all(|d| *d == 1) && padding.iter().all(|p| *p == 0)
                }
                _ => false,
            });
            if !pooled || program.outputs.contains(&step.first_output) {
                return Cow::Borrowed(step);
            }
            let mode = PadMode::Constant(f64::from(f32::MIN));
            Cow::Owned(Step { prim: Prim::Pad { mode, pads: pads.clone() }, ..step.clone() })
        }
        _ => Cow::Borrowed(step),
    }
}

fn outputs(step: &Step) -> impl Iterator<Item = V> + use<> {
    (step.first_output.0..step.first_output.0 + step.outputs).map(V)
}

/// The values that an output needs.
fn live(program: &Program) -> FxHashSet<V> {
    let mut live: FxHashSet<V> = program.outputs.iter().copied().collect();
    for step in program.steps.iter().rev() {
        if outputs(step).any(|v| live.contains(&v)) {
            live.extend(&step.inputs);
        }
    }
    live
}

/// For each step, whether its values depend on no input, state or chance, and are small enough to be stored.
fn constants(program: &Program) -> Vec<bool> {
    let mut known = vec![false; program.values.len()];
    program
        .steps
        .iter()
        .map(|step| {
            let small = outputs(step).all(|v| program.values[v.index()].numel() <= MAX_CONSTANT);
            let random = match &step.prim {
                Prim::Random { .. } => true,
                Prim::Dropout { p, .. } => *p > 0.0,
                _ => false,
            };
            let constant = small && !random && step.inputs.iter().all(|v| known[v.index()]);
            outputs(step).for_each(|v| known[v.index()] = constant);
            constant
        })
        .collect()
}

/// Stores those inputs that constant steps make.
fn fold_inputs(b: &mut Builder<'_>, program: &Program, constant: &[bool], inputs: &[V]) -> Result<(), OnnxError> {
    for &v in inputs {
        if b.is_defined(v) {
            continue;
        }
        let made_by = program.steps.partition_point(|s| s.first_output <= v).checked_sub(1);
        if made_by.is_none_or(|i| !constant[i]) {
            return Err(RefError::Damaged("a value that no step makes".into()).into());
        }
        let value = reference::fold(program, v, MAX_CONSTANT)
            .ok_or_else(|| RefError::Damaged("a constant that cannot be computed".into()))?;
        let name = b.constant(&value);
        b.define(v, name);
    }
    Ok(())
}

fn info(name: &str, ty: &TensorType) -> Info {
    Info { name: name.to_string(), ty: onnx_type(ty.dtype), shape: ty.shape.clone() }
}

fn onnx_type(d: DType) -> Type {
    match d {
        DType::Bool => Type::Bool,
        DType::U8 => Type::Uint8,
        DType::I8 => Type::Int8,
        DType::I16 => Type::Int16,
        DType::I32 => Type::Int32,
        DType::I64 => Type::Int64,
        DType::F16 => Type::Float16,
        DType::BF16 => Type::Bfloat16,
        DType::F32 => Type::Float,
        DType::F64 => Type::Double,
    }
}

type Names = FxHashMap<V, String>;
