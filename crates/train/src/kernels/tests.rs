//! The CPU kernels against the composed forms, which other backends use.

use super::{ConvGeometry, Kernels, PoolWindow, composed};
use archsmith_ir::Seed;
use burn::backend::Flex;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, TensorData, TensorMetadata, TensorPrimitive};

fn random(shape: &[usize], seed: u64) -> FloatTensor<Flex> {
    let mut draws = Seed::from_u64(seed).draws();
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| draws.normal() as f32).collect();
    let data = TensorData::new(values, shape.to_vec());
    <Flex as burn::tensor::ops::FloatTensorOps<Flex>>::float_from_data(data, &Default::default())
}

fn near(a: FloatTensor<Flex>, b: FloatTensor<Flex>) {
    let flat = |x: FloatTensor<Flex>| -> Vec<f32> {
        let n = x.shape().num_elements();
        let x = <Flex as burn::tensor::ops::FloatTensorOps<Flex>>::float_reshape(x, [n].into());
        Tensor::<Flex, 1>::from_primitive(TensorPrimitive::Float(x)).into_data().iter::<f32>().collect()
    };
    assert_eq!(a.shape(), b.shape());
    let (a, b) = (flat(a), flat(b));
    let scale = b.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    a.iter().zip(&b).for_each(|(a, b)| assert!((a - b).abs() < 1e-5 * scale, "{a} instead of {b}"));
}

#[test]
fn convolutions_agree() {
    let g = |stride, padding, dilation, groups| ConvGeometry { stride, padding, dilation, groups };
    for (x, w, g) in [
        ([3, 4, 9, 8], [6, 4, 3, 3], g([1, 1], [1, 1], [1, 1], 1)),
        ([2, 4, 9, 8], [6, 2, 3, 2], g([2, 1], [1, 0], [1, 2], 2)),
        ([2, 4, 9, 8], [4, 1, 3, 3], g([1, 1], [1, 1], [1, 1], 4)),
        ([18, 3, 5, 5], [4, 3, 1, 1], g([1, 1], [0, 0], [1, 1], 1)),
    ] {
        let (x, w) = (random(&x, 1), random(&w, 2));
        let y = Flex::convolve(x.clone(), w.clone(), g);
        near(y.clone(), composed::convolve::<Flex>(x.clone(), w.clone(), g));
        let dy = random(&y.shape()[..], 3);
        let dx = Flex::convolve_dx(x.clone(), w.clone(), dy.clone(), g);
        near(dx, composed::convolve_dx::<Flex>(x.clone(), w.clone(), dy.clone(), g));
        let dw = Flex::convolve_dw(x.clone(), w.clone(), dy.clone(), g);
        near(dw, composed::convolve_dw::<Flex>(x, w, dy, g));
    }
}

#[test]
fn maximum_pools_agree() {
    for (size, w) in [
        (
            [2, 3, 7, 5],
            PoolWindow { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], output: [4, 3] },
        ),
        (
            [2, 3, 8, 6],
            PoolWindow { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], output: [4, 3] },
        ),
        (
            [2, 3, 7, 7],
            PoolWindow { kernel: [3, 3], stride: [2, 2], padding: [1, 1], dilation: [1, 1], output: [4, 4] },
        ),
        (
            [2, 3, 7, 6],
            PoolWindow { kernel: [3, 2], stride: [3, 1], padding: [1, 1], dilation: [1, 2], output: [3, 6] },
        ),
    ] {
        let x = random(&size, 4);
        let (y, places) = Flex::max_pool(x.clone(), w);
        let (expected, other) = composed::max_pool::<Flex>(x.clone(), w);
        near(y.clone(), expected);
        let dy = random(&y.shape()[..], 5);
        let dx = Flex::max_pool_backward(x.clone(), places, dy.clone(), w);
        near(dx, composed::max_pool_backward::<Flex>(x, other, dy, w));
    }
}

#[test]
fn batch_norms_agree() {
    for shape in [[4, 3, 1], [3, 5, 35], [2, 2, 2100]] {
        let (x, weight, bias) = (random(&shape, 6), random(&shape[1..2], 7), random(&shape[1..2], 8));
        let (y, mean, variance) = Flex::batch_norm(x.clone(), weight.clone(), bias.clone(), 1e-5);
        let expected = composed::batch_norm::<Flex>(x.clone(), weight.clone(), bias, 1e-5);
        near(y, expected.0);
        near(mean.clone(), expected.1);
        near(variance.clone(), expected.2);
        let dy = random(&shape, 9);
        let statistics = (mean, variance);
        let (dx, dw, db) = Flex::batch_norm_backward(x.clone(), weight.clone(), statistics.clone(), dy.clone(), 1e-5);
        let expected = composed::batch_norm_backward::<Flex>(x, weight, statistics, dy, 1e-5);
        near(dx, expected.0);
        near(dw, expected.1);
        near(db, expected.2);
    }
}

#[test]
fn a_pool_hands_nan_on_and_prefers_the_first_of_equals() {
    let mut values = vec![1.0f32; 32];
    values[5] = f32::NAN;
    for w in [
        PoolWindow { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], output: [2, 4] },
        PoolWindow { kernel: [2, 2], stride: [1, 2], padding: [0, 0], dilation: [1, 1], output: [3, 4] },
    ] {
        let (y, places) = super::cpu::max_pool_plane(&values, 4, 8, &w);
        assert_eq!(y.iter().filter(|v| v.is_nan()).count(), 1, "{y:?}");
        assert_eq!(places[0], 0);
    }
}
