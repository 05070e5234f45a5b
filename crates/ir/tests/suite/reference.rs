//! The reference interpreter against values worked out by hand or given in PyTorch's documentation.

use crate::net::{Prog, Style, residual, typed};
use archsmith_ir::prim::{BinaryOp, Distribution, InterpolateMode, PadMode, PoolKind, ReduceOp, UnaryOp};
use archsmith_ir::reference::{HostTensor, Mode, Options, RefError, evaluate, fold, initial_state, run};
use archsmith_ir::{DType, Prim, Seed, TensorType, V};

fn f32s(shape: &[usize], values: &[f64]) -> HostTensor {
    HostTensor::from_f64(TensorType::f32(shape), values.to_vec()).expect("as many values as the shape has")
}

fn i64s(shape: &[usize], values: &[i64]) -> HostTensor {
    HostTensor::i64(shape, values.to_vec()).expect("as many values as the shape has")
}

/// Applies one primitive to inputs and gives all its outputs.
fn all(prim: Prim, inputs: &[HostTensor]) -> Vec<HostTensor> {
    let mut p = Prog::default();
    let vs: Vec<V> = inputs.iter().map(|t| p.input(t.ty().clone())).collect();
    let first = p.apply(prim, &vs);
    p.0.outputs = (first.0..p.0.values.len() as u32).map(V).collect();
    evaluate(&p.0, inputs, &mut [], &Options::new(Seed::from_u64(7))).expect("evaluates")
}

fn one(prim: Prim, inputs: &[HostTensor]) -> Vec<f64> {
    all(prim, inputs)[0].to_f64().into_owned()
}

fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-6 * e.abs().max(1.0), "found {found:?}, expected {expected:?}");
    }
}

fn count(shape: &[usize]) -> HostTensor {
    let n: usize = shape.iter().product();
    f32s(shape, &(0..n).map(|i| i as f64).collect::<Vec<_>>())
}

fn conv(stride: usize, padding: (usize, usize), dilation: usize, groups: usize) -> Prim {
    Prim::Conv { stride: vec![stride], padding: vec![padding], dilation: vec![dilation], groups }
}

#[test]
fn convolution_by_hand() {
    let (x, w) = (f32s(&[1, 1, 5], &[1.0, 2.0, 3.0, 4.0, 5.0]), f32s(&[1, 1, 3], &[1.0, 10.0, 100.0]));
    near(&one(conv(1, (0, 0), 1, 1), &[x.clone(), w.clone()]), &[321.0, 432.0, 543.0]);
    near(&one(conv(2, (1, 0), 1, 1), &[x.clone(), w.clone()]), &[210.0, 432.0]);
    near(&one(conv(1, (0, 0), 2, 1), &[x.clone(), w.clone()]), &[531.0]);
    near(&one(conv(1, (2, 1), 1, 1), &[x, w, f32s(&[1], &[0.5])]), &[100.5, 210.5, 321.5, 432.5, 543.5, 54.5]);
}

#[test]
fn grouped_convolution_keeps_groups_apart() {
    let x = f32s(&[1, 2, 2], &[1.0, 2.0, 30.0, 40.0]);
    let w = f32s(&[4, 1, 1], &[1.0, 2.0, 3.0, 4.0]);
    near(&one(conv(1, (0, 0), 1, 2), &[x, w]), &[1.0, 2.0, 2.0, 4.0, 90.0, 120.0, 120.0, 160.0]);
}

#[test]
fn two_dimensional_convolution_by_hand() {
    let x = count(&[1, 1, 3, 3]);
    let w = f32s(&[1, 1, 2, 2], &[1.0, 0.0, 0.0, 2.0]);
    let prim = Prim::Conv { stride: vec![1, 1], padding: vec![(0, 0); 2], dilation: vec![1, 1], groups: 1 };
    near(&one(prim, &[x, w]), &[8.0, 11.0, 17.0, 20.0]);
}

/// ⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩ for every stride, padding, dilation and number of groups.
#[test]
fn transposed_convolution_is_the_adjoint() {
    for (stride, pad, dilation, groups) in [(1, 0, 1, 1), (2, 1, 1, 2), (3, 2, 2, 1), (2, 0, 2, 2)] {
        let x = all(random(&[2, 4, 11]), &[])[0].clone();
        let w = all(random(&[6, 4 / groups, 3]), &[])[0].clone();
        let y = all(conv(stride, (pad, pad), dilation, groups), &[x.clone(), w.clone()])[0].clone();
        let g = all(random(y.shape()), &[])[0].clone();
        let reach = (y.shape()[2] - 1) * stride + dilation * 2 + 1 - 2 * pad;
        let prim = Prim::ConvTranspose {
            stride: vec![stride],
            padding: vec![pad],
            output_padding: vec![11 - reach],
            dilation: vec![dilation],
            groups,
        };
        let back = all(prim, &[g.clone(), w])[0].clone();
        let dot =
            |a: &HostTensor, b: &HostTensor| a.to_f64().iter().zip(b.to_f64().iter()).map(|(a, b)| a * b).sum::<f64>();
        let (left, right) = (dot(&y, &g), dot(&x, &back));
        assert!((left - right).abs() < 1e-4 * left.abs().max(1.0), "{left} {right}");
    }
}

fn random(shape: &[usize]) -> Prim {
    Prim::Random { ty: TensorType::f32(shape), distribution: Distribution::Normal { mean: 0.3, std: 1.0 } }
}

fn pool(kind: PoolKind, kernel: usize, stride: usize, padding: usize, ceil_mode: bool) -> Prim {
    Prim::Pool {
        kind,
        kernel: vec![kernel],
        stride: vec![stride],
        padding: vec![padding],
        dilation: vec![1],
        ceil_mode,
    }
}

#[test]
fn pools_count_padding_as_pytorch_does() {
    let x = f32s(&[1, 1, 5], &[-1.0, -2.0, -3.0, -4.0, -5.0]);
    near(&one(pool(PoolKind::Max, 3, 2, 1, false), std::slice::from_ref(&x)), &[-1.0, -2.0, -4.0]);
    let avg = |count_include_pad, divisor| PoolKind::Avg { count_include_pad, divisor };
    near(&one(pool(avg(true, None), 3, 2, 1, false), std::slice::from_ref(&x)), &[-1.0, -3.0, -3.0]);
    near(&one(pool(avg(false, None), 3, 2, 1, false), std::slice::from_ref(&x)), &[-1.5, -3.0, -4.5]);
    near(&one(pool(avg(true, Some(2)), 3, 2, 1, false), std::slice::from_ref(&x)), &[-1.5, -4.5, -4.5]);
    // The last window holds one element, and reaches beyond the padding: it counts as one.
    near(&one(pool(avg(true, None), 2, 2, 0, true), &[x]), &[-1.5, -3.5, -5.0]);
}

#[test]
fn adaptive_pools_use_overlapping_windows() {
    let x = f32s(&[1, 1, 5], &[1.0, 2.0, 3.0, 4.0, 5.0]);
    near(&one(Prim::AdaptivePool { max: false, output: vec![3] }, std::slice::from_ref(&x)), &[1.5, 3.0, 4.5]);
    near(&one(Prim::AdaptivePool { max: true, output: vec![2] }, &[x]), &[3.0, 5.0]);
}

fn resize(mode: InterpolateMode, size: &[usize], align_corners: bool) -> Prim {
    Prim::Interpolate { size: size.to_vec(), mode, align_corners, scales: None }
}

