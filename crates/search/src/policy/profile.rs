//! A network as a few numbers, from its graph alone: what the predictor learns on, what selection weighs, where its elite lives.
//!
//! Logarithms come from a library that gives the same bits on every machine, since decisions that are recorded depend on them.

use super::elites::{Cell, Family};
use archsmith_ir::prim::{BinaryOp, Prim, ReduceOp};
use archsmith_ir::recipe::{Loss, Optimizer};
use archsmith_ir::{TypedGraph, cost};

/// The names of [`Profile::features`], in their order. `log` is the natural logarithm of one more.
pub const FEATURES: [&str; 22] = [
    "log parameters",
    "log multiply-adds",
    "log activation bytes",
    "log primitives",
    "log layers with weights",
    "log convolutions",
    "share of grouped convolutions",
    "log normalisations",
    "log activations",
    "log pools",
    "log additions of two tensors",
    "log concatenations",
    "log matrix products",
    "log dropouts",
    "log widest channels",
    "log pixels before the last reduction",
    "log of the learning rate's inverse",
    "adaptive optimiser",
    "momentum",
    "weight decay is used",
    "label smoothing",
    "clipping or schedule",
];

/// A network as a few numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Parameters.
    pub params: u64,
    /// Multiply-adds of one image, forward.
    pub macs: u64,
    /// Bytes kept for the backward pass of a training batch.
    pub activation_bytes: u64,
    /// Convolutions and matrix products.
    pub depth: u32,
    /// What its layers are joined by.
    pub family: Family,
    /// See [`FEATURES`].
    pub features: Vec<f64>,
}

impl Profile {
    /// Of a graph.
    pub fn of(graph: &TypedGraph) -> Profile {
        let cost = cost::cost(graph);
        let program = graph.eval().program();
        let (mut convolutions, mut grouped, mut products, mut norms, mut activations) =
            (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
        let (mut pools, mut additions, mut joins, mut softmaxes) = (0_u32, 0_u32, 0_u32, 0_u32);
        let (mut widest, mut pixels) = (0_usize, 0_usize);
        for step in &program.steps {
            let out = program.values.get(step.first_output.index()).map_or(&[][..], |ty| &ty.shape);
            match &step.prim {
                Prim::Conv { groups, .. } | Prim::ConvTranspose { groups, .. } => {
                    convolutions += 1;
                    grouped += u32::from(*groups > 1);
                    widest = widest.max(out.get(1).copied().unwrap_or(0));
                    pixels = out.iter().skip(2).product();
                }
                Prim::MatMul => products += 1,
                Prim::BatchNorm { .. } | Prim::LayerNorm { .. } | Prim::GroupNorm { .. } => norms += 1,
                Prim::Unary(_) => activations += 1,
                Prim::Pool { .. } | Prim::AdaptivePool { .. } => pools += 1,
                Prim::Reduce { op: ReduceOp::Mean, .. } => pools += 1,
                // Of two tensors with the batch in them; a bias is no path.
                Prim::Binary(BinaryOp::Add)
                    if step.inputs.iter().all(|v| shape_of(program, *v).first() == out.first()) =>
                {
                    additions += 1;
                }
                Prim::Concat { .. } => joins += 1,
                Prim::Softmax { log: false, .. } => softmaxes += 1,
                _ => {}
            }
        }
        let dropouts = graph.train().program().steps.iter().filter(|s| matches!(s.prim, Prim::Dropout { .. })).count();
        let recipe = &graph.graph().recipe;
        let (adaptive, momentum, decay) = match &recipe.optimizer {
            Optimizer::Sgd { momentum, weight_decay, .. } => (0.0, *momentum, *weight_decay),
            Optimizer::Adam { weight_decay, .. } => (1.0, 0.9, *weight_decay),
            Optimizer::RmsProp { momentum, weight_decay, .. } => (1.0, *momentum, *weight_decay),
        };
        let smoothing = match &recipe.loss {
            Loss::CrossEntropy { label_smoothing, .. } => *label_smoothing,
            Loss::NegativeLogLikelihood => 0.0,
        };
        let rate = recipe.optimizer.lr().abs();
        let log = |value: f64| libm::log1p(value);
        let share = |part: u32, of: u32| if of == 0 { 0.0 } else { f64::from(part) / f64::from(of) };
        let depth = convolutions + products;
        Profile {
            params: cost.params,
            macs: cost.macs,
            activation_bytes: cost.activation_bytes,
            depth,
            family: Family::of(softmaxes > 0, joins > 0, additions > 0, grouped > 0),
            features: vec![
                log(cost.params as f64),
                log(cost.macs as f64),
                log(cost.activation_bytes as f64),
                log(program.steps.len() as f64),
                log(f64::from(depth)),
                log(f64::from(convolutions)),
                share(grouped, convolutions),
                log(f64::from(norms)),
                log(f64::from(activations)),
                log(f64::from(pools)),
                log(f64::from(additions)),
                log(f64::from(joins)),
                log(f64::from(products)),
                log(dropouts as f64),
                log(widest as f64),
                log(pixels as f64),
                log(if rate > 0.0 { (1.0 / rate).min(1e12) } else { 1e12 }),
                adaptive,
                momentum.clamp(-1.0, 1.0),
                f64::from(u8::from(decay > 0.0)),
                smoothing.clamp(0.0, 1.0),
                f64::from(u8::from(recipe.clip.is_some())) + f64::from(u8::from(recipe.schedule.is_some())),
            ],
        }
    }

    /// What selection weighs against each other, each the smaller the better: error, parameters, multiply-adds, activation bytes.
    pub fn objectives(&self, accuracy: f64) -> [f64; 4] {
        let error = if accuracy.is_finite() { 1.0 - accuracy } else { f64::INFINITY };
        [error, self.params as f64, self.macs as f64, self.activation_bytes as f64]
    }

    /// The niche that it competes in.
    pub fn cell(&self) -> Cell {
        Cell::of(self.params, u64::from(self.depth), self.family)
    }
}

fn shape_of(program: &archsmith_ir::Program, value: archsmith_ir::V) -> &[usize] {
    program.values.get(value.index()).map_or(&[][..], |ty| &ty.shape)
}
