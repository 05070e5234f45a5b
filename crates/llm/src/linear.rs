//! A linear layer: dense or quantised base weight, optional bias, optional low-rank adapter (LoRA, arXiv 2106.09685).
//!
//! A quantised weight is used as it is for a few rows, and made dense for many rows and for gradients. It is always
//! frozen.

use crate::kernels;
use crate::matrix::{Matrix, Packed, add_product, multiply, rows_product};
use crate::quantised::Q8;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::sync::Arc;

/// Up to this many rows the quantised product is faster than making the weight dense first.
const QUANTISED_ROWS: usize = 24;

/// A weight of `out × in`.
#[derive(Debug, Clone)]
pub(crate) enum Weight {
    Dense(Matrix),
    Quantised(Arc<Q8>),
    /// For decoding alone, see [`Linear::packed`].
    Packed(Arc<Packed>),
}

impl Weight {
    /// `(out, in)`.
    pub(crate) fn dims(&self) -> (usize, usize) {
        match self {
            Self::Dense(w) => (w.rows, w.cols),
            Self::Quantised(q) => (q.rows, q.cols),
            Self::Packed(p) => (p.rows, p.cols),
        }
    }

    /// A dense weight packed for products with few rows, any other as it is.
    pub(crate) fn packed(&self) -> Weight {
        match self {
            Self::Dense(w) => Self::Packed(Arc::new(Packed::new(w))),
            other => other.clone(),
        }
    }

    /// Applies `f` to the weight as `f32`.
    pub(crate) fn with_dense<T>(&self, f: impl FnOnce(&Matrix) -> T) -> T {
        match self {
            Self::Dense(w) => f(w),
            Self::Quantised(q) => f(&q.to_dense()),
            Self::Packed(p) => f(&p.to_dense()),
        }
    }

    fn forward(&self, x: &Matrix, threads: usize) -> Matrix {
        match self {
            Self::Quantised(q) if x.rows <= QUANTISED_ROWS => q.product(x),
            _ => self.with_dense(|w| multiply(x.view(), w.t(), threads)),
        }
    }

    /// As `forward`, for few rows, with results of a row that do not depend on the other rows.
    pub(crate) fn few_rows(&self, x: &Matrix) -> Matrix {
        match self {
            Self::Dense(w) => rows_product(x, w),
            Self::Quantised(q) => q.product(x),
            Self::Packed(p) => p.product(x),
        }
    }
}

/// A low-rank update: `y += scale · B (A x)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lora {
    /// `rank × in`.
    pub(crate) a: Matrix,
    /// `out × rank`.
    pub(crate) b: Matrix,
    /// `alpha / rank`.
    pub(crate) scale: f32,
}

/// Dropout of an adapter's input: each element is kept with probability `1 − p` and then divided by it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropout {
    pub(crate) p: f32,
    pub(crate) seed: u64,
}

impl Dropout {
    /// `x` with its elements dropped. The same seed drops the same elements.
    fn apply(self, x: &Matrix) -> Matrix {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let limit = (self.p * 65_536.0) as u32;
        let keep = 1.0 / (1.0 - self.p);
        let mut bits = vec![0u8; 2 * x.data.len()];
        rng.fill_bytes(&mut bits);
        let mut y = x.clone();
        for (v, b) in y.data.iter_mut().zip(bits.chunks_exact(2)) {
            let drawn = u32::from(u16::from_le_bytes([b[0], b[1]]));
            *v = if drawn < limit { 0.0 } else { *v * keep };
        }
        y
    }
}

/// A linear layer.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    pub(crate) weight: Weight,
    pub(crate) bias: Option<Matrix>,
    pub(crate) lora: Option<Lora>,
}

/// Gradients of a layer's parameters, as far as they were asked for.
#[derive(Default)]
pub(crate) struct LinearGradients {
    pub(crate) weight: Option<Matrix>,
    pub(crate) bias: Option<Matrix>,
    pub(crate) lora: Option<(Matrix, Matrix)>,
}

