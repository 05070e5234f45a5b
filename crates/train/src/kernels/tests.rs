//! The CPU kernels against the composed forms, which other backends use, on random shapes.

mod gain;

use super::{Average, BatchNorm, ConvGeometry, GroupNorm, Kernels, Outer, PoolWindow, composed};
use crate::optim::rule::Rule;
use archsmith_ir::Seed;
use archsmith_ir::prim::UnaryOp;
use archsmith_ir::recipe::Optimizer;
use archsmith_ir::seed::Draws;
use burn::backend::Flex;
use burn::tensor::ops::{FloatTensor, FloatTensorOps};
use burn::tensor::{Tensor, TensorData, TensorMetadata, TensorPrimitive};

type F = FloatTensor<Flex>;

fn random(shape: &[usize], draws: &mut Draws) -> F {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| draws.normal() as f32).collect();
    Flex::float_from_data(TensorData::new(values, shape.to_vec()), &Default::default())
}

fn values(x: F) -> Vec<f32> {
    let n = x.shape().num_elements();
    let x = Flex::float_reshape(x, [n].into());
    Tensor::<Flex, 1>::from_primitive(TensorPrimitive::Float(x)).into_data().iter::<f32>().collect()
}

fn near(a: F, b: F, what: &str) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    let (a, b) = (values(a), values(b));
    let scale = b.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    a.iter().zip(&b).for_each(|(a, b)| assert!((a - b).abs() < 1e-5 * scale, "{what}: {a} instead of {b}"));
}

fn first(x: F) -> F {
    Flex::float_permute(x, &[0, 3, 1, 2])
}

fn last(x: F) -> F {
    Flex::float_permute(x, &[0, 2, 3, 1]).to_contiguous()
}

/// A number of `low..=high`.
fn pick(draws: &mut Draws, low: usize, high: usize) -> usize {
    low + (draws.unit() * (high - low + 1) as f64) as usize
}

fn convolution(x: [usize; 4], w: [usize; 4], g: ConvGeometry, draws: &mut Draws) {
    let what = format!("{x:?} {w:?} {g:?}");
    let (x, w) = (random(&x, draws), random(&w, draws));
    let y = composed::convolve::<Flex>(first(x.clone()), w.clone(), g);
    near(Flex::convolve(x.clone(), w.clone(), g), last(y.clone()), &format!("forward of {what}"));
    let dy = random(&last(y).shape()[..], draws);
    let [n, h, width, c] = x.shape().dims();
    let dx = composed::convolve_dx::<Flex>([n, c, h, width], w.clone(), first(dy.clone()), g);
    let found = Flex::convolve_dx([n, h, width, c], w.clone(), dy.clone(), g);
    near(found, last(dx), &format!("dx of {what}"));
    let dw = composed::convolve_dw::<Flex>(first(x.clone()), w.shape().dims(), first(dy.clone()), g);
    near(Flex::convolve_dw(x, w.shape().dims(), dy, g), dw, &format!("dw of {what}"));
}

#[test]
fn convolutions_of_random_shapes_agree() {
    let mut draws = Seed::from_u64(1).draws();
    let d = &mut draws;
    for case in 0..60 {
        let groups = if case % 4 == 3 { pick(d, 2, 5) } else { 1 };
        let (cg, og) = if case % 8 == 7 { (1, 1) } else { (pick(d, 1, 37), pick(d, 1, 37)) };
        let (kernel, dilation) = ([pick(d, 1, 4), pick(d, 1, 4)], [pick(d, 1, 2), pick(d, 1, 2)]);
        let padding = [pick(d, 0, 2), pick(d, 0, 2)];
        // Large enough for one window at least.
        let side = |i: usize, d: &mut Draws| dilation[i] * (kernel[i] - 1) + 1 + pick(d, 0, 6);
        let x = [pick(d, 1, 4), side(0, d), side(1, d), cg * groups];
        let g = ConvGeometry { stride: [pick(d, 1, 3), pick(d, 1, 3)], padding, dilation, groups };
        convolution(x, [og * groups, cg, kernel[0], kernel[1]], g, d);
    }
}

