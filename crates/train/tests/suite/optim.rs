//! Optimisers, clipping, schedules and losses against values that PyTorch 2 computed.
#![allow(clippy::excessive_precision, reason = "they are as PyTorch printed them")]

use archsmith_ir::Seed;
use archsmith_ir::StateId;
use archsmith_ir::recipe::{Clip, Loss, Optimizer, Schedule, ScheduleKind};
use archsmith_train::loss::{LossError, loss};
use archsmith_train::optim::{Gradient, Optimiser, Rates, scheduled};
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

/// Values after a step for each row of gradients; a parameter's values and gradients are its own.
fn steps(kind: &Optimizer, clip: Option<Clip>, values_: &[Vec<f32>], gradients: &[Vec<Vec<f32>>]) -> Vec<Vec<f32>> {
    let lr = kind.lr();
    let mut optimiser = Optimiser::<Flex>::new(kind.clone(), clip);
    let mut parameters: Vec<_> = values_.iter().map(|v| tensor(v)).collect();
    for gradients in gradients {
        let gradients: Vec<_> = gradients.iter().map(|g| Gradient::Whole(tensor(g))).collect();
        let mut updates = optimiser.step(gradients.iter(), lr);
        let updated = parameters.into_iter().zip(&gradients).enumerate();
        parameters = updated.map(|(i, (p, g))| updates.update(StateId(i as u32), p, g.clone())).collect();
    }
    parameters.into_iter().map(values).collect()
}

fn run(kind: Optimizer, expected: [f32; 3]) {
    let gradients: Vec<_> = GRADIENTS.iter().map(|g| vec![g.to_vec()]).collect();
    let found = steps(&kind, None, &[vec![1.0, -2.0, 0.5]], &gradients);
    println!("{kind:?}");
    near(&found[0], &expected);
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
    // A step of one gradient from zero shows the gradient that was left.
    let clipped = |clip| {
        let kind = Optimizer::Sgd { lr: -1.0, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false };
        steps(&kind, Some(clip), &[vec![0.0, 0.0], vec![0.0]], &[vec![vec![3.0, 0.0], vec![4.0]]]).concat()
    };
    near(&clipped(Clip::Norm { max_norm: 1.0 }), &[0.599_999_9, 0.0, 0.799_999_83]);
    near(&clipped(Clip::Norm { max_norm: 6.0 }), &[3.0, 0.0, 4.0]);
    near(&clipped(Clip::Value { clip_value: 3.5 }), &[3.0, 0.0, 3.5]);
}

/// The algorithms of PyTorch's documentation, element by element in f64.
fn naive(kind: &Optimizer, clip: Option<&Clip>, mut p: Vec<f64>, gradients: &[Vec<f64>]) -> Vec<f64> {
    let mut state = vec![[0.0f64; 3]; p.len()];
    for (t, g) in gradients.iter().enumerate() {
        let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
        for ((p, &g), s) in p.iter_mut().zip(g).zip(&mut state) {
            let mut g = match clip {
                Some(Clip::Norm { max_norm }) => g * (max_norm / (norm + 1e-6)).min(1.0),
                Some(Clip::Value { clip_value }) => g.clamp(-clip_value, *clip_value),
                None => g,
            };
            match *kind {
                Optimizer::Sgd { lr, momentum, dampening, weight_decay, nesterov } => {
                    g += weight_decay * *p;
                    if momentum != 0.0 {
                        s[0] = if t == 0 { g } else { momentum * s[0] + (1.0 - dampening) * g };
                        g = if nesterov { g + momentum * s[0] } else { s[0] };
                    }
                    *p -= lr * g;
                }
                Optimizer::Adam { lr, betas, eps, weight_decay, decoupled, amsgrad } => {
                    if decoupled {
                        *p -= lr * weight_decay * *p;
                    } else {
                        g += weight_decay * *p;
                    }
                    s[0] = betas.0 * s[0] + (1.0 - betas.0) * g;
                    s[1] = betas.1 * s[1] + (1.0 - betas.1) * g * g;
                    s[2] = s[2].max(s[1]);
                    let t = t as i32 + 1;
                    let second = if amsgrad { s[2] } else { s[1] } / (1.0 - betas.1.powi(t));
                    *p -= lr * s[0] / (1.0 - betas.0.powi(t)) / (second.sqrt() + eps);
                }
                Optimizer::RmsProp { lr, alpha, eps, weight_decay, momentum, centered } => {
                    g += weight_decay * *p;
                    s[0] = alpha * s[0] + (1.0 - alpha) * g * g;
                    s[1] = alpha * s[1] + (1.0 - alpha) * g;
                    let spread = if centered { s[0] - s[1] * s[1] } else { s[0] };
                    s[2] = momentum * s[2] + g / (spread.sqrt() + eps);
                    *p -= lr * s[2];
                }
            }
        }
    }
    p
}