/// Which parameters learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Learn {
    /// All weights of a dense model without adapter.
    Everything,
    /// The adapter alone.
    Adapter,
}

impl Linear {
    pub(crate) fn new(weight: Weight, bias: Option<Matrix>) -> Self {
        Self { weight, bias, lora: None }
    }

    /// The same layer for decoding: a dense weight packed, with its adapter added to it.
    pub(crate) fn packed(&self) -> Self {
        match (&self.weight, &self.lora) {
            (Weight::Dense(w), Some(lora)) => {
                let mut sum = w.clone();
                add_product(&mut sum, lora.b.view(), lora.a.view(), lora.scale, true, 1);
                Self { weight: Weight::Packed(Arc::new(Packed::new(&sum))), bias: self.bias.clone(), lora: None }
            }
            (weight, lora) => Self { weight: weight.packed(), bias: self.bias.clone(), lora: lora.clone() },
        }
    }

    /// For decoding: each row's result is independent of the others.
    pub(crate) fn decode(&self, x: &Matrix) -> Matrix {
        let mut y = self.weight.few_rows(x);
        if let Some(bias) = &self.bias {
            kernels::add_bias(&mut y, &bias.data);
        }
        if let Some(lora) = &self.lora {
            let mut update = rows_product(&rows_product(x, &lora.a), &lora.b);
            update.data.iter_mut().for_each(|v| *v *= lora.scale);
            kernels::add(&mut y.data, &update.data);
        }
        y
    }

    /// Also returns `A x` (after dropout), which the backward pass needs.
    pub(crate) fn forward(&self, x: &Matrix, dropout: Option<Dropout>, threads: usize) -> (Matrix, Option<Matrix>) {
        let mut y = self.weight.forward(x, threads);
        if let Some(bias) = &self.bias {
            kernels::add_bias(&mut y, &bias.data);
        }
        let Some(lora) = &self.lora else { return (y, None) };
        let z = match dropout {
            Some(d) => multiply(d.apply(x).view(), lora.a.t(), threads),
            None => multiply(x.view(), lora.a.t(), threads),
        };
        add_product(&mut y, z.view(), lora.b.t(), lora.scale, true, threads);
        (y, Some(z))
    }

    /// Adds the gradient with respect to `x` to `dx`, and returns those of the parameters.
    pub(crate) fn backward(
        &self,
        dx: &mut Matrix,
        dy: &Matrix,
        (x, z): (&Matrix, Option<&Matrix>),
        (learn, dropout): (Learn, Option<Dropout>),
        threads: usize,
    ) -> LinearGradients {
        let mut gradients = LinearGradients::default();
        self.weight.with_dense(|w| add_product(dx, dy.view(), w.view(), 1.0, true, threads));
        if learn == Learn::Everything {
            gradients.weight = Some(multiply(dy.t(), x.view(), threads));
            gradients.bias = self.bias.as_ref().map(|_| kernels::sum_rows(dy));
        }
        if let (Some(lora), Some(z)) = (&self.lora, z) {
            let mut dz = Matrix::zeros(z.rows, z.cols);
            add_product(&mut dz, dy.view(), lora.b.view(), lora.scale, false, threads);
            let mut db = Matrix::zeros(lora.b.rows, lora.b.cols);
            add_product(&mut db, dy.t(), z.view(), lora.scale, false, threads);
            let da = match dropout {
                Some(d) => {
                    let through = d.apply(&multiply(dz.view(), lora.a.view(), threads));
                    kernels::add_matrix(dx, &through);
                    multiply(dz.t(), d.apply(x).view(), threads)
                }
                None => {
                    add_product(dx, dz.view(), lora.a.view(), 1.0, true, threads);
                    multiply(dz.t(), x.view(), threads)
                }
            };
            gradients.lora = Some((da, db));
        }
        gradients
    }
}
