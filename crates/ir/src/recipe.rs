//! The training recipe that a network asks for in `train_setup` and `learn`.

use serde::{Deserialize, Serialize};

/// How a network wants to be trained. What could not be read from the source is the default, and is named in `assumed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The optimiser and its arguments.
    pub optimizer: Optimizer,
    /// The loss on the logits.
    pub loss: Loss,
    /// Gradient clipping between backward and the optimiser's step.
    pub clip: Option<Clip>,
    /// Learning-rate schedule.
    pub schedule: Option<Schedule>,
    /// Parts that fell back to the default, with the reason, for a person.
    pub assumed: Vec<String>,
}

/// The published default: SGD with learning rate 0.01 and momentum 0.9, plain cross-entropy.
impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            optimizer: Optimizer::Sgd { lr: 0.01, momentum: 0.9, dampening: 0.0, weight_decay: 0.0, nesterov: false },
            loss: Loss::CrossEntropy { label_smoothing: 0.0, weight: None },
            clip: None,
            schedule: None,
            assumed: Vec::new(),
        }
    }
}

/// An optimiser with PyTorch's argument names and meanings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Optimizer {
    /// `torch.optim.SGD`.
    Sgd {
        /// Learning rate.
        #[serde(with = "crate::attr::float_text")]
        lr: f64,
        /// Momentum factor.
        momentum: f64,
        /// Dampening of the momentum (0 in PyTorch by default).
        dampening: f64,
        /// L2 penalty, added to the gradient.
        weight_decay: f64,
        /// Nesterov momentum.
        nesterov: bool,
    },
    /// `torch.optim.Adam` (`decoupled: false`: L2 penalty in the gradient) and `AdamW` (`decoupled: true`).
    Adam {
        /// Learning rate.
        #[serde(with = "crate::attr::float_text")]
        lr: f64,
        /// Decay rates of the two moments.
        betas: (f64, f64),
        /// Added to the denominator.
        eps: f64,
        /// L2 penalty or decoupled decay.
        weight_decay: f64,
        /// AdamW's decoupled weight decay.
        decoupled: bool,
        /// The AMSGrad variant.
        amsgrad: bool,
    },
    /// `torch.optim.RMSprop`.
    RmsProp {
        /// Learning rate.
        #[serde(with = "crate::attr::float_text")]
        lr: f64,
        /// Smoothing constant.
        alpha: f64,
        /// Added to the denominator.
        eps: f64,
        /// L2 penalty.
        weight_decay: f64,
        /// Momentum factor.
        momentum: f64,
        /// Centred variant.
        centered: bool,
    },
}

impl Optimizer {
    /// The base learning rate.
    pub fn lr(&self) -> f64 {
        match self {
            Optimizer::Sgd { lr, .. } | Optimizer::Adam { lr, .. } | Optimizer::RmsProp { lr, .. } => *lr,
        }
    }
}

/// A loss on logits `[N, K]` and class labels `[N]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Loss {
    /// `nn.CrossEntropyLoss`.
    CrossEntropy {
        /// Share of the target spread over all classes.
        label_smoothing: f64,
        /// Weight of each class.
        weight: Option<Vec<f64>>,
    },
    /// `nn.NLLLoss` on log-probabilities `[N, K]`: the network ends in a log-softmax of its own.
    NegativeLogLikelihood,
}

/// Gradient clipping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Clip {
    /// `clip_grad_norm_` over all parameters together.
    Norm {
        /// Largest norm that is left alone.
        #[serde(with = "crate::attr::float_text")]
        max_norm: f64,
    },
    /// `clip_grad_value_`.
    Value {
        /// Largest absolute value.
        #[serde(with = "crate::attr::float_text")]
        clip_value: f64,
    },
}

/// A learning-rate schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Which, and its arguments.
    #[serde(flatten)]
    pub kind: ScheduleKind,
    /// Whether `learn` steps it at each batch rather than at each epoch or never.
    pub per_batch: bool,
}

/// The schedules with PyTorch's argument names; steps are scheduler steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ScheduleKind {
    /// `StepLR`.
    Step {
        /// Period of decay.
        step_size: u64,
        /// Factor of decay.
        gamma: f64,
    },
    /// `CosineAnnealingLR`.
    Cosine {
        /// Half period.
        t_max: f64,
        /// Smallest learning rate.
        eta_min: f64,
    },
    /// `ExponentialLR`.
    Exponential {
        /// Factor of decay.
        gamma: f64,
    },
    /// `MultiStepLR`.
    MultiStep {
        /// Steps at which the rate decays; one that stands twice counts twice.
        milestones: Vec<u64>,
        /// Factor of decay.
        gamma: f64,
    },
    /// `LinearLR`.
    Linear {
        /// Factor at the start.
        start_factor: f64,
        /// Factor from `total_iters` on.
        end_factor: f64,
        /// Steps until the end.
        total_iters: u64,
    },
    /// `ConstantLR`.
    Constant {
        /// Factor until the end.
        factor: f64,
        /// Steps until the end.
        total_iters: u64,
    },
    /// `PolynomialLR`.
    Polynomial {
        /// Steps until zero.
        total_iters: u64,
        /// Exponent.
        power: f64,
    },
    /// `CosineAnnealingWarmRestarts`.
    WarmRestarts {
        /// Steps until the first restart.
        t_0: u64,
        /// Factor of the periods.
        t_mult: u64,
        /// Smallest learning rate.
        eta_min: f64,
    },
    /// `OneCycleLR`.
    OneCycle {
        /// Largest learning rate.
        max_lr: f64,
        /// Steps of the cycle.
        total_steps: u64,
        /// Share of the steps that climb.
        pct_start: f64,
        /// Along lines rather than cosines.
        linear: bool,
        /// The largest rate over that of the start.
        div_factor: f64,
        /// The rate of the start over that of the end.
        final_div_factor: f64,
        /// Whether the fall is as long as the climb, and a third phase goes below the start.
        three_phase: bool,
        /// Smallest and largest momentum (Adam: the first decay rate), which goes the other way; `None`: left alone.
        momentum: Option<(f64, f64)>,
    },
    /// `ReduceLROnPlateau`, watching the training loss (`mode="min"`) or accuracy (`"max"`).
    Plateau {
        /// Whether more is better.
        max: bool,
        /// Factor of decay.
        factor: f64,
        /// Steps without progress that are forgiven.
        patience: u64,
        /// What counts as progress.
        threshold: f64,
        /// Whether the threshold is a share of the best so far.
        relative: bool,
        /// Steps after a decay in which nothing is counted.
        cooldown: u64,
        /// Smallest learning rate.
        min_lr: f64,
        /// A decay by less is none.
        eps: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinite_values_survive_json() {
        let recipe = Recipe {
            optimizer: Optimizer::RmsProp {
                lr: f64::INFINITY,
                alpha: 0.99,
                eps: 1e-8,
                weight_decay: 0.0,
                momentum: 0.0,
                centered: false,
            },
            clip: Some(Clip::Norm { max_norm: f64::INFINITY }),
            ..Recipe::default()
        };
        let text = serde_json::to_string(&recipe).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Recipe>(&text).ok(), Some(recipe), "{text}");
    }
}