#[test]
fn convolutions_of_small_images_and_many_channels_agree() {
    let mut draws = Seed::from_u64(22).draws();
    let d = &mut draws;
    for case in 0..24 {
        let (c, o) = (pick(d, 64, 90), pick(d, 64, 150));
        let (kernel, dilation) = ([pick(d, 1, 3), pick(d, 1, 3)], [pick(d, 1, 2), pick(d, 1, 2)]);
        let kernel = if case % 3 == 0 { [1, 1] } else { kernel };
        let padding = [pick(d, 0, 2), pick(d, 0, 2)];
        let side =
            |i: usize, d: &mut Draws| (dilation[i] * (kernel[i] - 1) + 1 + pick(d, 0, 2)).max(2) - padding[i].min(1);
        let x = [pick(d, 1, 20), side(0, d), side(1, d), c];
        let g = ConvGeometry { stride: [pick(d, 1, 2), pick(d, 1, 2)], padding, dilation, groups: 1 };
        convolution(x, [o, c, kernel[0], kernel[1]], g, d);
    }
}

#[test]
fn convolutions_by_winograd_agree() {
    let mut draws = Seed::from_u64(2).draws();
    let d = &mut draws;
    for _ in 0..24 {
        let (c, o) = (pick(d, 16, 40), pick(d, 16, 40));
        let x = [pick(d, 1, 5), pick(d, 3, 14), pick(d, 3, 14), c];
        let g = ConvGeometry { stride: [1, 1], padding: [pick(d, 0, 2), pick(d, 1, 2)], dilation: [1, 1], groups: 1 };
        convolution(x, [o, c, 3, 3], g, d);
    }
}

#[test]
fn maximum_pools_of_random_shapes_agree() {
    let mut draws = Seed::from_u64(3).draws();
    let d = &mut draws;
    for _ in 0..30 {
        let (kernel, dilation) = ([pick(d, 1, 3), pick(d, 1, 3)], [pick(d, 1, 2), pick(d, 1, 2)]);
        let stride = [pick(d, 1, 3), pick(d, 1, 3)];
        let size = [pick(d, 6, 9), pick(d, 6, 9)];
        let padding = [pick(d, 0, kernel[0] / 2), pick(d, 0, kernel[1] / 2)];
        // Every other time the last window is cut, as with rounding up.
        let extra = pick(d, 0, 1);
        let output = [0, 1].map(|i| {
            let room = size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1;
            room / stride[i] + 1 + if extra == 1 && !room.is_multiple_of(stride[i]) && kernel[i] > 1 { 1 } else { 0 }
        });
        let w = PoolWindow { kernel, stride, padding, dilation, output };
        let inside = |i: usize| (output[i] - 1) * stride[i] < size[i] + padding[i];
        if !(inside(0) && inside(1)) {
            continue;
        }
        let c = pick(d, 1, 37);
        let x = random(&[2, size[0], size[1], c], d);
        let (y, places) = Flex::max_pool(x.clone(), w);
        let (expected, other) = composed::max_pool::<Flex>(first(x.clone()).to_contiguous(), w);
        near(y.clone(), last(expected), &format!("{w:?}"));
        let dy = random(&y.shape()[..], d);
        let dx = Flex::max_pool_backward(x.shape().dims(), places, dy.clone(), w);
        let dy = first(dy).to_contiguous();
        let expected = composed::max_pool_backward::<Flex>([2, c, size[0], size[1]], other, dy, w);
        near(dx, last(expected), &format!("gradient of {w:?}"));
    }
}

#[test]
fn averages_agree() {
    let mut draws = Seed::from_u64(4).draws();
    let a = Average { rows: vec![(0..2, 0.5), (1..5, 0.25)], columns: vec![(0..1, 1.0), (1..4, 0.3), (3..6, 0.5)] };
    for c in [1, 17, 32] {
        let x = random(&[3, 5, 6, c], &mut draws);
        near(Flex::average(x.clone(), &a), last(composed::average::<Flex>(first(x.clone()), &a)), "average");
        let dy = random(&[3, 2, 3, c], &mut draws);
        let expected = composed::average_backward::<Flex>([3, c, 5, 6], first(dy.clone()), &a);
        near(Flex::average_backward([3, 5, 6, c], dy, &a), last(expected), "gradient of average");
    }
}

