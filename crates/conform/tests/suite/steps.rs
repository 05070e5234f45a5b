//! Whole training steps against PyTorch: `tests/steps.py`, twelve steps of its own recipe on one batch.
//!
//! `tests/steps.json` was made with PyTorch 2.15 on the CPU: the loss of each step, and behind them the L2 norm and the sum of every
//! tensor of the state dict, running statistics and counters included. Weights are those of the fill formula. A data set of one batch
//! gives the same steps in whatever order its images come.

use archsmith_conform::fill::{Kind, mix};
use archsmith_frontend::{Options, Prm};
use archsmith_ir::Seed;
use archsmith_ir::reference::initial_state;
use archsmith_train::data::Part;
use archsmith_train::{Dataset, FitConfig, SplitConfig, Splits, fit_from};
use std::ops::ControlFlow;
use std::sync::Arc;

const IMAGES: usize = 64;
const SIZE: [usize; 3] = [3, 32, 32];

#[derive(serde::Deserialize)]
struct Expected {
    losses: Vec<f64>,
    /// Name, L2 norm, sum.
    state: Vec<(String, f64, f64)>,
}

/// Noise, one plane of which is as bright as the class says.
fn images() -> Vec<u8> {
    let plane = SIZE[1] * SIZE[2];
    let noise = (0..IMAGES * SIZE[0] * plane).map(|i| (mix(i as u32) >> 24) as u8);
    let shown = noise.enumerate().map(|(i, value)| {
        let (image, channel) = (i / plane / SIZE[0], i / plane % SIZE[0]);
        if channel == image % 3 { value / 2 + (image % 10) as u8 * 12 } else { value }
    });
    shown.collect()
}

#[test]
fn a_run_of_training_is_the_one_of_pytorch() {
    let expected: Expected = serde_json::from_str(include_str!("../steps.json")).unwrap();
    let prm = [("lr", 0.05), ("momentum", 0.9)].map(|(name, value)| (name.to_string(), Prm::Float(value)));
    let options = Options { in_shape: [IMAGES, 3, 32, 32], prm: prm.into(), ..Options::default() };
    let (graph, _) = archsmith_frontend::check(include_str!("../steps.py"), &options).unwrap();

    let mut state = initial_state(&graph, &Seed::from_u64(1)).unwrap();
    for (t, (name, id)) in graph.graph().state_dict.iter().enumerate() {
        let tensor = &mut state[id.index()];
        let kind = match name.rsplit('.').next().unwrap() {
            "num_batches_tracked" => continue,
            "running_mean" => Kind::RMean,
            "running_var" => Kind::RVar,
            _ if tensor.shape().len() > 1 => Kind::W,
            "weight" => Kind::One,
            _ => Kind::Zero,
        };
        let values = kind.values(t as u32, tensor.shape()).unwrap();
        tensor.f32_mut().unwrap().copy_from_slice(&values);
    }

    let labels = (0..IMAGES).map(|i| (i % 10) as u8).collect();
    let part = Part { images: images(), labels };
    let data = Dataset { name: "steps".into(), classes: 10, size: SIZE, test: part.clone(), train: part };
    let splits = Splits::new(Arc::new(data), &SplitConfig { validation: 0, ..SplitConfig::default() }).unwrap();
    let config = FitConfig { epochs: expected.losses.len() as u32, threads: 2, test: false, ..FitConfig::default() };
    let mut losses = Vec::new();
    let fitted = fit_from(&graph, Some(&state), &splits, &config, &mut |progress| {
        losses.push(progress.loss);
        ControlFlow::Continue(())
    });
    let trained = fitted.unwrap().state().unwrap();

    assert_eq!(losses.len(), expected.losses.len());
    for (step, (ours, theirs)) in losses.iter().zip(&expected.losses).enumerate() {
        assert!((ours - theirs).abs() < 2e-5 * theirs, "step {step}: {ours} and {theirs}");
    }
    assert_eq!(graph.graph().state_dict.len(), expected.state.len());
    for ((name, id), (theirs, norm, sum)) in graph.graph().state_dict.iter().zip(&expected.state) {
        assert_eq!(name, theirs);
        let values = trained[id.index()].to_f64();
        let found = values.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!((found - norm).abs() < 1e-3 * norm.max(0.1), "norm of {name}: {found} and {norm}");
        let found = values.iter().sum::<f64>();
        let scale = norm * (values.len() as f64).sqrt();
        assert!((found - sum).abs() < 1e-3 * scale.max(0.1), "sum of {name}: {found} and {sum}");
    }
}
