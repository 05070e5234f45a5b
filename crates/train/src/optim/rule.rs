//! The update rules, each written once: for a tensor and for one of its elements.
//!
//! A rule is the formula of one step with that step's coefficients. Moments that have not been used yet are zero.

use archsmith_ir::recipe::Optimizer;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::ops::{Add, Div, Mul, Sub};

/// What a rule computes with: a tensor, or one element. Implementations for elements are `#[inline(always)]`, so that a loop
/// over them is compiled for the instruction set of its kernel.
pub trait Number:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Sized
{
    /// Times a number.
    fn scale(self, by: f64) -> Self;
    /// Plus a number.
    fn offset(self, by: f64) -> Self;
    /// Square root.
    fn root(self) -> Self;
    /// The larger of both; of a NaN and a number, either.
    fn larger(self, other: Self) -> Self;
    /// At most `most` away from zero.
    fn limited(self, most: f64) -> Self;
}

impl Number for f32 {
    #[inline(always)]
    fn scale(self, by: f64) -> Self {
        self * by as f32
    }
    #[inline(always)]
    fn offset(self, by: f64) -> Self {
        self + by as f32
    }
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self < other { other } else { self }
    }
    #[inline(always)]
    fn limited(self, most: f64) -> Self {
        let most = most as f32;
        let x = if self < -most { -most } else { self };
        if x > most { most } else { x }
    }
}

impl<B: Backend> Number for Tensor<B, 1> {
    fn scale(self, by: f64) -> Self {
        self.mul_scalar(by)
    }
    fn offset(self, by: f64) -> Self {
        self.add_scalar(by)
    }
    fn root(self) -> Self {
        self.sqrt()
    }
    fn larger(self, other: Self) -> Self {
        self.max_pair(other)
    }
    fn limited(self, most: f64) -> Self {
        self.clamp(-most, most)
    }
}

/// A rule with `K` moments for each parameter.
pub trait Formula<const K: usize>: Copy + Send + Sync {
    /// The new value from the old one and its gradient; the moments become the new ones. `#[inline(always)]`.
    fn apply<N: Number>(self, value: N, gradient: N, moments: &mut [N; K]) -> N;
}

/// What is done with the formula of a rule.
pub trait Visit {
    /// What comes of it.
    type Result;
    /// With the formula.
    fn visit<const K: usize>(self, formula: impl Formula<K>) -> Self::Result;
}

/// An optimiser's rule in one step of one parameter.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// Which optimiser. Its learning rate is not used.
    pub kind: &'a Optimizer,
    /// The scheduled learning rate.
    pub lr: f64,
    /// The parameter's steps, this one too.
    pub steps: i32,
    /// How far from zero a gradient may be.
    pub limit: Option<f64>,
}

impl Rule<'_> {
    /// How many moments the rule keeps.
    pub fn moments(&self) -> usize {
        struct Count;
        impl Visit for Count {
            type Result = usize;
            fn visit<const K: usize>(self, _: impl Formula<K>) -> usize {
                K
            }
        }
        self.with(Count)
    }

    /// Hands the formula over.
    pub fn with<V: Visit>(&self, visitor: V) -> V::Result {
        let limit = self.limit.unwrap_or(f64::INFINITY);
        match *self.kind {
            Optimizer::Sgd { momentum, dampening, weight_decay, nesterov, .. } => {
                let given = Given { limit, weight_decay };
                if momentum == 0.0 {
                    return visitor.visit::<0>(Descent { given, lr: self.lr });
                }
                // The first buffer is the gradient itself, undampened.
                let fresh = if self.steps == 1 { 1.0 } else { 1.0 - dampening };
                visitor.visit::<1>(Momentum { given, lr: self.lr, momentum, fresh, nesterov })
            }
            Optimizer::Adam { betas, eps, weight_decay, decoupled, amsgrad, .. } => {
                let (shrink, weight_decay) =
                    if decoupled { (1.0 - self.lr * weight_decay, 0.0) } else { (1.0, weight_decay) };
                let corrections = (1.0 - betas.0.powi(self.steps), 1.0 - betas.1.powi(self.steps));
                let adam = Adam {
                    given: Given { limit, weight_decay },
                    shrink,
                    betas,
                    eps,
                    lr: self.lr / corrections.0,
                    correction: 1.0 / corrections.1.sqrt(),
                };
                if amsgrad { visitor.visit::<3>(adam) } else { visitor.visit::<2>(adam) }
            }
            Optimizer::RmsProp { alpha, eps, weight_decay, momentum, centered, .. } => {
                let rule = RmsProp { given: Given { limit, weight_decay }, lr: self.lr, alpha, eps, momentum };
                match (centered, momentum != 0.0) {
                    (false, false) => visitor.visit::<1>(rule),
                    (false, true) => visitor.visit::<2>(WithMomentum(rule)),
                    (true, false) => visitor.visit::<2>(Centred(rule)),
                    (true, true) => visitor.visit::<3>(WithMomentum(Centred(rule))),
                }
            }
        }
    }
}

