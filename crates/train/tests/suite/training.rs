//! Whole fits.

use crate::nets::{Builder, shortcut, small_conv};
use archsmith_ir::recipe::{Clip, Loss, Optimizer};
use archsmith_ir::reference::{HostTensor, initial_state};
use archsmith_ir::{Attr, Recipe, Seed, StateKind};
use archsmith_train::data::Augment;
use archsmith_train::lower::{Footprint, Plan};
use archsmith_train::{Dataset, FitConfig, FitError, Metrics, Precision, SplitConfig, Splits, fit, fit_from};
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

static DATA: LazyLock<Arc<Dataset>> = LazyLock::new(|| Arc::new(Dataset::embedded_sample().unwrap()));

fn splits(train: usize) -> Splits {
    let config = SplitConfig { validation: 300, train_limit: Some(train), test_limit: Some(200), seed: 1 };
    Splits::new(DATA.clone(), &config).unwrap()
}

fn adam() -> Recipe {
    Recipe {
        optimizer: Optimizer::Adam {
            lr: 2e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            amsgrad: false,
        },
        loss: Loss::CrossEntropy { label_smoothing: 0.05, weight: None },
        clip: Some(Clip::Norm { max_norm: 5.0 }),
        ..Recipe::default()
    }
}

fn run(config: &FitConfig) -> Metrics {
    let graph = small_conv(32, [8, 8, 16], true, 0.1, adam());
    fit(&graph, &splits(960), config, &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_network_learns() {
    let metrics = run(&FitConfig { epochs: 2, threads: 2, ..FitConfig::default() });
    assert!(metrics.accuracy_val > 0.55, "{metrics:?}");
    assert!(metrics.accuracy_test.unwrap() > 0.5, "{metrics:?}");
    assert_eq!((metrics.epochs, metrics.steps), (2, 60));
    assert!(metrics.loss < 1.5 && metrics.img_s > 0.0, "{metrics:?}");
}

#[test]
fn activations_that_are_computed_again_give_the_same_training() {
    let graph = shortcut(128);
    let splits = splits(384);
    let trained = |memory_limit_mb: Option<u64>| {
        let config = FitConfig { threads: 2, memory_limit_mb, test: false, ..FitConfig::default() };
        fit_from(&graph, None, &splits, &config, &mut |_| ControlFlow::Continue(()))
    };
    let whole = trained(None).unwrap();
    assert_eq!(whole.segments, 1);
    let data = DATA.bytes().div_ceil(1 << 20) as u64;
    let needed = Footprint::of(&graph).unwrap().process_mb() + data;
    let least = Plan::fitting(&graph, |_| false).unwrap().1.process_mb() + data;
    assert!(least < needed * 9 / 10, "{least} MiB instead of {needed}");
    for limit in [needed - 4, least] {
        let sparing = trained(Some(limit)).unwrap();
        assert!(sparing.segments > 1, "{limit} of {needed} MiB");
        assert!((whole.metrics.loss - sparing.metrics.loss).abs() < 1e-5, "{limit} of {needed} MiB");
        for (a, b) in whole.state().unwrap().iter().zip(&sparing.state().unwrap()) {
            let scale = a.to_f64().iter().fold(1e-3f64, |m, v| m.max(v.abs()));
            let off = a.to_f64().iter().zip(b.to_f64().iter()).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
            assert!(off < 1e-4 * scale, "{off} of {scale} with {} segments", sparing.segments);
        }
    }
    let refused = trained(Some(least / 2)).unwrap_err().to_string();
    assert!(refused.contains(&format!("{least} MiB of memory at the least")), "{refused}");
}

#[test]
fn products_in_half_precision_train_nearly_as_well() {
    let config = FitConfig { epochs: 2, threads: 2, ..FitConfig::default() };
    let single = run(&config);
    let half = run(&FitConfig { precision: Precision::Bf16, ..config });
    assert_ne!(single.loss, half.loss);
    assert!((single.loss - half.loss).abs() < 0.05, "{} and {}", single.loss, half.loss);
    assert!((single.accuracy_val - half.accuracy_val).abs() < 0.08, "{single:?} {half:?}");
}

#[test]
fn training_starts_from_the_weights_that_are_given() {
    let graph = small_conv(32, [8, 8, 16], true, 0.1, adam());
    let config = FitConfig { threads: 1, seed: 3, test: false, ..FitConfig::default() };
    let from = |state: Option<&[HostTensor]>| {
        fit_from(&graph, state, &splits(128), &config, &mut |_| ControlFlow::Continue(())).unwrap().metrics.loss
    };
    let drawn = initial_state(&graph, &Seed::from_u64(3).derive("weights", &[])).unwrap();
    let other = initial_state(&graph, &Seed::from_u64(4).derive("weights", &[])).unwrap();
    assert_eq!(from(None).to_bits(), from(Some(&drawn)).to_bits());
    assert_ne!(from(None).to_bits(), from(Some(&other)).to_bits());
}

#[test]
fn equal_seeds_give_equal_bits() {
    let config = FitConfig { threads: 2, augment: Augment { flip: true, crop: 0 }, seed: 7, ..FitConfig::default() };
    let (a, b) = (run(&config), run(&config));
    assert_eq!(a.loss.to_bits(), b.loss.to_bits());
    assert_eq!(
        (a.accuracy_val, a.accuracy_test, a.accuracy_train),
        (b.accuracy_val, b.accuracy_test, b.accuracy_train)
    );
    // Sums are made in parts that depend on sizes alone.
    let alone = run(&FitConfig { threads: 1, ..config.clone() });
    assert_eq!(a.loss.to_bits(), alone.loss.to_bits());
    let other = run(&FitConfig { seed: 8, ..config });
    assert_ne!(a.loss.to_bits(), other.loss.to_bits());
}

#[test]
fn a_learning_rate_beyond_reason_diverges() {
    let recipe = Recipe {
        optimizer: Optimizer::Sgd { lr: 1e12, momentum: 0.9, dampening: 0.0, weight_decay: 0.0, nesterov: false },
        ..Recipe::default()
    };
    let graph = small_conv(32, [4, 4, 4], false, 0.1, recipe);
    let error =
        fit(
            &graph,
            &splits(320),
            &FitConfig { threads: 1, ..FitConfig::default() },
            &mut |_| ControlFlow::Continue(()),
        );
    assert!(matches!(error, Err(FitError::Diverged { .. })), "{error:?}");
}

#[test]
fn limits_and_wishes_end_training() {
    let graph = small_conv(32, [4, 4, 4], false, 0.1, Recipe::default());
    let config = FitConfig { threads: 1, ..FitConfig::default() };
    let hurried = FitConfig { time_limit_s: Some(0.0), ..config.clone() };
    let error = fit(&graph, &splits(320), &hurried, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(error, Err(FitError::TimedOut { steps: 0, .. })), "{error:?}");
    let error = fit(&graph, &splits(320), &config, &mut |p| {
        if p.step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(error, Err(FitError::Stopped { steps: 3 })), "{error:?}");
}

#[test]
fn what_is_no_classifier_is_refused_before_training() {
    let mut b = Builder::new(4);
    b.constant("unused", &[1], 0.0, StateKind::Parameter);
    let graph = b.finish(Recipe::default(), |f| f.on("relu", f.x, &[]));
    let error = fit(&graph, &splits(100), &FitConfig::default(), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(&error, Err(FitError::Lower(e)) if e.to_string().contains("[4, 3, 32, 32]")), "{error:?}");

    let mut b = Builder::new(4);
    let w = b.weight("fc.weight", &[5, 3072]);
    let graph = b.finish(Recipe::default(), |f| {
        let x = f.on("flatten", f.x, &[("start_dim", Attr::Int(1).into())]);
        let w = f.state(w);
        f.on("linear", x, &[("weight", w)])
    });
    let error = fit(&graph, &splits(100), &FitConfig::default(), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(&error, Err(FitError::Lower(e)) if e.to_string().contains("5 classes")), "{error:?}");
}

#[test]
fn a_parameter_that_is_not_used_is_no_obstacle() {
    let mut b = Builder::new(8);
    let w = b.weight("fc.weight", &[10, 3072]);
    b.constant("unused", &[3], 2.0, StateKind::Parameter);
    let recipe = Recipe {
        optimizer: Optimizer::Sgd { lr: 0.01, momentum: 0.0, dampening: 0.0, weight_decay: 0.5, nesterov: false },
        ..Recipe::default()
    };
    let graph = b.finish(recipe, |f| {
        let x = f.on("flatten", f.x, &[("start_dim", Attr::Int(1).into())]);
        let w = f.state(w);
        f.on("linear", x, &[("weight", w)])
    });
    let metrics =
        fit(&graph, &splits(80), &FitConfig { threads: 1, ..FitConfig::default() }, &mut |_| ControlFlow::Continue(()))
            .unwrap();
    assert!(metrics.loss.is_finite());
}