#[test]
fn batch_norms_agree_with_what_follows_them() {
    let mut draws = Seed::from_u64(5).draws();
    let d = &mut draws;
    for (i, shape) in [[4, 1, 1, 3], [3, 5, 7, 18], [2, 40, 50, 5], [5, 6, 6, 32]].into_iter().enumerate() {
        let relu = Some(UnaryOp::Relu);
        let alone = [UnaryOp::Silu, UnaryOp::Sigmoid, UnaryOp::HardSwish, UnaryOp::Clamp { min: -0.5, max: 1.0 }];
        let cases = [(false, None), (false, relu), (true, None), (true, relu)];
        for (residual, activation) in cases.into_iter().chain(alone.map(|op| (false, Some(op)))) {
            let what = format!("case {i}, residual {residual}, {activation:?}");
            let c = shape[3];
            let input = BatchNorm::<Flex> {
                x: random(&shape, d),
                weight: random(&[c], d),
                bias: random(&[c], d),
                residual: residual.then(|| random(&shape, d)),
                activation,
                eps: 1e-5,
            };
            let turned =
                BatchNorm { x: first(input.x.clone()), residual: input.residual.clone().map(first), ..input.clone() };
            let (y, mean, variance) = Flex::batch_norm(input.clone());
            let expected = composed::batch_norm::<Flex>(turned.clone());
            near(y.clone(), last(expected.0.clone()), &what);
            near(mean.clone(), expected.1, &what);
            near(variance.clone(), expected.2, &what);
            let dy = random(&shape, d);
            let result = (residual && activation.is_some()).then(|| y.clone());
            let found = Flex::batch_norm_backward(input, result, (mean.clone(), variance.clone()), dy.clone());
            let result = (residual && activation.is_some()).then(|| first(y));
            let expected = composed::batch_norm_backward::<Flex>(turned, result, (mean, variance), first(dy));
            let [dx, dw, db, dr] = expected;
            let [fx, fw, fb, fr] = found;
            near(fx, last(dx), &what);
            near(fw, dw, &what);
            near(fb, db, &what);
            if residual {
                near(fr, last(dr), &what);
            }
        }
    }
}

#[test]
fn group_norms_agree() {
    let mut draws = Seed::from_u64(6).draws();
    let d = &mut draws;
    // Rows of one group (layer normalisation) with whole vectors and without, groups of one channel, one group, several samples
    // to a part and several parts.
    let sizes =
        [[70, 1, 1100], [5, 1, 3], [3, 1, 12], [4, 35, 12], [2, 1600, 12], [3, 9, 48], [300, 16, 24], [1, 1, 2100]];
    for (sizes, groups) in sizes.into_iter().flat_map(|s| [1, 3, s[2]].map(|g| (s, g))).filter(|(s, g)| s[2] % g == 0) {
        let [n, p, c] = sizes;
        let what = format!("{sizes:?} in {groups}");
        // A group of one element has no variance: its gradient is of the size of what is rounded off.
        if p * c == groups {
            continue;
        }
        let x = Flex::float_add_scalar(random(&[n, p, c], d), 3.0.into());
        let input = GroupNorm::<Flex> { x, weight: random(&[c], d), bias: random(&[c], d), sizes, groups, eps: 1e-3 };
        let (y, mean, variance) = Flex::group_norm(input.clone());
        let expected = composed::group_norm::<Flex>(input.clone());
        near(y, expected.0, &what);
        near(mean.clone(), expected.1, &what);
        near(variance.clone(), expected.2, &what);
        let dy = random(&[n, p, c], d);
        let found = Flex::group_norm_backward(input.clone(), (mean.clone(), variance.clone()), dy.clone());
        let expected = composed::group_norm_backward::<Flex>(input, (mean, variance), dy);
        found.into_iter().zip(expected).for_each(|(found, expected)| near(found, expected, &what));
    }
}

#[test]
fn what_is_settled_has_the_same_elements_in_their_order() {
    let mut draws = Seed::from_u64(7).draws();
    let d = &mut draws;
    let x = random(&[3, 4, 5, 6], d);
    let part = |from: usize, to: usize| burn::tensor::Slice::new(from as isize, Some(to as isize), 1);
    let views = [
        Flex::float_permute(x.clone(), &[0, 2, 1, 3]),
        Flex::float_permute(x.clone(), &[3, 1, 0, 2]),
        Flex::float_slice(x.clone(), &[part(1, 3), part(0, 4), part(1, 5), part(0, 6)]),
        Flex::float_slice(x.clone(), &[part(1, 3), part(1, 4), part(1, 5), part(1, 6)]),
        Flex::float_slice(x.clone(), &[part(0, 1), part(0, 4), part(0, 5), part(0, 6)]),
        Flex::float_expand(Flex::float_slice(x.clone(), &[part(0, 3), part(1, 2)]), [3, 4, 5, 6].into()),
        Flex::float_flip(x.clone(), &[1]),
        x,
    ];
    for (i, view) in views.into_iter().enumerate() {
        let settled = Flex::settle(view.clone());
        assert_eq!(settled.shape(), view.shape());
        assert_eq!(settled.storage::<f32>().len(), view.shape().num_elements(), "{i}");
        assert_eq!(values(settled), values(view), "{i}");
    }
}

