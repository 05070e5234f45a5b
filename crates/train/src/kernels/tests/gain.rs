//! The gain over the tensor library's own operations by kind of layer: a table, not a test. `just bench-kernels` prints it.

use super::*;
use burn::tensor::ops::ActivationOps;
use std::time::Instant;

/// Median seconds of both, measured in turns.
fn beside(mut ours: impl FnMut(), mut stock: impl FnMut()) -> (f64, f64) {
    let seconds = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64()
    };
    ours();
    stock();
    let (mut a, mut b): (Vec<f64>, Vec<f64>) = (0..7).map(|_| (seconds(&mut ours), seconds(&mut stock))).unzip();
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    (a[3], b[3])
}

fn row(kind: &str, forward: (f64, f64), backward: (f64, f64)) {
    let gain = |t: (f64, f64)| format!("{:.1} ms → {:.2} ms, {:.1}×", 1e3 * t.1, 1e3 * t.0, t.1 / t.0);
    println!("| {kind} | {} | {} |", gain(forward), gain(backward));
}

/// Forward; both gradients.
fn convolution(kind: &str, x: [usize; 4], w: [usize; 4], stride: usize, groups: usize, d: &mut Draws) {
    let padding = [w[2] / 2, w[3] / 2];
    let g = ConvGeometry { stride: [stride; 2], padding, dilation: [1, 1], groups };
    let (xs, w) = (random(&x, d), random(&w, d));
    let turned = first(xs.clone()).to_contiguous();
    let dy = random(&Flex::convolve(xs.clone(), w.clone(), g).shape()[..], d);
    let dy_turned = first(dy.clone()).to_contiguous();
    let forward = beside(
        || drop(Flex::convolve(xs.clone(), w.clone(), g)),
        || drop(composed::convolve::<Flex>(turned.clone(), w.clone(), g)),
    );
    let [n, h, width, c] = x;
    let backward = beside(
        || {
            drop(Flex::convolve_dw(xs.clone(), w.shape().dims(), dy.clone(), g));
            drop(Flex::convolve_dx(x, w.clone(), dy.clone(), g));
        },
        || {
            drop(composed::convolve_dw::<Flex>(turned.clone(), w.shape().dims(), dy_turned.clone(), g));
            drop(composed::convolve_dx::<Flex>([n, c, h, width], w.clone(), dy_turned.clone(), g));
        },
    );
    row(kind, forward, backward);
}

fn normalisation(kind: &str, activation: Option<UnaryOp>, residual: bool, d: &mut Draws) {
    let shape = [64, 32, 32, 64];
    let input = BatchNorm::<Flex> {
        x: random(&shape, d),
        weight: random(&[64], d),
        bias: random(&[64], d),
        residual: residual.then(|| random(&shape, d)),
        activation,
        eps: 1e-5,
    };
    let turn = |x: &F| first(x.clone()).to_contiguous();
    let turned = BatchNorm { x: turn(&input.x), residual: input.residual.as_ref().map(turn), ..input.clone() };
    let forward =
        beside(|| drop(Flex::batch_norm(input.clone())), || drop(composed::batch_norm::<Flex>(turned.clone())));
    let (y, mean, variance) = Flex::batch_norm(input.clone());
    let y = (residual && activation.is_some()).then_some(y);
    let (dy, y_turned) = (random(&shape, d), y.as_ref().map(turn));
    let dy_turned = turn(&dy);
    let statistics = (mean, variance);
    let backward = beside(
        || drop(Flex::batch_norm_backward(input.clone(), y.clone(), statistics.clone(), dy.clone())),
        || {
            let found = composed::batch_norm_backward::<Flex>(
                turned.clone(),
                y_turned.clone(),
                statistics.clone(),
                dy_turned.clone(),
            );
            drop(found);
        },
    );
    row(kind, forward, backward);
}

#[test]
#[ignore = "a measurement: run alone, by `just bench-kernels`"]
fn gain_by_kind_of_layer() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| {
        let mut draws = Seed::from_u64(30).draws();
        let d = &mut draws;
        println!("| layer, batch of 64 | forward | backward |\n|---|---|---|");
        convolution("3×3, 64 → 64, 32×32", [64, 32, 32, 64], [64, 64, 3, 3], 1, 1, d);
        convolution("3×3, 512 → 512, 4×4", [64, 4, 4, 512], [512, 512, 3, 3], 1, 1, d);
        convolution("3×3, step 2, 64 → 128, 32×32", [64, 32, 32, 64], [128, 64, 3, 3], 2, 1, d);
        convolution("1×1, 64 → 128, 32×32", [64, 32, 32, 64], [128, 64, 1, 1], 1, 1, d);
        convolution("3×3, 3 → 64, 32×32", [64, 32, 32, 3], [64, 3, 3, 3], 1, 1, d);
        convolution("5×5, 32 → 32, 16×16", [64, 16, 16, 32], [32, 32, 5, 5], 1, 1, d);
        convolution("3×3, 4 groups, 64 → 64, 32×32", [64, 32, 32, 64], [64, 16, 3, 3], 1, 4, d);
        convolution("3×3 depthwise, 96, 32×32", [64, 32, 32, 96], [96, 1, 3, 3], 1, 96, d);
        normalisation("batch norm, 64, 32×32", None, false, d);
        normalisation("batch norm + ReLU", Some(UnaryOp::Relu), false, d);
        normalisation("batch norm + add + ReLU", Some(UnaryOp::Relu), true, d);
        pools(d);
        silu(d);
        linear("linear, 512 → 512", [64, 512, 512], d);
        linear("linear, 4096 → 1024", [64, 1024, 4096], d);
        update(d);
    });
}

