//! Resizing: a linear map along each spatial dimension, so that every mode has one exact form in every runtime.
//!
//! Enlarging by whole factors and bilinear resizing are written as `Resize`, which is what other tools expect; all else as a
//! product with the matrix that the reference interpreter gives, or as a selection where values are only copied.

use super::builder::{Builder, Name};
use super::form::Operands;
use super::proto::Value;
use archsmith_ir::infer::{Program, Step};
use archsmith_ir::prim::{InterpolateMode, Prim};
use archsmith_ir::reference::{self, HostTensor};
use archsmith_ir::{Seed, TensorType, V};

/// The matrix `[size, out]` of a primitive on one spatial dimension.
fn matrix(prim: Prim, size: usize, out: usize) -> Option<Vec<f64>> {
    let mut identity = vec![0.0; size * size];
    (0..size).for_each(|i| identity[i * size + i] = 1.0);
    let (from, to) = (TensorType::f32([1, size, size]), TensorType::f32([1, size, out]));
    let program = Program {
        values: vec![from.clone(), to],
        inputs: vec![V(0)],
        state: Vec::new(),
        steps: vec![Step { prim, inputs: vec![V(0)], first_output: V(1), outputs: 1, node: None }],
        outputs: vec![V(1)],
    };
    let x = HostTensor::from_f64(from, identity)?;
    let y = reference::evaluate(&program, &[x], &mut [], &reference::Options::new(Seed::from_u64(0))).ok()?;
    Some(y.first()?.to_f64().into_owned())
}

/// The matrix of an adaptive average.
pub(super) fn adaptive_matrix(size: usize, out: usize) -> Option<Vec<f64>> {
    matrix(Prim::AdaptivePool { max: false, output: vec![out] }, size, out)
}

/// Applies a matrix `[size, out]` along each spatial dimension.
pub(super) fn separable(b: &mut Builder<'_>, x: &Operands<'_>, of: impl Fn(usize, usize) -> Option<Vec<f64>>) -> Name {
    let mut y = x.names[0].clone();
    let (rank, dtype) = (x.types[0].rank(), x.types[0].dtype);
    for d in (2..rank).rev() {
        let (size, out) = (x.shape(0)[d], x.out.shape[d]);
        let Some(m) = of(size, out) else { continue };
        let m = b.floats(dtype, &[size, out], m);
        if d + 1 == rank {
            y = b.op("MatMul", &[&y, &m]);
            continue;
        }
        let mut dims: Vec<usize> = (0..rank).collect();
        dims.swap(d, rank - 1);
        let turned = b.transpose(&y, &dims);
        let product = b.op("MatMul", &[&turned, &m]);
        y = b.transpose(&product, &dims);
    }
    y
}

pub(super) fn interpolate(b: &mut Builder<'_>, prim: &Prim, x: &Operands<'_>) -> Name {
    let Prim::Interpolate { size, mode, align_corners, scales } = prim else { return String::new() };
    let input = x.shape(0)[2..].to_vec();
    if input == *size && *mode != InterpolateMode::Cubic && scales.is_none() {
        return x.names[0].clone();
    }
    let along = |dim: usize| Prim::Interpolate {
        size: vec![size[dim]],
        mode: *mode,
        align_corners: *align_corners,
        scales: scales.as_ref().map(|s| vec![s[dim]]),
    };
    let whole = |i: usize| {
        size[i] % input[i].max(1) == 0
            && scales.as_ref().is_none_or(|s| s[i] == (size[i] / input[i].max(1)) as f64 || s[i] <= 0.0)
    };
    match mode {
        InterpolateMode::Nearest if (0..size.len()).all(whole) => {
            resize(b, x, "nearest", "asymmetric", vec![("nearest_mode", Value::Text("floor"))])
        }
        InterpolateMode::Nearest | InterpolateMode::NearestExact => {
            let mut y = x.names[0].clone();
            for (d, (&from, &to)) in input.iter().zip(size).enumerate() {
                // Each column of the matrix has a single 1: the sample that is copied.
                let Some(m) = matrix(along(d), from, to) else { continue };
                let source = |o: usize| (0..from).find(|&i| m[i * to + o] != 0.0).unwrap_or(0) as i64;
                let index: Vec<i64> = (0..to).map(source).collect();
                let index = b.ints(&index);
                y = b.node("Gather", &[&y, &index], vec![("axis", Value::Int(2 + d as i64))]);
            }
            y
        }
        InterpolateMode::Linear if size.len() == 2 && scales.is_none() => {
            resize(b, x, "linear", if *align_corners { "align_corners" } else { "half_pixel" }, Vec::new())
        }
        _ => {
            let dims = std::cell::Cell::new(size.len());
            separable(b, x, |from, to| {
                dims.set(dims.get() - 1);
                matrix(along(dims.get()), from, to)
            })
        }
    }
}

fn resize(
    b: &mut Builder<'_>,
    x: &Operands<'_>,
    mode: &'static str,
    coordinates: &'static str,
    mut more: Vec<(&'static str, Value)>,
) -> Name {
    let sizes: Vec<i64> = x.out.shape.iter().map(|&d| d as i64).collect();
    let sizes = b.ints(&sizes);
    more.insert(0, ("mode", Value::Text(mode)));
    more.push(("coordinate_transformation_mode", Value::Text(coordinates)));
    b.node("Resize", &[&x.names[0], "", "", &sizes], more)
}