/// What happens to a gradient before any rule.
#[derive(Clone, Copy)]
struct Given {
    limit: f64,
    weight_decay: f64,
}

impl Given {
    #[inline(always)]
    fn gradient<N: Number>(self, value: &N, gradient: N) -> N {
        let gradient = if self.limit == f64::INFINITY { gradient } else { gradient.limited(self.limit) };
        if self.weight_decay == 0.0 { gradient } else { gradient + value.clone().scale(self.weight_decay) }
    }
}

/// `m·old + (1 − m)·new`.
#[inline(always)]
fn average<N: Number>(m: f64, old: N, new: N) -> N {
    old.scale(m) + new.scale(1.0 - m)
}

/// `torch.optim.SGD` without momentum.
#[derive(Clone, Copy)]
struct Descent {
    given: Given,
    lr: f64,
}

impl Formula<0> for Descent {
    #[inline(always)]
    fn apply<N: Number>(self, value: N, gradient: N, _: &mut [N; 0]) -> N {
        let gradient = self.given.gradient(&value, gradient);
        value - gradient.scale(self.lr)
    }
}

/// `torch.optim.SGD`. `fresh` is the gradient's share of the buffer.
#[derive(Clone, Copy)]
struct Momentum {
    given: Given,
    lr: f64,
    momentum: f64,
    fresh: f64,
    nesterov: bool,
}

impl Formula<1> for Momentum {
    #[inline(always)]
    fn apply<N: Number>(self, value: N, gradient: N, [buffer]: &mut [N; 1]) -> N {
        let gradient = self.given.gradient(&value, gradient);
        let share = if self.fresh == 1.0 { gradient.clone() } else { gradient.clone().scale(self.fresh) };
        *buffer = buffer.clone().scale(self.momentum) + share;
        let ahead = if self.nesterov { gradient + buffer.clone().scale(self.momentum) } else { buffer.clone() };
        value - ahead.scale(self.lr)
    }
}

/// `torch.optim.Adam` and `AdamW`: `lr` and `correction` contain the corrections of the moments' bias, `shrink` the decay
/// that is decoupled from the gradient.
#[derive(Clone, Copy)]
struct Adam {
    given: Given,
    shrink: f64,
    betas: (f64, f64),
    eps: f64,
    lr: f64,
    correction: f64,
}

impl Adam {
    /// `largest` has the second moment and gives the one to divide by.
    #[inline(always)]
    fn step<N: Number>(self, value: N, gradient: N, m: &mut N, v: &mut N, largest: impl FnOnce(N) -> N) -> N {
        let gradient = self.given.gradient(&value, gradient);
        *m = average(self.betas.0, m.clone(), gradient.clone());
        *v = average(self.betas.1, v.clone(), gradient.clone() * gradient);
        let denominator = largest(v.clone()).root().scale(self.correction).offset(self.eps);
        let value = if self.shrink == 1.0 { value } else { value.scale(self.shrink) };
        value - (m.clone() / denominator).scale(self.lr)
    }
}

