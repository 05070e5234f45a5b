//! Whole networks against the reference interpreter.

use crate::nets::{Builder, small_conv};
use archsmith_ir::reference::{HostTensor, Mode, Options, initial_state, run};
use archsmith_ir::{Arg, Attr, Recipe, Seed, StateKind, TypedGraph};
use archsmith_train::Network;
use archsmith_train::backend::Cpu;
use archsmith_train::lower::{LowerError, StepRng};
use burn::tensor::{Tensor, TensorData};

fn images(graph: &TypedGraph, seed: u64) -> Vec<f32> {
    let mut draws = Seed::from_u64(seed).draws();
    (0..graph.graph().inputs[0].numel()).map(|_| draws.normal() as f32).collect()
}

fn tensor(graph: &TypedGraph, values: &[f32]) -> Tensor<Cpu, 4> {
    let shape: [usize; 4] = graph.graph().inputs[0].shape.clone().try_into().unwrap();
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Default::default())
}

fn near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-5 * scale, "{what}: {found:?} instead of {expected:?}");
    }
}

/// A batch norm that is called twice, with and without a momentum, and its counter.
fn twice(momentum: Option<f64>) -> TypedGraph {
    let mut b = Builder::new(6);
    let mean = b.constant("bn.running_mean", &[3], 0.5, StateKind::Buffer);
    let var = b.constant("bn.running_var", &[3], 2.0, StateKind::Buffer);
    b.counter("bn.num_batches_tracked");
    let w = b.weight("fc.weight", &[10, 3072]);
    b.finish(Recipe::default(), |f| {
        let mut x = f.x;
        for _ in 0..2 {
            let momentum = momentum.map_or(Attr::None, Attr::Float);
            let args = [
                ("running_mean", f.state(mean)),
                ("running_var", f.state(var)),
                ("training", Attr::Bool(f.training).into()),
                ("momentum", momentum.into()),
            ];
            let y = f.on("batch_norm", x, &args);
            x = f.on("sigmoid", y, &[]);
        }
        x = f.on("flatten", x, &[("start_dim", Attr::Int(1).into())]);
        let w = f.state(w);
        f.on("linear", x, &[("weight", w)])
    })
}

/// Three training passes, then an evaluation, on both sides.
fn compare(graph: &TypedGraph) {
    let seed = Seed::from_u64(5);
    let mut state = initial_state(graph, &seed).unwrap();
    let mut network = Network::<Cpu>::new(graph, &state, &Default::default()).unwrap();
    let options = Options { dropout: false, ..Options::of(graph, seed) };
    let mut rng = StepRng::new(seed);
    for i in 0..4 {
        let x = images(graph, i);
        let host = HostTensor::f32(graph.graph().inputs[0].shape.clone(), x.clone()).unwrap();
        let mode = if i < 3 { Mode::Train } else { Mode::Eval };
        let expected = run(graph, mode, &[host], &mut state, &options).unwrap();
        let found = if i < 3 {
            let (y, updates) = network.forward_train(&[tensor(graph, &x)], &mut rng);
            network.update_buffers(updates);
            y
        } else {
            network.forward_eval(&[tensor(graph, &x)], &mut rng)
        };
        let found: Vec<f64> = found.into_data().iter::<f64>().collect();
        near(&found, &expected[0].to_f64(), &format!("scores of pass {i}"));
        for ((a, b), s) in network.state().unwrap().iter().zip(&state).zip(&graph.graph().state) {
            near(&a.to_f64(), &b.to_f64(), &format!("{} after pass {i}", s.name));
        }
    }
}

#[test]
fn running_statistics_follow_the_reference() {
    compare(&twice(Some(0.3)));
    compare(&twice(None));
}

#[test]
fn a_network_follows_the_reference() {
    compare(&small_conv(3, [4, 6, 5], true, 0.0, Recipe::default()));
}