#[test]
fn extremes_share_their_gradient_among_equals() {
    let tensor =
        |v: &[f32], shape: [usize; 3]| Flex::float_from_data(TensorData::new(v.to_vec(), shape), &Default::default());
    let x = tensor(&[1.0, 5.0, 3.0, f32::INFINITY, 3.0, 2.0, -1.0, 0.0, -1.0, f32::NAN, -7.0, 4.0], [2, 3, 2]);
    let y = Flex::extreme_middle(x.clone(), true).unwrap_or_else(|_| panic!("it has a kernel"));
    let found = values(y.clone());
    assert_eq!(found[..3], [3.0, f32::INFINITY, -1.0]);
    assert!(found[3].is_nan());
    let dx = Flex::extreme_middle_backward(x.clone(), y, tensor(&[8.0, 2.0, 4.0, 1.0], [2, 1, 2]));
    assert_eq!(values(dx), [0.0, 0.0, 4.0, 2.0, 4.0, 0.0, 2.0, 0.0, 2.0, 0.0, 0.0, 0.0]);
    let least = values(Flex::extreme_middle(x, false).unwrap_or_else(|_| panic!("it has a kernel")));
    assert_eq!(least[..3], [1.0, 2.0, -7.0]);
    assert!(least[3].is_nan());
    let repeated = Flex::repeat_middle(tensor(&[1.0, 2.0, 3.0, 4.0], [2, 1, 2]), 2);
    assert_eq!(values(repeated), [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
}

#[test]
fn activations_are_exact_to_a_few_units_in_the_last_place() {
    // Abramowitz and Stegun 7.1.5, whose terms do not grow below 3, and the complement's continued fraction (7.1.14) beyond.
    let erf = |x: f64| -> f64 {
        if x.abs() < 3.0 {
            let (mut term, mut sum) = (x, x);
            for n in 1..80 {
                term *= -x * x / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            return sum * std::f64::consts::FRAC_2_SQRT_PI;
        }
        let fraction = (1..60).rev().fold(x.abs(), |f, n| x.abs() + f64::from(n) / 2.0 / f);
        x.signum() * (1.0 - (-x * x).exp() / fraction * std::f64::consts::FRAC_2_SQRT_PI / 2.0)
    };
    // Without a kink at zero, where a difference says nothing.
    let elu = UnaryOp::Elu { alpha: 1.0 / 0.9, scale: 1.1, input_scale: 0.9 };
    type Exact<'a> = &'a dyn Fn(f64) -> f64;
    let cases: [(UnaryOp, Exact<'_>); 3] = [
        (UnaryOp::Mish, &|x| x * x.exp().ln_1p().tanh()),
        (elu, &|x| if x > 0.0 { 1.1 * x } else { 1.1 / 0.9 * (0.9 * x).exp_m1() }),
        (UnaryOp::Gelu { tanh: false }, &|x| 0.5 * x * (1.0 + erf(x / 2f64.sqrt()))),
    ];
    let xs: Vec<f32> =
        (-2500..2500).map(|i| i as f32 * 0.0037 + 1e-5).chain([-80.0, -30.0, 30.0, 90.0, 1e-6]).collect();
    let x = Flex::float_from_data(TensorData::new(xs.clone(), [xs.len()]), &Default::default());
    let one = Flex::float_from_data(TensorData::new(vec![1.0f32; xs.len()], [xs.len()]), &Default::default());
    for (op, exact) in cases {
        let y = values(Flex::activate(op, x.clone()).unwrap_or_else(|_| panic!("{op:?} has a kernel")));
        let slopes = values(Flex::activate_backward(op, x.clone(), one.clone()));
        for ((&x, y), slope) in xs.iter().zip(y).zip(slopes) {
            let expected = exact(f64::from(x));
            // Where 1 + erf cancels, the product is exact beside x.
            let beside = if matches!(op, UnaryOp::Gelu { .. }) { f64::from(x).abs() } else { expected.abs() };
            assert!((f64::from(y) - expected).abs() <= 5e-7 * beside + 1e-30, "{op:?} of {x}: {y}, not {expected}");
            let h = 1e-6;
            let rise = (exact(f64::from(x) + h) - exact(f64::from(x) - h)) / (2.0 * h);
            assert!((f64::from(slope) - rise).abs() < 2e-6, "slope of {op:?} at {x}: {slope}, not {rise}");
        }
    }
}

#[test]
fn activations_hand_nan_on() {
    let x = Flex::float_from_data(TensorData::new(vec![f32::NAN, -1.0, 2.0], [3]), &Default::default());
    let elu = UnaryOp::Elu { alpha: 1.0, scale: 1.0, input_scale: 1.0 };
    let clamp = UnaryOp::Clamp { min: 0.0, max: 6.0 };
    let leaky = UnaryOp::LeakyRelu { slope: 0.1 };
    for op in [UnaryOp::Relu, UnaryOp::Silu, UnaryOp::Mish, elu, UnaryOp::Gelu { tanh: false }, clamp, leaky] {
        let y = Flex::activate(op, x.clone()).unwrap_or_else(|_| panic!("{op:?} has a kernel"));
        assert!(values(y)[0].is_nan(), "{op:?}");
    }
}

#[test]
fn a_pool_hands_nan_on_and_prefers_the_first_of_equals() {
    let mut data = vec![1.0f32; 32];
    data[5] = f32::NAN;
    let x = Flex::float_from_data(TensorData::new(data, [1, 4, 8, 1]), &Default::default());
    let w = PoolWindow { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], output: [2, 4] };
    let (y, places) = Flex::max_pool(x, w);
    assert_eq!(values(y).iter().filter(|v| v.is_nan()).count(), 1);
    assert_eq!(places.storage::<u8>()[0], 0);
}

#[test]
fn linear_layers_of_random_shapes_agree() {
    let mut draws = Seed::from_u64(20).draws();
    let d = &mut draws;
    for case in 0..30 {
        // Few rows and many go different ways, and so do products that are worth threads.
        let m = if case % 3 == 0 { pick(d, 150, 300) } else { pick(d, 1, 70) };
        let (n, k) = (pick(d, 1, 200), pick(d, 1, 200));
        let what = format!("{m} {n} {k}");
        let (x, w, dy) = (random(&[m, k], d), random(&[n * k], d), random(&[m, n], d));
        near(Flex::linear_forward(x.clone(), w.clone(), None), composed::linear::<Flex>(x.clone(), w.clone()), &what);
        near(Flex::linear_dx(dy.clone(), w.clone()), composed::linear_dx::<Flex>(dy.clone(), w), &what);
        let outer = Outer { dy, x };
        let dw = composed::linear_dw::<Flex>(outer.clone());
        near(Flex::linear_dw(outer.clone()), dw.clone(), &what);
        let squares: f64 = values(dw).iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
        let found = f64::from(values(Flex::outer_squares(outer))[0]);
        assert!((found - squares).abs() < 1e-5 * squares, "{what}: {found} instead of {squares}");
    }
}

#[test]
fn an_update_by_a_product_is_the_update_by_its_result() {
    let mut draws = Seed::from_u64(21).draws();
    let d = &mut draws;
    let kind =
        Optimizer::Adam { lr: 0.1, betas: (0.9, 0.99), eps: 1e-3, weight_decay: 0.1, decoupled: false, amsgrad: true };
    // A block of rows and columns or less, and more than one of each.
    for [m, n, k] in [[3, 5, 7], [64, 64, 1024], [20, 150, 1100], [1, 65, 2050]] {
        let (value, dy, x) = (random(&[n * k], d), random(&[m, n], d), random(&[m, k], d));
        let moments: Vec<F> = (0..3).map(|_| Flex::float_powi_scalar(random(&[n * k], d), 2.into())).collect();
        let rule = Rule { kind: &kind, lr: 0.1, steps: 2, limit: Some(1.0) };
        let factor = Some(Flex::float_full([1].into(), 0.5.into(), &Default::default(), burn::tensor::FloatDType::F32));
        let outer = Outer { dy, x };
        let dw = Flex::float_reshape(composed::linear_dw::<Flex>(outer.clone()), [n * k].into());
        let (expected, then) = composed::update::<Flex>(&rule, value.clone(), dw, factor.clone(), moments.clone());
        let (found, now) = Flex::update_outer(&rule, value.clone(), outer, factor, moments);
        near(found, expected, "value");
        now.into_iter().zip(then).for_each(|(a, b)| near(a, b, "moment"));
    }
}
