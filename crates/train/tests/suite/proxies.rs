//! What is said of untrained networks, against what can be said by hand.

use crate::nets::{Builder, small_conv};
use archsmith_ir::reference::initial_state;
use archsmith_ir::{Recipe, Seed, StateKind, TypedGraph};
use archsmith_train::data::{Augment, BatchShape, Batches};
use archsmith_train::proxies::proxies;
use archsmith_train::{Dataset, FitConfig, FitError, SplitConfig, Splits, probe};
use std::sync::Arc;

const BATCH: usize = 16;

fn splits() -> Splits {
    let config = SplitConfig { validation: 50, train_limit: Some(64), test_limit: Some(50), seed: 1 };
    Splits::new(Arc::new(Dataset::embedded_sample().unwrap()), &config).unwrap()
}

fn conv() -> TypedGraph {
    small_conv(BATCH, [4, 6, 8], true, 0.3, Recipe::default())
}

/// Scores that are a weighted sum of the pixels.
fn linear() -> TypedGraph {
    let mut b = Builder::new(BATCH);
    let weight = b.weight("fc.weight", &[10, 3 * 32 * 32]);
    let bias = b.constant("fc.bias", &[10], -0.5, StateKind::Parameter);
    b.finish(Recipe::default(), |f| {
        let flat = f.on("flatten", f.x, &[("start_dim", archsmith_ir::Attr::Int(1).into())]);
        let (weight, bias) = (f.state(weight), f.state(bias));
        f.on("linear", flat, &[("weight", weight), ("bias", bias)])
    })
}

/// The first batch of a training from a seed: images and labels.
fn first_batch(splits: &Splits, seed: u64) -> (Vec<f32>, Vec<u8>) {
    let shape = BatchShape { channels: 3, height: 32, width: 32 };
    let order = Seed::from_u64(seed).derive("epoch", &[0]);
    Batches::shuffled(splits, &splits.train, shape, BATCH, Augment::default(), &order).get(0)
}

#[test]
fn the_norm_of_the_gradient_is_that_of_the_first_step() {
    let (graph, splits, config) = (conv(), splits(), FitConfig { threads: 1, seed: 7, ..FitConfig::default() });
    let found = proxies(&graph, &splits, &config).unwrap();
    let state = initial_state(&graph, &Seed::from_u64(7).derive("weights", &[])).unwrap();
    let (images, labels) = first_batch(&splits, 7);
    let known = probe::gradients(&graph, &state, images, &labels, true).unwrap();
    let sum: f64 = known.norms.iter().filter_map(|(_, norm)| *norm).sum();
    let grad_norm = found.grad_norm.unwrap();
    assert!((grad_norm - sum).abs() < 1e-5 * sum, "{grad_norm} {sum}");
}

#[test]
fn gradients_of_a_linear_layer_are_those_by_hand() {
    let (graph, splits) = (linear(), splits());
    let found = proxies(&graph, &splits, &FitConfig { threads: 1, ..FitConfig::default() }).unwrap();
    let state = initial_state(&graph, &Seed::from_u64(0).derive("weights", &[])).unwrap();
    let wide = |i: usize| state[i].as_f32().unwrap().iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let (weight, bias) = (wide(0), wide(1));
    let (images, labels) = first_batch(&splits, 0);
    let inner = weight.len() / 10;
    let (mut by_weight, mut by_bias) = (vec![0.0; weight.len()], vec![0.0; 10]);
    for (image, label) in images.chunks(inner).zip(&labels) {
        let score = |k: usize| {
            let row = weight[k * inner..(k + 1) * inner].iter().zip(image);
            bias[k] + row.map(|(w, x)| w * f64::from(*x)).sum::<f64>()
        };
        let exponents: Vec<f64> = (0..10).map(|k| score(k).exp()).collect();
        let sum: f64 = exponents.iter().sum();
        for k in 0..10 {
            // The derivative of the mean cross-entropy: softmax less one at the label, over the batch.
            let slope = (exponents[k] / sum - f64::from(u8::from(k == usize::from(*label)))) / BATCH as f64;
            by_bias[k] += slope;
            by_weight[k * inner..].iter_mut().zip(image).for_each(|(g, x)| *g += slope * f64::from(*x));
        }
    }
    let norm = |g: &[f64]| g.iter().map(|g| g * g).sum::<f64>().sqrt();
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a * b).abs()).sum::<f64>();
    let near = |found: Option<f64>, hand: f64| found.is_some_and(|f| (f - hand).abs() < 1e-4 * hand);
    assert!(near(found.grad_norm, norm(&by_weight) + norm(&by_bias)), "{found:?}");
    assert!(near(found.snip, sum(&weight, &by_weight) + sum(&bias, &by_bias)), "{found:?}");
}

#[test]
fn synaptic_flow_of_a_linear_layer_is_the_sum_of_its_weights() {
    let graph = linear();
    let config = FitConfig { threads: 1, ..FitConfig::default() };
    let found = proxies(&graph, &splits(), &config).unwrap();
    let state = initial_state(&graph, &Seed::from_u64(0).derive("weights", &[])).unwrap();
    let sum: f64 = state.iter().flat_map(|t| t.as_f32().unwrap()).map(|v| f64::from(v.abs())).sum();
    let synflow = found.synflow.unwrap();
    assert!((synflow - sum).abs() < 1e-5 * sum, "{synflow} {sum}");
    assert_eq!(found.naswot, None, "it has no units to switch");
}

#[test]
fn figures_depend_on_seed_alone() {
    let (graph, splits) = (conv(), splits());
    let of = |seed, threads| proxies(&graph, &splits, &FitConfig { seed, threads, ..FitConfig::default() }).unwrap();
    let one = of(1, 1);
    assert!(one.naswot.is_some_and(|n| n > 0.0), "{one:?}");
    assert_eq!(one, of(1, 1));
    assert_ne!(one, of(2, 1));
    let two = of(1, 2);
    assert!((one.snip.unwrap() - two.snip.unwrap()).abs() < 1e-5 * one.snip.unwrap());
    assert_eq!(one.naswot, two.naswot);
}

#[test]
fn what_cannot_fit_is_not_looked_at() {
    let config = FitConfig { memory_limit_mb: Some(10), ..FitConfig::default() };
    let found = proxies(&small_conv(64, [64, 64, 64], true, 0.0, Recipe::default()), &splits(), &config);
    assert!(matches!(found, Err(FitError::OverMemory { .. })), "{found:?}");
}