/// The examples of `torch.nn.Upsample`'s documentation.
#[test]
fn upsampling_as_documented() {
    let x = f32s(&[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let nearest = [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 3.0, 3.0, 4.0, 4.0];
    near(&one(resize(InterpolateMode::Nearest, &[4, 4], false), std::slice::from_ref(&x)), &nearest);
    let bilinear = [1.0, 1.25, 1.75, 2.0, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3.0, 3.25, 3.75, 4.0];
    near(&one(resize(InterpolateMode::Linear, &[4, 4], false), std::slice::from_ref(&x)), &bilinear);
    let third = 1.0 / 3.0;
    let aligned: Vec<f64> = (0..16).map(|i| 1.0 + third * (i % 4) as f64 + 2.0 * third * (i / 4) as f64).collect();
    near(&one(resize(InterpolateMode::Linear, &[4, 4], true), &[x]), &aligned);
}

#[test]
fn cubic_interpolation_uses_minus_three_quarters() {
    let x = f32s(&[1, 1, 4], &[0.0, 0.0, 1.0, 0.0]);
    // Half-way between samples 1 and 2, the shares are −0.09375, 0.59375, 0.59375, −0.09375.
    near(
        &one(resize(InterpolateMode::Cubic, &[7], true), &[x]),
        &[0.0, -0.09375, 0.0, 0.59375, 1.0, 0.59375 + 0.0, 0.0],
    );
}

#[test]
fn batch_norm_in_training_updates_statistics_without_bias() {
    let ty = TensorType::f32([4]);
    let mut p = Prog::default();
    let x = p.input(TensorType::f32([4, 1]));
    let one_ty = TensorType::f32([1]);
    let (m, v) = (p.state(0, one_ty.clone()), p.state(1, one_ty));
    let prim = Prim::BatchNorm { training: true, momentum: Some(0.1), eps: 0.0, affine: false, stats: true };
    let y = p.apply(prim, &[x, m, v]);
    p.0.outputs = vec![y];
    let mut state = [f32s(&[1], &[0.0]), f32s(&[1], &[1.0])];
    let input = f32s(&[4, 1], &[1.0, 2.0, 3.0, 6.0]);
    let out = evaluate(&p.0, &[input], &mut state, &Options::new(Seed::from_u64(0))).expect("evaluates");
    let sd = 3.5f64.sqrt();
    near(&out[0].to_f64(), &[-2.0 / sd, -1.0 / sd, 0.0, 3.0 / sd]);
    near(&state[0].to_f64(), &[0.3]);
    near(&state[1].to_f64(), &[0.9 + 0.1 * 14.0 / 3.0]);
    assert_eq!(ty.numel(), 4);
}

#[test]
fn normalisations_by_hand() {
    let x = f32s(&[1, 4], &[1.0, 3.0, 5.0, 11.0]);
    let sd = 14.0f64.sqrt();
    let ln = Prim::LayerNorm { axes: 1, eps: 0.0, weight: false, bias: false };
    near(&one(ln, std::slice::from_ref(&x)), &[-4.0 / sd, -2.0 / sd, 0.0, 6.0 / sd]);
    let gn = Prim::GroupNorm { groups: 2, eps: 0.0, affine: false };
    near(&one(gn, &[x]), &[-1.0, 1.0, -1.0, 1.0]);
}

#[test]
fn activations_at_points_where_they_differ() {
    let x = f32s(&[3], &[-1.0, 0.5, 25.0]);
    let at = |op| one(Prim::Unary(op), std::slice::from_ref(&x));
    near(&at(UnaryOp::Gelu { tanh: false }), &[-0.158_655_25, 0.345_731_23, 25.0]);
    near(&at(UnaryOp::Gelu { tanh: true }), &[-0.158_808, 0.345_714, 25.0]);
    near(&at(UnaryOp::Softplus { beta: 1.0, threshold: 20.0 }), &[0.313_261_69, 0.974_076_98, 25.0]);
    near(&at(UnaryOp::Mish), &[-0.303_401_46, 0.375_245_13, 25.0]);
    near(&at(UnaryOp::HardSwish), &[-1.0 / 3.0, 0.291_666_67, 25.0]);
    near(&at(UnaryOp::Elu { alpha: 2.0, scale: 1.0, input_scale: 1.0 }), &[-1.264_241_12, 0.5, 25.0]);
    near(&one(Prim::Unary(UnaryOp::Round), &[f32s(&[4], &[0.5, 1.5, -0.5, 2.5])]), &[0.0, 2.0, 0.0, 2.0]);
}

#[test]
fn nan_goes_through() {
    let x = f32s(&[3], &[f64::NAN, 1.0, -1.0]);
    assert!(one(Prim::Unary(UnaryOp::Relu), std::slice::from_ref(&x))[0].is_nan());
    assert!(one(Prim::Unary(UnaryOp::Clamp { min: 0.0, max: 1.0 }), std::slice::from_ref(&x))[0].is_nan());
    assert!(
        one(Prim::Reduce { op: ReduceOp::Max, dims: vec![0], keepdim: false }, std::slice::from_ref(&x))[0].is_nan()
    );
    near(&one(Prim::ArgReduce { max: false, dim: 0 }, &[x]), &[0.0]);
}

#[test]
fn integers_divide_as_in_python_and_wrap() {
    let (a, b) = (i64s(&[4], &[7, -7, 7, -7]), i64s(&[4], &[2, 2, -2, -2]));
    near(&one(Prim::Binary(BinaryOp::FloorDiv), &[a.clone(), b.clone()]), &[3.0, -4.0, -4.0, 3.0]);
    near(&one(Prim::Binary(BinaryOp::Remainder), &[a, b]), &[1.0, 1.0, -1.0, -1.0]);
    near(&one(Prim::Cast(DType::U8), &[i64s(&[2], &[-1, 256])]), &[255.0, 0.0]);
    near(&one(Prim::Cast(DType::I64), &[f32s(&[2], &[-1.7, 2.9])]), &[-1.0, 2.0]);
}

#[test]
fn broadcasting_and_reductions() {
    let (a, b) = (count(&[2, 1, 3]), f32s(&[2, 1], &[10.0, 20.0]));
    let sum = [10.0, 11.0, 12.0, 20.0, 21.0, 22.0, 13.0, 14.0, 15.0, 23.0, 24.0, 25.0];
    near(&one(Prim::Binary(BinaryOp::Add), &[a, b]), &sum);
    let x = count(&[2, 3]);
    let reduce =
        |op, dims: &[usize]| one(Prim::Reduce { op, dims: dims.to_vec(), keepdim: false }, std::slice::from_ref(&x));
    near(&reduce(ReduceOp::Mean, &[0]), &[1.5, 2.5, 3.5]);
    near(&reduce(ReduceOp::Sum, &[1]), &[3.0, 12.0]);
    near(&reduce(ReduceOp::Var { correction: 1.0 }, &[0, 1]), &[3.5]);
    near(&reduce(ReduceOp::Prod, &[1]), &[0.0, 60.0]);
    near(&one(Prim::Softmax { dim: 1, log: false }, &[f32s(&[1, 2], &[0.0, 3f64.ln()])]), &[0.25, 0.75]);
    near(&one(Prim::CumSum { dim: 1 }, &[count(&[2, 3])]), &[0.0, 1.0, 3.0, 3.0, 7.0, 12.0]);
}

#[test]
fn matrices_by_hand() {
    let (a, b) = (count(&[2, 2, 2]), count(&[2, 2, 1]));
    near(&one(Prim::MatMul, &[a, b]), &[1.0, 3.0, 23.0, 33.0]);
}

#[test]
fn moving_elements() {
    let x = count(&[2, 3]);
    let apply = |p| one(p, std::slice::from_ref(&x));
    near(&apply(Prim::Permute { dims: vec![1, 0] }), &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    near(&apply(Prim::Flip { dims: vec![1] }), &[2.0, 1.0, 0.0, 5.0, 4.0, 3.0]);
    near(&apply(Prim::Slice { dim: 1, start: 0, end: 3, step: 2 }), &[0.0, 2.0, 3.0, 5.0]);
    let pad = |mode, pads: &[(i64, i64)]| one(Prim::Pad { mode, pads: pads.to_vec() }, &[f32s(&[3], &[1.0, 2.0, 3.0])]);
    near(&pad(PadMode::Reflect, &[(2, 1)]), &[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    near(&pad(PadMode::Circular, &[(1, 2)]), &[3.0, 1.0, 2.0, 3.0, 1.0, 2.0]);
    near(&pad(PadMode::Replicate, &[(1, 1)]), &[1.0, 1.0, 2.0, 3.0, 3.0]);
    near(&pad(PadMode::Constant(9.0), &[(1, -1)]), &[9.0, 1.0, 2.0]);
    let joined = one(Prim::Concat { dim: 1 }, &[count(&[2, 1]), count(&[2, 2])]);
    near(&joined, &[0.0, 0.0, 1.0, 1.0, 2.0, 3.0]);
}

/// The examples of `torch.gather` and `Tensor.scatter_` in PyTorch's documentation.
#[test]
fn gather_and_scatter_as_documented() {
    let t = f32s(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    near(&one(Prim::Gather { dim: 1 }, &[t, i64s(&[2, 2], &[0, 0, 1, 0])]), &[1.0, 1.0, 4.0, 3.0]);
    let src = f32s(&[2, 5], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
    let (zeros, index) = (f32s(&[3, 5], &[0.0; 15]), i64s(&[1, 4], &[0, 1, 2, 0]));
    let expected = [1.0, 0.0, 0.0, 4.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0];
    near(&one(Prim::Scatter { dim: 0, add: false }, &[zeros.clone(), index, src.clone()]), &expected);
    let twice = one(Prim::Scatter { dim: 1, add: true }, &[zeros, i64s(&[1, 2], &[3, 3]), src]);
    near(&twice[..5], &[0.0, 0.0, 0.0, 3.0, 0.0]);
}

#[test]
fn topk_takes_the_lower_index_among_equals() {
    let out = all(Prim::TopK { k: 3, dim: 0, largest: true }, &[f32s(&[4], &[2.0, 5.0, 2.0, 5.0])]);
    near(&out[0].to_f64(), &[5.0, 5.0, 2.0]);
    near(&out[1].to_f64(), &[1.0, 3.0, 0.0]);
}

#[test]
fn an_index_out_of_bounds_is_an_error() {
    let mut p = Prog::default();
    let (x, i) = (p.input(TensorType::f32([3])), p.input(TensorType::new(DType::I64, [1])));
    let y = p.apply(Prim::IndexSelect { dim: 0 }, &[x, i]);
    p.0.outputs = vec![y];
    let inputs = [count(&[3]), i64s(&[1], &[3])];
    let e = evaluate(&p.0, &inputs, &mut [], &Options::new(Seed::from_u64(0)));
    assert_eq!(e, Err(RefError::Index { index: 3, size: 3 }));
    let e = evaluate(&p.0, &inputs[..1], &mut [], &Options::new(Seed::from_u64(0)));
    assert!(matches!(e, Err(RefError::Input { index: 1, .. })), "{e:?}");
}

#[test]
fn half_precision_is_rounded() {
    let x = one(Prim::Cast(DType::BF16), &[f32s(&[2], &[1.003, 1.0])]);
    near(&x, &[1.0, 1.0]);
    near(&one(Prim::Cast(DType::F16), &[f32s(&[1], &[0.1])]), &[0.099_975_585_937_5]);
}

#[test]
fn dropout_keeps_the_mean_and_repeats_with_its_seed() {
    let x = HostTensor::full(TensorType::f32([100, 100, 1]), 1.0);
    let drop = |mask: &[usize]| one(Prim::Dropout { p: 0.25, mask: mask.to_vec() }, std::slice::from_ref(&x));
    let a = drop(&[100, 100, 1]);
    assert_eq!(a, drop(&[100, 100, 1]));
    let kept = a.iter().filter(|v| **v != 0.0).count();
    assert!((7300..7700).contains(&kept), "{kept}");
    assert!(a.iter().all(|v| *v == 0.0 || (*v - 4.0 / 3.0).abs() < 1e-6));
    // One mask element for a whole row.
    assert!(drop(&[100, 1, 1]).chunks(100).all(|row| row.iter().all(|v| v == &row[0])));
}

fn drawn(distribution: Distribution, shape: &[usize]) -> Vec<f64> {
    one(Prim::Random { ty: TensorType::f32(shape), distribution }, &[])
}

#[test]
fn distributions_have_their_moments_and_bounds() {
    let moments = |v: &[f64]| {
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        (mean, v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / v.len() as f64)
    };
    let u = drawn(Distribution::Uniform { low: -1.0, high: 3.0 }, &[100_000]);
    let (mean, var) = moments(&u);
    assert!((mean - 1.0).abs() < 0.02 && (var - 16.0 / 12.0).abs() < 0.02, "{mean} {var}");
    assert!(u.iter().all(|v| (-1.0..3.0).contains(v)));
    let (mean, var) = moments(&drawn(Distribution::Normal { mean: 2.0, std: 3.0 }, &[100_001]));
    assert!((mean - 2.0).abs() < 0.04 && (var - 9.0).abs() < 0.15, "{mean} {var}");
    let t = drawn(Distribution::TruncatedNormal { mean: 0.0, std: 1.0, a: -1.0, b: 1.0 }, &[50_000]);
    assert!(t.iter().all(|v| (-1.0..=1.0).contains(v)));
    assert!((moments(&t).1 - 0.291).abs() < 0.01);
    let far = drawn(Distribution::TruncatedNormal { mean: 0.0, std: 1e-3, a: 5.0, b: 6.0 }, &[3]);
    near(&far, &[5.0; 3]);
}

#[test]
fn orthogonal_matrices_are_orthogonal() {
    for shape in [[5, 9], [9, 5], [6, 6]] {
        let q = drawn(Distribution::Orthogonal { gain: 2.0 }, &shape);
        let [r, c] = shape;
        let vector = |i: usize, k: usize| if r <= c { q[i * c + k] } else { q[k * c + i] };
        for i in 0..r.min(c) {
            for j in 0..r.min(c) {
                let dot: f64 = (0..r.max(c)).map(|k| vector(i, k) * vector(j, k)).sum();
                assert!((dot - if i == j { 4.0 } else { 0.0 }).abs() < 1e-5, "{shape:?} {i} {j} {dot}");
            }
        }
    }
}

#[test]
fn initial_values_repeat_and_do_not_depend_on_other_layers() {
    let seed = Seed::from_u64(3);
    let plain = typed(residual(&Style::default()));
    let more = typed(residual(&Style { extra_layer: true, ..Style::default() }));
    let (a, b) = (initial_state(&plain, &seed).expect("draws"), initial_state(&more, &seed).expect("draws"));
    assert_eq!(a, initial_state(&plain, &seed).expect("draws"));
    assert_eq!(a[..], b[1..]);
    assert_ne!(a[0], initial_state(&plain, &Seed::from_u64(4)).expect("draws")[0]);
    // Two tensors of one shape are drawn apart.
    assert_ne!(a[1], a[2]);
    assert!(a.iter().zip(&plain.graph().state).all(|(t, s)| t.ty() == &s.ty));
}

#[test]
fn a_network_runs_in_both_modes() {
    let graph = typed(residual(&Style::default()));
    let seed = Seed::from_u64(1);
    let mut state = initial_state(&graph, &seed).expect("draws");
    let x = all(random(&[2, 3, 8, 8]), &[])[0].clone();
    let options = Options::of(&graph, seed);
    let before = state.clone();
    let eval = run(&graph, Mode::Eval, std::slice::from_ref(&x), &mut state, &options).expect("runs");
    assert_eq!(state, before, "evaluation changes nothing");
    assert_eq!(eval[0].shape(), [2, 10]);
    let train = run(&graph, Mode::Train, &[x], &mut state, &options).expect("runs");
    assert_ne!(eval, train);
    let mean = graph.graph().state.iter().position(|s| s.name == "bn.running_mean").expect("is there");
    assert_ne!(state[mean], before[mean]);
}

#[test]
fn folding_stops_at_inputs_randomness_and_size() {
    let mut p = Prog::default();
    let x = p.input(TensorType::f32([2]));
    let c = p.apply(Prim::Arange { start: 1.0, step: 0.5, n: 3, dtype: DType::F32 }, &[]);
    let s = p.apply(Prim::Reduce { op: ReduceOp::Sum, dims: vec![0], keepdim: false }, &[c]);
    let r = p.apply(random(&[3]), &[]);
    let mixed = p.apply(Prim::Binary(BinaryOp::Add), &[c, r]);
    let with_input = p.apply(Prim::Binary(BinaryOp::Mul), &[x, s]);
    near(&fold(&p.0, s, 10).expect("constant").to_f64(), &[4.5]);
    assert_eq!(fold(&p.0, s, 2), None);
    assert_eq!(fold(&p.0, mixed, 10), None);
    assert_eq!(fold(&p.0, with_input, 10), None);
    assert_eq!(fold(&p.0, x, 10), None);
}

#[test]
fn a_damaged_program_is_an_error() {
    let mut p = Prog::default();
    let x = p.input(TensorType::f32([2, 2]));
    let y = p.apply(Prim::MatMul, &[x, x]);
    p.0.outputs = vec![y];
    p.0.values[y.index()] = TensorType::f32([3]);
    let e = evaluate(&p.0, &[count(&[2, 2])], &mut [], &Options::new(Seed::from_u64(0)));
    assert!(matches!(e, Err(RefError::Damaged(_))), "{e:?}");
}