fn pools(d: &mut Draws) {
    let x = random(&[64, 32, 32, 64], d);
    let turned = first(x.clone()).to_contiguous();
    let w = PoolWindow { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], output: [16, 16] };
    let forward = beside(|| drop(Flex::max_pool(x.clone(), w)), || drop(composed::max_pool::<Flex>(turned.clone(), w)));
    let ((y, ours), (_, stock)) = (Flex::max_pool(x, w), composed::max_pool::<Flex>(turned, w));
    let dy = random(&y.shape()[..], d);
    let dy_turned = first(dy.clone()).to_contiguous();
    let backward = beside(
        || drop(Flex::max_pool_backward([64, 32, 32, 64], ours.clone(), dy.clone(), w)),
        || drop(composed::max_pool_backward::<Flex>([64, 64, 32, 32], stock.clone(), dy_turned.clone(), w)),
    );
    row("maximum pool 2×2, 64, 32×32", forward, backward);
}

fn silu(d: &mut Draws) {
    let (x, dy) = (random(&[64, 32, 32, 64], d), random(&[64, 32, 32, 64], d));
    let forward = beside(
        || drop(Flex::activate(UnaryOp::Silu, x.clone())),
        || drop(Flex::float_mul(x.clone(), Flex::sigmoid(x.clone()))),
    );
    let backward = beside(
        || drop(Flex::activate_backward(UnaryOp::Silu, x.clone(), dy.clone())),
        || {
            // As the library differentiates the product: σ(x) and x·σ'(x).
            let s = Flex::sigmoid(x.clone());
            let through = Flex::sigmoid_backward(s.clone(), Flex::float_mul(dy.clone(), x.clone()));
            drop(Flex::float_add(Flex::float_mul(dy.clone(), s), through));
        },
    );
    row("SiLU, 64, 32×32", forward, backward);
}

fn linear(kind: &str, [m, n, k]: [usize; 3], d: &mut Draws) {
    let (x, w, dy) = (random(&[m, k], d), random(&[n, k], d), random(&[m, n], d));
    let forward = beside(
        || drop(Flex::linear_forward(x.clone(), w.clone(), None)),
        || drop(composed::linear::<Flex>(x.clone(), w.clone())),
    );
    let outer = Outer { dy: dy.clone(), x };
    let backward = beside(
        || {
            drop(Flex::linear_dw(outer.clone()));
            drop(Flex::linear_dx(dy.clone(), w.clone()));
        },
        || {
            drop(composed::linear_dw::<Flex>(outer.clone()));
            drop(composed::linear_dx::<Flex>(dy.clone(), w.clone()));
        },
    );
    row(kind, forward, backward);
}

/// An optimiser's step stands in both columns.
fn update(d: &mut Draws) {
    let n = 1 << 22;
    let kind =
        Optimizer::Adam { lr: 0.1, betas: (0.9, 0.99), eps: 1e-3, weight_decay: 0.1, decoupled: true, amsgrad: false };
    let rule = Rule { kind: &kind, lr: 0.1, steps: 2, limit: None };
    let gradient = random(&[n], d);
    // Each side works on its own tensors, in place where it can.
    let state = |d: &mut Draws| Some((random(&[n], d), (0..2).map(|_| random(&[n], d)).collect::<Vec<F>>()));
    let (mut ours, mut stock) = (state(d), state(d));
    let t = beside(
        || {
            let (value, moments) = ours.take().unwrap();
            ours = Some(Flex::update(&rule, value, gradient.clone(), None, moments));
        },
        || {
            let (value, moments) = stock.take().unwrap();
            stock = Some(composed::update::<Flex>(&rule, value, gradient.clone(), None, moments));
        },
    );
    println!("| AdamW, 4 M weights | {:.1} ms → {:.2} ms, {:.1}× | |", 1e3 * t.1, 1e3 * t.0, t.1 / t.0);
}
