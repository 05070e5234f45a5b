//! Random tensors. Weights are drawn here in production, so the loops are tight.

use super::RefError;
use super::tensor::{Data, HostTensor};
use crate::prim::Distribution;
use crate::seed::{Draws, Seed};
use crate::types::{DType, TensorType};

/// A truncated normal value that has fallen outside the limits this often is put on the nearer one: the limits are
/// then so far out that the distribution is a spike there anyway.
const MAX_REDRAWS: usize = 1000;

/// Multiply-adds that orthogonalisation may take: some minutes of one core.
const MAX_ORTHOGONAL_MACS: u128 = 1 << 38;

pub(super) fn random(ty: &TensorType, distribution: Distribution, seed: &Seed) -> Result<HostTensor, RefError> {
    let mut draws = seed.draws();
    let n = ty.numel();
    match distribution {
        Distribution::Uniform { low, high } if ty.dtype == DType::F32 => {
            // Rounding to f32 must not reach the upper bound.
            let limit = if high > low { (high as f32).next_down().max(low as f32) } else { low as f32 };
            let span = high - low;
            let data = (0..n).map(|_| ((low + f64::from(draws.unit_f32()) * span) as f32).min(limit)).collect();
            Ok(HostTensor { ty: ty.clone(), data: Data::F32(data) })
        }
        Distribution::Uniform { low, high } => Ok(fill(ty, n, || draws.uniform(low, high))),
        Distribution::Normal { mean, std } if ty.dtype == DType::F32 => {
            let mut data = Vec::with_capacity(n + 1);
            while data.len() < n {
                let (a, b) = draws.normal_pair();
                data.push((mean + std * a) as f32);
                data.push((mean + std * b) as f32);
            }
            data.truncate(n);
            Ok(HostTensor { ty: ty.clone(), data: Data::F32(data) })
        }
        Distribution::Normal { mean, std } => Ok(fill(ty, n, || mean + std * draws.normal())),
        Distribution::TruncatedNormal { mean, std, a, b } => Ok(fill(ty, n, || truncated(&mut draws, mean, std, a, b))),
        Distribution::Bernoulli { p } => Ok(fill(ty, n, || f64::from(u8::from(draws.unit() < p)))),
        Distribution::Orthogonal { gain } => orthogonal(ty, gain, &mut draws),
        Distribution::Permutation => {
            let mut order: Vec<i64> = (0..n as i64).collect();
            draws.shuffle(&mut order);
            Ok(HostTensor::wrapped(ty.clone(), order))
        }
    }
}

fn fill(ty: &TensorType, n: usize, mut f: impl FnMut() -> f64) -> HostTensor {
    HostTensor::rounded(ty.clone(), (0..n).map(|_| f()).collect())
}

fn truncated(draws: &mut Draws, mean: f64, std: f64, a: f64, b: f64) -> f64 {
    let mut v = mean;
    for _ in 0..MAX_REDRAWS {
        v = mean + std * draws.normal();
        if (a..=b).contains(&v) {
            return v;
        }
    }
    v.max(a).min(b)
}

/// Orthonormal rows or columns, whichever are fewer, from a normal matrix. The factor R of Q·R has a positive
/// diagonal: that makes Q unique and uniformly distributed, and the same as in PyTorch's `orthogonal_` for the same
/// normal values.
fn orthogonal(ty: &TensorType, gain: f64, draws: &mut Draws) -> Result<HostTensor, RefError> {
    let rows = ty.shape.first().copied().unwrap_or(1);
    let cols = ty.shape.iter().skip(1).product::<usize>();
    let (short, long) = (rows.min(cols), rows.max(cols));
    if 4 * (short as u128) * (short as u128) * (long as u128) > MAX_ORTHOGONAL_MACS {
        return Err(RefError::TooLarge { what: format!("an orthogonal matrix of {rows}×{cols}") });
    }
    let normal: Vec<f64> = (0..rows * cols).map(|_| draws.normal()).collect();
    // The vectors to orthogonalise, each contiguous: rows of a wide matrix, columns of a tall one.
    let mut vectors: Vec<Vec<f64>> = (0..short)
        .map(|i| (0..long).map(|j| if rows <= cols { normal[i * cols + j] } else { normal[j * cols + i] }).collect())
        .collect();
    for i in 0..short {
        let (done, rest) = vectors.split_at_mut(i);
        let v = &mut rest[0];
        // Twice is enough for orthogonality to working precision.
        for _ in 0..2 {
            for u in done.iter() {
                let dot: f64 = u.iter().zip(v.iter()).map(|(a, b)| a * b).sum();
                v.iter_mut().zip(u).for_each(|(b, a)| *b -= dot * a);
            }
        }
        let norm = v.iter().map(|a| a * a).sum::<f64>().sqrt();
        if norm > 0.0 {
            v.iter_mut().for_each(|a| *a /= norm);
        }
    }
    let values = (0..rows * cols)
        .map(|k| {
            let (r, c) = (k / cols.max(1), k % cols.max(1));
            gain * if rows <= cols { vectors[r][c] } else { vectors[c][r] }
        })
        .collect();
    Ok(HostTensor::rounded(ty.clone(), values))
}