#[test]
fn a_state_that_is_not_the_graphs_is_refused() {
    let graph = small_conv(2, [2, 2, 2], false, 0.0, Recipe::default());
    let state = initial_state(&graph, &Seed::from_u64(0)).unwrap();
    let short = Network::<Cpu>::new(&graph, &state[1..], &Default::default());
    assert!(matches!(short, Err(LowerError::State { .. })));
    let mut wrong = state.clone();
    wrong.swap(0, 1);
    let error = Network::<Cpu>::new(&graph, &wrong, &Default::default()).unwrap_err();
    assert!(error.to_string().contains("conv0.weight"), "{error}");
}

/// Branches of convolution, normalisation and activation, and their average. `joined`: in the form that runs as few steps;
/// else a product with one stands between normalisation and activation, and the branches are added one by one.
fn branches(activation: &'static str, joined: bool) -> TypedGraph {
    let mut b = Builder::new(4);
    let branches: Vec<_> = (0..3)
        .map(|i| {
            let w = b.weight(&format!("conv{i}.weight"), &[5, 3, 3, 3]);
            let scale = b.constant(&format!("bn{i}.weight"), &[5], 0.7, StateKind::Parameter);
            (w, scale, b.constant(&format!("bn{i}.bias"), &[5], 0.2, StateKind::Parameter))
        })
        .collect();
    let head = b.weight("fc.weight", &[10, 5 * 1024]);
    b.finish(Recipe::default(), |f| {
        let one = ("other", Arg::from(Attr::Float(1.0)));
        let parts: Vec<_> = branches
            .iter()
            .map(|&(w, scale, bias)| {
                let w = f.state(w);
                let y = f.on("conv2d", f.x, &[("weight", w), ("padding", Attr::Ints(vec![1, 1]).into())]);
                let args = [("weight", f.state(scale)), ("bias", f.state(bias)), ("training", Attr::Bool(true).into())];
                let y = f.on("batch_norm", y, &args);
                let y = if joined { y } else { f.on("mul", y, std::slice::from_ref(&one)) };
                f.on(activation, y, &[])
            })
            .collect();
        let average = if joined {
            let stack = f.call("stack", &[("tensors", Arg::Tensors(parts))]);
            f.on("mean", stack, &[("dim", Attr::Int(0).into())])
        } else {
            let sum = parts[1..].iter().fold(parts[0], |sum, &y| f.on("add", sum, &[("other", Arg::Tensor(y))]));
            f.on("div", sum, &[("other", Attr::Float(3.0).into())])
        };
        let x = f.on("flatten", average, &[("start_dim", Attr::Int(1).into())]);
        let w = f.state(head);
        f.on("linear", x, &[("weight", w)])
    })
}

/// Scores and the gradients of their squares for all parameters.
fn gradients(graph: &TypedGraph) -> Vec<Vec<f64>> {
    let seed = Seed::from_u64(8);
    let state = initial_state(graph, &seed).unwrap();
    let network = Network::<Cpu>::new(graph, &state, &Default::default()).unwrap();
    let (scores, _) = network.forward_train(&[tensor(graph, &images(graph, 3))], &mut StepRng::new(seed));
    let mut found = vec![scores.to_data().iter::<f64>().collect()];
    let all = (scores.clone() * scores).sum().backward();
    let gradient = |p: Tensor<Cpu, 1>| p.grad(&all).unwrap().into_data().iter::<f64>().collect();
    found.extend(network.parameters().map(|(_, p)| gradient(p)));
    found
}

#[test]
fn joined_steps_have_the_values_and_gradients_of_single_ones() {
    for activation in ["relu", "silu", "relu6", "hardswish", "sigmoid", "leaky_relu"] {
        let (joined, single) = (gradients(&branches(activation, true)), gradients(&branches(activation, false)));
        assert_eq!(joined.len(), 11);
        for (i, (a, b)) in joined.iter().zip(&single).enumerate() {
            near(a, b, &format!("{activation}, tensor {i}"));
        }
    }
    compare(&branches("silu", true));
}