impl Formula<2> for Adam {
    #[inline(always)]
    fn apply<N: Number>(self, value: N, gradient: N, [m, v]: &mut [N; 2]) -> N {
        self.step(
            value,
            gradient,
            m,
            v,
            #[inline(always)]
            |v| v,
        )
    }
}

/// The AMSGrad variant, with the largest second moment so far.
impl Formula<3> for Adam {
    #[inline(always)]
    fn apply<N: Number>(self, value: N, gradient: N, [m, v, most]: &mut [N; 3]) -> N {
        self.step(
            value,
            gradient,
            m,
            v,
            #[inline(always)]
            |v| {
                *most = most.clone().larger(v);
                most.clone()
            },
        )
    }
}

/// `torch.optim.RMSprop`.
#[derive(Clone, Copy)]
struct RmsProp {
    given: Given,
    lr: f64,
    alpha: f64,
    eps: f64,
    momentum: f64,
}

/// A rule that divides the gradient by its spread.
trait Direction<const K: usize>: Copy + Send + Sync {
    fn settings(self) -> RmsProp;
    /// The direction of the step, from a gradient with weight decay.
    fn direction<N: Number>(self, gradient: N, moments: &mut [N; K]) -> N;
}

impl Direction<1> for RmsProp {
    #[inline(always)]
    fn settings(self) -> RmsProp {
        self
    }

    #[inline(always)]
    fn direction<N: Number>(self, gradient: N, [square]: &mut [N; 1]) -> N {
        *square = average(self.alpha, square.clone(), gradient.clone() * gradient.clone());
        gradient / square.clone().root().offset(self.eps)
    }
}

/// With the spread around the gradient's mean.
#[derive(Clone, Copy)]
struct Centred(RmsProp);

impl Direction<2> for Centred {
    #[inline(always)]
    fn settings(self) -> RmsProp {
        self.0
    }

    #[inline(always)]
    fn direction<N: Number>(self, gradient: N, [square, mean]: &mut [N; 2]) -> N {
        *square = average(self.0.alpha, square.clone(), gradient.clone() * gradient.clone());
        *mean = average(self.0.alpha, mean.clone(), gradient.clone());
        let spread = square.clone() - mean.clone() * mean.clone();
        gradient / spread.root().offset(self.0.eps)
    }
}

impl Formula<1> for RmsProp {
    #[inline(always)]
    fn apply<N: Number>(self, value: N, gradient: N, moments: &mut [N; 1]) -> N {
        let gradient = self.given.gradient(&value, gradient);
        value - self.direction(gradient, moments).scale(self.lr)
    }
}

impl Formula<2> for Centred {
    #[inline(always)]
    fn apply<N: Number>(self, value: N, gradient: N, moments: &mut [N; 2]) -> N {
        let gradient = self.0.given.gradient(&value, gradient);
        value - self.direction(gradient, moments).scale(self.0.lr)
    }
}

/// A rule whose directions are added up in a buffer, the first moment.
#[derive(Clone, Copy)]
struct WithMomentum<D>(D);

/// One more moment than the direction has.
macro_rules! with_momentum {
    ($all:literal, $inner:literal, [$buffer:ident, $($moment:ident),+]) => {
        impl<D: Direction<$inner>> Formula<$all> for WithMomentum<D> {
            #[inline(always)]
            fn apply<N: Number>(self, value: N, gradient: N, [$buffer, $($moment),+]: &mut [N; $all]) -> N {
                let settings = self.0.settings();
                let gradient = settings.given.gradient(&value, gradient);
                let mut moments = [$($moment.clone()),+];
                let direction = self.0.direction(gradient, &mut moments);
                [$(*$moment),+] = moments;
                *$buffer = $buffer.clone().scale(settings.momentum) + direction;
                value - $buffer.clone().scale(settings.lr)
            }
        }
    };
}

with_momentum!(2, 1, [buffer, square]);
with_momentum!(3, 2, [buffer, square, mean]);