#[test]
fn any_setting_and_size_is_as_documented_and_the_same_on_any_number_of_threads() {
    let mut draws = Seed::from_u64(1).draws();
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let (one, three) = (pool(1), pool(3));
    for case in 0..48 {
        let mut one_of = |values: [f64; 3]| values[(draws.unit() * 3.0) as usize];
        let (weight_decay, momentum) = (one_of([0.0, 0.01, 0.2]), one_of([0.0, 0.5, 0.9]));
        let kind = match case % 3 {
            0 => {
                let nesterov = momentum != 0.0 && case % 2 == 0;
                let dampening = if nesterov { 0.0 } else { one_of([0.0, 0.0, 0.3]) };
                Optimizer::Sgd { lr: 0.1, momentum, dampening, weight_decay, nesterov }
            }
            1 => adam((momentum, 0.99), 1e-3, weight_decay, case % 2 == 0, one_of([0.0, 1.0, 1.0]) > 0.0),
            _ => {
                let centered = case % 2 == 0;
                Optimizer::RmsProp { lr: 0.01, alpha: 0.9, eps: 1e-2, weight_decay, momentum, centered }
            }
        };
        let clip = match one_of([0.0, 1.0, 2.0]) {
            0.0 => None,
            1.0 => Some(Clip::Norm { max_norm: one_of([0.5, 3.0, 1e6]) }),
            _ => Some(Clip::Value { clip_value: 0.7 }),
        };
        // The largest are more than a task takes, and no multiple of a vector.
        let sizes: Vec<usize> = [3.0, 1000.0, 100_000.0].iter().map(|&n| 1 + (draws.unit() * n) as usize).collect();
        let mut normal = |n: usize| -> Vec<f32> { (0..n).map(|_| draws.normal() as f32).collect() };
        let start: Vec<_> = sizes.iter().map(|&n| normal(n)).collect();
        let gradients: Vec<Vec<_>> = (0..4).map(|_| sizes.iter().map(|&n| normal(n)).collect()).collect();
        let found = one.install(|| steps(&kind, clip.clone(), &start, &gradients)).concat();
        assert_eq!(found, three.install(|| steps(&kind, clip.clone(), &start, &gradients)).concat(), "{kind:?}");
        let wide = |v: &[Vec<f32>]| v.concat().into_iter().map(f64::from).collect::<Vec<f64>>();
        let gradients: Vec<_> = gradients.iter().map(|g| wide(g)).collect();
        let expected = naive(&kind, clip.as_ref(), wide(&start), &gradients);
        for (a, b) in found.iter().zip(&expected) {
            assert!((f64::from(*a) - b).abs() < 2e-5 * (1.0 + b.abs()), "{kind:?} {clip:?}: {a} instead of {b}");
        }
    }
}

#[test]
fn schedules_are_pytorchs() {
    let rates = |kind: ScheduleKind, per_batch| -> Vec<f32> {
        let schedule = Schedule { kind, per_batch };
        (0..6).map(|i| scheduled(0.1, Some(&schedule), i, 0) as f32).collect()
    };
    near(&rates(ScheduleKind::Step { step_size: 2, gamma: 0.5 }, true), &[0.1, 0.1, 0.05, 0.05, 0.025, 0.025]);
    near(
        &rates(ScheduleKind::Cosine { t_max: 4.0, eta_min: 0.01 }, true),
        &[0.1, 0.086_819_805, 0.055, 0.023_180_194, 0.01, 0.023_180_194],
    );
    near(&rates(ScheduleKind::Exponential { gamma: 0.9 }, true), &[0.1, 0.09, 0.081, 0.0729, 0.065_61, 0.059_049]);
    // By epochs, batches do not count.
    near(&rates(ScheduleKind::Exponential { gamma: 0.9 }, false), &[0.1; 6]);
}

