//! Optimisers, clipping, schedules and losses against values that PyTorch 2 computed.
#![allow(clippy::excessive_precision, reason = "they are as PyTorch printed them")]

use archsmith_ir::StateId;
use archsmith_ir::recipe::{Clip, Loss, Optimizer, Schedule};
use archsmith_train::loss::{LossError, loss};
use archsmith_train::optim::{Optimiser, clip, scheduled};
use burn::backend::Flex;
use burn::tensor::Tensor;

const GRADIENTS: [[f32; 3]; 3] = [[0.5, -1.0, 0.25], [0.1, 0.3, -0.7], [-0.2, 0.9, 0.05]];

fn tensor(v: &[f32]) -> Tensor<Flex, 1> {
    Tensor::from_floats(v, &Default::default())
}

fn values(t: Tensor<Flex, 1>) -> Vec<f32> {
    t.into_data().iter::<f32>().collect()
}

fn near(found: &[f32], expected: &[f32]) {
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 2e-6 * (1.0 + b.abs()), "{found:?} instead of {expected:?}");
    }
    assert_eq!(found.len(), expected.len());
}

fn run(kind: Optimizer, expected: [f32; 3]) {
    let lr = kind.lr();
    let mut optimiser = Optimiser::<Flex>::new(kind.clone());
    let mut p = tensor(&[1.0, -2.0, 0.5]);
    for g in GRADIENTS {
        p = optimiser.step(StateId(0), p, tensor(&g), lr);
    }
    println!("{kind:?}");
    near(&values(p), &expected);
}

fn sgd(momentum: f64, dampening: f64, weight_decay: f64, nesterov: bool) -> Optimizer {
    Optimizer::Sgd { lr: 0.1, momentum, dampening, weight_decay, nesterov }
}

fn adam(betas: (f64, f64), eps: f64, weight_decay: f64, decoupled: bool, amsgrad: bool) -> Optimizer {
    Optimizer::Adam { lr: 0.1, betas, eps, weight_decay, decoupled, amsgrad }
}

#[test]
fn sgd_is_pytorchs() {
    run(sgd(0.0, 0.0, 0.0, false), [0.96, -2.02, 0.54]);
    run(sgd(0.0, 0.0, 0.01, false), [0.957_112_9, -2.014_175_9, 0.538_481_5]);
    run(sgd(0.9, 0.0, 0.01, false), [0.860_094_73, -1.865_139_5, 0.557_472_35]);
    run(sgd(0.9, 0.3, 0.0, false), [0.8652, -1.8319, 0.521_85]);
    run(sgd(0.9, 0.0, 0.01, true), [0.831_465_54, -1.893_250_7, 0.590_212]);
}

#[test]
fn adam_is_pytorchs() {
    let usual = (0.9, 0.999);
    run(adam(usual, 1e-8, 0.0, false, false), [0.785_260_56, -1.873_908_3, 0.479_944_05]);
    run(adam((0.8, 0.95), 1e-3, 0.1, false, false), [0.768_641_35, -1.845_839_9, 0.468_866_1]);
    run(adam(usual, 1e-8, 0.0, false, true), [0.785_260_56, -1.873_908_3, 0.479_944_05]);
    run(adam(usual, 1e-8, 0.1, true, false), [0.758_352_64, -1.816_924_1, 0.466_608]);
}

#[test]
fn rmsprop_is_pytorchs() {
    let plain =
        Optimizer::RmsProp { lr: 0.1, alpha: 0.99, eps: 1e-8, weight_decay: 0.0, momentum: 0.0, centered: false };
    run(plain, [0.171_211_02, -1.945_207_1, 0.374_785_16]);
    let full = Optimizer::RmsProp { lr: 0.1, alpha: 0.9, eps: 1e-4, weight_decay: 0.1, momentum: 0.8, centered: true };
    run(full, [0.108_726_93, -1.436_011_2, 0.189_661_73]);
}

#[test]
fn clipping_is_pytorchs() {
    let gradients = || vec![(StateId(0), tensor(&[3.0, 0.0])), (StateId(1), tensor(&[4.0]))];
    let clipped = clip(gradients(), &Clip::Norm { max_norm: 1.0 });
    near(&values(clipped[0].1.clone()), &[0.599_999_9, 0.0]);
    near(&values(clipped[1].1.clone()), &[0.799_999_83]);
    let untouched = clip(gradients(), &Clip::Norm { max_norm: 6.0 });
    near(&values(untouched[0].1.clone()), &[3.0, 0.0]);
    let limited = clip(gradients(), &Clip::Value { clip_value: 3.5 });
    near(&values(limited[1].1.clone()), &[3.5]);
}

#[test]
fn schedules_are_pytorchs() {
    let rates = |s: &Schedule| -> Vec<f32> { (0..6).map(|i| scheduled(0.1, Some(s), i, 0) as f32).collect() };
    near(&rates(&Schedule::Step { step_size: 2, gamma: 0.5, per_batch: true }), &[0.1, 0.1, 0.05, 0.05, 0.025, 0.025]);
    near(
        &rates(&Schedule::Cosine { t_max: 4.0, eta_min: 0.01, per_batch: true }),
        &[0.1, 0.086_819_805, 0.055, 0.023_180_194, 0.01, 0.023_180_194],
    );
    near(
        &rates(&Schedule::Exponential { gamma: 0.9, per_batch: true }),
        &[0.1, 0.09, 0.081, 0.0729, 0.065_61, 0.059_049],
    );
    // By epochs, batches do not count.
    near(&rates(&Schedule::Exponential { gamma: 0.9, per_batch: false }), &[0.1; 6]);
}

#[test]
fn losses_are_pytorchs() {
    let scores = [1.0, -2.0, 0.5, 0.1, 0.2, 3.0];
    let check = |kind: &Loss, value: f64, gradient: [f32; 6]| {
        let found = loss(kind, &scores, 3, &[1, 2]).unwrap();
        assert!((found.loss - value).abs() < 1e-6, "{kind:?}: {}", found.loss);
        near(&found.gradient, &gradient);
        assert_eq!(found.correct, 1);
    };
    check(
        &Loss::CrossEntropy { label_smoothing: 0.0, weight: None },
        1.807_099_2,
        [0.301_874_46, -0.484_970_57, 0.183_096_1, 0.024_655_66, 0.027_248_72, -0.051_904_38],
    );
    check(
        &Loss::CrossEntropy { label_smoothing: 0.1, weight: Some(vec![0.5, 2.0, 1.0]) },
        2.310_079_6,
        [0.380_172_94, -0.603_017_87, 0.222_845_03, 0.011_155_503, -0.003_753_645, -0.007_401_844],
    );
    check(&Loss::NegativeLogLikelihood, -0.5, [0.0, -0.5, 0.0, 0.0, 0.0, -0.5]);
}

#[test]
fn a_loss_that_does_not_fit_is_refused() {
    let plain = Loss::CrossEntropy { label_smoothing: 0.0, weight: None };
    assert_eq!(loss(&plain, &[0.0; 3], 3, &[3]), Err(LossError::Label { label: 3, classes: 3 }));
    let weighted = Loss::CrossEntropy { label_smoothing: 0.0, weight: Some(vec![1.0]) };
    assert_eq!(loss(&weighted, &[0.0; 3], 3, &[0]), Err(LossError::Weights { found: 1, classes: 3 }));
}
