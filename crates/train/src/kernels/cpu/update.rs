//! An optimiser's step in one pass over a parameter, its gradient and its moments, in place.

use super::isa::Isa;
use super::matrix::{Target, View, product};
use crate::optim::rule::{Formula, Rule, Visit};
use gemm::Parallelism;
use rayon::prelude::*;

/// Elements a task takes.
const PART: usize = 32 * 1024;
/// Rows and columns of a gradient that are multiplied out at once: they fit the second-level cache.
const BLOCK: (usize, usize) = (64, 1024);

/// A gradient of `N·K` elements as the product that it is: `dyᵀ·x` of `dy [m, N]` and `x [m, k]`.
pub(super) struct Product<'a> {
    pub(super) dy: &'a [f32],
    pub(super) x: &'a [f32],
    pub(super) m: usize,
    pub(super) k: usize,
}

/// Where the gradient comes from.
trait Source: Sync {
    /// Elements of one task.
    fn part(&self) -> usize;

    /// Calls `f` with gradients of task `i`, which has `n` elements, and where they begin in it.
    fn each(&self, i: usize, n: usize, f: impl FnMut(&[f32], usize));
}

impl Source for &[f32] {
    fn part(&self) -> usize {
        PART
    }

    fn each(&self, i: usize, n: usize, mut f: impl FnMut(&[f32], usize)) {
        f(&self[i * PART..][..n], 0);
    }
}

impl Source for Product<'_> {
    fn part(&self) -> usize {
        BLOCK.0 * self.k
    }

    fn each(&self, i: usize, n: usize, mut f: impl FnMut(&[f32], usize)) {
        let (rows, columns) = (n / self.k, self.dy.len() / self.m);
        let mut block = vec![0.0; rows * BLOCK.1.min(self.k)];
        for start in (0..self.k).step_by(BLOCK.1) {
            let width = BLOCK.1.min(self.k - start);
            let dy = View::columns(self.dy, columns).from(i * BLOCK.0, 0);
            let x = View::rows(self.x, self.k).from(0, start);
            let target = Target { data: &mut block, row: width, column: 1 };
            product(target, dy, x, [rows, width, self.m], Parallelism::None);
            for (r, gradient) in block.chunks_exact(width).take(rows).enumerate() {
                f(gradient, r * self.k + start);
            }
        }
    }
}

/// One pass: value, gradient, what the gradient is multiplied with, moments.
struct Pass<'a, G> {
    value: &'a mut [f32],
    gradient: G,
    factor: f32,
    moments: Vec<&'a mut [f32]>,
}

impl<G: Source> Visit for Pass<'_, G> {
    type Result = ();

    fn visit<const K: usize>(self, formula: impl Formula<K>) {
        let isa = Isa::best();
        let size = self.gradient.part();
        let mut moments: Vec<_> = self.moments.into_iter().map(|m| m.chunks_mut(size)).collect();
        let parts: Vec<(&mut [f32], [&mut [f32]; K])> = self
            .value
            .chunks_mut(size)
            .map(|value| (value, std::array::from_fn(|k| moments[k].next().unwrap_or_default())))
            .collect();
        parts.into_par_iter().enumerate().for_each(|(i, (value, mut moments))| {
            self.gradient.each(i, value.len(), |gradient, start| {
                let of = start..start + gradient.len();
                let value = &mut value[of.clone()];
                let mut moments = moments.each_mut().map(|m| &mut m[of.clone()]);
                isa.vectorised(
                    #[inline(always)]
                    || part(formula, value, gradient, self.factor, &mut moments),
                );
            });
        });
    }
}

#[inline(always)]
fn part<const K: usize>(
    formula: impl Formula<K>,
    value: &mut [f32],
    gradient: &[f32],
    factor: f32,
    moments: &mut [&mut [f32]; K],
) {
    let n = value.len();
    let gradient = &gradient[..n];
    // Slices of one length, so that no element is checked.
    let moments = moments.each_mut().map(|m| &mut m[..n]);
    for i in 0..n {
        let mut of_element: [f32; K] = std::array::from_fn(
            #[inline(always)]
            |k| moments[k][i],
        );
        value[i] = formula.apply(value[i], gradient[i] * factor, &mut of_element);
        for k in 0..K {
            moments[k][i] = of_element[k];
        }
    }
}

/// Updates value and moments, all of one length.
pub(super) fn update(rule: &Rule<'_>, value: &mut [f32], gradient: &[f32], factor: f32, moments: Vec<&mut [f32]>) {
    rule.with(Pass { value, gradient, factor, moments });
}

/// As [`update`]; the gradient is multiplied out block by block.
pub(super) fn by_product(
    rule: &Rule<'_>,
    value: &mut [f32],
    gradient: Product<'_>,
    factor: f32,
    moments: Vec<&mut [f32]>,
) {
    rule.with(Pass { value, gradient, factor, moments });
}