/// Rates of fourteen steps from 0.1, as `torch.optim.lr_scheduler` gives them.
#[test]
fn longer_schedules_are_pytorchs() {
    let gamma = 0.5;
    let each_batch = |kind| Schedule { kind, per_batch: true };
    let check = |kind: ScheduleKind, expected: [f64; 14]| {
        let schedule = each_batch(kind);
        for (t, e) in expected.into_iter().enumerate() {
            let found = scheduled(0.1, Some(&schedule), t as u64, 0);
            assert!((found - e).abs() < 1e-11, "{schedule:?}, step {t}: {found} instead of {e}");
        }
    };
    check(
        ScheduleKind::MultiStep { milestones: vec![2, 5, 5, 9], gamma },
        [0.1, 0.1, 0.05, 0.05, 0.05, 0.0125, 0.0125, 0.0125, 0.0125, 0.00625, 0.00625, 0.00625, 0.00625, 0.00625],
    );
    check(
        ScheduleKind::Linear { start_factor: 0.25, end_factor: 0.9, total_iters: 6 },
        [
            0.025,
            0.035833333333,
            0.046666666667,
            0.0575,
            0.068333333333,
            0.079166666667,
            0.09,
            0.09,
            0.09,
            0.09,
            0.09,
            0.09,
            0.09,
            0.09,
        ],
    );
    check(
        ScheduleKind::Constant { factor: 0.3, total_iters: 4 },
        [0.03, 0.03, 0.03, 0.03, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
    );
    check(
        ScheduleKind::Polynomial { total_iters: 8, power: 2.0 },
        [0.1, 0.0765625, 0.05625, 0.0390625, 0.025, 0.0140625, 0.00625, 0.0015625, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    );
    check(
        ScheduleKind::WarmRestarts { t_0: 4, t_mult: 1, eta_min: 0.01 },
        [
            0.1,
            0.086819805153,
            0.055,
            0.023180194847,
            0.1,
            0.086819805153,
            0.055,
            0.023180194847,
            0.1,
            0.086819805153,
            0.055,
            0.023180194847,
            0.1,
            0.086819805153,
        ],
    );
    check(
        ScheduleKind::WarmRestarts { t_0: 2, t_mult: 2, eta_min: 0.0 },
        [
            0.1,
            0.05,
            0.1,
            0.085355339059,
            0.05,
            0.014644660941,
            0.1,
            0.096193976626,
            0.085355339059,
            0.069134171618,
            0.05,
            0.030865828382,
            0.014644660941,
            0.003806023374,
        ],
    );
    let cycle = |linear, three_phase, pct_start, div_factor, final_div_factor| ScheduleKind::OneCycle {
        max_lr: 0.2,
        total_steps: 14,
        pct_start,
        linear,
        div_factor,
        final_div_factor,
        three_phase,
        momentum: Some((0.85, 0.95)),
    };
    let cosine = cycle(false, false, 0.3, 25.0, 1e4);
    check(
        cosine.clone(),
        [
            0.008,
            0.05066525763,
            0.140737609507,
            0.198155386919,
            0.196729499386,
            0.183808875254,
            0.16234913079,
            0.134536767296,
            0.103205544937,
            0.071547755148,
            0.042788962834,
            0.019859358379,
            0.005095204921,
            8e-07,
        ],
    );
    check(
        cycle(true, true, 0.25, 10.0, 100.0),
        [
            0.02, 0.092, 0.164, 0.164, 0.092, 0.02, 0.017525, 0.01505, 0.012575, 0.0101, 0.007625, 0.00515, 0.002675,
            0.0002,
        ],
    );
    assert!(
        (scheduled(0.1, Some(&each_batch(cosine.clone())), 50, 0) - 8e-7).abs() < 1e-15,
        "after the end the last rate stays"
    );
    let rates = Rates::new(0.1, Some(each_batch(cosine)));
    assert!(
        (rates.momentum(0, 0).unwrap() - 0.95).abs() < 1e-12 && (rates.momentum(13, 0).unwrap() - 0.95).abs() < 1e-12
    );
    assert!(rates.momentum(3, 0).unwrap() < 0.852);
}

/// Rates before each of fourteen observations, as `ReduceLROnPlateau` gives them.
#[test]
fn a_plateau_lowers_the_rate_as_in_pytorch() {
    let seen = [2.0, 1.5, 1.4, 1.41, 1.42, 1.43, 1.39999, 1.5, 1.5, 1.5, 1.3, 1.31, 1.31, 1.31];
    let usual = ScheduleKind::Plateau {
        max: false,
        factor: 0.5,
        patience: 1,
        threshold: 1e-4,
        relative: true,
        cooldown: 0,
        min_lr: 0.0,
        eps: 1e-8,
    };
    let other = ScheduleKind::Plateau {
        max: true,
        factor: 0.1,
        patience: 2,
        threshold: 0.1,
        relative: false,
        cooldown: 1,
        min_lr: 0.002,
        eps: 1e-8,
    };
    let first = [0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.0125, 0.0125, 0.0125, 0.0125, 0.00625];
    let second = [0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002];
    for (kind, per_batch, expected) in [(usual, false, first), (other, true, second)] {
        let schedule = Schedule { kind, per_batch };
        let mut rates = Rates::new(0.1, Some(schedule.clone()));
        for (value, expected) in seen.into_iter().zip(expected) {
            assert!(
                (rates.at(7, 3) - expected).abs() < 1e-12,
                "{schedule:?}: {} instead of {expected}",
                rates.at(7, 3)
            );
            // What it does not watch does not matter.
            rates.observe(per_batch, f64::NAN, f64::NAN);
            rates.observe(!per_batch, value, value);
        }
    }
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
